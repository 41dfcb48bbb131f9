//! `ifconfig`, of net-tools 2 and before, and busybox's: links with their first addresses and statistics.
//!
//! ```text
//! eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
//!         inet 10.9.9.9  netmask 255.255.255.0  broadcast 10.9.9.255
//!         inet6 fe80::3412:2fff:fea2:b63f  prefixlen 64  scopeid 0x20<link>
//!         ether 36:12:2f:a2:b6:3f  txqueuelen 1000  (Ethernet)
//!         RX packets 11  bytes 866 (866.0 B)
//!         RX errors 0  dropped 0  overruns 0  frame 0
//! ```
//! ```text
//! eth0      Link encap:Ethernet  HWaddr 02:42:AC:11:00:02
//!           inet addr:172.17.0.2  Bcast:172.17.255.255  Mask:255.255.255.0
//!           inet6 addr: fe80::42:acff:fe11:2/64 Scope:Link
//!           UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1
//!           RX packets:8 errors:0 dropped:0 overruns:0 frame:0
//!           RX bytes:648 (648.0 B)  TX bytes:648 (648.0 B)
//! ```
//!
//! The words of the second form are translated (`inet Adresse:… Maske:…`), so it is read by shape. What the tool does not show at all
//! stands in [`NOT_SHOWN`].

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::Parsed;
use super::ip_addr::{Address, Link, LinkKind, LinkStats};
use super::iproute_text::link_records;
use super::iproute_text::words::{Piece, pieces};
use super::json::Names;
use super::proc_route::prefix_len;
use crate::source::position;

/// What the form leaves out, so that it cannot be proven from it. `ifconfig` asks by ioctl, which gives one IPv4 address a label: of the
/// addresses of `kube-ipvs0` it shows one.
pub const NOT_SHOWN: &str = "all but one IPv4 address a link and label, links that are not set up (without -a), indices, kinds, masters, \
                             peers, altnames, and states of links";

/// Reads `ifconfig` or `ifconfig -a`. A stanza of a label (`eth0:1`) is an address of its link.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Link>> {
    let mut reader = Reader { text, names: Names::default(), out: Parsed::default(), places: HashMap::new(), now: None };
    for piece in pieces(text) {
        if let Err(what) = reader.piece(&piece) {
            reader.out.problems.push(piece.problem(what));
        }
    }
    let Reader { mut out, now, .. } = reader;
    if let Some(now) = now {
        now.finish(&mut out.value);
    }
    out
}

struct Reader<'t> {
    text: &'t str,
    names: Names,
    out: Parsed<Vec<Link>>,
    places: HashMap<&'t str, usize>,
    now: Option<Stanza<'t>>,
}

/// The stanza that is being read.
struct Stanza<'t> {
    /// The link's place in the output.
    place: usize,
    /// The stanza's name, which may be a label.
    label: &'t str,
    stats: Stats,
}

#[derive(Default)]
struct Stats {
    rx: [Option<u64>; 4],
    tx: [Option<u64>; 4],
    carrier: Option<u64>,
}

impl<'t> Reader<'t> {
    fn piece(&mut self, piece: &Piece<'t>) -> Result<(), String> {
        let words: Vec<&'t str> = piece.text.split_whitespace().collect();
        let first = words.first().copied().unwrap_or_default();
        let new = words.get(1).is_some_and(|w| w.starts_with("flags="));
        let old = words.iter().any(|w| w.starts_with("encap:"));
        if new || old {
            self.begin(if new { first.strip_suffix(':').unwrap_or(first) } else { first }, piece);
            let link = self.link()?.0;
            if new {
                let flags = words.get(1).and_then(|w| w.split_once('<')).and_then(|(_, f)| f.strip_suffix('>'));
                link_flags(link, flags.ok_or("flags without an end: the line is cut")?.split(','));
            }
            if let Some(mac) = words.iter().rev().find(|w| w.contains(':') && w.split(':').count() >= 6) {
                link.mac = Some(mac.to_ascii_lowercase().into());
            }
            return mtu(&words, link);
        }
        match first {
            "inet" => {
                let address = self.v4(&words, piece)?;
                self.link()?.0.addresses.push(address);
            }
            _ if first.starts_with("inet6") => {
                let address = self.v6(&words, piece)?;
                self.link()?.0.addresses.push(address);
            }
            "ether" => {
                let mac = words.get(1).map(|m| self.names.get(m));
                self.link()?.0.mac = mac;
            }
            "RX" | "TX" => counters(&words, self.link()?.1),
            // Queue lengths and collisions; interrupts and ports.
            "loop" | "unspec" | "tunnel" | "ppp" | "infiniband" | "sit" | "device" => {
                self.link()?;
            }
            // Counters, queue lengths and ports whose names are translated: without their names they are no facts.
            _ if passed(&words) => {}
            _ if words.iter().any(|w| w.starts_with("MTU:")) => {
                let link = self.link()?.0;
                link_flags(link, words.iter().copied().filter(|w| w.bytes().all(|b| b.is_ascii_uppercase())));
                mtu(&words, link)?;
            }
            other => return Err(format!("a line that begins with `{other}` is not known")),
        }
        Ok(())
    }

