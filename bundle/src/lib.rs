//! The contract between the collector and the analyzer.
//!
//! A *bundle* is one zip file (or the same tree as a folder) that holds the raw text of every capture that was taken on a node,
//! and a manifest that says for each capture how it was taken or why it is absent. This crate is tiny because it runs as root
//! on the node. It knows no format of any capture: `netmodel` reads those.

mod capture;
mod content;
mod key;
mod manifest;
mod reader;
#[cfg(test)]
mod testing;
mod writer;

pub use capture::{Capture, Format, Multiplicity, Scope, Spec};
pub use content::{Absence, AbsentWhy, Content, Partial, Text};
pub use key::{Key, KeyError, Netns};
pub use manifest::{
    CaptureName, CollectorInfo, Exit, FORMAT, FormatVersion, How, Manifest, NetnsInfo, NodeIdentity, Outcome, Record, Span,
};
pub use reader::{Bundle, Damage, Limits, OpenError};
pub use writer::{BundleWriter, EntryWriter, Finished, WriteError, write_folder};
