//! All rules: one entry each.

use crate::rule::Rule;
use crate::{addressing, bridge, bundle, cni, conntrack, dns, firewall, forwarding, ipvs, kube_proxy, mtu, overlay, routing};

/// All rules, sorted by id.
pub static CATALOGUE: &[&Rule] = &[
    &addressing::pod_cidr_overlap::RULE,
    &bridge::br_netfilter_missing::RULE,
    &bridge::nf_call_iptables_off::RULE,
    &bridge::pod_veth_detached::RULE,
    &bundle::capture_missing::RULE,
    &bundle::capture_not_understood::RULE,
    &bundle::captures_disagree::RULE,
    &cni::masquerade_missing::RULE,
    &conntrack::stale_service_nat::RULE,
    &conntrack::table_nearly_full::RULE,
    &dns::cluster_dns_without_endpoints::RULE,
    &dns::resolver_loop::RULE,
    &firewall::overlay_port_dropped::RULE,
    &firewall::pod_forward_dropped::RULE,
    &forwarding::ip_forward_lost_at_boot::RULE,
    &forwarding::ip_forward_off::RULE,
    &forwarding::rp_filter_strict_asymmetric::RULE,
    &ipvs::vip_not_local::RULE,
    &ipvs::vs_conntrack_off::RULE,
    &kube_proxy::service_rules_missing::RULE,
    &mtu::overlay_above_underlay::RULE,
    &overlay::vxlan_peer_unresolved::RULE,
    &routing::peer_route_missing::RULE,
    &routing::pod_traffic_diverted::RULE,
];

/// The rule with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Rule> {
    CATALOGUE.iter().copied().find(|rule| rule.id == id)
}
