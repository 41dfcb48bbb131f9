//! What a bundle answers when it is asked for a capture: its text, or why there is none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capture::Format;
use crate::pasted::Origin;

/// The text of a capture.
#[derive(Clone, Debug)]
pub struct Text {
    /// The text. Bytes that are not UTF-8 were replaced by U+FFFD, line by line intact.
    pub body: Arc<str>,
    /// `None` when this is all that there was; else what is missing of it. What stands in a partial text is true, but what does
    /// not stand in it proves nothing.
    pub partial: Option<Partial>,
    /// Whether bytes had to be replaced because they were not UTF-8.
    pub lossy: bool,
    /// Whether no record says how it was taken: the manifest is lost, or silent on it. The text itself arrived whole and counts as
    /// such (the collector ended the entry, and its checksum is right), but a tool that failed half-way, or a capture that reached
    /// its cap, would have left the same.
    pub unrecorded: bool,
    /// In which form it is written: that of its capture, unless it was pasted.
    pub format: Format,
    /// Where its lines stood, for a text that was pasted.
    pub origin: Option<Arc<Origin>>,
}

/// Why a text is not the whole of what there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partial {
    /// The collector's cap on the size of a capture was reached.
    Truncated,
    /// The tool did not end in time and was stopped.
    TimedOut,
    /// The tool said that it failed.
    Failed {
        /// The exit status or the signal, in words.
        how: String,
        /// The first line of what it wrote to stderr.
        stderr: String,
    },
    /// The bundle is damaged here: the text breaks off, or is not the one that the collector wrote (checksum or digest are wrong).
    Damaged(String),
    /// It was pasted and does not show that it is whole: why.
    Pasted(String),
}

/// Why a capture is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The kind of reason.
    pub why: AbsentWhy,
    /// The reason in words: the path that is not there, the error of the system call, the tool's own message.
    pub detail: String,
}

/// The kinds of reasons why a capture is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AbsentWhy {
    /// No tool that could take it is on the node.
    ToolMissing,
    /// There is no such file or folder. For a configuration file that is a fact about the node, not a gap.
    NotFound,
    /// The kernel's subsystem is not there (module not loaded): to look would have loaded it.
    NotLoaded,
    /// Not allowed: not root, or a security module said no.
    PermissionDenied,
    /// It did not answer before its deadline, and gave nothing.
    TimedOut,
    /// It was tried and failed.
    Failed,
    /// It was left out on request.
    NotSelected,
    /// The collection ended before it was taken.
    NotReached,
    /// The collector that wrote the bundle did not know this capture yet.
    NotInThisVersion,
    /// The manifest is complete, but says nothing of this capture.
    NotRecorded,
    /// The bundle is damaged and its text is lost.
    Damaged,
    /// Outputs were pasted, and none of them shows it. No manifest says this.
    #[serde(skip)]
    NotGiven,
}

impl std::fmt::Display for AbsentWhy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ToolMissing => "tool missing",
            Self::NotFound => "not found",
            Self::NotLoaded => "not loaded",
            Self::PermissionDenied => "permission denied",
            Self::TimedOut => "timed out",
            Self::Failed => "failed",
            Self::NotSelected => "not selected",
            Self::NotReached => "not reached",
            Self::NotInThisVersion => "not in the collector's version",
            Self::NotRecorded => "not in the manifest",
            Self::Damaged => "damaged",
            Self::NotGiven => "not given",
        })
    }
}

/// The answer to the question for a capture.
#[derive(Clone, Debug)]
pub enum Content {
    /// It was taken.
    Text(Text),
    /// It was not.
    Absent(Absence),
}
