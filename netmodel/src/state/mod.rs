//! Records to a typed node: every accessor parses its captures at the first call, once, and says [`Missing`] where they are absent.

pub mod netfilter;

use std::sync::OnceLock;

use bundle::{Bundle, Capture, Content, Key, Netns};

use crate::parse::Parsed;
use crate::source::{Missing, Source};

/// A node, as its bundle shows it.
#[derive(Debug)]
pub struct Node {
    bundle: Bundle,
    netfilter: netfilter::NetfilterCells,
}

impl Node {
    /// The node that a bundle shows. Nothing is parsed yet.
    #[must_use]
    pub fn new(bundle: Bundle) -> Self {
        Self { bundle, netfilter: netfilter::NetfilterCells::default() }
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.bundle.manifest().node.name
    }

    /// The text of a capture of the node's own namespace that exists once.
    ///
    /// # Errors
    /// [`Missing`] when it is absent.
    pub fn source(&self, capture: Capture) -> Result<Source, Missing> {
        self.source_of(&Key::node(capture))
    }

    /// The text of any capture.
    ///
    /// # Errors
    /// [`Missing`] when it is absent.
    pub fn source_of(&self, key: &Key) -> Result<Source, Missing> {
        match self.bundle.get(key) {
            Content::Text(text) => Ok(Source { key: key.clone(), text: text.body, partial: text.partial }),
            Content::Absent(absence) => Err(Missing::absent(key, &absence)),
        }
    }

    /// The texts of a family, in order of their instance.
    pub fn sources(&self, capture: Capture) -> Vec<Source> {
        self.bundle.instances(Netns::Node, capture).filter_map(|key| self.source_of(key).ok()).collect()
    }
}

/// A capture that was parsed: its source, what was understood, and what was not.
#[derive(Debug)]
pub struct Doc<T> {
    /// The text.
    pub source: Source,
    /// What was understood and what was not.
    pub parsed: Parsed<T>,
}

impl<T> std::ops::Deref for Doc<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.parsed.value
    }
}

/// A cell of a node: empty until the first question, then a document or the reason why there is none.
#[derive(Debug)]
pub struct Cell<T>(OnceLock<Result<T, Missing>>);

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Cell<T> {
    /// The content, made at the first call.
    ///
    /// # Errors
    /// [`Missing`], the same at each call.
    pub fn get(&self, make: impl FnOnce() -> Result<T, Missing>) -> Result<&T, Missing> {
        self.0.get_or_init(make).as_ref().map_err(Clone::clone)
    }
}
