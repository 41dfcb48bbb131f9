//! `ipvsadm -L` in its forms (`-n`, `--stats`, `--rate`, `--exact`, `--thresholds`, `--persistent-conn`, `--tun-info`) and
//! `/proc/net/ip_vs`: ipvs services, as far as the form shows them.
//!
//! ```text
//! IP Virtual Server version 1.2.1 (size=4096)
//! Prot LocalAddress:Port Scheduler Flags
//!   -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
//! TCP  10.96.0.25:80 rr persistent 10800
//!   -> 10.244.1.2:8080              Masq    1      0          0
//! FWM  7 IPv6 wlc ops
//! TCP  0A600019:0050 rr  persistent 2700000 FFFFFFFF
//!   -> 0AF40102:1F90      Masq    1      0          0
//! ```
//!
//! The last two lines are those of /proc: addresses in hexadecimal, and the persistence in jiffies, whose length the text does not
//! say (net/netfilter/ipvs/ip_vs_ctl.c prints `svc->timeout` as it stands). What a form hides is `None`. Without a header the
//! numbers of a row have no meaning: five are statistics or rates, four are thresholds or persistent connections.
//! Left out: `ipvsadm -S`, see [`super::ipvs`].

use std::sync::Arc;

use serde::Serialize;

use super::Parsed;
use super::ipvs::{Destination, Forwarding, Ipvs, Proto, VirtualAddr, VirtualService};
use super::ipvs_endpoint::{Endpoint, endpoint};
use super::json::Names;
use super::text::{hex, slice, word};
use crate::source::{At, Problem, lines, position};

/// What the columns behind a destination mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Columns {
    /// Forwarding method, weight, active and inactive connections.
    Plain,
    /// The same with the tunnel before the weight.
    Tunnels,
    /// Sums: connections, packets in and out, bytes in and out.
    Stats,
    /// The same, per second.
    Rate,
    /// Upper and lower threshold, active and inactive connections.
    Thresholds,
    /// Weight, persistent, active and inactive connections.
    PersistentConn,
    /// Numbers whose header is missing.
    Unknown,
}

/// A number of a row. Without `--exact` large ones end in K, M, G or T, and are rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value, the suffix multiplied out.
    pub value: u64,
    /// Whether it was rounded.
    pub rounded: bool,
}

/// How packets reach a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// `Masq`, `Route` or `Tunnel`.
    Configured(Forwarding),
    /// `Local`: the destination is this node itself; the configured method is not shown.
    Local,
    /// `Bypass`: to the original destination, without ipvs.
    Bypass,
}

/// A destination.
#[derive(Clone, Debug, Serialize)]
pub struct ListedDestination {
    /// Its line.
    pub at: At,
    /// Its address.
    pub endpoint: Endpoint,
    /// How packets reach it.
    pub method: Option<Method>,
    /// The tunnel of `--tun-info`, where it has one.
    pub tunnel: Option<At>,
    /// Its weight.
    pub weight: Option<u32>,
    /// Its numbers in the order of [`Columns`], without the weight.
    pub counts: Vec<Count>,
}

/// A persistence, in the unit of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// Seconds: ipvsadm.
    Seconds(u32),
    /// Ticks of the kernel: /proc. The kernel's HZ is 100, 250, 300 or 1000.
    Jiffies(u64),
}

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct ListedService {
    /// Its line.
    pub at: At,
    /// Its protocol; `None` for a firewall mark.
    pub proto: Option<Proto>,
    /// What it takes.
    pub endpoint: Endpoint,
    /// A firewall mark's service is for IPv6.
    pub inet6: bool,
    /// The scheduler.
    pub scheduler: Option<Arc<str>>,
    /// How long a client stays with its destination; `None` where it does not, or where the form has no flags.
    pub persistent: Option<Persistence>,
    /// The mask of persistence (`255.255.255.0`, `64`, `FFFFFF00`), where it is printed.
    pub mask: Option<At>,
    /// `ops`: each packet is scheduled for itself.
    pub one_packet: bool,
    /// The persistence engine.
    pub engine: Option<At>,
    /// The scheduler's flags (`(sh-port)`).
    pub scheduler_flags: Option<At>,
    /// Its numbers, in forms that have them.
    pub counts: Vec<Count>,
    /// Its destinations, in the text's order.
    pub destinations: Vec<ListedDestination>,
}

