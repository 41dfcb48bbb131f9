//! `ip neigh`: neighbours.
//!
//! ```text
//! 192.168.50.12 dev eth0 lladdr 2e:e1:a0:fc:66:10 REACHABLE
//! 10.244.2.0 dev flannel.1 lladdr aa:c1:9b:4c:43:09 PERMANENT
//! fe80::1 dev eth0 lladdr 5a:ac:14:fe:5c:98 router  ref 1 used 0/60/0probes 1 STALE
//! 192.168.50.40 dev eth0  FAILED
//! 192.168.50.30 dev eth0 proxy
//! ```
//!
//! Left out: use counts and times of `-s`, who made the entry.

use super::super::Parsed;
use super::super::ip_neigh::Neighbour;
use super::super::json::Names;
use super::Asked;
use super::words::{Piece, pieces};
use crate::source::Problem;

/// Reads `ip neigh`; the device may have been told on the command line.
#[must_use]
pub fn parse(text: &str, asked: &Asked<'_>) -> Parsed<Vec<Neighbour>> {
    let mut out = Parsed::<Vec<Neighbour>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        match neighbour(&piece, asked, &mut names, &mut out.problems) {
            Ok(Some(entry)) => out.value.push(entry),
            Ok(None) => {}
            Err(what) => piece.failed(what, &mut out.problems),
        }
    }
    out
}

fn neighbour(
    piece: &Piece<'_>,
    asked: &Asked<'_>,
    names: &mut Names,
    problems: &mut Vec<Problem>,
) -> Result<Option<Neighbour>, String> {
    let mut words = piece.words();
    let Some(first) = words.next() else { return Ok(None) };
    let dst = first.parse().map_err(|_| format!("`{first}` is not an address"))?;
    let (mut dev, mut lladdr, mut states, mut proxy) = (asked.dev, None, Vec::new(), false);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value(word)?),
            "lladdr" => lladdr = Some(names.get(words.value(word)?)),
            "proxy" => proxy = true,
            "router" | "extern_learn" | "extern_valid" | "managed" | "offload" | "self" | "nomaster" => {}
            "ref" | "used" | "proto" | "protocol" | "master" => drop(words.value(word)?),
            "probes" => drop(words.value(word)?),
            // `used 0/60/0probes 1`: old versions print no blank before `probes`, so its number comes alone.
            _ if word.bytes().all(|b| b.is_ascii_digit()) => {}
            "nud" => states.push(names.get(&words.value(word)?.to_ascii_uppercase())),
            "NONE" | "INCOMPLETE" | "REACHABLE" | "STALE" | "DELAY" | "PROBE" | "FAILED" | "NOARP" | "PERMANENT" => {
                states.push(names.get(word));
            }
            _ if word.starts_with("0x") => states.push(names.get(word)),
            other => piece.unknown(other, problems),
        }
    }
    let dev = dev.ok_or("no device: neither in the line nor on the command line")?;
    if states.is_empty() && !proxy {
        return Err("no state: the line is cut".to_owned());
    }
    Ok(Some(Neighbour { at: piece.at, dst, dev: names.get(dev), lladdr, states, proxy }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::ip_neigh;

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["neigh", "neigh-stats", "neigh-proxy", "neigh-node"] {
            same_as_json("ip-neigh-text", name, |text| parse(text, &Asked::default()), ip_neigh::parse);
        }
    }

    #[test]
    fn a_line_without_device_or_state_is_no_entry() {
        let text = "10.0.0.1 lladdr 02:00:00:00:00:01 STALE\n10.0.0.2 dev eth0 lladdr 02:00:00:00:0\n10.xx.0.3 dev eth0 STALE\n\
                    10.0.0.4 dev eth0  FAILED\n";
        let got = parse(text, &Asked::default());
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(got.value[0].is("FAILED") && got.value[0].lladdr.is_none() && got.value.len() == 1);
        let got = parse(text, &Asked { dev: Some("eth1"), table: None });
        assert_eq!((&*got.value[0].dev, &*got.value[1].dev), ("eth1", "eth0"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9.]{1,9} |dev |lladdr |STALE|proxy|used |[a-z]{1,3} |\\\\|\n|#|\u{e9}){0,30}") {
            let _ = parse(&text, &Asked { dev: Some("d"), table: None });
        }
    }
}
