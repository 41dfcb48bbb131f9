//! /proc/net/arp, and what `arp -n` and `arp -a` (net-tools, busybox) make of it: IPv4 neighbours.
//!
//! ```text
//! IP address       HW type     Flags       HW address            Mask     Device
//! 192.168.50.12    0x1         0x2         2e:e1:a0:fc:66:10     *        eth0
//! ```
//! ```text
//! Address                  HWtype  HWaddress           Flags Mask            Iface
//! 192.168.50.12            ether   2e:e1:a0:fc:66:10   C                     eth0
//! 192.168.50.40                    (incomplete)                              eth0
//! ```
//! ```text
//! ? (192.168.50.12) at 2e:e1:a0:fc:66:10 [ether] PERM on eth0
//! ```
//!
//! The kernel shows three of its states (`arp_state_to_flags`, net/ipv4/arp.c): permanent, resolved (reachable, stale, delay, probe or
//! noarp: [`Neighbour::states`] stays empty) and not resolved (incomplete or failed: the hardware address is `None` too).

use std::sync::Arc;

use super::Parsed;
use super::ip_neigh::Neighbour;
use super::iproute_text::fdb::is_mac;
use super::iproute_text::words::{Piece, pieces};
use super::json::Names;

/// What the forms leave out, so that it cannot be proven from them.
pub const NOT_SHOWN: &str =
    "IPv6 neighbours, entries with the state NOARP, which of several states a resolved or unresolved entry is in";

/// ATF_* of include/uapi/linux/if_arp.h.
const COMPLETE: u32 = 0x02;
const PERMANENT: u32 = 0x04;
const PUBLISHED: u32 = 0x08;

/// Reads any of the three forms, line by line.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Neighbour>> {
    let mut out = Parsed::<Vec<Neighbour>>::default();
    let mut names = Names::default();
    for piece in pieces(text) {
        let words: Vec<&str> = piece.text.split_whitespace().collect();
        let entry = match &words[..] {
            ["IP", "address", ..] | ["Address", "HWtype", ..] | ["Entries:", ..] => continue,
            [addr, _, flags, mac, _, dev] if flags.starts_with("0x") => proc(&piece, addr, flags, mac, dev, &mut names),
            [_, addr, "at", rest @ ..] if addr.starts_with('(') => all(&piece, addr.trim_matches(['(', ')']), rest, &mut names),
            [addr, .., dev] if words.len() >= 3 => list(&piece, addr, &words, dev, &mut names),
            _ => Err("not a line of the ARP table".to_owned()),
        };
        match entry {
            Ok(entry) => out.value.push(entry),
            Err(what) => out.problems.push(piece.problem(what)),
        }
    }
    out
}

fn proc(piece: &Piece<'_>, addr: &str, flags: &str, mac: &str, dev: &str, names: &mut Names) -> Result<Neighbour, String> {
    let bits = flags.strip_prefix("0x").and_then(|f| u32::from_str_radix(f, 16).ok());
    let bits = bits.ok_or_else(|| format!("`{flags}` is not a set of flags"))?;
    // An unresolved entry shows zeroes, or the address that it had before.
    let mac = (bits & COMPLETE != 0).then_some(mac);
    entry(piece, addr, mac, bits & (PERMANENT | PUBLISHED) == PERMANENT, bits & PUBLISHED != 0, dev, names)
}

/// `arp -n`. The columns of the type and of the flags may be empty.
fn list(piece: &Piece<'_>, addr: &str, words: &[&str], dev: &str, names: &mut Names) -> Result<Neighbour, String> {
    let mac = words.iter().position(|w| is_mac(w));
    // Behind the address, before the device; `<from_interface>` of a proxy entry is followed by its flags.
    let marker = mac.or_else(|| words.iter().position(|w| w.starts_with(['(', '<'])));
    let marker = marker.ok_or("no hardware address")?;
    let flags = words.get(marker + 1).filter(|_| marker + 2 < words.len()).copied().unwrap_or_default();
    let published = flags.contains('P');
    let mac = mac.and_then(|i| words.get(i).copied());
    entry(piece, addr, mac, flags.contains('M') && !published, published, dev, names)
}

/// `arp -a`.
fn all(piece: &Piece<'_>, addr: &str, rest: &[&str], names: &mut Names) -> Result<Neighbour, String> {
    let on = rest.iter().position(|w| *w == "on").ok_or("no device")?;
    let dev = rest.get(on + 1).ok_or("no device")?;
    let mac = rest.first().copied().filter(|w| is_mac(w));
    let published = rest.contains(&"PUB") || rest.contains(&"PUP");
    entry(piece, addr, mac, rest.contains(&"PERM") && !published, published, dev, names)
}

fn entry(
    piece: &Piece<'_>,
    addr: &str,
    mac: Option<&str>,
    permanent: bool,
    proxy: bool,
    dev: &str,
    names: &mut Names,
) -> Result<Neighbour, String> {
    let dst = addr.parse().map_err(|_| format!("`{addr}` is not an address"))?;
    if mac.is_some_and(|m| !is_mac(m)) {
        return Err("not a hardware address".to_owned());
    }
    let states: Vec<Arc<str>> = permanent.then(|| names.get("PERMANENT")).into_iter().collect();
    Ok(Neighbour { at: piece.at, dst, dev: names.get(dev), lladdr: mac.map(|m| names.get(m)), states, proxy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ip_neigh;
    use crate::parse::iproute_text::testing::fixture;

    #[test]
    fn the_three_forms_of_one_table_agree() {
        let forms = ["proc.txt", "arp-n.txt", "arp-a.txt"].map(|f| parse(&fixture("proc-net-arp", f)));
        let key = |n: &Neighbour| (n.dst, n.dev.clone(), n.lladdr.clone(), n.states.clone(), n.proxy);
        let [a, b, c] = forms.map(|got| {
            assert_eq!(got.problems, []);
            let mut keys: Vec<_> = got.value.iter().map(key).collect();
            keys.sort();
            keys
        });
        assert_eq!(a, b);
        assert_eq!(a, c);
        let has = |dst: &str| a.iter().find(|k| k.0.to_string() == dst).unwrap();
        assert_eq!((has("192.168.50.20").3.len(), has("192.168.50.22").3.len(), has("192.168.50.30").4), (1, 0, true));
        assert_eq!(has("192.168.50.12").2, None, "not resolved");
    }

    #[test]
    fn it_agrees_with_ip_neigh() {
        let got = parse(&fixture("proc-net-arp", "node.txt")).value;
        let want = ip_neigh::parse(&fixture("ip-neigh-text", "neigh-node.json")).value;
        for entry in &got {
            let same = want.iter().find(|w| w.dst == entry.dst && w.dev == entry.dev).unwrap();
            assert_eq!((same.lladdr.as_deref(), same.is("PERMANENT")), (entry.lladdr.as_deref(), entry.is("PERMANENT")));
        }
        assert!(!got.is_empty());
    }

    #[test]
    fn names_and_cut_lines_are_problems() {
        let text = "gateway.example          ether   02:00:00:00:00:01   C   eth0\n10.0.0.1\n10.0.0.2 0x1 0xzz 02:00:00:00:00:01 * eth0\n\
                    ? (10.0.0.3) at 02:00:00:00:00:03 [ether]\n10.0.0.4 0x1 0x2 02:00:00:00 * eth0\n";
        let got = parse(text);
        assert_eq!((got.value.len(), got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>()), (0, vec![1, 2, 3, 4, 5]));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9.]{1,9} |0x[0-9] |\\? \\(|\\) at |on |02:00:00:00:00:01 |\\(incomplete\\) |\\* |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