/// A listing.
#[derive(Clone, Debug, Serialize)]
pub struct IpvsList {
    /// Entries of the connection table (`size=4096`).
    pub table_size: Option<u32>,
    /// Whether a header says that this is /proc/net/ip_vs (`true`) or ipvsadm; `None` without a header.
    pub in_proc: Option<bool>,
    /// What the columns mean.
    pub columns: Columns,
    /// The services, in the text's order.
    pub services: Vec<ListedService>,
}

impl Default for IpvsList {
    fn default() -> Self {
        Self { table_size: None, in_proc: None, columns: Columns::Unknown, services: Vec::new() }
    }
}

impl IpvsList {
    /// The same as [`super::ipvs`] reads, if the form shows all that is needed for it: numbers for names, scheduler, method and
    /// weight; `text` is the text that was parsed. A destination that is this node itself counts as directly routed, which is what `ipvsadm -S` prints for it.
    #[must_use]
    pub fn to_ipvs(&self, text: &str) -> Option<Ipvs> {
        let services = self.services.iter().map(|service| service.to_service(text)).collect::<Option<Vec<_>>>()?;
        Some(Ipvs { services })
    }
}

impl ListedService {
    fn to_service(&self, text: &str) -> Option<VirtualService> {
        let virt = match (&self.endpoint, self.proto) {
            (&Endpoint::Addr { addr, port }, Some(proto)) => VirtualAddr::Addr { proto, addr, port },
            (&Endpoint::FwMark(mark), None) => VirtualAddr::FwMark(mark),
            _ => return None,
        };
        let persistent = match self.persistent {
            None => None,
            Some(Persistence::Seconds(n)) => Some(n),
            Some(Persistence::Jiffies(_)) => return None,
        };
        let destination = |d: &ListedDestination| {
            let Endpoint::Addr { addr, port } = d.endpoint else { return None };
            let forwarding = match d.method? {
                Method::Configured(how) => how,
                Method::Local => Forwarding::DirectRoute,
                Method::Bypass => return None,
            };
            Some(Destination {
                at: d.at,
                addr,
                port,
                forwarding,
                weight: d.weight?,
                upper_threshold: None,
                lower_threshold: None,
                tunnel: None,
                unknown: Box::default(),
            })
        };
        let destinations = self.destinations.iter().map(destination).collect::<Option<Vec<_>>>()?;
        let words = |at: At| Arc::from(slice(text, at));
        Some(VirtualService {
            at: self.at,
            virt,
            inet6: self.inet6,
            scheduler: Arc::clone(self.scheduler.as_ref()?),
            persistent,
            netmask: self.mask.map(words),
            engine: self.engine.map(words),
            one_packet: self.one_packet,
            scheduler_flags: self.scheduler_flags.map(|at| Arc::from(slice(text, at).trim_matches(['(', ')']))),
            unknown: Box::default(),
            destinations,
        })
    }
}

/// Reads a listing.
#[must_use]
pub fn parse(text: &str) -> Parsed<IpvsList> {
    let mut out = Parsed::<IpvsList>::default();
    let mut names = Names::default();
    for (at, line) in lines(text) {
        let (first, rest) = word(line);
        let done = match first {
            "" => Ok(()),
            "IP" if line.contains("Virtual Server version") => {
                let size = line.split_once("(size=").and_then(|(_, n)| n.split_once(')'));
                out.value.table_size = size.and_then(|(n, _)| n.parse().ok());
                Ok(())
            }
            "Prot" => header(line, &mut out.value),
            "->" if rest.trim_ascii_start().starts_with("RemoteAddress") => header(line, &mut out.value),
            "->" => destination(text, at, rest, &mut out.value),
            "TCP" | "UDP" | "SCTP" | "FWM" => {
                service(text, at, first, rest, &mut names, out.value.in_proc).map(|service| out.value.services.push(service))
            }
            _ => Err("neither a service nor a destination".to_owned()),
        };
        if let Err(what) = done {
            out.problems.push(Problem { at, what });
        }
    }
    out
}

