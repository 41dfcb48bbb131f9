//! `ipvsadm -Sn`: ipvs services and their destinations.
//!
//! ```text
//! -A -t 10.96.0.10:53 -s rr
//! -a -t 10.96.0.10:53 -r 10.244.2.2:53 -m -w 1
//! -A -u [fd00::a]:53 -s rr -p 10800 -M 64
//! -A -f 7 -6 -s wlc
//! ```
//!
//! Thresholds (`-x`, `-y`) are read, which `ipvsadm -S` does not print.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::Parsed;
use super::json::Names;
use crate::family::Family;
use crate::source::{At, Problem, lines};

/// The transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// What a virtual service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VirtualAddr {
    /// A protocol, an address and a port; port 0 takes every port.
    Addr {
        /// The protocol.
        proto: Proto,
        /// The virtual address.
        addr: IpAddr,
        /// The port.
        port: u16,
    },
    /// Packets with a firewall mark.
    FwMark(u32),
}

/// How packets reach a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarding {
    /// `-m`: masquerading, what kube-proxy uses.
    Masquerade,
    /// `-g`: direct routing.
    DirectRoute,
    /// `-i`: tunnelling.
    Tunnel,
}

/// A destination.
#[derive(Clone, Debug, Serialize)]
pub struct Destination {
    /// Its line.
    pub at: At,
    /// Its address.
    pub addr: IpAddr,
    /// Its port.
    pub port: u16,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Its weight; 0 takes no new connection.
    pub weight: u32,
    /// So many connections, and it gets no more (`-x`).
    pub upper_threshold: Option<u32>,
    /// So few, and it gets connections again (`-y`).
    pub lower_threshold: Option<u32>,
    /// How a tunnel wraps packets, if that is told.
    pub tunnel: Option<Box<Tunnel>>,
    /// Words that are not known.
    pub unknown: Box<[Arc<str>]>,
}

/// How a tunnel wraps packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tunnel {
    /// `ipip`, `gue` or `gre`.
    pub kind: Option<Arc<str>>,
    /// The port of GUE.
    pub port: Option<u16>,
    /// `nocsum`, `csum` or `remcsum`.
    pub checksum: Option<Arc<str>>,
}

/// A virtual service.
#[derive(Clone, Debug, Serialize)]
pub struct VirtualService {
    /// Its line.
    pub at: At,
    /// What it takes.
    pub virt: VirtualAddr,
    /// A firewall mark's service is for IPv6 (`-6`).
    pub inet6: bool,
    /// The scheduler (`rr`, `lc`, …).
    pub scheduler: Arc<str>,
    /// Seconds for which a client stays with its destination.
    pub persistent: Option<u32>,
    /// How much of a client's address counts for that (`255.255.255.0`, `64`), if less than all.
    pub netmask: Option<Arc<str>>,
    /// The persistence engine (`sip`).
    pub engine: Option<Arc<str>>,
    /// Each packet is scheduled for itself (`-o`).
    pub one_packet: bool,
    /// The scheduler's flags (`sh-fallback,sh-port`).
    pub scheduler_flags: Option<Arc<str>>,
    /// Words that are not known.
    pub unknown: Box<[Arc<str>]>,
    /// Its destinations, in the text's order.
    pub destinations: Vec<Destination>,
}

/// The ipvs table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ipvs {
    /// The services, in the text's order.
    pub services: Vec<VirtualService>,
}

impl Ipvs {
    /// The service that takes a packet to `addr:port` of a protocol, as the kernel looks it up: the exact port first, then port 0.
    #[must_use]
    pub fn service(&self, proto: Proto, addr: IpAddr, port: u16) -> Option<&VirtualService> {
        let find = |wanted: u16| self.services.iter().find(|s| s.virt == VirtualAddr::Addr { proto, addr, port: wanted });
        find(port).or_else(|| find(0))
    }

