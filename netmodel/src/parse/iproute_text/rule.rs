//! `ip rule`, `ip -6 rule`: policy routing rules.
//!
//! ```text
//! 0:    from all lookup local
//! 9:    from all fwmark 0x200/0xf00 lookup 2004
//! 101:    not from all fwmark 0xca6c lookup 51820
//! 103:    from 10.0.0.0/8 to 10.1.0.0/16 iif eth0 [detached] oif eth1 lookup main suppress_prefixlength 0
//! 105:    from all ipproto tcp sport 1-80 dport 443 goto 32766 [unresolved]
//! 32766:    from all lookup main
//! ```
//!
//! Left out: who made the rule. A selector that is not known is kept by the name that the JSON form gives it
//! ([`PolicyRule::unknown`]): it changes which packets a rule takes.

use std::sync::Arc;

use super::super::Parsed;
use super::super::ip_route::{Table, prefix};
use super::super::ip_rule::{PolicyRule, RuleAction};
use super::super::json::Names;
use super::words::{Piece, Words, number, pieces};
use crate::family::Family;
use crate::source::Problem;

/// Reads `ip rule`; `family` is that of prefixes without an address.
#[must_use]
pub fn parse(text: &str, family: Family) -> Parsed<Vec<PolicyRule>> {
    let mut out = Parsed::<Vec<PolicyRule>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        match rule(&piece, family, &mut names, &mut out.problems) {
            Ok(Some(rule)) => out.value.push(rule),
            Ok(None) => {}
            Err(what) => piece.failed(what, &mut out.problems),
        }
    }
    out
}

fn rule(piece: &Piece<'_>, family: Family, names: &mut Names, problems: &mut Vec<Problem>) -> Result<Option<PolicyRule>, String> {
    let mut words = piece.words();
    let Some(first) = words.next() else { return Ok(None) };
    let (priority, _) = first.split_once([':', '：']).ok_or_else(|| format!("`{first}` where a priority is expected"))?;
    let priority = priority.parse().map_err(|_| format!("`{first}` is not a priority"))?;
    // `0:from all`: the blank is gone.
    let mut glued = first.split_once([':', '：']).map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
    let mut rule = PolicyRule::any(piece.at, priority);
    let mut acts = false;
    while let Some(word) = glued.take().or_else(|| words.next()) {
        match word {
            "not" => rule.not = true,
            "from" => rule.from = side(words.value(word)?, family)?,
            "to" => rule.to = side(words.value(word)?, family)?,
            "iif" | "dev" => rule.iif = Some(names.get(words.value(word)?)),
            "oif" => rule.oif = Some(names.get(words.value(word)?)),
            "fwmark" => rule.fwmark = Some(mark(words.value(word)?)?),
            "ipproto" => rule.ipproto = Some(names.get(words.value(word)?)),
            "sport" => rule.sport = Some(ports(&mut words, word)?),
            "dport" => rule.dport = Some(ports(&mut words, word)?),
            "tos" | "dsfield" => rule.tos = Some(names.get(words.value(word)?)),
            "suppress_prefixlength" | "suppress_prefixlen" => {
                rule.suppress_prefixlength = Some(words.typed(word, "a prefix length")?);
            }
            "suppress_ifgroup" => rule.suppress_ifgroup = Some(names.get(words.value(word)?)),
            "lookup" | "table" => {
                let table = words.value(word)?;
                acts = true;
                if table == "[l3mdev-table]" {
                    rule.l3mdev = true;
                } else {
                    rule.action = RuleAction::Lookup(Table::parse(table, names));
                }
            }
            "goto" => {
                rule.action = RuleAction::Goto(words.typed(word, "a priority")?);
                acts = true;
            }
            "blackhole" | "unreachable" | "prohibit" | "nop" | "masquerade" | "map-to" => {
                rule.action = action(word, names);
                acts = true;
                if word == "map-to" {
                    words.value(word)?;
                }
            }
            "proto" | "protocol" => drop(words.value(word)?),
            // States of what the rule names: they select nothing.
            "[detached]" | "[unresolved]" => {}
            "uidrange" => rule.uid_range = Some(uids(&mut words, word)?),
            "realms" | "realm" => unknown(&mut words, word, &["flow_from", "flow_to"], &mut rule, names)?,
            // Newer selectors, which the JSON form names alike.
            "tun_id" | "dscp" | "flowlabel" | "flowlabel-mask" => unknown(&mut words, word, &[word], &mut rule, names)?,
            other => {
                rule.unknown.push(names.get(other));
                piece.unknown(other, problems);
            }
        }
    }
    if !acts {
        return Err("no action: the line is cut".to_owned());
    }
    Ok(Some(rule))
}

