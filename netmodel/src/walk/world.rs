//! The nodes that a walk may cross: each with its own network namespace and those of its pods.
//!
//! A [`NsId`] names one namespace of one node. Which device of one namespace is wired to which of another is asked in `device/`.

use std::net::IpAddr;

use crate::state::Node;

/// A network namespace: of a node, or of one of its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NsId {
    /// Which node of the world, from 0.
    pub node: u32,
    /// Which of its pods, from 0 (an index into [`Node::pods`]); `None` for the node's own namespace.
    pub pod: Option<u32>,
}

impl NsId {
    /// The own namespace of a node.
    #[must_use]
    pub fn node(node: u32) -> Self {
        Self { node, pod: None }
    }
}

/// The nodes whose bundles are at hand. What lies between and around them is the outside, of which nothing is known.
#[derive(Debug)]
pub struct World<'n> {
    nodes: Vec<&'n Node>,
}

impl<'n> World<'n> {
    /// A world of these nodes; one bundle is enough.
    #[must_use]
    pub fn new(nodes: Vec<&'n Node>) -> Self {
        Self { nodes }
    }

    /// The nodes, in the order given.
    #[must_use]
    pub fn nodes(&self) -> &[&'n Node] {
        &self.nodes
    }

    /// The state of a namespace; `None` where there is no such namespace.
    #[must_use]
    pub fn ns(&self, id: NsId) -> Option<&'n Node> {
        let node = *self.nodes.get(id.node as usize)?;
        match id.pod {
            None => Some(node),
            Some(pod) => node.pods().get(pod as usize),
        }
    }

    /// All namespaces: each node's own, then its pods'.
    pub fn namespaces(&self) -> impl Iterator<Item = (NsId, &'n Node)> {
        (0u32..).zip(&self.nodes).flat_map(|(number, node)| {
            let pods = (0u32..).zip(node.pods()).map(move |(pod, state)| (NsId { node: number, pod: Some(pod) }, state));
            std::iter::once((NsId::node(number), *node)).chain(pods)
        })
    }

    /// The namespaces that have an address on a device of theirs, with the device's name. Namespaces whose links are not known do not count.
    pub fn owners(&self, addr: IpAddr) -> impl Iterator<Item = (NsId, &'n str)> {
        self.namespaces().filter_map(move |(id, state)| {
            let links = state.links().ok()?;
            let (link, _) = links.by_address(addr)?;
            Some((id, &*link.name))
        })
    }
}