    /// The service that takes packets of a firewall mark and a family; the kernel asks for it before it looks at addresses
    /// (`ip_vs_service_find()` in net/netfilter/ipvs/ip_vs_ctl.c).
    #[must_use]
    pub fn fwmark_service(&self, mark: u32, family: Family) -> Option<&VirtualService> {
        let inet6 = family == Family::V6;
        self.services.iter().find(|s| s.virt == VirtualAddr::FwMark(mark) && s.inet6 == inet6)
    }
}

/// Reads `ipvsadm -Sn`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ipvs> {
    let mut out = Parsed::<Ipvs>::default();
    let mut names = Names::default();
    let mut known = HashMap::new();
    for (at, line) in lines(text) {
        if line.trim().is_empty() {
            continue;
        }
        let read = read_line(at, line, &mut out.value, &mut known, &mut names);
        out.problems.extend(read.unwrap_or_else(Some).map(|what| Problem { at, what }));
    }
    out
}

/// Reads a line; gives what is not known of it. `known`: where in the table the last service of each virtual address stands.
fn read_line(
    at: At,
    line: &str,
    table: &mut Ipvs,
    known: &mut HashMap<(VirtualAddr, bool), usize>,
    names: &mut Names,
) -> Result<Option<String>, String> {
    let mut words = line.split_ascii_whitespace().peekable();
    let command = words.next().unwrap_or_default();
    let (mut virt, mut server, mut scheduler) = (None, None, None);
    let (mut inet6, mut one_packet) = (false, false);
    let (mut persistent, mut netmask, mut engine, mut scheduler_flags) = (None, None, None, None);
    let (mut forwarding, mut weight) = (Forwarding::DirectRoute, 1);
    let (mut upper_threshold, mut lower_threshold, mut tunnel, mut unknown) = (None, None, Tunnel::default(), Vec::new());
    while let Some(word) = words.next() {
        let given = words.peek().is_some_and(|w| !w.starts_with('-'));
        let mut value = || words.next().ok_or_else(|| format!("`{word}` without a value"));
        match word {
            "-t" | "--tcp-service" => virt = Some(virtual_addr(Proto::Tcp, value()?)?),
            "-u" | "--udp-service" => virt = Some(virtual_addr(Proto::Udp, value()?)?),
            "--sctp-service" => virt = Some(virtual_addr(Proto::Sctp, value()?)?),
            "-f" | "--fwmark-service" => virt = Some(VirtualAddr::FwMark(number(value()?)?)),
            "-6" | "--ipv6" => inet6 = true,
            "-s" | "--scheduler" => scheduler = Some(names.get(value()?)),
            // Without a number it is 300 s (ipvsadm(8)).
            "-p" | "--persistent" => persistent = Some(if given { number(value()?)? } else { 300 }),
            "-M" | "--netmask" => netmask = Some(names.get(value()?)),
            "--pe" => engine = Some(names.get(value()?)),
            "-o" | "--ops" => one_packet = true,
            "-b" | "--sched-flags" => scheduler_flags = Some(names.get(value()?)),
            "-r" | "--real-server" => server = Some(socket(value()?)?),
            "-w" | "--weight" => weight = number(value()?)?,
            "-m" | "--masquerading" => forwarding = Forwarding::Masquerade,
            "-g" | "--gatewaying" => forwarding = Forwarding::DirectRoute,
            "-i" | "--ipip" => forwarding = Forwarding::Tunnel,
            "-x" | "--u-threshold" => upper_threshold = Some(number(value()?)?),
            "-y" | "--l-threshold" => lower_threshold = Some(number(value()?)?),
            "--tun-type" => tunnel.kind = Some(names.get(value()?)),
            "--tun-port" => tunnel.port = Some(value()?.parse().map_err(|_| "`--tun-port` without a port".to_owned())?),
            "--tun-nocsum" | "--tun-csum" | "--tun-remcsum" => tunnel.checksum = Some(names.get(&word["--tun-".len()..])),
            "-n" | "--numeric" => {}
            other => unknown.push(names.get(other)),
        }
    }
    let virt = virt.ok_or("no service")?;
    let problem = unknown.first().map(|word| format!("unknown option `{word}`"));
    let unknown: Box<[Arc<str>]> = unknown.into();
    match (command, server) {
        ("-A" | "--add-service", None) => {
            let scheduler = scheduler.unwrap_or_else(|| names.get("wlc"));
            known.insert((virt, inet6), table.services.len());
            let destinations = Vec::new();
            table.services.push(VirtualService {
                at,
                virt,
                inet6,
                scheduler,
                persistent,
                netmask,
                engine,
                one_packet,
                scheduler_flags,
                unknown,
                destinations,
            });
        }
        ("-a" | "--add-server", Some((addr, port))) => {
            let service = known.get(&(virt, inet6)).and_then(|&index| table.services.get_mut(index));
            let service = service.ok_or("its service does not stand before it")?;
            let tunnel = (tunnel != Tunnel::default()).then(|| Box::new(tunnel));
            service.destinations.push(Destination {
                at,
                addr,
                port,
                forwarding,
                weight,
                upper_threshold,
                lower_threshold,
                tunnel,
                unknown,
            });
        }
        ("-A" | "-a" | "--add-service" | "--add-server", _) => {
            return Err("service and destination do not go together".to_owned());
        }
        (other, _) => return Err(format!("unknown command `{other}`")),
    }
    Ok(problem)
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number"))
}

