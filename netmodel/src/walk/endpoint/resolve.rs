//! What the ends of a flow mean in a world: in which namespace it begins, and the packet that is sent.
//!
//! Chosen where the question leaves it open, and said in [`Resolved::notes`]: the family, the protocol, the port where there is one
//! only, an address for `external`, the device by which a packet from outside comes in.

use std::net::IpAddr;

use super::entry::{beyond, origin, outside};
use super::error::EndpointError;
use super::find::{find_node, find_owner, find_pod, find_service, no_device};
use super::{End, Protocol, Where, names};
use crate::family::Family;
use crate::state::services::ServicePort;
use crate::walk::packet::{Packet, protocol_name};
use crate::walk::trace::{Origin, Probe};
use crate::walk::world::World;

/// The source port where none is asked for: one of `ip_local_port_range` of every kernel.
pub const SOURCE_PORT: u16 = 40_000;

/// A flow, as it was asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where it begins.
    pub from: End,
    /// Where it goes.
    pub to: End,
    /// The protocol; TCP unless the destination takes another one only.
    pub protocol: Option<Protocol>,
    /// Length of the IP packet.
    pub size: Option<u16>,
    /// The packet's mark.
    pub mark: u32,
    /// The source port.
    pub sport: Option<u16>,
    /// By which device it comes in, instead of being sent by a socket.
    pub iif: Option<String>,
    /// Whether it may not be fragmented: so TCP and UDP of Linux send by default (ip(7), IP_MTU_DISCOVER).
    pub df: bool,
    /// Whether the answer is walked, too.
    pub reply: bool,
}

impl Question {
    /// The usual flow between two ends: nothing but them is said.
    #[must_use]
    pub fn between(from: End, to: End) -> Self {
        Self { from, to, protocol: None, size: None, mark: 0, sport: None, iif: None, df: true, reply: true }
    }
}

/// What to walk, and how its ends are called.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What to walk.
    pub probe: Probe,
    /// The protocol.
    pub protocol: Protocol,
    /// Where it begins, for people: `pod default/a1 on node-a`.
    pub from: String,
    /// Where it goes, for people: `Service kube-system/kube-dns:dns`.
    pub to: String,
    /// What was chosen where the question left it open.
    pub notes: Vec<String>,
}

/// Finds out what to walk.
///
/// # Errors
/// [`EndpointError`] where a name is not known, fits several, or where something has to be named that was not.
pub fn resolve(world: &World<'_>, question: &Question) -> Result<Resolved, EndpointError> {
    let mut notes = Vec::new();
    let sources = addresses(world, &question.from.place, true)?;
    let targets = addresses(world, &question.to.place, false)?;
    let families = |list: &[IpAddr], family| list.iter().copied().find(|a| Family::of(*a) == family);
    let pair = Family::ALL.into_iter().find_map(|f| Some((f, families(&sources, f)?, families(&targets, f)?)));
    let Some((family, src, dst)) = pair else {
        return Err(EndpointError::Families { from: words(&question.from.place), to: words(&question.to.place) });
    };
    if question.to.place == Where::External {
        notes.push(format!("{dst} stands for any address outside: name another one if rules or routes of yours tell them apart"));
    }
    let (protocol, port) = destination_port(world, question, family, dst, &mut notes)?;
    let number = protocol.number(family);
    let origin = origin(world, question, src, dst, &mut notes)?;
    // A socket that is not bound has its source chosen by the route.
    let chosen = matches!(question.from.place, Where::Pod(_) | Where::Node(_)) && matches!(origin, Origin::Socket(_));
    let mut packet = first_packet(protocol, (!chosen).then_some(src), dst, port);
    packet.mark = Some(question.mark);
    packet.df = Some(question.df || family == Family::V6);
    if protocol.has_ports() {
        packet.sport = question.sport.or(question.from.port).or(packet.sport);
    }
    if let Some(size) = question.size {
        let least = header_length(protocol, family);
        if size < least {
            return Err(EndpointError::TooSmall { size, least });
        }
        packet.length = Some(size);
    }
    let from = match &origin {
        Origin::Socket(ns) => names::namespace(world, *ns),
        Origin::Device(..) => names::of_address(world, src, number, None),
    };
    let to = names::of_address(world, dst, number, port);
    Ok(Resolved { probe: Probe { from: origin, packet, reply: question.reply, answer_length: None }, protocol, from, to, notes })
}

