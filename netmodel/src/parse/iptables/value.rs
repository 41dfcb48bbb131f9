//! The values of options: networks, marks, ports, protocols, flags. What does not parse is `None`, and the caller keeps the text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::record::{Bits, Mark, Net, PortRange, addr_type, ct_state, ct_status};

/// A number, decimal or with `0x`, within 32 bits.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `value[/mask]`; all bits count without a mask.
pub(super) fn mark(text: &str) -> Option<Mark> {
    match text.split_once('/') {
        Some((value, mask)) => Some(Mark { value: number(value)?, mask: number(mask)? }),
        None => Some(Mark { value: number(text)?, mask: u32::MAX }),
    }
}

/// `addr[/prefix|/mask]`.
pub(super) fn net(text: &str) -> Option<Net> {
    if let Some(net) = net_v4(text.as_bytes()) {
        return Some(net);
    }
    let (addr, mask) = match text.split_once('/') {
        Some((addr, mask)) => (addr, Some(mask)),
        None => (text, None),
    };
    if addr.contains(':') {
        let addr: Ipv6Addr = addr.parse().ok()?;
        let mask = match mask {
            None => Ipv6Addr::from_bits(u128::MAX),
            Some(m) if m.contains(':') => m.parse().ok()?,
            Some(m) => Ipv6Addr::from_bits(prefix_mask(m, 128)?),
        };
        Some(Net::V6 { addr, mask })
    } else {
        let addr: Ipv4Addr = addr.parse().ok()?;
        let mask = match mask {
            None => Ipv4Addr::BROADCAST,
            Some(m) if m.contains('.') => m.parse().ok()?,
            Some(m) => Ipv4Addr::from_bits(u32::try_from(prefix_mask(m, 32)?).ok()?),
        };
        Some(Net::V4 { addr, mask })
    }
}

/// `a.b.c.d[/prefix]`, the form of nearly all rules, in one go; what is written in another way is left to the general reader.
fn net_v4(text: &[u8]) -> Option<Net> {
    let mut parts = [0u32; 5];
    let (mut part, mut digits) = (0, 0);
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits < 3 && (digits == 0 || parts[part] > 0) => {
                parts[part] = parts[part] * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if part < 3 && digits > 0 => (part, digits) = (part + 1, 0),
            b'/' if part == 3 && digits > 0 => (part, digits) = (4, 0),
            _ => return None,
        }
    }
    let [a, b, c, d, prefix] = parts;
    if part < 3 || digits == 0 || a.max(b).max(c).max(d) > 255 || prefix > 32 {
        return None;
    }
    let mask = if part == 4 { u32::MAX.checked_shl(32 - prefix).unwrap_or(0) } else { u32::MAX };
    Some(Net::V4 { addr: Ipv4Addr::from_bits(a << 24 | b << 16 | c << 8 | d), mask: Ipv4Addr::from_bits(mask) })
}

/// The mask of a prefix length in an address of `bits` bits.
fn prefix_mask(text: &str, bits: u32) -> Option<u128> {
    let len: u32 = text.parse().ok().filter(|&n| n <= bits)?;
    let all = if bits == 128 { u128::MAX } else { (1u128 << bits) - 1 };
    Some(all & !all.checked_shr(len).unwrap_or(0))
}

/// `80`, `80:90`, `:90`, `80:`; `separator` is `-` in NAT targets.
pub(super) fn ports(text: &str, separator: char) -> Option<PortRange> {
    if text.len() < 6 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(|p| PortRange { first: p, last: p });
    }
    let port = |text: &str, open: u16| if text.is_empty() { Some(open) } else { text.parse().ok() };
    match text.split_once(separator) {
        Some((first, last)) => Some(PortRange { first: port(first, 0)?, last: port(last, u16::MAX)? }),
        None => text.parse().ok().map(|p| PortRange { first: p, last: p }),
    }
}

/// The number of a protocol. iptables-save prints the names of /etc/protocols; these are the ones that any distribution has.
pub(crate) fn protocol(text: &str) -> Option<u8> {
    Some(match text {
        "tcp" => 6,
        "udp" => 17,
        "all" => 0,
        "icmp" => 1,
        "ipv6-icmp" | "icmpv6" => 58,
        "sctp" => 132,
        "igmp" => 2,
        "ipencap" | "ip-encap" => 4,
        "egp" => 8,
        "dccp" => 33,
        "ipv6" => 41,
        "ipv6-route" => 43,
        "ipv6-frag" => 44,
        "rsvp" => 46,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "ipv6-nonxt" => 59,
        "ipv6-opts" => 60,
        "ospf" => 89,
        "ipip" => 94,
        "etherip" => 97,
        "pim" => 103,
        "ipcomp" => 108,
        "vrrp" => 112,
        "l2tp" => 115,
        "ipv6-mh" | "mh" | "mobility-header" => 135,
        "udplite" => 136,
        number => number.parse().ok()?,
    })
}

