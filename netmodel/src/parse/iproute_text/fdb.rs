//! `bridge fdb`: forwarding databases of bridges and VXLAN devices.
//!
//! ```text
//! aa:c1:9b:4c:43:09 dev flannel.1 dst 192.168.50.12 self permanent
//! 62:ab:61:2a:f0:1c dev veth528d521c master cni0
//! 02:00:00:00:01:03 dev vc vlan 10 extern_learn master br1 static
//! aa:c1:9b:4c:43:0a dev vx dst 192.168.50.12 port 8473 vni 44 via eth0 used 0/75 self permanent
//! ```
//!
//! Left out: ages of `-s`, source VNIs and next-hop ids of `external` devices.

use std::sync::Arc;

use super::super::Parsed;
use super::super::bridge::FdbEntry;
use super::super::json::Names;
use super::Asked;
use super::words::{Piece, pieces};
use crate::source::Problem;

/// Reads `bridge fdb`; the device may have been told on the command line.
#[must_use]
pub fn parse(text: &str, asked: &Asked<'_>) -> Parsed<Vec<FdbEntry>> {
    let mut out = Parsed::<Vec<FdbEntry>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        match entry(&piece, asked, &mut names, &mut out.problems) {
            Ok(Some(entry)) => out.value.push(entry),
            Ok(None) => {}
            Err(what) => piece.failed(what, &mut out.problems),
        }
    }
    out
}

fn entry(
    piece: &Piece<'_>,
    asked: &Asked<'_>,
    names: &mut Names,
    problems: &mut Vec<Problem>,
) -> Result<Option<FdbEntry>, String> {
    let mut words = piece.words();
    let Some(mac) = words.next() else { return Ok(None) };
    if !is_mac(mac) {
        return Err(format!("`{mac}` is not a hardware address"));
    }
    let mut entry = FdbEntry {
        at: piece.at,
        mac: names.get(mac),
        dev: Arc::from(""),
        dst: None,
        port: None,
        vni: None,
        via: None,
        vlan: None,
        master: None,
        flags: Vec::new(),
        state: names.get(""),
    };
    let mut dev = asked.dev;
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value(word)?),
            "dst" => entry.dst = Some(words.typed(word, "an address")?),
            "port" => entry.port = Some(words.typed(word, "a port")?),
            "vni" => entry.vni = Some(words.typed(word, "a VNI")?),
            "vlan" => entry.vlan = Some(words.typed(word, "a VLAN")?),
            "via" => entry.via = Some(names.get(words.value(word)?)),
            "master" => entry.master = Some(names.get(words.value(word)?)),
            "src_vni" | "nhid" | "used" | "link-netnsid" | "link-netns" | "proto" | "protocol" => drop(words.value(word)?),
            "permanent" | "static" | "stale" => entry.state = names.get(word),
            "self" | "router" | "extern_learn" | "offload" | "sticky" | "locked" | "added_by_user" | "blackhole"
            | "activity_notify" | "inactive" | "dynamic" => entry.flags.push(names.get(word)),
            _ if word.starts_with("state=") => entry.state = names.get(word),
            other => piece.unknown(other, problems),
        }
    }
    entry.dev = names.get(dev.ok_or("no device: neither in the line nor on the command line")?);
    // A learned entry of a bridge has no state, but it has its bridge; less than that is a cut line.
    if entry.master.is_none() && entry.flags.is_empty() {
        return Err("neither `self` nor `master`: the line is cut".to_owned());
    }
    Ok(Some(entry))
}

/// Six or more groups of two hexadecimal digits.
pub(in super::super) fn is_mac(word: &str) -> bool {
    let mut groups = 0;
    for group in word.split(':') {
        if group.len() != 2 || !group.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        groups += 1;
    }
    groups >= 6
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::bridge;

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["fdb", "fdb-stats", "fdb-node"] {
            same_as_json("bridge-fdb-text", name, |text| parse(text, &Asked::default()), bridge::parse_fdb);
        }
    }

    #[test]
    fn a_masked_or_cut_remote_is_no_entry() {
        let text = "aa:c1:9b:4c:43:09 dev flannel.1 dst 10.x.x.12 self permanent\naa:c1:9b:4c:43:09 dst 10.0.0.12 self permanent\n\
                    aa:c1:9b:4c:43:09 dev flannel.1 dst 192.168\naa:c1:9b dev x self\naa:c1:9b:4c:43:09 dev x new self\n\
                    aa:c1:9b:4c:43:09 dev flannel.1 dst 192.168.50.12\n";
        let got = parse(text, &Asked::default());
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(got.value.len(), 1);
        let got = parse(text, &Asked { dev: Some("flannel.1"), table: None });
        assert_eq!((&*got.value[0].dev, got.value[0].dst), ("flannel.1", "10.0.0.12".parse().ok()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(02:00:00:00:00:01 |dev |dst |vlan |self |master |[0-9.]{1,8} |[a-z]{1,3} |\n|\u{e9}){0,30}") {
            let _ = parse(&text, &Asked { dev: Some("d"), table: None });
        }
    }
}
