//! `ip -br addr` and `ip -br link`: a link a line.
//!
//! ```text
//! lo               UNKNOWN        127.0.0.1/8 ::1/128
//! eth0@if2         UP             10.0.0.11/24 metric 100 172.16.5.1 peer 172.16.5.2/32 fe80::3412:2fff:fea2:b63f/64
//! vb@va            UP             12:37:fe:cc:a8:92 <BROADCAST,MULTICAST,UP,LOWER_UP>
//! ```
//!
//! The form has neither index nor MTU nor kind, and that of `addr` no flags. Of those the state tells some: the kernel reports DOWN
//! for every link that is not set up (`rtnl_fill_ifinfo`: `netif_running(dev) ? dev->operstate : IF_OPER_DOWN`), so any other state
//! means that it is; DOWN alone leaves it open.

use super::super::Parsed;
use super::super::ip_addr::Link;
use super::super::json::Names;
use super::fdb::is_mac;
use super::link_records::{address, blank, host, pair, set_flags};
use super::words::Piece;
use crate::source::position;

/// The states of RFC 2863 as iproute2 prints them (`oper_states` in ip/ipaddress.c).
const STATES: &[&str] = &["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"];

/// Whether a line has this form: a name, then a state.
pub(super) fn is_brief(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|name| !name.ends_with([':', '：'])) && words.next().is_some_and(|state| STATES.contains(&state))
}

/// Reads a line of this form.
pub(super) fn read(text: &str, piece: &Piece<'_>, names: &mut Names, out: &mut Parsed<Vec<Link>>) {
    match line(text, piece, names) {
        Ok(link) => out.value.push(link),
        Err(what) => out.problems.push(piece.problem(what)),
    }
}

fn line(text: &str, piece: &Piece<'_>, names: &mut Names) -> Result<Link, String> {
    let mut words = piece.words();
    let name = words.value("a link")?;
    let state = words.value(name)?;
    let (name, lower) = name.rsplit_once('@').map_or((name, None), |(n, l)| (n, Some(l)));
    let mut link = blank(piece.at, names.get(name));
    link.lower_index = lower.and_then(|l| l.strip_prefix("if")).and_then(|n| n.parse().ok());
    link.lower = lower.filter(|l| link.lower_index.is_none() && *l != "NONE").map(|l| names.get(l));
    link.operstate = Some(names.get(state));
    link.up = (state != "DOWN").then_some(true);
    link.lower_up = match state {
        "UP" | "UNKNOWN" => Some(true),
        "DOWN" | "LOWERLAYERDOWN" | "NOTPRESENT" => Some(false),
        _ => None,
    };
    while let Some(word) = words.next() {
        if let Some(inner) = word.strip_prefix('<') {
            let inner = inner.strip_suffix('>').ok_or("flags without an end: the line is cut")?;
            set_flags(&mut link, inner, names);
        } else if word == "metric" {
            words.value(word)?;
        } else if words.peek() == Some("peer") {
            words.next();
            let peer = words.value("peer")?;
            let mut found = address(position(text, word, piece.at.line), names);
            (found.addr, found.peer) = pair(word, peer)?;
            found.at.end = position(text, peer, piece.at.line).end;
            link.addresses.push(found);
        } else if is_mac(word) {
            link.mac = Some(names.get(word));
        } else {
            let mut found = address(position(text, word, piece.at.line), names);
            found.addr = word.parse().ok().or_else(|| host(word)).ok_or_else(|| format!("`{word}` is not an address"))?;
            link.addresses.push(found);
        }
    }
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::super::addr::parse;

    #[test]
    fn what_the_form_shows_and_what_it_does_not() {
        let text = "lo               UNKNOWN        127.0.0.1/8 ::1/128 \n\
                    eth0@if2         UP             10.0.0.11/24 metric 100 172.16.5.1 peer 172.16.5.2/32 fe80::1/64 \n\
                    kube-ipvs0       DOWN           10.96.0.1/32 10.96.0.10/32 \n\
                    vb@va            UP             12:37:fe:cc:a8:92 <BROADCAST,MULTICAST,UP,LOWER_UP> \n\
                    eth9             UP             10.xx.xx.1/24 \n";
        let got = parse(text);
        let [lo, eth0, ipvs, vb] = &got.value[..] else { panic!("{got:#?}") };
        assert_eq!((lo.up, lo.index, lo.mtu), (Some(true), None, None));
        let shown: Vec<_> = eth0.addresses.iter().map(|a| a.addr.to_string()).collect();
        assert_eq!(shown, ["10.0.0.11/24", "172.16.5.1/32", "fe80::1/64"]);
        assert_eq!((eth0.addresses[1].peer, eth0.lower_index), ("172.16.5.2".parse().ok(), Some(2)));
        let at = eth0.addresses[1].at;
        assert_eq!((at.line, text.get(at.start as usize..at.end as usize)), (2, Some("172.16.5.1 peer 172.16.5.2/32")));
        // DOWN does not say whether it is set up: kube-ipvs0 is healthy so.
        assert_eq!((ipvs.up, ipvs.lower_up, ipvs.addresses.len()), (None, Some(false), 2));
        assert_eq!((vb.mac.as_deref(), vb.flags.len(), vb.lower.as_deref()), (Some("12:37:fe:cc:a8:92"), 4, Some("va")));
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [5]);
    }
}
