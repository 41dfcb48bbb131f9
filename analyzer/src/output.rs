//! Where reports go: stdout with or without colour, or a file.
//!
//! A report is made whole, then written at once, so that a half report never passes for a whole one. The records of a capture are
//! written as they are made: a document that was broken off is no JSON, so it does not pass for a whole one either.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use crate::exit::Stop;
use crate::sanitize;

/// Writes a report, with ANSI styles in it, to stdout (which keeps them where it is a terminal and NO_COLOR is not set) or to a
/// file, never with styles.
pub(crate) fn write(text: &str, file: Option<&Path>) -> Result<(), Stop> {
    match file {
        None => {
            let mut stdout = anstream::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| Stop::stdout(&e))
        }
        Some(path) => std::fs::write(path, anstream::adapter::strip_str(text).to_string()).map_err(|e| {
            Stop::error(format_args!("cannot write {}: {e}", path.display().to_string().escape_debug()))
                .help("name another file with --output, or leave it out to print the report")
        }),
    }
}

/// Writes bytes to stdout as they are.
pub(crate) fn write_raw(text: &str) -> Result<(), Stop> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| Stop::stdout(&e))
}

/// Writes a document to stdout as it is serialised, made harmless as [`sanitize::json`] does it.
pub(crate) fn stream_json(document: &impl serde::Serialize) -> Result<(), Stop> {
    let mut out = Harmless { lines: Vec::new(), out: io::stdout().lock() };
    let written = serde_json::to_writer_pretty(&mut out, document).map_err(io::Error::from);
    written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).map_err(|e| Stop::stdout(&e))
}

/// A writer of JSON that takes the bite out of whole lines: a character may come in parts, a line of pretty JSON ends soon.
struct Harmless<W> {
    lines: Vec<u8>,
    out: W,
}

/// So much is held back at most before whole lines are written.
const HELD_BACK: usize = 1 << 16;

impl<W: Write> Harmless<W> {
    fn pass(&mut self, end: usize) -> io::Result<()> {
        let rest = self.lines.split_off(end);
        let lines = std::mem::replace(&mut self.lines, rest);
        self.out.write_all(sanitize::json(&String::from_utf8_lossy(&lines)).as_bytes())
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.extend_from_slice(bytes);
        if self.lines.len() > HELD_BACK
            && let Some(end) = self.lines.iter().rposition(|&b| b == b'\n')
        {
            self.pass(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.lines.len())?;
        self.out.flush()
    }
}

/// Whether a person looks at stdout.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Columns that a report may fill: the terminal's, between 60 and 120, and 100 where there is none, so that a file does not depend on
/// the window it was made in.
pub(crate) fn width(file: Option<&Path>) -> usize {
    let terminal = if file.is_none() && is_terminal() { terminal_size::terminal_size() } else { None };
    terminal.map_or(100, |(width, _)| usize::from(width.0).clamp(60, 120))
}
