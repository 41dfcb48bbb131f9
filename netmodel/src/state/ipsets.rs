//! IP sets: what is in them, and whether a packet matches one, as `ip_set_test()` of net/netfilter/ipset/ip_set_core.c answers.

mod index;

use std::net::IpAddr;
use std::sync::OnceLock;

use bundle::Capture;

use super::{Doc, Node, forms};
use crate::parse::ipset::Ipsets;
use crate::source::Missing;
use index::Found;
pub(super) use index::SetIndex;

/// Which end of a packet a dimension of a set is compared with (`--match-set NAME src,dst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

/// What sets may ask of a packet; `None` is not known.
#[derive(Clone, Copy, Debug)]
pub struct SetPacket<'a> {
    /// The source address.
    pub src: Option<IpAddr>,
    /// The destination address.
    pub dst: Option<IpAddr>,
    /// The IP protocol.
    pub protocol: Option<u8>,
    /// The source port.
    pub sport: Option<u16>,
    /// The destination port.
    pub dport: Option<u16>,
    /// Type and code of ICMP and ICMPv6, which stand in the place of ports.
    pub icmp: Option<(u8, u8)>,
    /// The incoming device; empty where there is none.
    pub iif: Option<&'a str>,
    /// The outgoing device; empty where there is none.
    pub oif: Option<&'a str>,
    /// The mark.
    pub mark: Option<u32>,
}

/// How deep sets of sets are followed; the kernel does not let them hold each other.
const MAX_DEPTH: u8 = 2;

