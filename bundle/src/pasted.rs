//! Texts that nobody collected: outputs as people paste them into tickets, and where each of their lines stood.
//!
//! How such texts are found and told apart is `netmodel::loose`'s business; here is only how they stand in a [`Bundle`](crate::Bundle).

use std::sync::Arc;

use crate::capture::Format;
use crate::content::Partial;

/// Where the lines of a text stood in the files that were given.
///
/// A text may be put together from several places (`sysctl` called three times), each a run of consecutive lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `(first line in the text, file, that line in the file)`, in ascending order of the first.
    runs: Vec<(u32, Arc<str>, u32)>,
}

impl Origin {
    /// From line `text_line` of the text on (counted from 1), lines are those of `file` from its line `file_line` on. Runs are added
    /// in the text's order.
    pub fn push(&mut self, text_line: u32, file: Arc<str>, file_line: u32) {
        debug_assert!(self.runs.last().is_none_or(|(last, ..)| *last <= text_line), "runs are in the text's order");
        self.runs.push((text_line, file, file_line));
    }

    /// The file and the line in it of a line of the text (both counted from 1).
    #[must_use]
    pub fn place(&self, text_line: u32) -> Option<(&str, u32)> {
        let behind = self.runs.partition_point(|(first, ..)| *first <= text_line);
        let (first, file, line) = self.runs.get(behind.checked_sub(1)?)?;
        Some((file, line.saturating_add(text_line - first)))
    }

    /// The files, in order, each once in a row.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let file = |i: usize| self.runs.get(i).map(|(_, file, _)| &**file);
        self.runs
            .iter()
            .enumerate()
            .map(|(i, (_, f, _))| (i, &**f))
            .filter(move |(i, f)| *i == 0 || file(i - 1) != Some(f))
            .map(|(_, f)| f)
    }
}

/// What is known of a pasted text, beside the text itself.
#[derive(Clone, Debug)]
pub struct Pasted {
    /// Where its lines stood.
    pub origin: Arc<Origin>,
    /// In which form it is written; people paste other forms than the collector takes.
    pub format: Format,
    /// Why it may not be the whole; `None` only where the text itself shows both its begin and its end.
    pub partial: Option<Partial>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_knows_its_file() {
        let mut origin = Origin::default();
        assert_eq!(origin.place(1), None);
        origin.push(1, "a.txt".into(), 10);
        origin.push(4, "a.txt".into(), 90);
        origin.push(6, "b.txt".into(), 1);
        assert_eq!(origin.place(3), Some(("a.txt", 12)));
        assert_eq!(origin.place(4), Some(("a.txt", 90)));
        assert_eq!(origin.place(7), Some(("b.txt", 2)));
        assert_eq!(origin.files().collect::<Vec<_>>(), ["a.txt", "b.txt"]);
    }
}