    fn begin(&mut self, label: &'t str, piece: &Piece<'t>) {
        if let Some(now) = self.now.take() {
            now.finish(&mut self.out.value);
        }
        let name = label.split_once(':').map_or(label, |(name, _)| name);
        let place = *self.places.entry(name).or_insert_with(|| {
            self.out.value.push(link_records::blank(piece.at, self.names.get(name)));
            self.out.value.len() - 1
        });
        self.now = Some(Stanza { place, label, stats: Stats::default() });
    }

    /// The link and the counters of the stanza.
    fn link(&mut self) -> Result<(&mut Link, &mut Stats), String> {
        let now = self.now.as_mut().ok_or("no link stands before this line")?;
        let link = self.out.value.get_mut(now.place).ok_or("no link stands before this line")?;
        Ok((link, &mut now.stats))
    }

    /// `inet A netmask M [broadcast B|destination D]`, or `inet addr:A [Bcast:B|P-t-P:D] Mask:M`.
    fn v4(&mut self, words: &[&'t str], piece: &Piece<'t>) -> Result<Address, String> {
        let old = words.get(1).is_some_and(|w| w.contains(':'));
        // The old form, in any language: the address comes first and the mask last.
        let value = |word: &'t str| word.rsplit_once(':').map_or(word, |(_, v)| v);
        let key = |name: &str| words.iter().position(|w| *w == name).and_then(|i| words.get(i + 1)).copied();
        let (local, mask, broadcast, peer) = if old {
            let rest: Vec<_> = words.iter().skip(1).filter(|w| w.contains(':')).collect();
            let middle = rest.get(1).filter(|_| rest.len() > 2);
            let peer = middle.filter(|w| w.starts_with("P-"));
            let broadcast = middle.filter(|w| !w.starts_with("P-"));
            (rest.first().map(|w| value(w)), rest.last().map(|w| value(w)), broadcast.map(|w| value(w)), peer.map(|w| value(w)))
        } else {
            (words.get(1).copied(), key("netmask"), key("broadcast"), key("destination"))
        };
        let parse = |word: Option<&str>| -> Result<Option<Ipv4Addr>, String> {
            word.map(|w| w.parse().map_err(|_| format!("`{w}` is not an address"))).transpose()
        };
        let (local, mask) = parse(local)?.zip(parse(mask)?).ok_or("no address with a mask")?;
        let len = prefix_len(u32::from(mask)).ok_or_else(|| format!("`{mask}` is not a mask"))?;
        let mut address = self.blank(piece);
        address.addr = IpNet::V4(Ipv4Net::new(local, len).map_err(|e| e.to_string())?);
        address.broadcast = parse(broadcast)?.filter(|b| !b.is_unspecified()).map(IpAddr::V4);
        address.peer = parse(peer)?.map(IpAddr::V4);
        let label = self.now.as_ref().map(|now| now.label).unwrap_or_default();
        address.label = Some(self.names.get(label));
        Ok(address)
    }

    /// `inet6 A prefixlen 64 scopeid 0x20<link>`, or `inet6 addr: A/64 Scope:Link`.
    fn v6(&mut self, words: &[&'t str], piece: &Piece<'t>) -> Result<Address, String> {
        let mut address = self.blank(piece);
        let whole = words.iter().find_map(|w| w.parse::<IpNet>().ok());
        let apart = || {
            let local: IpAddr = words.get(1)?.parse().ok()?;
            let len = words.iter().position(|w| *w == "prefixlen").and_then(|i| words.get(i + 1))?;
            IpNet::new(local, len.parse().ok()?).ok()
        };
        address.addr = whole.or_else(apart).ok_or("no address with a length")?;
        let scope = words.last().map(|w| w.rsplit(['<', ':']).next().unwrap_or_default().trim_end_matches('>'));
        address.scope = self.names.get(&scope.unwrap_or_default().to_ascii_lowercase());
        Ok(address)
    }

    fn blank(&mut self, piece: &Piece<'t>) -> Address {
        link_records::address(position(self.text, piece.text, piece.at.line), &mut self.names)
    }
}

/// A line of `key:number`s, or one of counters in another language (`RX-Bytes:648 (648.0 B)`).
fn passed(words: &[&str]) -> bool {
    let counter = |w: &&str| w.split_once(':').is_some_and(|(_, n)| n.starts_with(|c: char| c.is_ascii_digit()));
    words.iter().all(counter) || words.first().is_some_and(|w| w.starts_with("RX-") || w.starts_with("TX-"))
}

/// Flags as printed. Of the driver's carrier the ioctl tells only RUNNING (`dev_get_flags`: operationally up, which needs one).
fn link_flags<'t>(link: &mut Link, flags: impl Iterator<Item = &'t str>) {
    link.flags = flags.filter(|f| !f.is_empty()).map(Into::into).collect();
    let has = |flag: &str| link.flags.iter().any(|f| &**f == flag);
    (link.up, link.lower_up) = (Some(has("UP")), has("RUNNING").then_some(true));
    if has("LOOPBACK") {
        link.kind = LinkKind::Loopback;
    }
}

/// `mtu 1500` or `MTU:1500`.
fn mtu(words: &[&str], link: &mut Link) -> Result<(), String> {
    let apart = words.iter().position(|w| *w == "mtu").and_then(|i| words.get(i + 1)).copied();
    let glued = words.iter().find_map(|w| w.strip_prefix("MTU:"));
    if let Some(word) = apart.or(glued) {
        link.mtu = Some(word.parse().map_err(|_| format!("`{word}` is not an MTU"))?);
    }
    Ok(())
}

/// `RX packets 11 bytes 866 (866.0 B)`, or `RX packets:8 errors:0 …`, `RX bytes:648 (648.0 B)  TX bytes:648 (648.0 B)`.
fn counters(words: &[&str], stats: &mut Stats) {
    let mut sent = false;
    for (i, word) in words.iter().enumerate() {
        let (key, value) = word.split_once(':').unwrap_or((word, words.get(i + 1).copied().unwrap_or_default()));
        if matches!(key, "RX" | "TX") {
            sent = key == "TX";
        }
        let Ok(number) = value.parse() else { continue };
        let row = if sent { &mut stats.tx } else { &mut stats.rx };
        let place = match key {
            "packets" => &mut row[0],
            "bytes" => &mut row[1],
            "errors" => &mut row[2],
            "dropped" => &mut row[3],
            "carrier" if sent => &mut stats.carrier,
            _ => continue,
        };
        place.get_or_insert(number);
    }
}

impl Stanza<'_> {
    /// Sets the counters, if all of them were shown; a label has none.
    fn finish(self, links: &mut [Link]) {
        let Stats { rx, tx, carrier } = self.stats;
        let ([Some(rx_packets), Some(rx_bytes), Some(rx_errors), Some(rx_dropped)], Some(link)) = (rx, links.get_mut(self.place))
        else {
            return;
        };
        let ([Some(tx_packets), Some(tx_bytes), Some(tx_errors), Some(tx_dropped)], Some(carrier_errors)) = (tx, carrier) else {
            return;
        };
        link.stats = Some(LinkStats {
            rx_packets,
            rx_bytes,
            rx_errors,
            rx_dropped,
            tx_packets,
            tx_bytes,
            tx_errors,
            tx_dropped,
            carrier_errors,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ip_addr;
    use crate::parse::iproute_text::testing::fixture;

    fn link<'a>(got: &'a Parsed<Vec<Link>>, name: &str) -> &'a Link {
        got.value.iter().find(|l| &*l.name == name).unwrap_or_else(|| panic!("{name}"))
    }

    fn addrs(link: &Link) -> Vec<String> {
        link.addresses.iter().map(|a| a.addr.to_string()).collect()
    }

    #[test]
    fn what_it_shows_is_what_ip_shows() {
        let got = parse(&fixture("ifconfig", "net-tools-2.txt"));
        assert_eq!(got.problems, []);
        let want = ip_addr::parse(&fixture("ip-addr-text", "addr-details.json"));
        assert_eq!(got.value.len(), want.value.len());
        for l in &got.value {
            let same = link(&want, &l.name);
            assert_eq!((l.mtu, l.up), (same.mtu, same.up), "{}", l.name);
            // Of the loopback, ifconfig shows none.
            assert!(l.mac == same.mac || &*l.name == "lo", "{}", l.name);
            assert!(l.lower_up.is_none() || l.lower_up == same.lower_up, "{}", l.name);
            let all: Vec<_> = same.addresses.iter().map(|a| a.addr.addr()).collect();
            assert!(l.addresses.iter().all(|a| all.contains(&a.addr.addr())), "{}", l.name);
        }
        let labels: Vec<_> = link(&got, "eth0").addresses.iter().filter_map(|a| a.label.as_deref()).collect();
        assert_eq!(labels, ["eth0", "eth0:vip"], "a label is no link of its own");
        assert_eq!(link(&got, "lo").kind, LinkKind::Loopback);
        assert!(link(&got, "lo").stats.is_some_and(|s| s.rx_packets > 0 && s.rx_bytes == s.tx_bytes));
    }

    #[test]
    fn the_old_form_translated_and_busyboxs() {
        let got = parse(&fixture("ifconfig", "old.txt"));
        let at: Vec<_> = got.problems.iter().map(|p| p.at.line).collect();
        assert_eq!(at, [31, 36], "a masked address; a line of another tool");
        let eth0 = link(&got, "eth0");
        assert_eq!(
            (addrs(eth0), eth0.mac.as_deref()),
            (
                vec!["172.17.0.2/16".to_owned(), "fe80::42:acff:fe11:2/64".to_owned(), "172.17.0.9/16".to_owned()],
                Some("02:42:ac:11:00:02")
            )
        );
        assert_eq!((eth0.addresses[0].broadcast, eth0.mtu, eth0.up), ("172.17.255.255".parse().ok(), Some(1500), Some(true)));
        assert_eq!((&*eth0.addresses[1].scope, eth0.addresses[2].label.as_deref()), ("link", Some("eth0:1")));
        let stats = eth0.stats.unwrap();
        assert_eq!((stats.rx_bytes, stats.tx_bytes, stats.tx_packets, stats.carrier_errors), (648, 712, 9, 4));
        // German, with a peer.
        let tun0 = link(&got, "tun0");
        assert_eq!((addrs(tun0), tun0.addresses[0].peer), (vec!["10.8.0.6/32".to_owned()], "10.8.0.5".parse().ok()));
        assert_eq!((tun0.addresses[0].broadcast, tun0.mtu), (None, Some(1420)));
        assert_eq!(
            (link(&got, "lo").kind.clone(), addrs(link(&got, "lo"))),
            (LinkKind::Loopback, vec!["127.0.0.1/8".to_owned(), "::1/128".to_owned()])
        );
        assert!(link(&got, "eth1").addresses.is_empty());
        assert_eq!(link(&got, "eth1").lower_up, None, "set up and not running: whether there is a carrier is not told");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-z]{1,3}: flags=1<UP> |e Link encap:E |inet |inet6 |addr:|Mask:|[0-9.:]{1,9} |RX |packets |MTU:|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
