//! The names that nft prints for numbers, by type (nft(8) "DATA TYPES", `nft describe`). Names of services are left out but for a
//! few: nft itself prints ports as numbers, and what `/etc/services` of the node said is not known here.

/// A name and its number.
type Symbol = (&'static str, u64);

/// `ct_state`: `NF_CT_STATE_BIT` of linux/netfilter/nf_conntrack_common.h.
pub(super) const CT_STATE: &[Symbol] = &[("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64)];
/// `ct_status`: `IPS_*` of the same header.
pub(super) const CT_STATUS: &[Symbol] =
    &[("expected", 1), ("seen-reply", 2), ("assured", 4), ("confirmed", 8), ("snat", 16), ("dnat", 32), ("dying", 512)];
/// `ct_dir`.
pub(super) const CT_DIR: &[Symbol] = &[("original", 0), ("reply", 1)];
/// `ct_event`.
pub(super) const CT_EVENT: &[Symbol] = &[
    ("new", 1),
    ("related", 2),
    ("destroy", 4),
    ("reply", 8),
    ("assured", 16),
    ("protoinfo", 32),
    ("helper", 64),
    ("mark", 128),
    ("seqadj", 256),
    ("secmark", 512),
    ("label", 1024),
];
/// `nf_proto`: address families.
pub(super) const NFPROTO: &[Symbol] = &[("ipv4", 2), ("ipv6", 10), ("ip", 2), ("ip6", 10)];
/// `icmp_type`.
pub(super) const ICMP_TYPE: &[Symbol] = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];
/// `icmp_code`.
pub(super) const ICMP_CODE: &[Symbol] = &[
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];
/// `icmpv6_type`.
pub(super) const ICMPV6_TYPE: &[Symbol] = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("mld-listener-reduction", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
    ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141),
    ("ind-neighbor-advert", 142),
    ("mld2-listener-report", 143),
];
/// `icmpv6_code`.
pub(super) const ICMPV6_CODE: &[Symbol] = &[
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];
/// `icmpx_code`: `NFT_REJECT_ICMPX_*`.
pub(super) const ICMPX_CODE: &[Symbol] =
    &[("no-route", 0), ("port-unreachable", 1), ("host-unreachable", 2), ("admin-prohibited", 3)];
/// `fib_addrtype`: `RTN_*` of linux/rtnetlink.h.
pub(super) const FIB_TYPE: &[Symbol] = &[
    ("unspec", 0),
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
];
/// `pkt_type`: `PACKET_*` of linux/if_packet.h.
pub(super) const PKTTYPE: &[Symbol] = &[("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)];
/// `ether_type`.
pub(super) const ETHER_TYPE: &[Symbol] =
    &[("ip", 0x0800), ("arp", 0x0806), ("8021q", 0x8100), ("vlan", 0x8100), ("ip6", 0x86dd), ("8021ad", 0x88a8)];
/// `dscp`.
pub(super) const DSCP: &[Symbol] = &[
    ("cs0", 0),
    ("df", 0),
    ("be", 0),
    ("lephb", 1),
    ("le", 1),
    ("cs1", 0x08),
    ("cs2", 0x10),
    ("cs3", 0x18),
    ("cs4", 0x20),
    ("cs5", 0x28),
    ("cs6", 0x30),
    ("cs7", 0x38),
    ("af11", 0x0a),
    ("af12", 0x0c),
    ("af13", 0x0e),
    ("af21", 0x12),
    ("af22", 0x14),
    ("af23", 0x16),
    ("af31", 0x1a),
    ("af32", 0x1c),
    ("af33", 0x1e),
    ("af41", 0x22),
    ("af42", 0x24),
    ("af43", 0x26),
    ("va", 0x2c),
    ("ef", 0x2e),
];
/// `ecn`.
pub(super) const ECN: &[Symbol] = &[("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3)];
/// `tcp_flag`.
pub(super) const TCP_FLAGS: &[Symbol] =
    &[("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)];
/// `arp_op`.
pub(super) const ARP_OP: &[Symbol] =
    &[("request", 1), ("reply", 2), ("rrequest", 3), ("rreply", 4), ("inrequest", 8), ("inreply", 9), ("nak", 10)];
/// `dccp_pkttype`.
pub(super) const DCCP_TYPE: &[Symbol] = &[
    ("request", 0),
    ("response", 1),
    ("data", 2),
    ("ack", 3),
    ("dataack", 4),
    ("closereq", 5),
    ("close", 6),
    ("reset", 7),
    ("sync", 8),
    ("syncack", 9),
];
/// `mh_type`.
pub(super) const MH_TYPE: &[Symbol] = &[
    ("binding-refresh-request", 0),
    ("home-test-init", 1),
    ("careof-test-init", 2),
    ("home-test", 3),
    ("careof-test", 4),
    ("binding-update", 5),
    ("binding-acknowledgement", 6),
    ("binding-error", 7),
    ("fast-binding-update", 8),
    ("fast-binding-acknowledgement", 9),
    ("fast-binding-advertisement", 10),
    ("experimental-mobility-header", 11),
    ("home-agent-switch-message", 12),
];
/// `igmp_type`.
pub(super) const IGMP_TYPE: &[Symbol] = &[
    ("membership-query", 17),
    ("membership-report-v1", 18),
    ("membership-report-v2", 22),
    ("leave-group", 23),
    ("membership-report-v3", 34),
];
/// `day`.
pub(super) const DAY: &[Symbol] =
    &[("Sunday", 0), ("Monday", 1), ("Tuesday", 2), ("Wednesday", 3), ("Thursday", 4), ("Friday", 5), ("Saturday", 6)];
/// `iface_type`: `ARPHRD_*` of linux/if_arp.h.
pub(super) const ARPHRD: &[Symbol] =
    &[("ether", 1), ("ppp", 0x200), ("ipip", 0x300), ("ipip6", 0x301), ("loopback", 0x304), ("sit", 0x308), ("ipgre", 0x30a)];
/// `boolean`.
pub(super) const BOOLEAN: &[Symbol] = &[("exists", 1), ("missing", 0), ("true", 1), ("false", 0)];
/// `devgroup`.
pub(super) const DEVGROUP: &[Symbol] = &[("default", 0)];
/// `tc_handle`: `TC_H_ROOT` and `TC_H_UNSPEC`.
pub(super) const PRIORITY: &[Symbol] = &[("none", 0), ("root", 0xffff_ffff)];
/// `inet_proto`: the protocols of Debian's /etc/protocols, which nft asks, and nft's own `icmpv6`.
pub(super) const PROTOCOL: &[Symbol] = &[
    ("tcp", 6),
    ("udp", 17),
    ("icmp", 1),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("sctp", 132),
    ("ip", 0),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("dccp", 33),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("skip", 57),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ospf", 89),
    ("ospfigp", 89),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("comp", 108),
    ("vrrp", 112),
    ("carp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("fc", 133),
    ("mobility-header", 135),
    ("udplite", 136),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("hip", 139),
    ("shim6", 140),
    ("wesp", 141),
    ("rohc", 142),
    ("ethernet", 143),
];
/// A few of `inet_service`: what people write in rules by hand and older nft printed. All others stay symbols.
pub(super) const SERVICE: &[Symbol] = &[
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("http", 80),
    ("ntp", 123),
    ("snmp", 161),
    ("bgp", 179),
    ("https", 443),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("nfs", 2049),
    ("mdns", 5353),
];

/// The number of a name.
pub(super) fn number(table: &[Symbol], name: &str) -> Option<u64> {
    table.iter().find(|(symbol, _)| *symbol == name).map(|(_, number)| *number)
}
