//! The contract between the collector and the analyzer.
//!
//! A *bundle* is one zip file (or the same tree as a folder) that holds the raw text of every capture that was taken on a node,
//! and a manifest that says for each capture how it was taken or why it is absent. This crate is tiny because it runs as root
//! on the node. It knows no format of any capture: `netmodel` reads those.
//!
//! ```text
//! begin.json                               a manifest without records: whose bundle it is, even if the end is lost
//! node/sysctl.txt                          a capture of the node's own network namespace, or of the machine
//! node/ethtool-features/eth0               one of a family: an interface, percent-encoded where need be,
//! node/sysctl-d/etc/sysctl.d/99-k8s.conf   a file, below its own path,
//! node/kube-cmdline/kubelet[812]           a process
//! pods/1/ip-addr.json                      the same of a pod's namespace, by its number in the manifest
//! manifest.json                            the manifest: one record a capture, taken or absent
//! ```
//!
//! Which captures there are says [`Capture`]; where each stands, [`Key::path`]; what is recorded, [`Manifest`]. The collector
//! writes with [`BundleWriter`], the analyzer reads with [`Bundle`], which answers each question for a [`Key`] with a text or
//! the reason why there is none ([`Content`]). For people the same stands in `docs/bundle.md`.

mod capture;
mod content;
mod key;
mod manifest;
mod pasted;
mod reader;
#[cfg(test)]
mod testing;
mod writer;

pub use capture::{Capture, Format, Multiplicity, Scope, Spec};
pub use content::{Absence, AbsentWhy, Content, Partial, Text};
pub use key::{Key, KeyError, Netns};
#[cfg(feature = "schema")]
pub use manifest::manifest_schema;
pub use manifest::{
    CaptureName, CollectorInfo, Exit, FORMAT, FormatVersion, How, Manifest, NetnsInfo, NodeIdentity, Outcome, Record, Span,
};
pub use pasted::{Origin, Pasted};
pub use reader::{Bundle, Damage, Limits, OpenError};
pub use writer::{BundleWriter, EntryWriter, Finished, WriteError, write_folder};
