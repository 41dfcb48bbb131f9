//! `/proc/net/snmp`, `netstat` and `snmp6`: counters of the protocols.
//!
//! ```text
//! Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens
//! Tcp: 1 200 120000 -1 5
//! TcpExt: SyncookiesSent ListenOverflows ListenDrops
//! TcpExt: 0 0 0
//! ```
//! ```text
//! Ip6InReceives                       62
//! Icmp6OutType133                     4
//! ```
//!
//! Left out: what `netstat -s` and `nstat` make of them.

use serde::Serialize;

use super::Parsed;
use super::text::word;
use crate::source::{At, Problem, lines, position};

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// The value in the capture.
    pub at: At,
    /// The group (`Tcp`, `IpExt`); empty in snmp6, whose names hold it.
    pub group: At,
    /// The name (`RetransSegs`).
    pub name: At,
    /// The value. `Tcp: MaxConn` is -1; counters of 64 bits above that range do not occur.
    pub value: i64,
}

/// The counters of a file, in its order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    /// The counters.
    pub counters: Vec<Counter>,
}

impl Counters {
    /// The counter of that group and name; for snmp6 the group is empty. `text` is what was parsed.
    #[must_use]
    pub fn get(&self, text: &str, group: &str, name: &str) -> Option<&Counter> {
        let is = |at: At, wanted: &str| super::text::slice(text, at) == wanted;
        self.counters.iter().find(|c| is(c.name, name) && is(c.group, group))
    }
}

/// Reads `/proc/net/snmp` or `/proc/net/netstat`: pairs of lines, names then values.
#[must_use]
pub fn parse(text: &str) -> Parsed<Counters> {
    let mut out = Parsed::<Counters>::default();
    let mut names: Option<(At, &str, &str)> = None;
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Some((group, rest)) = line.split_once(':').map(|(g, r)| (g.trim_ascii(), r)) else {
            out.problems.push(Problem { at, what: "not `Group: …`".to_owned() });
            continue;
        };
        let values =
            rest.split_ascii_whitespace().next().is_some_and(|w| w.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()));
        match names.take() {
            Some((header, wanted, keys)) if values && wanted == group => {
                let place = position(text, wanted, header.line);
                row(text, at, (place, header, keys), rest, &mut out);
            }
            before => {
                if let Some((header, ..)) = before {
                    out.problems.push(Problem { at: header, what: "names without their values".to_owned() });
                }
                if values {
                    out.problems.push(Problem { at, what: "values without their names".to_owned() });
                } else {
                    names = Some((at, group, rest));
                }
            }
        }
    }
    if let Some((header, ..)) = names {
        out.problems.push(Problem { at: header, what: "names without their values".to_owned() });
    }
    out
}

fn row(text: &str, at: At, (group, header, keys): (At, At, &str), values: &str, out: &mut Parsed<Counters>) {
    let mut keys = keys.split_ascii_whitespace();
    let mut values = values.split_ascii_whitespace();
    loop {
        match (keys.next(), values.next()) {
            (None, None) => return,
            (Some(key), Some(value)) => {
                let place = position(text, value, at.line);
                match value.parse() {
                    Ok(value) => {
                        out.value.counters.push(Counter { at: place, group, name: position(text, key, header.line), value });
                    }
                    Err(_) => out.problems.push(Problem { at: place, what: "not a number".to_owned() }),
                }
            }
            _ => {
                out.problems.push(Problem { at, what: "not as many values as names".to_owned() });
                return;
            }
        }
    }
}

/// Reads `/proc/net/snmp6` or `/proc/net/dev_snmp6/*`.
#[must_use]
pub fn parse_snmp6(text: &str) -> Parsed<Counters> {
    let mut out = Parsed::<Counters>::default();
    for (at, line) in lines(text) {
        let (name, rest) = word(line);
        let (value, behind) = word(rest);
        if name.is_empty() {
            continue;
        }
        match (value.parse(), behind.trim_ascii()) {
            (Ok(number), "") => out.value.counters.push(Counter {
                at: position(text, value, at.line),
                group: At { line: at.line, start: at.start, end: at.start },
                name: position(text, name, at.line),
                value: number,
            }),
            _ => out.problems.push(Problem { at, what: "not a name and a number".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn names_and_values_stand_on_two_lines() {
        let text =
            "Tcp: RtoMin MaxConn RetransSegs\nTcp: 200 -1 3\nTcpExt: ListenDrops RetransSegs\nTcpExt: 7 9\nIp6InReceives 4\n";
        let got = parse(text);
        assert_eq!(got.problems.len(), 1, "the last line is of another file");
        let value = |group, name| got.value.get(text, group, name).map(|c| (c.value, c.at.line));
        assert_eq!(value("Tcp", "MaxConn"), Some((-1, 2)));
        assert_eq!(value("TcpExt", "RetransSegs"), Some((9, 4)));
        assert_eq!(value("TcpExt", "Nothing"), None);
    }

    #[test]
    fn lines_without_their_other_half_are_problems() {
        assert_eq!(parse("Tcp: 1 2\nUdp: A B\nIp: A\nIp: 1 2\nIcmp: X\n").problems.len(), 4);
    }

    #[test]
    fn snmp6_has_names_of_its_own() {
        let text = fixture("proc-snmp6/linux-6.1.txt");
        let got = parse_snmp6(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        assert_eq!(got.value.get(&text, "", "Ip6InReceives").map(|c| c.value), Some(62));
        assert_eq!(parse_snmp6("Ip6InReceives\nX Y\nA 1 2\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_counters() {
        snapshots("proc-snmp", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((Tcp|Udp):?|[A-Za-z]{1,3}|-?[0-9]{1,22}| |\n|\u{e9}){0,30}") {
            let _ = (parse(&text), parse_snmp6(&text));
        }
    }
}