/// The first packet of a usual flow: a SYN with options, a question of DNS, an echo request of ping(8), an SCTP INIT. It may not be
/// fragmented, as Linux sends by default (ip(7), `IP_MTU_DISCOVER`). A source that is `None` is chosen by the route.
#[must_use]
pub fn first_packet(protocol: Protocol, src: Option<IpAddr>, dst: IpAddr, port: Option<u16>) -> Packet {
    let family = Family::of(dst);
    let mut packet = Packet::new(family);
    (packet.src, packet.dst) = (src, Some(dst));
    packet.protocol = Some(protocol.number(family));
    packet.df = Some(true);
    if protocol.has_ports() {
        (packet.sport, packet.dport) = (Some(SOURCE_PORT), port);
    }
    match protocol {
        Protocol::Tcp => packet.tcp_flags = Some(0x02),
        Protocol::Icmp => packet.icmp = Some(if family == Family::V4 { (8, 0) } else { (128, 0) }),
        Protocol::Udp | Protocol::Sctp => {}
    }
    let behind_headers = match protocol {
        Protocol::Tcp => 20,
        Protocol::Udp => 36,
        Protocol::Icmp => 56,
        Protocol::Sctp => 36,
    };
    packet.length = Some(header_length(protocol, family) + behind_headers);
    packet
}

/// Bytes of the headers of IP and of the protocol.
fn header_length(protocol: Protocol, family: Family) -> u16 {
    let ip = if family == Family::V4 { 20 } else { 40 };
    ip + match protocol {
        Protocol::Tcp => 20,
        Protocol::Udp | Protocol::Icmp => 8,
        Protocol::Sctp => 12,
    }
}

/// The addresses that an end may have.
fn addresses(world: &World<'_>, place: &Where, sends: bool) -> Result<Vec<IpAddr>, EndpointError> {
    let some =
        |found: Vec<IpAddr>, what: String| if found.is_empty() { Err(EndpointError::NoAddress { what }) } else { Ok(found) };
    match place {
        Where::Address(addr) => Ok(vec![*addr]),
        Where::External => Ok(Family::ALL.into_iter().map(|family| outside(world, family)).collect()),
        Where::Pod(name) => {
            let (ns, state) = find_pod(world, name)?;
            some(names::addresses(state), names::namespace(world, ns))
        }
        Where::Node(name) => {
            let (_, node) = find_node(world, name)?;
            some(Family::ALL.into_iter().filter_map(|f| names::node_address(node, f)).collect(), node.name().to_owned())
        }
        Where::Service(_) if sends => Err(EndpointError::ServiceSends),
        Where::Service(name) => {
            let ports = find_service(world, name)?;
            some(ports.iter().filter_map(|p| p.addr).collect(), format!("Service {name}"))
        }
        Where::Device { owner, dev } => {
            let (ns, state) = find_owner(world, owner)?;
            let links = state.links()?;
            let Some(link) = links.by_name(dev) else {
                return Err(no_device(dev, state));
            };
            if sends {
                return Ok(Family::ALL.into_iter().map(|family| beyond(world, state, dev, family)).collect());
            }
            some(link.addresses.iter().map(|a| a.addr.addr()).collect(), format!("{dev} of {}", names::namespace(world, ns)))
        }
    }
}

