//! Records to a typed node: every accessor parses its captures at the first call, once, and says [`Missing`] where they are absent.

mod cells;
pub mod conntrack;
pub mod counters;
pub mod disagree;
pub mod dns;
pub(crate) mod forms;
pub mod ipsets;
pub mod ipvs;
pub mod kube;
pub mod links;
pub mod modules;
pub mod neighbours;
pub mod netfilter;
pub mod persist;
pub mod pod_network;
pub mod policy;
pub mod problems;
pub mod routes;
pub mod services;
pub mod sockets;
pub mod sysctls;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::{Arc, OnceLock};

use bundle::{Bundle, Capture, Content, Key, Netns, NetnsInfo, Scope};

use crate::parse::Parsed;
use crate::source::{At, Fact, Missing, Source};

/// A node, as its bundle shows it; or one of its pods, which is the same with another network namespace: links, routes, rules and
/// sysctls are the pod's, files and modules the machine's.
#[derive(Debug)]
pub struct Node {
    bundle: Arc<Bundle>,
    netns: Netns,
    pods: OnceLock<Vec<Node>>,
    cells: cells::Cells,
    netfilter: netfilter::NetfilterCells,
}

impl Node {
    /// The node that a bundle shows. Nothing is parsed yet.
    #[must_use]
    pub fn new(bundle: Bundle) -> Self {
        Self::in_netns(Arc::new(bundle), Netns::Node)
    }

    fn in_netns(bundle: Arc<Bundle>, netns: Netns) -> Self {
        let (cells, netfilter) = (cells::Cells::default(), netfilter::NetfilterCells::default());
        Self { bundle, netns, pods: OnceLock::new(), cells, netfilter }
    }

    /// The namespaces of pods that the bundle holds, in order of their numbers; empty for a pod itself.
    pub fn pods(&self) -> &[Self] {
        self.pods.get_or_init(|| {
            if self.netns != Netns::Node {
                return Vec::new();
            }
            let pods = self.bundle.manifest().netns.iter().map(|info| Netns::Pod(info.number));
            pods.map(|netns| Self::in_netns(Arc::clone(&self.bundle), netns)).collect()
        })
    }

    /// Which namespace this is.
    #[must_use]
    pub fn netns(&self) -> Netns {
        self.netns
    }

    /// What the manifest says of this namespace; `None` for the node's own.
    #[must_use]
    pub fn netns_info(&self) -> Option<&NetnsInfo> {
        self.bundle.manifest().netns.iter().find(|info| Netns::Pod(info.number) == self.netns)
    }

    /// The key of a capture that exists once: of this namespace, or of the machine.
    #[must_use]
    pub fn key(&self, capture: Capture) -> Key {
        let netns = if capture.spec().scope == Scope::Machine { Netns::Node } else { self.netns };
        Key { netns, capture, instance: None }
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

    /// The text of a capture that exists once, of this namespace or of the machine.
    ///
    /// # Errors
    /// [`Missing`] when it is absent.
    pub fn source(&self, capture: Capture) -> Result<Source, Missing> {
        self.source_of(&self.key(capture))
    }

    /// The text of any capture.
    ///
    /// # Errors
    /// [`Missing`] when it is absent.
    pub fn source_of(&self, key: &Key) -> Result<Source, Missing> {
        match self.bundle.get(key) {
            Content::Text(text) => Ok(Source::of(key, text)),
            Content::Absent(absence) => Err(Missing::absent(key, &absence)),
        }
    }

    /// A capture that exists once, parsed.
    fn doc<T>(&self, capture: Capture, parse: impl FnOnce(&str) -> Parsed<T>) -> Result<Doc<T>, Missing> {
        Ok(Doc::new(self.source(capture)?, parse))
    }

    /// A capture that exists once, parsed by a parser that looks at the form.
    fn doc_by<T>(&self, capture: Capture, parse: impl FnOnce(&Source) -> Parsed<T>) -> Result<Doc<T>, Missing> {
        let source = self.source(capture)?;
        let parsed = parse(&source);
        Ok(Doc { source, parsed })
    }

    /// The same, of a capture some forms of which tell too little.
    fn doc_if<T>(&self, capture: Capture, parse: impl FnOnce(&Source) -> Result<Parsed<T>, Missing>) -> Result<Doc<T>, Missing> {
        let source = self.source(capture)?;
        let parsed = parse(&source)?;
        Ok(Doc { source, parsed })
    }

    /// A family's texts, parsed, in order of their instance.
    fn docs<T>(&self, capture: Capture, parse: impl Fn(&str) -> Parsed<T>) -> Vec<Doc<T>> {
        self.sources(capture).into_iter().map(|source| Doc::new(source, &parse)).collect()
    }

    /// The texts of a family, in order of their instance.
    pub fn sources(&self, capture: Capture) -> Vec<Source> {
        self.bundle.instances(self.key(capture).netns, capture).filter_map(|key| self.source_of(key).ok()).collect()
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

impl<T> Doc<T> {
    /// Parses a source.
    #[must_use]
    pub fn new(source: Source, parse: impl FnOnce(&str) -> Parsed<T>) -> Self {
        let parsed = parse(&source.text);
        Self { source, parsed }
    }

    /// A fact of this document.
    pub fn fact<U>(&self, value: U, at: At) -> Fact<'_, U> {
        Fact { value, source: &self.source, at }
    }

    /// The text at a position.
    #[must_use]
    pub fn text(&self, at: At) -> &str {
        self.source.at(at)
    }

    /// Something is needed that only the whole capture, fully understood, can prove: that a thing is *not* there.
    ///
    /// # Errors
    /// [`Missing`] when the text is not whole or a part of it was not understood.
    pub fn complete(&self) -> Result<(), Missing> {
        self.source.whole()?;
        match self.parsed.problems.first() {
            None => Ok(()),
            Some(problem) => Err(Missing::new(
                &self.source.key,
                format!("all of {}", self.source.key.capture.name()),
                format!("line {} was not understood: {}", problem.at.line, problem.what),
            )),
        }
    }
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
        self.get_or_why(make).map_err(Clone::clone)
    }

    /// The same, with the reason as it lies here.
    pub(crate) fn get_or_why(&self, make: impl FnOnce() -> Result<T, Missing>) -> Result<&T, &Missing> {
        self.0.get_or_init(make).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing;

    #[test]
    fn a_pod_has_its_own_links_and_the_machines_files() {
        let pod = |capture| Key { netns: Netns::Pod(7), capture, instance: None };
        let texts = [
            (Key::node(Capture::IpAddr), r#"[{"ifindex":1,"ifname":"host0","flags":[],"mtu":1500}]"#),
            (pod(Capture::IpAddr), r#"[{"ifindex":2,"ifname":"eth0","link_index":9,"flags":[],"mtu":1450}]"#),
            (Key::node(Capture::Modules), "br_netfilter 1 0 - Live 0x0\n"),
        ];
        let node = testing::with_pods(texts.map(|(key, text)| (key, text.to_owned())).to_vec(), Vec::new(), &[7]);
        let [pod] = node.pods() else { panic!("one pod") };
        assert_eq!(pod.links().expect("links").by_name("eth0").and_then(|l| l.lower_index), Some(9));
        assert!(pod.links().expect("links").by_name("host0").is_none());
        assert!(pod.modules().is_ok(), "modules are the machine's");
        assert!(pod.ipsets().is_err(), "the node's own sets are not the pod's");
        assert_eq!(pod.pods().len(), 0);
    }
}
