//! The header fields that nft names (nft(8), "Payload expressions"), with the types of their values.

use super::expr::Field;
use super::kind::Kind;

const fn field(proto: &'static str, name: &'static str, kind: Kind) -> Field {
    Field { proto, name, kind }
}

static IP: &[Field] = &[
    field("ip", "saddr", Kind::Ip4),
    field("ip", "daddr", Kind::Ip4),
    field("ip", "protocol", Kind::Protocol),
    field("ip", "version", Kind::Integer),
    field("ip", "hdrlength", Kind::Integer),
    field("ip", "dscp", Kind::Dscp),
    field("ip", "ecn", Kind::Ecn),
    field("ip", "tos", Kind::Integer),
    field("ip", "length", Kind::Integer),
    field("ip", "id", Kind::Integer),
    field("ip", "frag-off", Kind::Integer),
    field("ip", "ttl", Kind::Integer),
    field("ip", "checksum", Kind::Integer),
];
static IP6: &[Field] = &[
    field("ip6", "saddr", Kind::Ip6),
    field("ip6", "daddr", Kind::Ip6),
    field("ip6", "nexthdr", Kind::Protocol),
    field("ip6", "version", Kind::Integer),
    field("ip6", "priority", Kind::Integer),
    field("ip6", "dscp", Kind::Dscp),
    field("ip6", "ecn", Kind::Ecn),
    field("ip6", "flowlabel", Kind::Integer),
    field("ip6", "length", Kind::Integer),
    field("ip6", "hoplimit", Kind::Integer),
];
static TCP: &[Field] = &[
    field("tcp", "dport", Kind::Port),
    field("tcp", "sport", Kind::Port),
    field("tcp", "flags", Kind::TcpFlags),
    field("tcp", "sequence", Kind::Integer),
    field("tcp", "ackseq", Kind::Integer),
    field("tcp", "doff", Kind::Integer),
    field("tcp", "reserved", Kind::Integer),
    field("tcp", "window", Kind::Integer),
    field("tcp", "checksum", Kind::Integer),
    field("tcp", "urgptr", Kind::Integer),
];
static UDP: &[Field] = &[
    field("udp", "dport", Kind::Port),
    field("udp", "sport", Kind::Port),
    field("udp", "length", Kind::Integer),
    field("udp", "checksum", Kind::Integer),
];
static TH: &[Field] = &[field("th", "dport", Kind::Port), field("th", "sport", Kind::Port)];
static UDPLITE: &[Field] = &[
    field("udplite", "dport", Kind::Port),
    field("udplite", "sport", Kind::Port),
    field("udplite", "csumcov", Kind::Integer),
    field("udplite", "checksum", Kind::Integer),
];
static SCTP: &[Field] = &[
    field("sctp", "dport", Kind::Port),
    field("sctp", "sport", Kind::Port),
    field("sctp", "vtag", Kind::Integer),
    field("sctp", "checksum", Kind::Integer),
];
static DCCP: &[Field] =
    &[field("dccp", "dport", Kind::Port), field("dccp", "sport", Kind::Port), field("dccp", "type", Kind::DccpType)];
static ICMP: &[Field] = &[
    field("icmp", "type", Kind::IcmpType),
    field("icmp", "code", Kind::IcmpCode),
    field("icmp", "checksum", Kind::Integer),
    field("icmp", "id", Kind::Integer),
    field("icmp", "sequence", Kind::Integer),
    field("icmp", "mtu", Kind::Integer),
    field("icmp", "gateway", Kind::Integer),
];
static ICMPV6: &[Field] = &[
    field("icmpv6", "type", Kind::Icmpv6Type),
    field("icmpv6", "code", Kind::Icmpv6Code),
    field("icmpv6", "checksum", Kind::Integer),
    field("icmpv6", "parameter-problem", Kind::Integer),
    field("icmpv6", "packet-too-big", Kind::Integer),
    field("icmpv6", "mtu", Kind::Integer),
    field("icmpv6", "id", Kind::Integer),
    field("icmpv6", "sequence", Kind::Integer),
    field("icmpv6", "max-delay", Kind::Integer),
    field("icmpv6", "taddr", Kind::Ip6),
    field("icmpv6", "daddr", Kind::Ip6),
];
static IGMP: &[Field] = &[
    field("igmp", "type", Kind::IgmpType),
    field("igmp", "mrt", Kind::Integer),
    field("igmp", "checksum", Kind::Integer),
    field("igmp", "group", Kind::Ip4),
];
static ETHER: &[Field] =
    &[field("ether", "saddr", Kind::Mac), field("ether", "daddr", Kind::Mac), field("ether", "type", Kind::EtherType)];
static VLAN: &[Field] = &[
    field("vlan", "id", Kind::Integer),
    field("vlan", "cfi", Kind::Integer),
    field("vlan", "dei", Kind::Integer),
    field("vlan", "pcp", Kind::Integer),
    field("vlan", "type", Kind::EtherType),
];
static ARP: &[Field] = &[
    field("arp", "operation", Kind::ArpOp),
    field("arp", "htype", Kind::Integer),
    field("arp", "ptype", Kind::EtherType),
    field("arp", "hlen", Kind::Integer),
    field("arp", "plen", Kind::Integer),
    field("arp", "saddr ip", Kind::Ip4),
    field("arp", "daddr ip", Kind::Ip4),
    field("arp", "saddr ether", Kind::Mac),
    field("arp", "daddr ether", Kind::Mac),
];
static AH: &[Field] = &[
    field("ah", "spi", Kind::Integer),
    field("ah", "nexthdr", Kind::Protocol),
    field("ah", "hdrlength", Kind::Integer),
    field("ah", "reserved", Kind::Integer),
    field("ah", "sequence", Kind::Integer),
];
static ESP: &[Field] = &[field("esp", "spi", Kind::Integer), field("esp", "sequence", Kind::Integer)];
static COMP: &[Field] =
    &[field("comp", "nexthdr", Kind::Protocol), field("comp", "flags", Kind::Integer), field("comp", "cpi", Kind::Integer)];
static GRE: &[Field] =
    &[field("gre", "protocol", Kind::EtherType), field("gre", "flags", Kind::Integer), field("gre", "version", Kind::Integer)];
static VXLAN: &[Field] = &[field("vxlan", "vni", Kind::Integer), field("vxlan", "flags", Kind::Integer)];
static GENEVE: &[Field] = &[field("geneve", "vni", Kind::Integer), field("geneve", "type", Kind::EtherType)];

/// The fields of a header; empty if the header is not known.
pub(super) fn of_header(proto: &str) -> &'static [Field] {
    match proto {
        "ip" => IP,
        "ip6" => IP6,
        "tcp" => TCP,
        "udp" => UDP,
        "th" => TH,
        "udplite" => UDPLITE,
        "sctp" => SCTP,
        "dccp" => DCCP,
        "icmp" => ICMP,
        "icmpv6" => ICMPV6,
        "igmp" => IGMP,
        "ether" => ETHER,
        "vlan" => VLAN,
        "arp" => ARP,
        "ah" => AH,
        "esp" => ESP,
        "comp" => COMP,
        "gre" => GRE,
        "vxlan" => VXLAN,
        "geneve" => GENEVE,
        _ => &[],
    }
}

/// A field by its header's and its own name.
pub(super) fn find(proto: &str, name: &str) -> Option<&'static Field> {
    of_header(proto).iter().find(|f| f.name == name)
}

/// The names of tunnels that may be looked into (`vxlan ip saddr`).
pub(super) fn is_tunnel(name: &str) -> bool {
    matches!(name, "vxlan" | "geneve" | "gre" | "gretap")
}
