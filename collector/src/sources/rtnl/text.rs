//! Addresses and kinds of hardware as iproute2 writes them.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use nix::libc;

use crate::netlink::Attr;

/// An IPv6 address as glibc's inet_ntop writes it: unlike in Rust, an IPv4-compatible one (RFC 4291, 2.5.5.1) ends in dots.
pub(crate) struct Ip6(pub(crate) Ipv6Addr);

impl fmt::Display for Ip6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0.segments();
        if s.iter().take(6).all(|&w| w == 0) && s[6] != 0 {
            let [.., a, b, c, d] = self.0.octets();
            return write!(f, "::{}", Ipv4Addr::new(a, b, c, d));
        }
        self.0.fmt(f)
    }
}

/// The address in an attribute, of this family (rt_addr_n2a_r in lib/utils.c).
pub(crate) struct Address<'a>(pub(crate) u8, pub(crate) Attr<'a>);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i32::from(self.0) {
            libc::AF_INET => self.1.ipv4().map_or(Ok(()), |a| a.fmt(f)),
            libc::AF_INET6 => self.1.ipv6().map_or(Ok(()), |a| Ip6(a).fmt(f)),
            AF_MPLS => labels(self.1, f),
            libc::AF_PACKET => Hardware(self.1, libc::ARPHRD_VOID).fmt(f),
            _ => f.write_str("???"),
        }
    }
}

/// include/uapi/linux/if_arp.h, not in libc.
pub(crate) const ARPHRD_IP6GRE: u16 = 823;
/// Not in libc.
pub(crate) const AF_MPLS: i32 = 28;

/// Labels up to the one with the bottom-of-stack bit (RFC 3032).
fn labels(attr: Attr<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, entry) in attr.0.chunks_exact(4).enumerate() {
        let entry = Attr(entry).be32().unwrap_or(0);
        write!(f, "{}{}", if i == 0 { "" } else { "/" }, entry >> 12)?;
        if entry & 0x100 != 0 {
            break;
        }
    }
    Ok(())
}

/// The names of families (family_name in lib/utils.c).
pub(crate) fn family(id: u16) -> &'static str {
    match i32::from(id) {
        libc::AF_INET => "inet",
        libc::AF_INET6 => "inet6",
        libc::AF_PACKET => "link",
        AF_MPLS => "mpls",
        libc::AF_BRIDGE => "bridge",
        _ => "???",
    }
}

/// A link-layer address of an interface of this kind of hardware (ll_addr_n2a in lib/ll_addr.c): that of a tunnel is an IP address.
pub(crate) struct Hardware<'a>(pub(crate) Attr<'a>, pub(crate) u16);

impl fmt::Display for Hardware<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hardware(Attr(bytes), kind) = *self;
        match (bytes.len(), kind) {
            (4, libc::ARPHRD_TUNNEL | libc::ARPHRD_SIT | libc::ARPHRD_IPGRE) => self.0.ipv4().map_or(Ok(()), |a| a.fmt(f)),
            (16, libc::ARPHRD_TUNNEL6 | ARPHRD_IP6GRE) => self.0.ipv6().map_or(Ok(()), |a| Ip6(a).fmt(f)),
            _ => {
                for (i, byte) in bytes.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if i == 0 { "" } else { ":" })?;
                }
                Ok(())
            }
        }
    }
}

/// Bytes in hex.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// The names of kinds of hardware (ARPHRD_*; lib/ll_types.c).
pub(crate) fn hardware_name(kind: u16) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        0 => "netrom",
        1 => "ether",
        2 => "eether",
        3 => "ax25",
        6 => "ieee802",
        19 => "atm",
        24 => "ieee1394",
        32 => "infiniband",
        256 => "slip",
        270 => "rose",
        271 => "x25",
        280 => "can",
        512 => "ppp",
        513 => "hdlc",
        516 => "lapb",
        519 => "rawhdlc",
        libc::ARPHRD_TUNNEL => "ipip",
        libc::ARPHRD_TUNNEL6 => "tunnel6",
        770 => "frad",
        libc::ARPHRD_LOOPBACK => "loopback",
        773 => "ltalk",
        774 => "fddi",
        libc::ARPHRD_SIT => "sit",
        libc::ARPHRD_IPGRE => "gre",
        779 => "pimreg",
        780 => "hippi",
        801 => "ieee802.11",
        802 => "ieee802.11/prism",
        803 => "ieee802.11/radiotap",
        804 => "ieee802.15.4",
        805 => "ieee802.15.4/monitor",
        820 => "phonet",
        821 => "phonet_pipe",
        822 => "caif",
        ARPHRD_IP6GRE => "gre6",
        824 => "netlink",
        825 => "6lowpan",
        0xfffe => "none",
        0xffff => "void",
        other => return Cow::Owned(format!("[{other}]")),
    })
}

/// The names of protocols of Ethernet (ETH_P_*; lib/ll_proto.c), as far as links, VLANs and filters have them.
pub(crate) fn ethertype(id: u16) -> Cow<'static, str> {
    Cow::Borrowed(match id {
        0x0001 => "802_3",
        0x0003 => "all",
        0x0800 => "ip",
        0x0806 => "arp",
        0x8035 => "rarp",
        0x809b => "atalk",
        0x8100 => "802.1Q",
        0x8137 => "ipx",
        0x86dd => "ipv6",
        0x8847 => "mpls_uc",
        0x8848 => "mpls_mc",
        0x8863 => "ppp_disc",
        0x8864 => "ppp_ses",
        0x88a8 => "802.1ad",
        0x88cc => "LLDP",
        0x88ca => "tipc",
        0x6558 => "teb",
        other => return Cow::Owned(format!("[{other}]")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_glibc_writes_them() {
        for (address, text) in [
            ("::", "::"),
            ("::1", "::1"),
            ("::1:2", "::0.1.0.2"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            assert_eq!(Ip6(address.parse().unwrap()).to_string(), text);
        }
        assert_eq!(Hardware(Attr(&[2, 0, 0xab]), 1).to_string(), "02:00:ab");
        assert_eq!(Hardware(Attr(&[10, 0, 0, 1]), 768).to_string(), "10.0.0.1");
        assert_eq!(Address(28, Attr(&[0, 1, 0, 0, 0, 2, 1, 0])).to_string(), "16/32");
        assert_eq!(Address(99, Attr(&[])).to_string(), "???");
    }
}