fn header(line: &str, list: &mut IpvsList) -> Result<(), String> {
    // ipvsadm aligns its columns, the kernel does not.
    if let Some((_, behind)) = line.split_once("RemoteAddress:Port") {
        list.in_proc = Some(behind.starts_with(" Forward") && !line.contains("TunnelInfo"));
    }
    let has = |word: &str| line.split_ascii_whitespace().any(|w| w == word);
    list.columns = match () {
        () if has("TunnelInfo") => Columns::Tunnels,
        () if has("Forward") => Columns::Plain,
        () if has("Conns") => Columns::Stats,
        () if has("CPS") => Columns::Rate,
        () if has("Uthreshold") => Columns::Thresholds,
        () if has("PersistConn") => Columns::PersistentConn,
        // The line of the two that has no columns.
        () => list.columns,
    };
    Ok(())
}

fn service(
    text: &str,
    at: At,
    kind: &str,
    rest: &str,
    names: &mut Names,
    in_proc: Option<bool>,
) -> Result<ListedService, String> {
    let proto = match kind {
        "TCP" => Some(Proto::Tcp),
        "UDP" => Some(Proto::Udp),
        "SCTP" => Some(Proto::Sctp),
        _ => None,
    };
    let (target, rest) = word(rest);
    // /proc prints addresses and marks as eight hexadecimal digits, %pI6 writes every digit out; ipvsadm does none of it.
    let in_proc = in_proc.unwrap_or_else(|| {
        let digits = target.split(':').next().unwrap_or_default();
        digits.len() == 8
            && hex(digits).is_some()
            && (target.len() > 8 || digits.starts_with('0') || digits.parse::<u32>().is_err())
            || target.starts_with('[') && target.find(']') == Some(40) && target.split(['[', ':']).any(|g| g.starts_with('0'))
    });
    let mark = |digits: &str| if in_proc { hex(digits).and_then(|n| u32::try_from(n).ok()) } else { digits.parse().ok() };
    let endpoint = match proto {
        Some(_) => endpoint(text, position(text, target, at.line), Some(in_proc)),
        None => mark(target).map(Endpoint::FwMark),
    };
    let mut out = ListedService {
        at,
        proto,
        endpoint: endpoint.ok_or_else(|| format!("`{target}` is not what a service takes"))?,
        inet6: false,
        scheduler: None,
        persistent: None,
        mask: None,
        one_packet: false,
        engine: None,
        scheduler_flags: None,
        counts: Vec::new(),
        destinations: Vec::new(),
    };
    let mut words = rest.split_ascii_whitespace().peekable();
    if proto.is_none() {
        out.inet6 = words.next_if_eq(&"IPv6").is_some();
    }
    if words.peek().is_some_and(|w| count(w).is_some()) {
        out.counts = words.map(|w| count(w).ok_or_else(|| format!("`{w}` is not a number"))).collect::<Result<_, _>>()?;
        return Ok(out);
    }
    out.scheduler = words.next().map(|w| names.get(w));
    while let Some(key) = words.next() {
        let mut value = || words.next().map(|w| position(text, w, at.line));
        match key {
            "ops" => out.one_packet = true,
            "mask" => out.mask = value(),
            "pe" => out.engine = value(),
            "persistent" => {
                let number = words.next().and_then(|n| n.parse::<u64>().ok()).ok_or("`persistent` without a number")?;
                let hex_mask = words.next_if(|w| w.len() == 8 && hex(w).is_some() && in_proc);
                out.mask = hex_mask.map(|w| position(text, w, at.line));
                // /proc always prints a mask there.
                out.persistent = Some(match (u32::try_from(number), in_proc) {
                    (Ok(seconds), false) => Persistence::Seconds(seconds),
                    _ => Persistence::Jiffies(number),
                });
            }
            flags if flags.starts_with('(') => out.scheduler_flags = Some(position(text, flags, at.line)),
            other => return Err(format!("unknown flag `{other}`")),
        }
    }
    Ok(out)
}

