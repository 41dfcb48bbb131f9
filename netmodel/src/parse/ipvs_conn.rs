//! `ipvsadm -Lcn` and `/proc/net/ip_vs_conn`: connections that ipvs keeps.
//!
//! ```text
//! IPVS connection entries
//! pro expire state       source             virtual            destination
//! UDP 03:52  UDP         10.244.1.2:52977   10.96.0.10:53      10.244.2.3:5353
//! ```
//! ```text
//! Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
//! TCP CB00710A C700 C0A8320B 7580 0AF40102 1F90 TIME_WAIT        38
//! ```
//!
//! A template of persistence is an entry with client port 0 (and state NONE); for a firewall mark its protocol is `IP` and the
//! virtual address holds the mark.

use serde::Serialize;

use super::Parsed;
use super::ipvs_endpoint::{Endpoint, endpoint};
use super::text::word;
use crate::source::{At, Problem, lines, position};

/// A connection.
#[derive(Clone, Debug, Serialize)]
pub struct IpvsConnection {
    /// Its line.
    pub at: At,
    /// The protocol as printed (`TCP`, `UDP`, `SCTP`, `IP`).
    pub proto: At,
    /// The state as printed.
    pub state: At,
    /// Seconds until it is forgotten.
    pub expires: Option<u32>,
    /// The client.
    pub client: Endpoint,
    /// What the client talks to.
    pub virt: Endpoint,
    /// Where ipvs sends it.
    pub destination: Endpoint,
    /// What follows: the origin in /proc/net/ip_vs_conn_sync, the persistence engine's name and data.
    pub rest: Option<At>,
}

/// Reads either form.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<IpvsConnection>> {
    let mut out = Parsed::<Vec<IpvsConnection>>::default();
    for (at, line) in lines(text) {
        let (first, rest) = word(line);
        if matches!(first, "" | "IPVS" | "pro" | "Pro") {
            continue;
        }
        let second = word(rest).0;
        let read = if second.contains(':') && second.len() < 10 { by_tool(text, at, line) } else { by_kernel(text, at, line) };
        match read {
            Some(connection) => out.value.push(connection),
            None => out.problems.push(Problem { at, what: "not a connection of ipvs".to_owned() }),
        }
    }
    out
}

fn by_tool(text: &str, at: At, line: &str) -> Option<IpvsConnection> {
    let mut rest = line;
    let mut next = || {
        let (first, behind) = word(rest);
        rest = behind;
        (!first.is_empty()).then(|| position(text, first, at.line))
    };
    let (proto, expire, state) = (next()?, next()?, next()?);
    let expires = super::text::slice(text, expire).split_once(':').and_then(|(minutes, seconds)| {
        minutes.parse::<u32>().ok()?.checked_mul(60)?.checked_add(seconds.parse().ok().filter(|&s: &u32| s < 60)?)
    });
    let mut point = || endpoint(text, next()?, Some(false));
    let (client, virt, destination) = (point()?, point()?, point()?);
    expires?;
    Some(IpvsConnection { at, proto, state, expires, client, virt, destination, rest: super::text::trimmed(text, rest, at.line) })
}

fn by_kernel(text: &str, at: At, line: &str) -> Option<IpvsConnection> {
    let mut rest = line;
    let mut next = || {
        let (first, behind) = word(rest);
        rest = behind;
        (!first.is_empty()).then_some(first)
    };
    let proto = next()?;
    let mut point = || {
        let (host, port) = (next()?, next()?);
        let port = (port.len() == 4).then(|| u16::from_str_radix(port, 16).ok())??;
        let addr = match host.len() {
            8 => std::net::Ipv4Addr::from_bits(u32::from_str_radix(host, 16).ok()?).into(),
            _ => host.parse::<std::net::Ipv6Addr>().ok()?.into(),
        };
        Some(Endpoint::Addr { addr, port })
    };
    let (client, virt, destination) = (point()?, point()?, point()?);
    let state = position(text, next()?, at.line);
    let mut expires = next()?;
    // ip_vs_conn_sync has LOCAL or SYNC before the seconds.
    let origin = matches!(expires, "LOCAL" | "SYNC").then_some(expires);
    if origin.is_some() {
        expires = next()?;
    }
    let expires = Some(expires.parse().ok()?);
    let rest = super::text::trimmed(text, rest, at.line).or_else(|| origin.map(|o| position(text, o, at.line)));
    Some(IpvsConnection { at, proto: position(text, proto, at.line), state, expires, client, virt, destination, rest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};
    use crate::parse::text::slice;

    #[test]
    fn tool_and_kernel_name_the_same_connections() {
        let (tool, kernel) = (fixture("ipvs-conn/tool.txt"), fixture("ipvs-conn/proc.txt"));
        let plain = |text: &str| -> Vec<String> {
            let got = parse(text);
            assert_eq!(problems(text, &got), [""; 0]);
            let show = |c: &IpvsConnection| format!("{:?} {:?} {:?} {}", c.client, c.virt, c.destination, slice(text, c.state));
            let mut all: Vec<_> = got.value.iter().map(show).collect();
            all.sort();
            all
        };
        // Taken a moment apart: what is in both is the same.
        let (tool, kernel) = (plain(&tool), plain(&kernel));
        assert!(tool.iter().filter(|c| kernel.contains(c)).count() >= 5, "{tool:#?}\n{kernel:#?}");
    }

    #[test]
    fn every_form_of_a_line() {
        let text = "TCP 14:59  ESTABLISHED [fd00::2]:40000    [fd00::a]:443      [fd01::2]:8443\nUDP 119:05  NONE  10.244.1.2:0 10.96.0.25:80 10.244.1.3:8080 sip 1234@host\n\
                    TCP fd00:0000:0000:0000:0000:0000:0000:0002 9C40 fd00:0000:0000:0000:0000:0000:0000:000a 01BB fd01:0000:0000:0000:0000:0000:0000:0002 20FB ESTABLISHED     899\n\
                    TCP CB00710A C700 C0A8320B 7580 0AF40102 1F90 TIME_WAIT   SYNC        38\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(got.value[0].client, got.value[2].client);
        assert_eq!(got.value.iter().map(|c| c.expires).collect::<Vec<_>>(), [Some(899), Some(7145), Some(899), Some(38)]);
        assert_eq!(got.value[1].rest.map(|at| slice(text, at)), Some("sip 1234@host"));
    }

    #[test]
    fn cut_lines_are_problems() {
        let got = parse(
            "TCP 00:55  TIME_WAIT   10.96.0.22:39666\nTCP CB00710A C700 C0A8320B\nnonsense\nTCP 00:77  X 1.2.3.4:1 1.2.3.4:2 1.2.3.4:3\n",
        );
        assert_eq!((got.value.len(), got.problems.len()), (0, 4));
    }

    #[test]
    fn snapshots_of_connections() {
        snapshots("ipvs-conn", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((TCP|UDP|NONE) |[0-9A-F]{4,8} |[0-9:.\\[\\]]{1,9} |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
