//! The manifest: what a bundle is, and for each capture how it was taken or why it is absent.
//!
//! A bundle begins with `begin.json` (a [`Manifest`] without records, so that a bundle whose end was lost still says whose it is)
//! and ends with `manifest.json`.

use serde::{Deserialize, Serialize};

use crate::capture::Capture;
use crate::content::AbsentWhy;
use crate::key::{Key, Netns};

/// A version of the bundle's format.
///
/// A newer analyzer reads every older bundle. A bundle with a newer `major` is refused; one with a newer `minor` is read with a
/// warning, and what is not known of it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FormatVersion {
    /// Changes when an older analyzer would misread the bundle.
    pub major: u16,
    /// Changes when something was added.
    pub minor: u16,
}

/// The version that this crate writes.
pub const FORMAT: FormatVersion = FormatVersion { major: 1, minor: 0 };

impl std::fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The first and the last entry of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// The format's version. It stands first, so that it can be read whatever follows.
    pub format: FormatVersion,
    /// What wrote the bundle.
    pub collector: CollectorInfo,
    /// Which node it shows.
    pub node: NodeIdentity,
    /// When the collection began, RFC 3339 with the node's offset from UTC.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub started_at: time::OffsetDateTime,
    /// When it ended; absent in `begin.json` and where the end was lost.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub finished_at: Option<time::OffsetDateTime>,
    /// Why the collection was cut short (a signal, the overall deadline), if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
    /// The network namespaces of pods that were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub netns: Vec<NetnsInfo>,
    /// One record for each capture that was taken or tried, in catalogue order.
    #[serde(default)]
    pub captures: Vec<Record>,
}

/// What wrote a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CollectorInfo {
    /// The program's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it ran as root (effective user id 0).
    pub root: bool,
}

/// Which node a bundle shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeIdentity {
    /// The host name, as the kernel has it.
    pub name: String,
    /// The kernel's release (`uname -r`).
    pub kernel: String,
    /// The machine's architecture (`uname -m`).
    pub arch: String,
    /// /proc/sys/kernel/random/boot_id: differs after each boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// SHA-256 of `coldpath:` and /etc/machine-id, in hex: tells machines apart without giving away the id, which
    /// machine-id(5) asks to keep confidential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id_sha256: Option<String>,
}

/// A network namespace of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetnsInfo {
    /// Its number: its captures stand below `pods/NUMBER/`.
    pub number: u32,
    /// The inode of the namespace in nsfs.
    pub inode: u64,
    /// The pod's name, where it could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// How the namespace and its name were found.
    pub found_by: String,
}

/// A capture's name as it stands in a manifest: perhaps one that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct CaptureName(pub String);

impl CaptureName {
    /// The capture, if this version knows it.
    #[must_use]
    pub fn known(&self) -> Option<Capture> {
        Capture::from_name(&self.0)
    }
}

impl From<Capture> for CaptureName {
    fn from(capture: Capture) -> Self {
        Self(capture.name().to_owned())
    }
}

/// What is known of one capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// What was captured.
    pub capture: CaptureName,
    /// The number of the pod's network namespace; absent for the node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<u32>,
    /// Which one of a family: an interface, a file, a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// How it was taken, or would have been.
    pub how: How,
    /// When it began and how long it took.
    #[serde(flatten)]
    pub span: Span,
    /// What came of it.
    pub outcome: Outcome,
}

/// When a capture was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// Milliseconds from the collection's start.
    pub start_ms: u64,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// How a capture was taken, or would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum How {
    /// The collector asked the kernel itself; says by which interface.
    Native(String),
    /// A file (or folder) was read; its path on the node.
    File(String),
    /// A tool was run; its arguments, the first being its absolute path.
    Command(Vec<String>),
    /// There was no way to take it.
    None,
}

/// How a tool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// What came of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// There is a text (perhaps an empty one).
    Taken {
        /// Its size in bytes, before compression.
        bytes: u64,
        /// Its SHA-256 in hex.
        sha256: String,
        /// Whether the cap on its size cut it off.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
        /// Whether the tool was ended at its deadline.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        timed_out: bool,
        /// How the tool ended, where one was run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<Exit>,
        /// What it wrote to stderr (or what the native reader could not read), capped.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stderr: String,
    },
    /// There is none.
    Absent {
        /// The kind of reason.
        why: AbsentWhy,
        /// The reason in words.
        detail: String,
    },
}

/// The JSON Schema of `manifest.json` and `begin.json`, indented, as it stands in `docs/manifest.schema.json`.
///
/// It describes what this version writes; a newer minor version may add fields, captures and outcomes.
#[cfg(feature = "schema")]
#[must_use]
pub fn manifest_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Manifest)).expect("a schema is plain JSON");
    text.push('\n');
    text
}

impl Record {
    /// The key of this record, if this version knows the capture.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        let netns = self.pod.map_or(Netns::Node, Netns::Pod);
        Some(Key { netns, capture: self.capture.known()?, instance: self.instance.clone() })
    }
}