fn destination(text: &str, at: At, rest: &str, list: &mut IpvsList) -> Result<(), String> {
    let (columns, in_proc) = (list.columns, list.in_proc);
    let service = list.services.last_mut().ok_or("its service does not stand before it")?;
    let (target, rest) = word(rest);
    let mut endpoint = endpoint(text, position(text, target, at.line), in_proc)
        .ok_or_else(|| format!("`{target}` is not an address and a port"))?;
    // ipvsadm cuts what it prints for a destination off at 28 characters: `host.example:h` may have been http or https.
    if let (28, Endpoint::Name { port, .. }) = (target.len(), &mut endpoint) {
        *port = None;
    }
    let mut out = ListedDestination { at, endpoint, method: None, tunnel: None, weight: None, counts: Vec::new() };
    let mut words = rest.split_ascii_whitespace().peekable();
    let method = words.peek().and_then(|w| match *w {
        "Masq" => Some(Method::Configured(Forwarding::Masquerade)),
        "Route" => Some(Method::Configured(Forwarding::DirectRoute)),
        "Tunnel" => Some(Method::Configured(Forwarding::Tunnel)),
        "Local" => Some(Method::Local),
        "Bypass" => Some(Method::Bypass),
        _ => None,
    });
    if method.is_some() {
        out.method = method;
        words.next();
        out.tunnel = words.next_if(|w| count(w).is_none()).map(|w| position(text, w, at.line));
    }
    if method.is_some() || columns == Columns::PersistentConn {
        let weight = words.next().ok_or("no weight")?;
        out.weight = Some(weight.parse().map_err(|_| format!("`{weight}` is not a weight"))?);
    }
    out.counts = words.map(|w| count(w).ok_or_else(|| format!("`{w}` is not a number"))).collect::<Result<_, _>>()?;
    let wanted = match columns {
        Columns::Unknown if method.is_none() => out.counts.len(),
        Columns::Plain | Columns::Tunnels | Columns::Unknown => 2,
        Columns::Stats | Columns::Rate => 5,
        Columns::Thresholds => 4,
        Columns::PersistentConn => 3,
    };
    let complete = out.counts.len() == wanted;
    service.destinations.push(out);
    if complete { Ok(()) } else { Err("not as many columns as the header has".to_owned()) }
}