impl Node {
    /// All sets.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn ipsets(&self) -> Result<&Doc<Ipsets>, Missing> {
        self.cells.ipsets.get(|| self.doc_if(Capture::IpsetSave, forms::ipsets))
    }

    /// Whether a packet matches `--match-set NAME SIDES`; with `return_nomatch` whether it matches an exception of a set of networks.
    ///
    /// # Errors
    /// [`Missing`] is the third answer, unknown: the capture is absent or not whole, the set is not in it, its type is not known, or
    /// the set asks for something of the packet that is not known.
    pub fn ipset_match(&self, name: &str, sides: &[Side], packet: &SetPacket<'_>, return_nomatch: bool) -> Result<bool, Missing> {
        self.ipset_test(name, sides, packet, return_nomatch, 0)
    }

    fn ipset_test(
        &self,
        name: &str,
        sides: &[Side],
        packet: &SetPacket<'_>,
        return_nomatch: bool,
        depth: u8,
    ) -> Result<bool, Missing> {
        let doc = self.ipsets()?;
        let unknown = |why: String| Missing::new(&doc.source.key, format!("ipset {name}"), why);
        let position = doc.position(name).ok_or_else(|| unknown("the capture does not have it".to_owned()))?;
        let indices =
            self.cells.ipset_indices.get_or_init(|| std::iter::repeat_with(OnceLock::new).take(doc.sets.len()).collect());
        let index = indices.get(position).ok_or_else(|| unknown("the capture does not have it".to_owned()))?;
        let index = index.get_or_init(|| SetIndex::new(doc, &doc.sets[position])).as_ref().map_err(|why| unknown(why.clone()))?;
        let found = match index {
            SetIndex::List(names) if depth < MAX_DEPTH => {
                let mut doubt = None;
                for name in names {
                    match self.ipset_test(name, sides, packet, return_nomatch, depth + 1) {
                        Ok(true) => return Ok(true),
                        Ok(false) => {}
                        Err(missing) => doubt = doubt.or(Some(missing)),
                    }
                }
                if let Some(missing) = doubt {
                    return Err(missing);
                }
                Found::No
            }
            SetIndex::List(_) => return Err(unknown("sets hold sets that hold sets".to_owned())),
            SetIndex::Members(members) => members.find(doc, sides, packet),
        };
        match found {
            Found::Yes { nomatch } => Ok(nomatch == (return_nomatch && index.has_networks())),
            Found::No => doc.complete().map(|()| false),
            Found::Unknown(why) => Err(unknown(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::node;

    const SETS: &str = "create CIP hash:ip,port family inet\nadd CIP 10.96.0.10,udp:53\nadd CIP 10.96.0.11,80\n\
        create NP bitmap:port range 0-65535\nadd NP 30080\n\
        create NET hash:net family inet\nadd NET 10.0.0.0/8\nadd NET 10.9.0.0/16 nomatch\n\
        create LOOP hash:ip,port,ip family inet\nadd LOOP 10.244.1.2,tcp:8080,10.244.1.2\n\
        create SRC hash:ip,port,net family inet\nadd SRC 198.51.100.5,tcp:80,203.0.113.0/24\n\
        create L list:set size 8\nadd L NET\n";

    fn packet(src: &str, dst: &str, protocol: u8, dport: Option<u16>) -> SetPacket<'static> {
        let (src, dst) = (src.parse().ok(), dst.parse().ok());
        SetPacket { src, dst, protocol: Some(protocol), sport: Some(40000), dport, icmp: None, iif: None, oif: None, mark: None }
    }

    fn ask(name: &str, sides: &[Side], packet: &SetPacket<'_>) -> Option<bool> {
        node(&[(Capture::IpsetSave, SETS)]).ipset_match(name, sides, packet, false).ok()
    }

    #[test]
    fn each_type_yes_no_and_unknown() {
        use Side::{Dst, Src};
        let dns = packet("10.244.1.2", "10.96.0.10", 17, Some(53));
        assert_eq!(ask("CIP", &[Dst, Dst], &dns), Some(true));
        assert_eq!(ask("CIP", &[Dst, Dst], &SetPacket { protocol: Some(6), ..dns }), Some(false));
        assert_eq!(ask("CIP", &[Dst, Dst], &SetPacket { dport: None, ..dns }), None);
        assert_eq!(ask("CIP", &[Dst], &dns), None, "a direction is missing");
        assert_eq!(ask("NP", &[Dst], &packet("1.1.1.1", "2.2.2.2", 17, Some(30080))), Some(true));
        assert_eq!(ask("NP", &[Dst], &packet("1.1.1.1", "2.2.2.2", 132, Some(30080))), Some(false));
        assert_eq!(ask("NET", &[Src], &packet("10.8.0.1", "2.2.2.2", 6, None)), Some(true));
        assert_eq!(ask("NET", &[Src], &packet("10.9.0.1", "2.2.2.2", 6, None)), Some(false), "nomatch");
        assert_eq!(ask("LOOP", &[Dst, Dst, Src], &packet("10.244.1.2", "10.244.1.2", 6, Some(8080))), Some(true));
        assert_eq!(ask("SRC", &[Dst, Dst, Src], &packet("203.0.113.9", "198.51.100.5", 6, Some(80))), Some(true));
        assert_eq!(ask("SRC", &[Dst, Dst, Src], &packet("203.0.114.9", "198.51.100.5", 6, Some(80))), Some(false));
        assert_eq!(ask("L", &[Src], &packet("10.8.0.1", "2.2.2.2", 6, None)), Some(true));
        assert_eq!(ask("L", &[Src], &packet("11.8.0.1", "2.2.2.2", 6, None)), Some(false));
        assert_eq!(ask("nothing", &[Src], &dns), None);
    }

    #[test]
    fn what_is_not_found_in_a_cut_set_is_unknown() {
        let cut = node(&[(Capture::IpsetSave, "create A hash:ip family inet\nadd A 10.0.0.1\nadd A\n")]);
        let ask = |src: &str| cut.ipset_match("A", &[Side::Src], &packet(src, "1.1.1.1", 6, None), false);
        assert_eq!(ask("10.0.0.1").ok(), Some(true));
        assert!(ask("10.0.0.2").is_err());
    }

    const MORE: &str = "create M hash:ip family inet netmask 24\nadd M 10.0.1.0\n\
        create K hash:ip,mark family inet markmask 0x000000ff\nadd K 10.0.0.1,0x00000005\n\
        create I hash:net,iface family inet\nadd I 10.0.0.0/8,eth0\n\
        create NN hash:net,port,net family inet\nadd NN 10.0.0.0/8,tcp:80,192.168.0.0/16\nadd NN 10.1.0.0/16,tcp:80,192.168.0.0/24 nomatch\n\
        create C hash:ip,mac family inet\nadd C 10.0.0.1,00:11:22:33:44:55\n\
        create P hash:ip,port family inet\nadd P 10.0.0.1,icmp:8/0\nadd P 10.0.0.1,gre:0\n\
        create V6 hash:net family inet6\nadd V6 fd00::/8\n";

    #[test]
    fn what_a_set_compares_follows_its_options() {
        use Side::{Dst, Src};
        let sets = node(&[(Capture::IpsetSave, MORE)]);
        let ask = |name: &str, sides: &[Side], packet: &SetPacket<'_>| sets.ipset_match(name, sides, packet, false).ok();
        assert_eq!(ask("M", &[Src], &packet("10.0.1.77", "2.2.2.2", 6, None)), Some(true));
        assert_eq!(ask("M", &[Src], &packet("10.0.2.77", "2.2.2.2", 6, None)), Some(false));
        let marked = |mark| SetPacket { mark, ..packet("10.0.0.1", "2.2.2.2", 6, None) };
        assert_eq!(ask("K", &[Src, Src], &marked(Some(0x1205))), Some(true), "the mask counts");
        assert_eq!(ask("K", &[Src, Src], &marked(Some(0x1206))), Some(false));
        assert_eq!(ask("K", &[Src, Src], &marked(None)), None);
        let via = |iif| SetPacket { iif, ..packet("10.7.0.1", "2.2.2.2", 6, None) };
        assert_eq!(ask("I", &[Src, Src], &via(Some("eth0"))), Some(true));
        assert_eq!(ask("I", &[Src, Src], &via(Some("eth1"))), Some(false));
        assert_eq!(ask("I", &[Src, Src], &via(Some(""))), Some(false), "it came in by none");
        assert_eq!(ask("I", &[Src, Src], &via(None)), None);
        let between = |src: &str, dst: &str| packet(src, dst, 6, Some(80));
        assert_eq!(ask("NN", &[Src, Dst, Dst], &between("10.1.0.1", "192.168.9.1")), Some(true));
        assert_eq!(ask("NN", &[Src, Dst, Dst], &between("10.1.0.1", "192.168.0.1")), Some(false), "nomatch");
        assert_eq!(sets.ipset_match("NN", &[Src, Dst, Dst], &between("10.1.0.1", "192.168.0.1"), true).ok(), Some(true));
        assert_eq!(sets.ipset_match("NN", &[Src, Dst, Dst], &between("10.1.0.1", "192.168.9.1"), true).ok(), Some(false));
        assert_eq!(ask("C", &[Src, Src], &packet("10.0.0.1", "2.2.2.2", 6, None)), None, "its MAC is not known");
        assert_eq!(ask("C", &[Src, Src], &packet("10.0.0.2", "2.2.2.2", 6, None)), Some(false));
        let ping = |icmp| SetPacket { icmp, dport: None, sport: None, ..packet("10.0.0.1", "2.2.2.2", 1, None) };
        assert_eq!(ask("P", &[Src, Dst], &ping(Some((8, 0)))), Some(true));
        assert_eq!(ask("P", &[Src, Dst], &ping(Some((0, 0)))), Some(false));
        assert_eq!(ask("P", &[Src, Dst], &packet("10.0.0.1", "2.2.2.2", 47, None)), Some(true));
        assert_eq!(ask("V6", &[Src], &packet("10.0.0.1", "2.2.2.2", 6, None)), Some(false), "another family");
        assert_eq!(ask("V6", &[Src], &packet("fd12::1", "fd12::2", 6, None)), Some(true));
    }
}
