//! What is worked out once for a node's rulesets: the base chains of each hook in the kernel's order, what is missing, and the index of
//! each long chain.

use std::sync::OnceLock;

use crate::family::Family;
use crate::parse::iptables::{Policy, TableKind};
use crate::parse::nft;
use crate::source::Missing;
use crate::state::Node;
use crate::state::netfilter::Backend;
use crate::walk::netfilter::dispatch::Dispatch;
use crate::walk::netfilter::engine::ChainRef;
use crate::walk::netfilter::hook::Hook;
use crate::walk::netfilter::passage::HookPoint;
use crate::walk::netfilter::rulesets::nft_base;

/// What is worked out for a node, as far as it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    families: [OnceLock<Plan>; 2],
    /// The indices of chains, by back end and family.
    iptables: [OnceLock<Dispatches>; 4],
    nft: OnceLock<Dispatches>,
}

/// The index of each chain of a ruleset, made when the chain is first run; none for chains in which it would not help.
#[derive(Debug)]
pub(super) struct Dispatches(Vec<OnceLock<Option<Box<Dispatch>>>>);

impl Dispatches {
    fn new(chains: usize) -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(chains).collect())
    }

    /// The index of a chain.
    pub(super) fn get(&self, chain: u32, make: impl FnOnce() -> Option<Box<Dispatch>>) -> Option<&Dispatch> {
        self.0.get(chain as usize)?.get_or_init(make).as_deref()
    }
}

/// A base chain on a hook.
#[derive(Debug)]
pub(super) struct BaseChain {
    pub(super) chain: ChainRef,
    /// When it runs.
    pub(super) prio: i32,
    /// Its own priority, which only orders nat chains among each other.
    own: i32,
    pub(super) nat: bool,
    /// What its end does: true accepts; `None` is not known.
    pub(super) accepts: Option<bool>,
    /// At the ingress or egress of devices: of which; empty where the capture does not say (nft's JSON does not).
    pub(super) devices: Vec<nft::Name>,
}

/// The base chains that see packets of one family.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Whether a back end's ruleset is there.
    pub(super) iptables: [bool; 2],
    /// Whether the native one is.
    pub(super) nft: bool,
    ip: [Vec<BaseChain>; 5],
    bridge: [Vec<BaseChain>; 5],
    ingress: Vec<BaseChain>,
    egress: Vec<BaseChain>,
    /// Base chains at the ingress of devices that may stop packets.
    pub(super) ingress_gates: Vec<ChainRef>,
    /// The same at their egress.
    pub(super) egress_gates: Vec<ChainRef>,
    gaps: Vec<Missing>,
    /// How many of the gaps are those of the native ruleset; they stand at the end.
    native_gaps: usize,
}

impl Plans {
    pub(super) fn of(node: &Node, family: Family) -> &Plan {
        node.plans().families[usize::from(family == Family::V6)].get_or_init(|| Plan::new(node, family))
    }

    pub(super) fn iptables(&self, backend: Backend, family: Family, chains: usize) -> &Dispatches {
        let index = usize::from(backend == Backend::Nft) * 2 + usize::from(family == Family::V6);
        self.iptables[index].get_or_init(|| Dispatches::new(chains))
    }

    pub(super) fn nft(&self, chains: usize) -> &Dispatches {
        self.nft.get_or_init(|| Dispatches::new(chains))
    }
}

impl Plan {
    /// The base chains at a point, in the order in which the kernel runs them.
    pub(super) fn bases(&self, at: HookPoint) -> &[BaseChain] {
        match at {
            HookPoint::Ip(hook) => &self.ip[hook as usize],
            HookPoint::Bridge(hook) => &self.bridge[hook as usize],
            HookPoint::Ingress => &self.ingress,
            HookPoint::Egress => &self.egress,
        }
    }

    /// What is missing of the rulesets that hang at a point.
    pub(super) fn gaps(&self, at: HookPoint) -> &[Missing] {
        match at {
            HookPoint::Ip(_) => &self.gaps,
            _ => &self.gaps[self.gaps.len() - self.native_gaps..],
        }
    }

    fn new(node: &Node, family: Family) -> Self {
        let mut plan = Self::default();
        for (i, backend) in Backend::ALL.into_iter().enumerate() {
            let doc = match node.iptables(backend, family) {
                Ok(doc) => doc,
                Err(missing) => {
                    plan.gaps.push(missing);
                    continue;
                }
            };
            plan.iptables[i] = true;
            plan.gaps.extend(doc.source.whole().err());
            if let Some(table) = doc.tables.iter().find(|t| !t.committed || t.kind == TableKind::Unknown) {
                let why = format!("table at line {} is not whole or not named", table.at.line);
                plan.gaps.push(Missing::new(&doc.source.key, "the rules", why));
            }
            if doc.listing {
                let why = "a listing shows one table, and not the others";
                plan.gaps.push(Missing::new(&doc.source.key, "all tables", why));
            }
            for hook in Hook::ALL {
                plan.add_iptables(node, backend, family, hook);
            }
        }
        let before = plan.gaps.len();
        match node.nft().and_then(|doc| Ok((doc, node.nft_index()?))) {
            Ok((doc, index)) => {
                plan.nft = true;
                plan.gaps.extend(doc.source.whole().err());
                if let Some(gap) = index.gap() {
                    let why = format!("line {} was not understood: {}", gap.at.line, gap.what);
                    plan.gaps.push(Missing::new(&doc.source.key, "the whole ruleset", why));
                }
                plan.add_nft(node, family, doc, index);
            }
            Err(missing) => plan.gaps.push(missing),
        }
        plan.native_gaps = plan.gaps.len() - before;
        for bases in plan.ip.iter_mut().chain(&mut plan.bridge).chain([&mut plan.ingress, &mut plan.egress]) {
            // Stable. At equal priority the order of registration decides, which no capture shows: legacy, iptables-nft, native.
            bases.sort_by_key(|b| (b.prio, b.own));
        }
        plan
    }

