//! Log lines of the kernel that say something of the network, in any of the forms of `log_prefix`.
//!
//! ```text
//! [ 1234.567890] nf_conntrack: nf_conntrack: table full, dropping packet
//! Jan  2 10:00:00 node-a kernel: IPv4: martian source 10.244.2.2 from 10.244.1.2, on dev eth0
//! [ 1300.000001] unregister_netdevice: waiting for veth0 to become free. Usage count = 1
//! [ 1400.000001] e1000e 0000:00:1f.6 eth0: NIC Link is Down
//! [ 1500.000001] [UFW BLOCK] IN=eth0 OUT= MAC=… SRC=192.0.2.1 DST=192.168.50.11 LEN=60 … PROTO=UDP SPT=4000 DPT=8472 LEN=40
//! ```
//!
//! Every line is kept; what is not known is [`Event::Other`], verbatim. [`super::kernel_log`] reads full tables only, which is what
//! rules ask for. Left out: lines of programs, other than their prefix.

use serde::Serialize;

use super::Parsed;
use super::firewall_log::{self, Packet};
use super::kernel_log::FullTable;
use super::log_prefix;
use super::text::word;
use crate::source::{At, lines, position};

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A table was full and something was dropped.
    TableFull(FullTable),
    /// A packet with a source (or destination) that cannot be: usually rp_filter, or a route that is missing.
    Martian {
        /// `true`: the source was impossible; `false`: the destination.
        source: bool,
        /// The packet's destination as printed.
        to: At,
        /// The packet's source as printed.
        from: At,
        /// The device that it came in by.
        device: At,
    },
    /// A device cannot go since something holds it; the operation hangs.
    UnregisterWaits {
        /// The device.
        device: At,
        /// How many hold it.
        usage: Option<i64>,
    },
    /// A transmit queue stood still.
    TransmitTimeout {
        /// The device, where the line names it.
        device: Option<At>,
    },
    /// A link came up or went down.
    Link {
        /// The device.
        device: At,
        /// Whether it is up.
        up: bool,
    },
    /// A bridge's port changed its state.
    BridgePort {
        /// The bridge.
        bridge: At,
        /// The port.
        port: At,
        /// `forwarding`, `disabled`, `blocking`, …
        state: At,
    },
    /// A packet came in with an address of the bridge's own as its source: a loop.
    OwnAddress {
        /// The bridge.
        bridge: At,
    },
    /// IPv6 found the address in use by another node.
    DuplicateAddress {
        /// The device.
        device: At,
        /// The address as printed.
        addr: At,
    },
    /// TCP ran out of memory (`tcp_mem`) or of orphans.
    TcpMemory,
    /// A listening socket's queue overflowed.
    SynFlood {
        /// The port.
        port: Option<u16>,
    },
    /// Messages of this kind were held back.
    Suppressed {
        /// How many.
        count: u64,
    },
    /// The kernel killed a process for want of memory.
    OutOfMemory {
        /// The process.
        process: At,
    },
    /// A message of ipvs.
    Ipvs,
    /// A message of nf_tables, x_tables, ip_set or conntrack, other than a full table.
    Netfilter,
    /// A packet that a LOG rule printed.
    Packet(Packet),
    /// Anything else.
    Other,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEvent {
    /// The line.
    pub at: At,
    /// Seconds since boot, where the line has them.
    pub uptime: Option<f64>,
    /// The wall clock's time as written, where the line has it.
    pub time: Option<At>,
    /// The program, where the line has it.
    pub program: Option<At>,
    /// The line without its prefixes.
    pub message: At,
    /// What it says.
    pub event: Event,
}

/// Reads a log. There are no problems: a line that is not known may say anything.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<LogEvent>> {
    let mut out = Parsed::<Vec<LogEvent>>::default();
    for (at, line) in lines(text) {
        let parts = log_prefix::split(line);
        if parts.message.is_empty() {
            continue;
        }
        let spot = |part: &str| position(text, part, at.line);
        let event = event(parts.message, &spot).unwrap_or(Event::Other);
        let (time, program) = (parts.time.map(spot), parts.program.map(spot));
        out.value.push(LogEvent { at, uptime: parts.uptime, time, program, message: spot(parts.message), event });
    }
    out
}

