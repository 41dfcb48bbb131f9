//! Everything of a bundle that was not understood.

use super::{Doc, Node};
use crate::family::Family;
use crate::source::{Missing, Problem, Source};
use crate::state::netfilter::Backend;

impl Node {
    /// Parses every capture that this version has a parser for, and gives the problems of each that has some, in catalogue order.
    /// A capture that is absent has none.
    pub fn problems(&self) -> Vec<(&Source, &[Problem])> {
        let mut all = Vec::new();
        push(&mut all, self.sysctls());
        push(&mut all, self.links().map(super::links::Links::doc));
        for family in Family::ALL {
            push(&mut all, self.routes(family).map(super::routes::Routes::doc));
            push(&mut all, self.policy_rules(family));
        }
        push(&mut all, self.neighbours());
        push(&mut all, self.nexthops());
        push(&mut all, self.fdb());
        push(&mut all, self.bridge_ports());
        for backend in Backend::ALL {
            for family in Family::ALL {
                push(&mut all, self.iptables(backend, family));
            }
        }
        push(&mut all, self.nft());
        push(&mut all, self.ipsets());
        push(&mut all, self.ipvs());
        push(&mut all, self.conntrack());
        push(&mut all, self.conntrack_stats());
        push(&mut all, self.tables_full());
        push(&mut all, self.resolv_conf());
        push(&mut all, self.resolved_upstreams());
        push(&mut all, self.modules());
        push(&mut all, self.modules_builtin());
        push(&mut all, self.flannel_subnet_env());
        push(&mut all, self.flannel_net_conf());
        for doc in self.cni_configs() {
            push(&mut all, Ok(doc));
        }
        for doc in self.kube_proxy_configs() {
            push(&mut all, Ok(doc));
        }
        for doc in self.kube_cmdlines().iter().chain(self.static_pod_flags()) {
            push(&mut all, Ok(doc));
        }
        all
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what every accessor gives")]
fn push<'n, T>(all: &mut Vec<(&'n Source, &'n [Problem])>, doc: Result<&'n Doc<T>, Missing>) {
    if let Ok(doc) = doc
        && !doc.parsed.problems.is_empty()
    {
        all.push((&doc.source, &doc.parsed.problems));
    }
}