/// The bits of names that are joined by commas.
fn flags<T: std::ops::BitOr<Output = T> + Default>(text: &str, bit: impl Fn(&str) -> Option<T>) -> Option<T> {
    text.split(',').try_fold(T::default(), |bits, name| Some(bits | bit(name)?))
}

/// `--ctstate`.
pub(super) fn ct_states(text: &str) -> Option<Bits> {
    flags(text, |name| {
        Some(match name {
            "INVALID" => ct_state::INVALID,
            "NEW" => ct_state::NEW,
            "RELATED" => ct_state::RELATED,
            "ESTABLISHED" => ct_state::ESTABLISHED,
            "UNTRACKED" => ct_state::UNTRACKED,
            "SNAT" => ct_state::SNAT,
            "DNAT" => ct_state::DNAT,
            _ => return None,
        })
    })
}

/// `--ctstatus`.
pub(super) fn ct_statuses(text: &str) -> Option<Bits> {
    flags(text, |name| {
        Some(match name {
            "NONE" => ct_status::NONE,
            "EXPECTED" => ct_status::EXPECTED,
            "SEEN_REPLY" => ct_status::SEEN_REPLY,
            "ASSURED" => ct_status::ASSURED,
            "CONFIRMED" => ct_status::CONFIRMED,
            _ => return None,
        })
    })
}

/// `--src-type`, `--dst-type`.
pub(super) fn addr_types(text: &str) -> Option<Bits> {
    flags(text, |name| addr_type::NAMES.iter().position(|&n| n == name).map(|bit| 1 << bit))
}

/// The flags of `--tcp-flags`, as in the TCP header.
pub(super) fn tcp_flags(text: &str) -> Option<u8> {
    flags(text, |name| {
        Some(match name {
            "NONE" => 0,
            "FIN" => 0x01,
            "SYN" => 0x02,
            "RST" => 0x04,
            "PSH" => 0x08,
            "ACK" => 0x10,
            "URG" => 0x20,
            "ALL" => 0x3f,
            _ => return None,
        })
    })
}

/// A probability in 2^31ths, as xt_statistic holds it.
pub(super) fn probability(text: &str) -> Option<u32> {
    let p = text.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^31")]
    Some((p * f64::from(1u32 << 31)).round() as u32)
}

/// `aa:bb:cc:dd:ee:ff`.
pub(super) fn mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = parts.next().and_then(|p| u8::from_str_radix(p, 16).ok())?;
    }
    parts.next().is_none().then_some(mac)
}

/// `addr`, `addr-addr`.
pub(super) fn addr_range(text: &str) -> Option<(IpAddr, IpAddr)> {
    match text.split_once('-') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => text.parse().ok().map(|a| (a, a)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_that_are_no_prefix_count_as_they_are() {
        let odd = net("10.0.0.5/255.0.0.255").unwrap();
        assert_eq!(odd.prefix(), None);
        assert!(odd.contains("10.9.9.5".parse().unwrap()));
        assert!(!odd.contains("10.9.9.6".parse().unwrap()));
        assert_eq!(net("10.0.0.0/8"), net("10.0.0.0/255.0.0.0"));
        assert_eq!(net("10.0.0.1").unwrap().prefix(), Some("10.0.0.1/32".parse().unwrap()));
        for bad in ["10.0.0.256", "10.0.0.1/33", "10.0.0.1.2", "10.0.0.", "10.0.0.01", "10.0.0.1/", "1.2.3.4/1/2"] {
            assert_eq!(net(bad), None, "{bad}");
        }
        assert!(net("0.0.0.0/0").unwrap().is_any() && net("::/0").unwrap().is_any());
        assert_eq!(net("fd00::/8").unwrap().prefix(), Some("fd00::/8".parse().unwrap()));
        assert!(net("fd00::1:0:0:5/ffff::ffff").unwrap().contains("fd00::2:0:0:5".parse().unwrap()));
        for bad in ["", "/8", "10.0.0.0/33", "fd00::/129", "host", "10.0.0/8"] {
            assert_eq!(net(bad), None, "{bad}");
        }
    }

    #[test]
    fn ports_and_marks() {
        assert_eq!(ports("30000:32767", ':'), Some(PortRange { first: 30000, last: 32767 }));
        assert_eq!(ports(":99", ':'), Some(PortRange { first: 0, last: 99 }));
        assert_eq!(ports("70000", ':'), None);
        assert_eq!(mark("0xffffffff/0x4000"), Some(Mark { value: u32::MAX, mask: 0x4000 }));
        assert_eq!(mark("0x1ffffffff"), None);
        assert_eq!(probability("0.5"), Some(1 << 30));
        assert_eq!(probability("1.00000000000"), Some(1 << 31));
        assert_eq!((probability("1.1"), probability("nan"), probability("-1")), (None, None, None));
        assert_eq!(mac("00:0c:29:AB:cd:ef"), Some([0, 0x0c, 0x29, 0xab, 0xcd, 0xef]));
    }
}
