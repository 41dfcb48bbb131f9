//! `bridge link`, with `-d` or without: bridge ports.
//!
//! ```text
//! 6: va@vb: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2
//!     hairpin on guard off root_block off fastleave off learning off flood off mcast_flood on … isolated on locked off
//! 5: veth1 state UP @eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 master cni0 state forwarding priority 32 cost 2
//! ```
//!
//! The second form is that of iproute2 before 4.16. Left out: cost, priority, the settings of the hardware (`hwmode`).

use super::super::Parsed;
use super::super::bridge::BridgePort;
use super::super::json::Names;
use super::link_detail::on;
use super::words::{Piece, pieces};
use crate::source::Problem;

/// Reads `bridge link`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<BridgePort>> {
    let mut out = Parsed::<Vec<BridgePort>>::default();
    let mut names = Names::default();
    // Whether the port before this line was read.
    let mut open = false;
    for piece in pieces(text) {
        let begins = piece.text.starts_with(|c: char| c.is_ascii_digit());
        let done = if begins {
            let port = port(&piece, &mut names);
            open = port.is_ok();
            port.map(|port| out.value.push(port))
        } else {
            Ok(())
        };
        if let Err(what) = done {
            out.problems.push(piece.problem(what));
        } else if !open {
            out.problems.push(piece.problem("no port stands before this line"));
        } else if let Some(port) = out.value.last_mut() {
            settings(&piece, begins, port, &mut names, &mut out.problems);
        }
    }
    out
}

/// `6: va@vb:`, as far as the name.
fn port(piece: &Piece<'_>, names: &mut Names) -> Result<BridgePort, String> {
    let (index, rest) = piece.text.split_once(':').ok_or("no index")?;
    let index = index.trim().parse().map_err(|_| format!("`{index}` is not an index"))?;
    let name = rest.split_whitespace().next().ok_or("no name")?.trim_end_matches(':');
    let name = name.rsplit_once('@').map_or(name, |(name, _)| name);
    if !rest.contains('<') {
        return Err("no flags: the line is cut".to_owned());
    }
    Ok(BridgePort {
        at: piece.at,
        index,
        name: names.get(name),
        master: None,
        state: None,
        hairpin: None,
        isolated: None,
        learning: None,
        flood: None,
    })
}

/// The words behind the flags, or of a line of settings.
fn settings(piece: &Piece<'_>, begins: bool, port: &mut BridgePort, names: &mut Names, problems: &mut Vec<Problem>) {
    let mut words = piece.words();
    if begins {
        // `state UP` before the flags, in old versions, is the link's.
        while words.next().is_some_and(|w| !w.starts_with('<')) {}
    }
    while let Some(word) = words.next() {
        let place = match word {
            "master" => {
                port.master = words.next().map(|w| names.get(w));
                continue;
            }
            "state" => {
                port.state = words.next().map(|w| names.get(w));
                continue;
            }
            "hairpin" => &mut port.hairpin,
            "isolated" => &mut port.isolated,
            "learning" => &mut port.learning,
            "flood" => &mut port.flood,
            _ => continue,
        };
        let value = words.next().unwrap_or_default();
        *place = on(value);
        if place.is_none() {
            problems.push(piece.problem(format!("`{word} {value}`: neither on nor off")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::bridge;

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["link-details", "link", "link-oneline", "link-node"] {
            same_as_json("bridge-link-text", name, parse, bridge::parse_link);
        }
    }

    #[test]
    fn the_old_form_and_what_is_cut() {
        let text = "5: veth1 state UP @eth0: <BROADCAST,UP> mtu 1450 master cni0 state forwarding priority 32 cost 2 \n\
                    \thairpin on guard off learning on flood on \n6: veth2@if3: <BROADCAST,UP> mtu 1450 master cni0 state blocking\n\
                    7: veth3\n    hairpin on\n8: veth4: <UP> master cni0\n    hairpin o\n";
        let got = parse(text);
        let [a, b, c] = &got.value[..] else { panic!("{got:#?}") };
        assert_eq!((&*a.name, a.state.as_deref(), a.hairpin, a.index), ("veth1", Some("forwarding"), Some(true), 5));
        assert_eq!((&*b.name, b.state.as_deref(), b.hairpin), ("veth2", Some("blocking"), None));
        assert_eq!((&*c.name, c.hairpin), ("veth4", None));
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [4, 5, 7]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9]{1,3}: |e@f: |<UP> |master |state |hairpin |on |off |@|\n {0,2}|\\\\|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