/// A selector with one value that is kept by its name alone.
fn unknown(words: &mut Words<'_>, word: &str, keys: &[&str], rule: &mut PolicyRule, names: &mut Names) -> Result<(), String> {
    words.value(word)?;
    rule.unknown.extend(keys.iter().map(|k| -> Arc<str> { names.get(k) }));
    Ok(())
}

fn side(word: &str, family: Family) -> Result<Option<ipnet::IpNet>, String> {
    match word {
        "all" | "any" => Ok(None),
        _ => prefix(word, family).map(Some),
    }
}

/// `0x80000/0xff0000`; without a mask the whole mark counts.
fn mark(word: &str) -> Result<(u32, u32), String> {
    let (value, mask) = word.split_once('/').map_or((word, None), |(v, m)| (v, Some(m)));
    let mask = mask.map_or(Some(u32::MAX), number);
    number(value).zip(mask).ok_or_else(|| format!("`fwmark {word}`: not a mark"))
}

/// `0-1000`.
fn uids(words: &mut Words<'_>, key: &str) -> Result<(u32, u32), String> {
    let word = words.value(key)?;
    let range = word.split_once('-').and_then(|(start, end)| start.parse().ok().zip(end.parse().ok()));
    range.ok_or_else(|| format!("`{key} {word}`: not a range of users"))
}

/// `443` or `1-80`.
fn ports(words: &mut Words<'_>, key: &str) -> Result<(u16, u16), String> {
    let word = words.value(key)?;
    let (start, end) = word.split_once('-').unwrap_or((word, word));
    start.parse().ok().zip(end.parse().ok()).ok_or_else(|| format!("`{key} {word}`: not a port or a range of ports"))
}

fn action(word: &str, names: &mut Names) -> RuleAction {
    match word {
        "blackhole" => RuleAction::Blackhole,
        "unreachable" => RuleAction::Unreachable,
        "prohibit" => RuleAction::Prohibit,
        "nop" => RuleAction::Nop,
        other => RuleAction::Other(names.get(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::ip_rule;

    fn v4(text: &str) -> Parsed<Vec<PolicyRule>> {
        parse(text, Family::V4)
    }

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["rule4", "rule4-brief", "rule4-node"] {
            same_as_json("ip-rule-text", name, v4, |text| ip_rule::parse(text, Family::V4));
        }
        same_as_json("ip-rule-text", "rule6", |t| parse(t, Family::V6), |t| ip_rule::parse(t, Family::V6));
    }

    #[test]
    fn rules_of_overlays_and_vpns() {
        let got = v4(include_str!("../../../../fixtures/captures/ip-rule-text/odd.txt"));
        let text = include_str!("../../../../fixtures/captures/ip-rule-text/odd.txt");
        let at: Vec<_> = got.problems.iter().map(|p| text.get(p.at.start as usize..p.at.end as usize).unwrap()).collect();
        assert_eq!(
            at,
            [
                "200:\tfrom 10.x.x.0/24 lookup 7",
                "201:\tfrom all fwmark 0x10",
                "202: from all newselector 5 lookup 7",
                "32767:\tfrom all look"
            ]
        );
        let rule = |priority: u32| got.value.iter().find(|r| r.priority == priority).unwrap_or_else(|| panic!("{priority}"));
        let lookup = |n: u32| RuleAction::Lookup(Table::Id(n));
        // Cilium: marks first, the local table moved behind them.
        assert_eq!((rule(9).fwmark, &rule(9).action), (Some((0x200, 0xf00)), &lookup(2004)));
        assert_eq!(rule(100).action, RuleAction::Lookup(Table::LOCAL));
        assert!(got.value.iter().all(|r| r.priority != 0));
        assert_eq!((rule(20).to, &rule(20).action), ("10.0.3.4/32".parse().ok(), &RuleAction::Lookup(Table::MAIN)));
        assert_eq!((rule(111).from, &rule(111).action), ("10.0.3.0/24".parse().ok(), &lookup(11)));
        // WireGuard and others: everything that is not marked.
        assert_eq!((rule(101).not, rule(101).fwmark, &rule(101).action), (true, Some((0xca6c, u32::MAX)), &lookup(51820)));
        assert_eq!((rule(102).suppress_prefixlength, &rule(102).action), (Some(0), &RuleAction::Lookup(Table::MAIN)));
        assert_eq!((rule(105).iif.as_deref(), &rule(105).action), (Some("eth7"), &RuleAction::Prohibit));
        assert_eq!((rule(106).sport, rule(106).dport), (Some((1, 80)), Some((443, 443))));
        // What asks for more than is known says so.
        assert_eq!(rule(202).unknown.iter().map(|u| &**u).collect::<Vec<_>>(), ["newselector", "5"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9]{1,5}:\t?|from |to |all |fwmark |0x[0-9a-f/x]{1,5} |lookup |goto |sport |[0-9.-]{1,5} |\n|：|\u{e9}){0,30}") {
            let _ = parse(&text, Family::V4);
        }
    }
}