fn virtual_addr(proto: Proto, word: &str) -> Result<VirtualAddr, String> {
    socket(word).map(|(addr, port)| VirtualAddr::Addr { proto, addr, port })
}

/// `ADDR:PORT` or `[ADDR]:PORT`; without a port it is 0.
fn socket(word: &str) -> Result<(IpAddr, u16), String> {
    let bad = || format!("`{word}` is not an address and a port");
    if let Ok(addr) = word.trim_matches(['[', ']']).parse() {
        return Ok((addr, 0));
    }
    let socket: std::net::SocketAddr = word.parse().map_err(|_| bad())?;
    Ok((socket.ip(), socket.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_destinations_of_all_kinds() {
        let text = "-A -t 10.96.0.10:53 -s rr -p 10800 -M 255.255.255.255\n-a -t 10.96.0.10:53 -r 10.244.2.2:53 -m -w 0\n\
                    -A -u [fd00::a]:53 -s lc -o\n-a -u [fd00::a]:53 -r [fd01::2]:5353 -i -w 3 --tun-type gue --tun-port 6080\n\
                    -A -f 7 -s wlc\n-a -f 7 -r 10.0.0.1:0 -g -w 1\n-A --sctp-service 10.0.0.9:132 -s rr\n";
        let got = parse(text);
        assert_eq!(got.problems, []);
        let [a, b, c, d] = &got.value.services[..] else { panic!("{got:?}") };
        assert_eq!(
            (a.persistent, a.destinations[0].weight, a.destinations[0].forwarding),
            (Some(10800), 0, Forwarding::Masquerade)
        );
        assert_eq!(b.destinations[0].addr, "fd01::2".parse::<IpAddr>().unwrap());
        assert_eq!(c.virt, VirtualAddr::FwMark(7));
        assert!(matches!(d.virt, VirtualAddr::Addr { proto: Proto::Sctp, port: 132, .. }));
        assert_eq!((a.netmask.as_deref(), b.one_packet), (Some("255.255.255.255"), true));
        let tunnel = b.destinations[0].tunnel.as_deref().unwrap();
        assert_eq!((tunnel.kind.as_deref(), tunnel.port), (Some("gue"), Some(6080)));
        assert!(got.value.service(Proto::Tcp, "10.96.0.10".parse().unwrap(), 53).is_some());
        assert!(got.value.fwmark_service(7, Family::V4).is_some() && got.value.fwmark_service(7, Family::V6).is_none());
        assert!(got.value.service(Proto::Udp, "10.96.0.10".parse().unwrap(), 53).is_none());
    }

    #[test]
    fn names_and_orphans_are_problems() {
        let got = parse("-A -t host.example:http -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1\n-X\n");
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(-[AatufrswmpM6] ?|[0-9.:\\[\\]]{1,9} |\n|[a-z\u{e9}]){0,20}") {
            let _ = parse(&text);
        }
    }
}
