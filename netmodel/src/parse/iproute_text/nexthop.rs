//! `ip nexthop`: next-hop objects, to which routes point by `nhid`.
//!
//! ```text
//! id 10 via 192.168.50.1 dev eth0 scope link proto static
//! id 11 via 192.168.50.2 dev eth0 scope link onlink
//! id 13 blackhole
//! id 20 group 10/11,3
//! id 21 group 10/11,3 type resilient buckets 32 idle_timer 60 unbalanced_timer 0 unbalanced_time 0
//! ```
//!
//! Left out: scope, protocol, timers of resilient groups, encapsulation.

use super::super::Parsed;
use super::super::ip_nexthop::NexthopObject;
use super::super::json::Names;
use super::route::{FLAGS, encap};
use super::words::{Piece, pieces};
use crate::source::Problem;

/// Reads `ip nexthop`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<NexthopObject>> {
    let mut out = Parsed::<Vec<NexthopObject>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        match object(&piece, &mut names, &mut out.problems) {
            Ok(Some(object)) => out.value.push(object),
            Ok(None) => {}
            Err(what) => piece.failed(what, &mut out.problems),
        }
    }
    out
}

fn object(piece: &Piece<'_>, names: &mut Names, problems: &mut Vec<Problem>) -> Result<Option<NexthopObject>, String> {
    let mut words = piece.words();
    match words.next() {
        None => return Ok(None),
        Some("id") => {}
        Some(other) => return Err(format!("`{other}` where `id` is expected")),
    }
    let id = words.typed("id", "a number")?;
    let mut object =
        NexthopObject { at: piece.at, id, gateway: None, dev: None, group: Vec::new(), blackhole: false, flags: Vec::new() };
    while let Some(word) = words.next() {
        match word {
            "via" => {
                let family = words.peek().is_some_and(|w| w == "inet" || w == "inet6");
                if family {
                    words.next();
                }
                object.gateway = Some(words.typed(word, "an address")?);
            }
            "dev" => object.dev = Some(names.get(words.value(word)?)),
            "group" => object.group = group(words.value(word)?)?,
            "blackhole" => object.blackhole = true,
            "encap" => drop(encap(&mut words)?),
            "scope" | "proto" | "protocol" | "type" | "buckets" | "idle_timer" | "unbalanced_timer" | "unbalanced_time"
            | "packets" | "master" => drop(words.value(word)?),
            "fdb" => {}
            flag if FLAGS.contains(&flag) => object.flags.push(names.get(flag)),
            other => piece.unknown(other, problems),
        }
    }
    if object.gateway.is_none() && object.dev.is_none() && object.group.is_empty() && !object.blackhole {
        return Err("neither a gateway nor a device nor a group: the line is cut".to_owned());
    }
    Ok(Some(object))
}

/// `10/11,3`: members with their weights, of which 1 is not printed.
fn group(word: &str) -> Result<Vec<(u32, u32)>, String> {
    let bad = || format!("`group {word}`: not a list of ids");
    word.split('/')
        .map(|member| {
            let (id, weight) = member.split_once(',').unwrap_or((member, "1"));
            Ok((id.parse().map_err(|_| bad())?, weight.parse().map_err(|_| bad())?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::ip_nexthop;

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["nexthop", "nexthop-brief"] {
            same_as_json("ip-nexthop-text", name, parse, ip_nexthop::parse);
        }
    }

    #[test]
    fn groups_and_cut_lines() {
        let got = parse("id 1 group 2/3,5\nid 4\nid 5 group 2/x\nid 6 via 10.x.0.1 dev eth0\nid 7 blackhole <-- here\n");
        assert_eq!(got.value[0].group, [(2, 1), (3, 5)]);
        assert!(got.value[1].blackhole);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [2, 3, 4]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(id [0-9]{1,2} |via |dev |group |[0-9/,]{1,6} |encap |\\[|\\] |blackhole|[a-z]{1,3} |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
