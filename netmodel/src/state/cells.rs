//! What a node has parsed so far: one cell a question.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::ipsets::SetIndex;
use super::kube::{CmdlineDoc, KubeDocs};
use super::links::Links;
use super::persist::{BootModule, SysctlFiles};
use super::pod_network::PodNetwork;
use super::routes::Routes;
use super::services::Services;
use super::{Cell, Doc};
use crate::parse::bridge::{BridgePort, FdbEntry};
use crate::parse::cni::CniConfig;
use crate::parse::conntrack::{Conntrack, Tuple};
use crate::parse::conntrack_stats::ConntrackStats;
use crate::parse::counters::Counters;
use crate::parse::flannel::{NetConf, SubnetEnv};
use crate::parse::ip_neigh::Neighbour;
use crate::parse::ip_nexthop::NexthopObject;
use crate::parse::ip_rule::PolicyRule;
use crate::parse::iproute_text::bridge_vlan::PortVlans;
use crate::parse::ipset::Ipsets;
use crate::parse::ipvs::Ipvs;
use crate::parse::kernel_log::TableFull;
use crate::parse::kube_proxy::KubeProxyConfig;
use crate::parse::kubelet_config::KubeletConfig;
use crate::parse::modules::Modules;
use crate::parse::resolv_conf::ResolvConf;
use crate::parse::ss::Socket;
use crate::parse::sysctl::Sysctls;

/// The cells of a node.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) sysctls: Cell<Doc<Sysctls>>,
    pub(super) links: Cell<Links>,
    pub(super) routes4: Cell<Routes>,
    pub(super) routes6: Cell<Routes>,
    pub(super) rules4: Cell<Doc<Vec<PolicyRule>>>,
    pub(super) rules6: Cell<Doc<Vec<PolicyRule>>>,
    pub(super) listeners: Cell<Doc<Vec<Socket>>>,
    pub(super) neighbours: Cell<Doc<Vec<Neighbour>>>,
    pub(super) nexthops: Cell<Doc<Vec<NexthopObject>>>,
    pub(super) fdb: Cell<Doc<Vec<FdbEntry>>>,
    pub(super) bridge_ports: Cell<Doc<Vec<BridgePort>>>,
    pub(super) bridge_vlans: Cell<Doc<Vec<PortVlans>>>,
    pub(super) ipvs: Cell<Doc<Ipvs>>,
    pub(super) conntrack: Cell<Doc<Conntrack>>,
    /// Entries by protocol, zone and the tuple of either direction.
    pub(super) conntrack_index: OnceLock<HashMap<(u8, u16, Tuple), usize>>,
    pub(super) conntrack_stats: Cell<Doc<ConntrackStats>>,
    pub(super) ipsets: Cell<Doc<Ipsets>>,
    pub(super) ipset_indices: OnceLock<Vec<OnceLock<Result<SetIndex, String>>>>,
    pub(super) resolv_conf: Cell<Doc<ResolvConf>>,
    pub(super) resolved_upstreams: Cell<Doc<ResolvConf>>,
    pub(super) modules: Cell<Doc<Modules>>,
    pub(super) modules_builtin: Cell<Doc<Modules>>,
    pub(super) kernel_log: Cell<Doc<Vec<TableFull>>>,
    pub(super) sysctl_files: Cell<SysctlFiles>,
    pub(super) boot_modules: Cell<Vec<BootModule>>,
    pub(super) subnet_env: Cell<Doc<SubnetEnv>>,
    pub(super) net_conf: Cell<Doc<NetConf>>,
    pub(super) cni_configs: Cell<KubeDocs<CniConfig>>,
    pub(super) kubelet_configs: Cell<KubeDocs<KubeletConfig>>,
    pub(super) netstat: Cell<Doc<Counters>>,
    pub(super) kube_proxy_configs: Cell<KubeDocs<KubeProxyConfig>>,
    pub(super) cmdlines: Cell<Vec<CmdlineDoc>>,
    pub(super) static_pods: Cell<Vec<CmdlineDoc>>,
    pub(super) pod_network: Cell<PodNetwork>,
    pub(super) services: OnceLock<Services>,
}