    /// The built-in chains of iptables on a hook (linux/netfilter_ipv4.h for their priorities).
    fn add_iptables(&mut self, node: &Node, backend: Backend, family: Family, hook: Hook) {
        let Ok(doc) = node.iptables(backend, family) else { return };
        for kind in [TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter, TableKind::Security] {
            let chain = doc.table(kind).and_then(|t| doc.chain(&doc.source.text, t, hook.chain()));
            let Some(chain) = chain else { continue };
            let accepts = match doc.chains.get(chain.0 as usize).map(|c| c.policy) {
                Some(Policy::Accept) => Some(true),
                Some(Policy::Drop) => Some(false),
                _ => None,
            };
            let prio = match kind {
                TableKind::Raw => -300,
                TableKind::Mangle => -150,
                TableKind::Nat => nat_priority(hook),
                TableKind::Security => 50,
                TableKind::Filter | TableKind::Unknown => 0,
            };
            let chain = ChainRef::Iptables(backend, chain);
            let nat = kind == TableKind::Nat;
            self.ip[hook as usize].push(BaseChain { chain, prio, own: prio, nat, accepts, devices: Vec::new() });
        }
    }

    /// Native base chains of one's own family and of inet, of bridges and of devices. A table whose dormancy is not readable (`nft -j` of
    /// 1.0.6 prints garbage for flags) counts as active: dormant tables are rare, and to leave out one that filters would be the worse
    /// mistake.
    fn add_nft(&mut self, node: &Node, family: Family, doc: &nft::Ruleset, index: &nft::index::Index) {
        for (id, chain, base) in doc.base_chains() {
            let Some(table) = doc.table_record(chain.table) else { continue };
            if table.dormant() == Some(true) {
                continue;
            }
            let accepts = match base.policy {
                nft::Policy::Accept => Some(true),
                nft::Policy::Drop => Some(false),
                nft::Policy::Other(_) => None,
            };
            // Without a known priority only the order is not known, which matters for marks and translations alone.
            let own = base.priority.unwrap_or(0);
            let nat = base.kind == nft::ChainKind::Nat;
            let of = |hook: Hook| BaseChain {
                chain: ChainRef::Nft(id),
                prio: if nat { nat_priority(hook) } else { own },
                own,
                nat,
                accepts,
                devices: base.devices.clone(),
            };
            let ours = match table.family {
                nft::NftFamily::Inet => true,
                nft::NftFamily::Ip => family == Family::V4,
                nft::NftFamily::Ip6 => family == Family::V6,
                _ => false,
            };
            match (&base.hook, table.family) {
                (nft::Hook::Ingress, _) => self.ingress.push(of(Hook::Prerouting)),
                (nft::Hook::Egress, _) => self.egress.push(of(Hook::Postrouting)),
                (hook, nft::NftFamily::Bridge) => {
                    if let Some(hook) = ip_hook(hook) {
                        self.bridge[hook as usize].push(BaseChain { prio: own, ..of(hook) });
                    }
                }
                (hook, _) if ours => {
                    if let Some(hook) = ip_hook(hook)
                        && !(*chain.name == *hook.chain() && is_of_iptables(node, family, table))
                    {
                        self.ip[hook as usize].push(of(hook));
                    }
                }
                _ => {}
            }
        }
        for &id in index.gates() {
            match nft_base(doc, id).map(|(_, base, _)| &base.hook) {
                Some(nft::Hook::Ingress) => self.ingress_gates.push(ChainRef::Nft(id)),
                Some(nft::Hook::Egress) => self.egress_gates.push(ChainRef::Nft(id)),
                _ => {}
            }
        }
    }
}

/// When nat chains run, whatever priority they have: the kernel hangs one function on each hook, which asks them in their order
/// (`nf_nat_register_fn()` of net/netfilter/nf_nat_core.c; linux/netfilter_ipv4.h).
fn nat_priority(hook: Hook) -> i32 {
    if hook.is_before_routing() { -100 } else { 100 }
}

/// Whether a table of nftables is one of iptables-nft's. That tool keeps the five tables of iptables under their own names in
/// the families ip and ip6; its save shows a table of this name exactly if it could read all of it as iptables rules. Then the
/// save is the better text, since nft's JSON hides the options of xt matches; else the table is evaluated as a native one.
/// A base chain that somebody added to such a table under another name is not in the save (it says "contains incompatible
/// base-chains"): the caller compares the name, and evaluates it as a native one too.
fn is_of_iptables(node: &Node, family: Family, table: &nft::Table) -> bool {
    let kind = TableKind::of(&table.name);
    matches!(table.family, nft::NftFamily::Ip | nft::NftFamily::Ip6)
        && kind != TableKind::Unknown
        && node.iptables(Backend::Nft, family).is_ok_and(|doc| doc.table(kind).is_some())
}

/// The hook by nft's name.
fn ip_hook(hook: &nft::Hook) -> Option<Hook> {
    Some(match hook {
        nft::Hook::Prerouting => Hook::Prerouting,
        nft::Hook::Input => Hook::Input,
        nft::Hook::Forward => Hook::Forward,
        nft::Hook::Output => Hook::Output,
        nft::Hook::Postrouting => Hook::Postrouting,
        _ => return None,
    })
}