/// The protocol and the port.
fn destination_port(
    world: &World<'_>,
    question: &Question,
    family: Family,
    dst: IpAddr,
    notes: &mut Vec<String>,
) -> Result<(Protocol, Option<u16>), EndpointError> {
    let known = match &question.to.place {
        Where::Service(name) => find_service(world, name)?.into_iter().filter(|p| p.addr == Some(dst)).collect(),
        _ => names::service_ports(world, dst),
    };
    let asked = question.to.port;
    let fits: Vec<&&ServicePort> = known.iter().filter(|p| asked.is_none_or(|port| port == p.port)).collect();
    let protocol = question.protocol.unwrap_or_else(|| {
        let tcp = fits.iter().any(|p| Protocol::of(p.protocol) == Some(Protocol::Tcp));
        match fits.iter().find_map(|p| Protocol::of(p.protocol)) {
            Some(only) if !tcp => {
                notes.push(format!("{}, since that is all that is known there", only.name()));
                only
            }
            _ => Protocol::Tcp,
        }
    });
    if !protocol.has_ports() {
        return if asked.is_some() { Err(EndpointError::NoPorts) } else { Ok((protocol, None)) };
    }
    if asked.is_some() {
        return Ok((protocol, asked));
    }
    let number = protocol.number(family);
    let mut ports: Vec<u16> = known.iter().filter(|p| p.protocol == number).map(|p| p.port).collect();
    let mut shown: Vec<String> = known.iter().map(|p| shown_port(p.port, p.protocol, p.name.as_deref())).collect();
    if known.is_empty() {
        // A pod: the ports at which Services reach it.
        let all = world.nodes().iter().flat_map(|n| n.services().iter());
        let of_pod = all.flat_map(|p| p.endpoints.iter().filter(|(a, _)| *a == dst).map(move |&(_, port)| (port, p)));
        let mut list: Vec<(u16, u8, Option<&str>)> = of_pod.map(|(port, p)| (port, p.protocol, p.name.as_deref())).collect();
        list.sort_unstable();
        list.dedup_by_key(|(port, protocol, _)| (*port, *protocol));
        ports = list.iter().filter(|(_, p, _)| *p == number).map(|(port, ..)| *port).collect();
        shown = list.into_iter().map(|(port, protocol, name)| shown_port(port, protocol, name)).collect();
    }
    match ports[..] {
        [only] => {
            notes.push(format!("port {only}, the only one for {} that is known there", protocol.name()));
            Ok((protocol, Some(only)))
        }
        _ => Err(EndpointError::PortNeeded { protocol: protocol.name(), to: words(&question.to.place), known: shown }),
    }
}

fn shown_port(port: u16, protocol: u8, name: Option<&str>) -> String {
    let protocol = protocol_name(protocol);
    name.map_or_else(|| format!("{port}/{protocol}"), |name| format!("{port}/{protocol} ({name})"))
}

