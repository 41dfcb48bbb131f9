//! Where reports go: stdout with or without colour, or a file.
//!
//! A report is made whole, then written at once, so that a half report never passes for a whole one.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use crate::exit::Stop;

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
