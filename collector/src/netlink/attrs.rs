//! Reads netlink attributes (`struct nlattr`, include/uapi/linux/netlink.h) without copying, whatever they say of their lengths.
//!
//! Written by hand, though there are generated bindings: the tools whose text we write look attributes up by number in an order of
//! their own, and half of what we read (bridge ports, macvlan, xfrm, next-hop objects, tc) is not in the kernel's YNL files.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// NLA_TYPE_MASK: the two highest bits are flags (nested, network byte order).
const TYPE_MASK: u16 = 0x3fff;
/// Length and type.
const HEADER: usize = 4;

/// The attributes in these bytes, in order. What is cut off or says a length that cannot be ends the iteration.
#[derive(Clone, Debug)]
pub(crate) struct Attrs<'a>(&'a [u8]);

impl<'a> Attrs<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Those behind a fixed header of this length (`struct ifinfomsg` and its like), which is padded to four bytes.
    pub(crate) fn after(payload: &'a [u8], header: usize) -> Self {
        Self(payload.get(align(header)..).unwrap_or_default())
    }
}

/// Netlink pads to four bytes (NLA_ALIGN, NLMSG_ALIGN).
pub(crate) fn align(len: usize) -> usize {
    len.saturating_add(3) & !3
}

impl<'a> Iterator for Attrs<'a> {
    type Item = (u16, Attr<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.first_chunk::<HEADER>()?;
        let len = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & TYPE_MASK;
        let value = self.0.get(HEADER..len)?;
        // The last one need not be padded.
        self.0 = self.0.get(align(len)..).unwrap_or_default();
        Some((kind, Attr(value)))
    }
}

/// An attribute's value. The typed accessors give `None` when it is too short for the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attr<'a>(pub(crate) &'a [u8]);

impl<'a> Attr<'a> {
    fn array<const N: usize>(self) -> Option<[u8; N]> {
        self.0.first_chunk::<N>().copied()
    }

    pub(crate) fn u8(self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(crate) fn u16(self) -> Option<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    pub(crate) fn u32(self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    pub(crate) fn i32(self) -> Option<i32> {
        self.array().map(i32::from_ne_bytes)
    }

    pub(crate) fn u64(self) -> Option<u64> {
        self.array().map(u64::from_ne_bytes)
    }

    pub(crate) fn be16(self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn be32(self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn be64(self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Text up to the first NUL. Bytes that are not UTF-8 (an interface may be named so) are replaced.
    pub(crate) fn text(self) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.0.split(|&b| b == 0).next().unwrap_or_default())
    }

    pub(crate) fn ipv4(self) -> Option<Ipv4Addr> {
        self.array::<4>().map(Ipv4Addr::from)
    }

    pub(crate) fn ipv6(self) -> Option<Ipv6Addr> {
        self.array::<16>().map(Ipv6Addr::from)
    }

    /// An address of the family that its length says; `None` for any other length.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self.0.len() {
            4 => self.ipv4().map(IpAddr::V4),
            16 => self.ipv6().map(IpAddr::V6),
            _ => None,
        }
    }

    /// The attributes in it.
    pub(crate) fn nested(self) -> Attrs<'a> {
        Attrs(self.0)
    }

    /// The attributes in it, by number.
    pub(crate) fn table<const N: usize>(self) -> Table<'a, N> {
        Table::new(self.nested())
    }
}

/// Attributes by number, of those below `N`; higher ones are of a newer kernel than this code. Of a number that occurs twice the
/// first counts, as in iproute2's parse_rtattr.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a, const N: usize>([Option<Attr<'a>>; N]);

impl<'a, const N: usize> Table<'a, N> {
    pub(crate) fn new(attrs: Attrs<'a>) -> Self {
        let mut table = [None; N];
        for (kind, value) in attrs {
            if let Some(slot) = table.get_mut(usize::from(kind)) {
                slot.get_or_insert(value);
            }
        }
        Self(table)
    }

    pub(crate) fn get(&self, kind: u16) -> Option<Attr<'a>> {
        self.0.get(usize::from(kind)).copied().flatten()
    }

    pub(crate) fn has(&self, kind: u16) -> bool {
        self.get(kind).is_some()
    }

    pub(crate) fn u8(&self, kind: u16) -> Option<u8> {
        self.get(kind)?.u8()
    }

    pub(crate) fn u16(&self, kind: u16) -> Option<u16> {
        self.get(kind)?.u16()
    }

    pub(crate) fn u32(&self, kind: u16) -> Option<u32> {
        self.get(kind)?.u32()
    }

    pub(crate) fn i32(&self, kind: u16) -> Option<i32> {
        self.get(kind)?.i32()
    }

    pub(crate) fn u64(&self, kind: u16) -> Option<u64> {
        self.get(kind)?.u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_far_as_they_are_whole() {
        // u8 7 (type 1, padded), nested flag on type 2 with four bytes, then one that says more than there is.
        let bytes = [5, 0, 1, 0, 7, 0, 0, 0, 8, 0, 2, 0x80, 1, 2, 3, 4, 9, 0, 3, 0, 1];
        let all: Vec<_> = Attrs::new(&bytes).collect();
        assert_eq!(all, [(1, Attr(&[7])), (2, Attr(&[1, 2, 3, 4]))]);
        let table = Table::<3>::new(Attrs::new(&bytes));
        assert_eq!((table.u8(1), table.u32(1), table.get(2).and_then(Attr::be32)), (Some(7), None, Some(0x0102_0304)));
        assert!(!table.has(0) && !table.has(3) && !table.has(9));
    }

    #[test]
    fn a_length_that_cannot_be_ends_it() {
        for bytes in [&[3, 0, 1, 0][..], &[0, 0, 0, 0, 0, 0], &[4, 0, 1], &[0xff, 0xff, 1, 0, 0]] {
            assert_eq!(Attrs::new(bytes).count(), 0, "{bytes:?}");
        }
        assert_eq!(Attrs::after(&[0; 3], 16).count(), 0);
    }

    #[test]
    fn text_ends_at_its_nul() {
        assert_eq!(Attr(b"eth0\0\0").text(), "eth0");
        assert_eq!(Attr(b"eth0").text(), "eth0");
        assert_eq!(Attr(b"").text(), "");
    }
}