/// How an end was named, for error messages.
fn words(place: &Where) -> String {
    match place {
        Where::Address(addr) => addr.to_string(),
        Where::Pod(name) => format!("pod {name}"),
        Where::Node(name) => format!("node {name}"),
        Where::Service(name) => format!("Service {name}"),
        Where::Device { owner, dev } => format!("{dev} of {owner}"),
        Where::External => "outside".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bundle::{Capture, Key, Netns};

    use super::*;
    use crate::state::Node;
    use crate::state::testing::with_pods;
    use crate::walk::world::NsId;

    /// A node with a pod, a Service with TCP and UDP on port 53, and one with TCP on 80 and no endpoint of this node.
    fn node() -> Node {
        let addr = r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"],"link_type":"loopback","addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
{"ifindex":2,"ifname":"eth0","flags":["UP"],"addr_info":[{"local":"192.168.50.11","prefixlen":24,"scope":"global"}]}]"#;
        let routes = r#"[{"type":"unicast","dst":"default","gateway":"192.168.50.1","dev":"eth0","table":"main","flags":[]},
{"type":"unicast","dst":"10.244.2.0/24","dev":"flannel.1","table":"main","flags":[]}]"#;
        let rules = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]"#;
        let save = "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-D - [0:0]\n\
            -A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment \"kube-system/kube-dns:dns cluster IP\" -m udp --dport 53 -j KUBE-SVC-D\n\
            -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment \"kube-system/kube-dns:dns-tcp cluster IP\" -m tcp --dport 53 -j KUBE-SVC-D\n\
            -A KUBE-SERVICES -d 10.96.0.20/32 -p udp -m comment --comment \"default/syslog:u cluster IP\" -m udp --dport 514 -j KUBE-SVC-D\n\
            -A KUBE-SVC-D -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:8080\nCOMMIT\n";
        let pod = r#"[{"ifindex":2,"ifname":"eth0","link_index":9,"flags":["UP"],"addr_info":[{"local":"10.244.1.2","prefixlen":24,"scope":"global"}]}]"#;
        let texts = [
            (Key::node(Capture::IpAddr), addr),
            (Key::node(Capture::IpRoute4), routes),
            (Key::node(Capture::IpRule4), rules),
            (Key::node(Capture::IptablesNftSave), save),
            (Key { netns: Netns::Pod(1), capture: Capture::IpAddr, instance: None }, pod),
        ];
        with_pods(texts.map(|(key, text)| (key, text.to_owned())).to_vec(), Vec::new(), &[1])
    }

    fn ask(from: &str, to: &str) -> Result<Resolved, EndpointError> {
        let node = node();
        resolve(&World::new(vec![&node]), &Question::between(from.parse().unwrap(), to.parse().unwrap()))
    }

    #[test]
    fn a_pod_by_its_address_asks_a_service_by_its_name() {
        let found = ask("10.244.1.2", "service:kube-system/kube-dns").unwrap();
        assert_eq!(found.probe.from, Origin::Socket(NsId { node: 0, pod: Some(0) }));
        assert_eq!((found.protocol, found.probe.packet.dport), (Protocol::Tcp, Some(53)));
        assert_eq!(found.to, "Service kube-system/kube-dns:dns-tcp");
        assert_eq!(found.notes, ["port 53, the only one for tcp that is known there"]);
        let udp = ask("node:node-a", "service:kube-system/kube-dns:dns").unwrap();
        assert_eq!((udp.protocol, udp.probe.packet.src, udp.from.as_str()), (Protocol::Udp, None, "node-a"));
    }

    #[test]
    fn the_protocol_follows_where_only_one_is_known() {
        assert_eq!(ask("node:node-a", "10.96.0.20:514").unwrap().protocol, Protocol::Udp);
        assert_eq!(ask("node:node-a", "10.96.0.10:53").unwrap().protocol, Protocol::Tcp);
        assert_eq!(ask("node:node-a", "10.96.0.20:99").unwrap().protocol, Protocol::Tcp);
    }

    #[test]
    fn a_pods_port_is_that_at_which_services_reach_it() {
        assert_eq!(ask("node:node-a", "10.244.1.2").unwrap().probe.packet.dport, Some(8080));
        let Err(EndpointError::PortNeeded { known, .. }) = ask("10.244.1.2", "node:node-a") else {
            panic!("a node has no one port")
        };
        assert!(known.is_empty());
    }

    #[test]
    fn what_is_outside_comes_in_by_the_way_back() {
        let found = ask("external", "node:node-a:80").unwrap();
        assert_eq!(found.probe.from, Origin::Device(NsId::node(0), "eth0".into()));
        assert_eq!(found.probe.packet.src, "192.0.2.1".parse().ok());
        assert_eq!(found.from, "outside of what was captured");
        let peer = ask("10.244.2.9", "10.244.1.2:80").unwrap();
        assert_eq!(peer.probe.from, Origin::Device(NsId::node(0), "flannel.1".into()));
        assert!(peer.notes[0].contains("comes in to node-a by flannel.1"), "{:?}", peer.notes);
        let device = ask("node-a%eth0", "10.244.1.2:80").unwrap();
        assert_eq!(device.probe.from, Origin::Device(NsId::node(0), "eth0".into()));
    }

    #[test]
    fn errors_say_what_there_is() {
        let EndpointError::NoSuch { kind: "Service", known, .. } = ask("external", "service:kube-dnss").unwrap_err() else {
            panic!()
        };
        assert_eq!(known, ["default/syslog", "kube-system/kube-dns"]);
        assert!(matches!(ask("pod:x", "external:80").unwrap_err(), EndpointError::NoSuch { kind: "pod", .. }));
        assert!(matches!(ask("service:kube-dns", "external:80").unwrap_err(), EndpointError::ServiceSends));
        assert!(matches!(ask("10.244.1.2", "[fd00::1]:80").unwrap_err(), EndpointError::Families { .. }));
        assert!(matches!(ask("127.0.0.1", "10.244.1.2:80").unwrap_err(), EndpointError::Ambiguous { .. }));
        assert!(matches!(ask("node-a%eth9", "10.244.1.2:80").unwrap_err(), EndpointError::NoSuch { kind: "device", .. }));
    }
}