fn count(word: &str) -> Option<Count> {
    let digits = word.trim_end_matches(['K', 'M', 'G', 'T']);
    let unit = match &word[digits.len()..] {
        "" => 1,
        "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Count { value: digits.parse::<u64>().ok()?.checked_mul(unit)?, rounded: unit > 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn listing_and_rules_of_the_same_table_agree() {
        let (list, rules) = (fixture("ipvs-list/plain.txt"), fixture("ipvs-rules/plain.txt"));
        let listed = parse(&list);
        assert_eq!(problems(&list, &listed), [""; 0]);
        let (listed, ruled) = (listed.value.to_ipvs(&list).unwrap(), crate::parse::ipvs::parse(&rules).value);
        let plain = |ipvs: &Ipvs| -> Vec<String> {
            let dest = |d: &Destination| format!("{}:{} {:?} {}", d.addr, d.port, d.forwarding, d.weight);
            let all = |s: &VirtualService| s.destinations.iter().map(dest).collect::<Vec<_>>();
            ipvs.services.iter().map(|s| format!("{:?} {} {:?} {:?}", s.virt, s.scheduler, s.persistent, all(s))).collect()
        };
        assert_eq!(plain(&listed), plain(&ruled));
    }

    #[test]
    fn what_a_form_hides_is_unknown() {
        let text = fixture("ipvs-list/stats.txt");
        let got = parse(&text);
        assert_eq!((problems(&text, &got), got.value.columns), (Vec::<String>::new(), Columns::Stats));
        assert!(got.value.to_ipvs(text.as_ref()).is_none(), "no weights, no methods");
        let headless = parse("TCP  10.0.0.1:80 1 2 3 4 5\n  -> 10.0.0.2:80 1 0 2K 0 5\n");
        assert_eq!((headless.value.columns, headless.problems.len()), (Columns::Unknown, 0));
        assert_eq!(headless.value.services[0].destinations[0].counts[2], Count { value: 2000, rounded: true });
    }

    #[test]
    fn proc_says_the_same_in_hexadecimal() {
        let text = "TCP  0A600019:0050 rr  persistent 2700000 FFFFFFFF\n  -> 0AF40102:1F90      Masq    1      0          0\n\
                    UDP  [fd00:0000:0000:0000:0000:0000:0000:000a]:0035 rr ops \nFWM  00000007 wlc  \n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [a, b, c] = &got.value.services[..] else { panic!("{got:?}") };
        assert_eq!(a.endpoint, Endpoint::Addr { addr: "10.96.0.25".parse().unwrap(), port: 80 });
        assert_eq!(a.persistent, Some(Persistence::Jiffies(2_700_000)));
        assert_eq!(a.destinations[0].endpoint, Endpoint::Addr { addr: "10.244.1.2".parse().unwrap(), port: 8080 });
        assert_eq!((&b.endpoint, b.one_packet), (&Endpoint::Addr { addr: "fd00::a".parse().unwrap(), port: 53 }, true));
        assert_eq!(c.endpoint, Endpoint::FwMark(7));
        let by_header = |header: &str| parse(&format!("{header}\nFWM  10000000 rr\n")).value.services[0].endpoint.clone();
        assert_eq!(by_header("  -> RemoteAddress:Port Forward Weight ActiveConn InActConn"), Endpoint::FwMark(0x1000_0000));
        assert_eq!(
            by_header("  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"),
            Endpoint::FwMark(10_000_000)
        );
    }

    #[test]
    fn flags_of_services() {
        let text = "  TCP  [fd00::a]:443 sh persistent 360 mask 64 pe sip (sh-fallback,sh-port)\n    -> [fd00:1::2]:8443   Tunnel  0 1 2\n\
                    SCTP 10.0.0.9:132 rr\nFWM  9 IPv6 wlc\n    -> [fd00:1::3]:0   Local  1 0 0\nUDP  dns.example:domain rr ops\n  -> a-very-long-name-of-a-host.e Route 1 0 0\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [tcp, sctp, fwm, udp] = &got.value.services[..] else { panic!("{got:?}") };
        assert_eq!((tcp.persistent, tcp.mask.is_some(), tcp.engine.is_some()), (Some(Persistence::Seconds(360)), true, true));
        assert!(tcp.scheduler_flags.is_some() && tcp.destinations[0].weight == Some(0));
        assert_eq!((sctp.proto, fwm.inet6, fwm.destinations[0].method), (Some(Proto::Sctp), true, Some(Method::Local)));
        assert!(matches!(udp.endpoint, Endpoint::Name { .. }) && udp.one_packet);
        assert!(matches!(udp.destinations[0].endpoint, Endpoint::Name { port: None, .. }), "cut off at 28 characters");
        assert!(got.value.to_ipvs(text.as_ref()).is_none(), "names are not addresses");
    }

    #[test]
    fn orphans_and_foreign_lines_are_problems() {
        let got = parse(
            "  -> 10.0.0.1:80 Masq 1 0 0\nhello\nTCP  10.0.0.1:80 rr\n  -> 10.0.0.2:80 Masq 1\n  -> 10.0.0.3:80 Masq x 0 0\n",
        );
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 4, 5]);
    }

    #[test]
    fn snapshots_of_listings() {
        snapshots("ipvs-list", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((TCP|FWM|SCTP|Prot|->|Masq|rr|persistent|mask|IP Virtual Server version \\(size=) ?|[0-9A-F.:\\[\\]]{1,9} |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