fn event(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Event> {
    // Each is cheap and most lines match none: the words that decide are looked for first.
    table_full(message)
        .or_else(|| firewall_log::packet(message, spot).map(Event::Packet))
        .or_else(|| martian(message, spot))
        .or_else(|| device_events(message, spot))
        .or_else(|| bridge_events(message, spot))
        .or_else(|| plain(message, spot))
}

fn table_full(message: &str) -> Option<Event> {
    // "nf_conntrack: table full, dropping packet", the same with the module's name twice, the old "ip_conntrack: …"; since 6.6 the
    // namespace's number may stand between ("nf_conntrack: netns … table full").
    if message.contains("conntrack: table full") {
        return Some(Event::TableFull(FullTable::Conntrack));
    }
    let overflow = message.contains("neighbor table overflow") || message.contains("Neighbour table overflow");
    let ndisc = message.contains("ndisc_cache");
    overflow.then_some(Event::TableFull(if ndisc { FullTable::NdiscCache } else { FullTable::ArpCache }))
}

/// `martian source DADDR from SADDR, on dev DEV`, `martian destination DADDR from SADDR, dev DEV` (net/ipv4/route.c).
fn martian(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Event> {
    let (_, rest) = message.split_once("martian ")?;
    let (kind, rest) = word(rest);
    let (to, rest) = word(rest);
    let (from, rest) = word(rest.trim_ascii_start().strip_prefix("from ")?);
    let (_, device) = rest.split_once("dev ")?;
    let from = from.trim_end_matches(',');
    Some(Event::Martian { source: kind == "source", to: spot(to), from: spot(from), device: spot(word(device).0) })
}

fn device_events(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Event> {
    if let Some((_, rest)) = message.split_once("unregister_netdevice: waiting for ") {
        let usage = rest.rsplit_once("sage count = ").and_then(|(_, n)| n.trim_ascii().parse().ok());
        return Some(Event::UnregisterWaits { device: spot(word(rest).0), usage });
    }
    if let Some((before, rest)) = message.split_once("NETDEV WATCHDOG: ") {
        // `NETDEV WATCHDOG: eth0 (igb): …`, since 6.8 `igb 0000:01:00.0 eth0: NETDEV WATCHDOG: CPU: 3: …`.
        let inner = rest.split_once(" (").map(|(device, _)| device).filter(|d| !d.contains([' ', ':']));
        let device = inner.or_else(|| before.trim_ascii_end().strip_suffix(':')?.split_ascii_whitespace().last());
        return Some(Event::TransmitTimeout { device: device.map(spot) });
    }
    if let Some((before, rest)) = message.split_once(": IPv6 duplicate address ") {
        let device = before.split_ascii_whitespace().last()?;
        return Some(Event::DuplicateAddress { device: spot(device), addr: spot(word(rest).0) });
    }
    // The kernel's own words, then those of drivers: `NIC Link is Up`, `link up`, `Link is Down`, `Link down`.
    let link = message.split(": ").skip(1).map(str::to_ascii_lowercase).find(|s| {
        s.starts_with("link") || s.starts_with("nic link") || s.starts_with("nic copper link") || s.starts_with("carrier")
    })?;
    let up = if ["link up", "link is up", "becomes ready", "definitely up"].iter().any(|w| link.contains(w)) {
        true
    } else if ["link down", "link is down", "link is not ready", "definitely down", "carrier lost"]
        .iter()
        .any(|w| link.contains(w))
    {
        false
    } else {
        return None;
    };
    // The last word before the link's words is the device: `igb 0000:01:00.0 eth0: …`, `ADDRCONF(NETDEV_UP): eth0: …`.
    let index = message.to_ascii_lowercase().find(&link)?;
    let device = message.get(..index)?.trim_ascii_end().strip_suffix(':')?.split([' ', '(']).rfind(|w| !w.is_empty())?;
    let device = device.trim_end_matches([')', ':']);
    (!device.is_empty()).then(|| Event::Link { device: spot(device), up })
}

fn bridge_events(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Event> {
    let (bridge, rest) = message.split_once(": ")?;
    if bridge.contains(' ') {
        return None;
    }
    if rest.starts_with("received packet on ") && rest.contains("with own address") {
        return Some(Event::OwnAddress { bridge: spot(bridge) });
    }
    // `cni0: port 3(veth12) entered forwarding state`
    let (port, state) = rest.strip_prefix("port ")?.split_once(") entered ")?;
    let port = port.split_once('(')?.1;
    Some(Event::BridgePort { bridge: spot(bridge), port: spot(port), state: spot(state.strip_suffix(" state")?) })
}

fn plain(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Event> {
    if message.contains("TCP: out of memory")
        || message.contains("TCP: too many orphaned sockets")
        || message.contains("TCP: too many of orphaned")
    {
        return Some(Event::TcpMemory);
    }
    if let Some((_, rest)) = message.split_once("ossible SYN flooding on port ") {
        // `443. Sending cookies`, since 6.2 `[::]:443. …`
        let end = rest.split(". ").next().unwrap_or(rest);
        let port = end.rsplit(':').next().and_then(|p| p.trim_end_matches('.').parse().ok());
        return Some(Event::SynFlood { port });
    }
    if let Some((_, rest)) = message.split_once("ratelimit: ") {
        let (count, rest) = word(rest);
        if let (Ok(count), true) = (count.parse(), rest.contains("callbacks suppressed")) {
            return Some(Event::Suppressed { count });
        }
    }
    if let Some((_, rest)) = message.split_once("Out of memory: Kill") {
        let process = rest.split_once('(').and_then(|(_, p)| p.split_once(')'));
        return process.map(|(p, _)| Event::OutOfMemory { process: spot(p) });
    }
    if message.starts_with("IPVS: ") {
        return Some(Event::Ipvs);
    }
    let netfilter = [
        "nf_tables:",
        "x_tables:",
        "ip_tables:",
        "ip6_tables:",
        "iptables",
        "nf_conntrack:",
        "nf_nat",
        "ip_set:",
        "xt_",
        "nft_",
        "nfnetlink",
        "Netfilter",
    ];
    netfilter.iter().any(|p| message.starts_with(p)).then_some(Event::Netfilter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, snapshots};
    use crate::parse::text::slice;

    fn events(text: &str) -> Vec<Event> {
        parse(text).value.into_iter().map(|e| e.event).collect()
    }

    /// QUIRKS 32: each form of a line, and the spellings of a full table.
    #[test]
    fn the_same_event_in_every_form() {
        let text = fixture("kernel-events/table-full-forms.txt");
        let got = parse(&text).value;
        assert!(got.len() >= 10 && got.iter().all(|e| e.event == Event::TableFull(FullTable::Conntrack)), "{got:#?}");
        assert_eq!(got[0].uptime, Some(1_234.567_89));
    }

    #[test]
    fn events_of_devices() {
        let text = "IPv4: martian source 10.244.2.2 from 10.244.1.2, on dev eth0\nunregister_netdevice: waiting for veth0 to become free. Usage count = 1\n\
                    NETDEV WATCHDOG: eth1 (igb): transmit queue 2 timed out\nigb 0000:01:00.0 eth2: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5120 ms\n\
                    e1000e 0000:00:1f.6 eth3: NIC Link is Down\nIPv6: ADDRCONF(NETDEV_CHANGE): eth4: link becomes ready\n\
                    bond0: (slave eth5): link status definitely down, disabling slave\neth6: link up (1000Mbps/Full duplex)\n\
                    cni0: port 3(veth12) entered forwarding state\nIPv6: eth7: IPv6 duplicate address fd00::1 used by 02:00:00:00:00:01 detected!\n";
        let shown: Vec<String> = events(text)
            .iter()
            .map(|event| match event {
                Event::Martian { source, to, from, device } => {
                    format!("martian {source} {} {} {}", slice(text, *to), slice(text, *from), slice(text, *device))
                }
                Event::UnregisterWaits { device, usage } => format!("waits {} {usage:?}", slice(text, *device)),
                Event::TransmitTimeout { device } => format!("timeout {:?}", device.map(|d| slice(text, d))),
                Event::Link { device, up } => format!("link {} {up}", slice(text, *device)),
                Event::BridgePort { port, state, .. } => format!("port {} {}", slice(text, *port), slice(text, *state)),
                Event::DuplicateAddress { device, addr } => format!("dad {} {}", slice(text, *device), slice(text, *addr)),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "martian true 10.244.2.2 10.244.1.2 eth0",
                "waits veth0 Some(1)",
                "timeout Some(\"eth1\")",
                "timeout Some(\"eth2\")",
                "link eth3 false",
                "link eth4 true",
                "link eth5 false",
                "link eth6 true",
                "port veth12 forwarding",
                "dad eth7 fd00::1",
            ]
        );
    }

    #[test]
    fn other_events() {
        let text = "TCP: out of memory -- consider tuning tcp_mem\nTCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.  Check SNMP counters.\n\
                    TCP: request_sock_TCP: Possible SYN flooding on port [::]:6443. Sending cookies.\nnet_ratelimit: 123 callbacks suppressed\n\
                    Out of memory: Killed process 4242 (kube-proxy) total-vm:1kB\nIPVS: rr: TCP 10.96.0.1:443 - no destination available\n\
                    nf_conntrack: expectation table full\nxt_physdev: using --physdev-out is not supported\nneighbour: ndisc_cache: neighbor table overflow!\nrandom: crng init done\n";
        let got = events(text);
        assert_eq!(
            got[..4],
            [
                Event::TcpMemory,
                Event::SynFlood { port: Some(443) },
                Event::SynFlood { port: Some(6443) },
                Event::Suppressed { count: 123 }
            ]
        );
        assert!(matches!(got[4], Event::OutOfMemory { process } if slice(text, process) == "kube-proxy"));
        assert_eq!(
            got[5..],
            [Event::Ipvs, Event::Netfilter, Event::Netfilter, Event::TableFull(FullTable::NdiscCache), Event::Other]
        );
    }

    #[test]
    fn snapshots_of_logs() {
        snapshots("kernel-events", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(martian source |from |dev |NETDEV WATCHDOG: |: |link up|\\(|\\)|port 3|entered |IN=|OUT=|SRC=|[a-z0-9.]{1,4}| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
