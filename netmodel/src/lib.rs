//! What a node's network is: text to records (`parse`), records to a typed node (`state`), a packet's way through it (`walk`).
//!
//! This crate reads no file and no clock and prints nothing: a [`Node`] is made from an opened bundle. Everything is parsed at the
//! first question and once. Whatever cannot be answered is a [`Missing`], never a default.

pub mod family;
pub mod loose;
pub mod parse;
pub mod records;
pub mod source;
pub mod state;
pub mod walk;

pub use family::Family;
pub use source::{At, Evidence, Fact, Missing, Problem, Source};
pub use state::Node;
