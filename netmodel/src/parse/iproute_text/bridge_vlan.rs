//! `bridge vlan` and `bridge -j vlan`: the VLANs that ports of a filtering bridge let through.
//!
//! ```text
//! port              vlan-id
//! veth1             10 PVID Egress Untagged
//!                   20-24
//! br0               1 PVID Egress Untagged
//! docker0     1 PVID Egress Untagged
//! ```
//!
//! The last line is the form of iproute2 before 5.1, which ends each port with an empty line. In JSON:
//! `[{"ifname":"veth1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]},{"vlan":20,"vlanEnd":24}]}]`.
//! Left out: tunnel ids, statistics and multicast settings of `-d -s`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::Parsed;
use super::super::json::{self, Names};
use super::words::{Piece, pieces};
use crate::source::{At, Problem};

/// The VLANs of a port.
#[derive(Clone, Debug, Serialize)]
pub struct PortVlans {
    /// Its first line, or its object.
    pub at: At,
    /// The port, or the bridge itself.
    pub port: Arc<str>,
    /// Its VLANs, in the capture's order.
    pub vlans: Vec<Vlan>,
}

/// A VLAN, or a range of them with the same flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Vlan {
    /// The first one.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// Frames without a tag are taken as of this VLAN.
    pub pvid: bool,
    /// Leaves without a tag.
    pub untagged: bool,
}

/// Reads `bridge vlan`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<PortVlans>> {
    let mut out = Parsed::<Vec<PortVlans>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        let header = piece.text.starts_with("port") && piece.text.contains("vlan");
        if header || piece.text == "None" {
            continue;
        }
        if let Err(what) = line(&piece, &mut out.value, &mut names, &mut out.problems) {
            piece.failed(what, &mut out.problems);
        }
    }
    out
}

fn line(piece: &Piece<'_>, ports: &mut Vec<PortVlans>, names: &mut Names, problems: &mut Vec<Problem>) -> Result<(), String> {
    let mut words = piece.words();
    if !piece.indented {
        let Some(port) = words.next() else { return Ok(()) };
        ports.push(PortVlans { at: piece.at, port: names.get(port), vlans: Vec::new() });
    }
    let Some(ids) = words.next() else { return Ok(()) };
    let port = ports.last_mut().ok_or("no port stands before this line")?;
    let (first, last) = ids.split_once('-').unwrap_or((ids, ids));
    let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else { return Err(format!("`{ids}` is not a VLAN")) };
    let mut vlan = Vlan { first, last, pvid: false, untagged: false };
    for word in words {
        match word {
            "PVID" => vlan.pvid = true,
            "Untagged" => vlan.untagged = true,
            "Egress" => {}
            other => piece.unknown(other, problems),
        }
    }
    port.vlans.push(vlan);
    Ok(())
}

/// Reads `bridge -j vlan`.
#[must_use]
pub fn parse_json(text: &str) -> Parsed<Vec<PortVlans>> {
    json::read(text, |element, object, names| {
        let raw: RawPort<'_> = json::typed(object)?;
        let vlans = raw.vlans.iter().map(|v| {
            let has = |flag: &str| v.flags.iter().any(|f| f == flag);
            Vlan { first: v.vlan, last: v.vlan_end.unwrap_or(v.vlan), pvid: has("PVID"), untagged: has("Egress Untagged") }
        });
        Ok(PortVlans { at: element.at, port: names.get(&raw.ifname), vlans: vlans.collect() })
    })
}

#[derive(Deserialize)]
struct RawPort<'t> {
    #[serde(borrow)]
    ifname: Cow<'t, str>,
    #[serde(default, borrow)]
    vlans: Vec<RawVlan<'t>>,
}

#[derive(Deserialize)]
struct RawVlan<'t> {
    vlan: u16,
    #[serde(rename = "vlanEnd")]
    vlan_end: Option<u16>,
    #[serde(default, borrow)]
    flags: Vec<Cow<'t, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_text_forms_and_the_json() {
        let new = "port              vlan-id  \nveth1             10 PVID Egress Untagged\n                  20-24\nbr0               1 PVID Egress Untagged\n";
        let old = "port\tvlan ids\nveth1\t 10 PVID Egress Untagged\n\t 20-24\n\nbr0\t 1 PVID Egress Untagged\n\n";
        let json = r#"[{"ifname":"veth1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]},{"vlan":20,"vlanEnd":24}]},
                       {"ifname":"br0","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]}]}]"#;
        for got in [parse(new), parse(old), parse_json(json)] {
            assert_eq!(got.problems, []);
            let shown: Vec<_> = got.value.iter().map(|p| (&*p.port, p.vlans.clone())).collect();
            let vlan = |first, last, flags| Vlan { first, last, pvid: flags, untagged: flags };
            assert_eq!(shown, [("veth1", vec![vlan(10, 10, true), vlan(20, 24, false)]), ("br0", vec![vlan(1, 1, true)])]);
        }
        assert!(parse("port              vlan-id  \n").value.is_empty());
    }

    #[test]
    fn what_is_no_vlan_is_a_problem() {
        let got = parse("   20\nveth1   x\nveth2   1 New\n");
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(port |vlan-id|[a-z]{1,3} |[0-9-]{1,5} |PVID |\n {0,2}|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
