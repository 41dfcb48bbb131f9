//! Asks for the offloads of an interface over ethtool's netlink (Linux 5.6), and writes what `ethtool -k` prints (netlink/features.c).
//!
//! ```text
//! Features for eth0:
//! rx-checksumming: on
//! tx-checksumming: on
//!     tx-checksum-ipv4: off [fixed]
//! ```
//! (with a tab before what belongs to a flag). An older kernel knows them only by ioctl: there the tool remains.

use std::io::Write;
use std::time::Instant;

use nix::libc;

use crate::netlink::family::{self, Family, GENL_HEADER};
use crate::netlink::{Attr, NetlinkError, Protocol, Socket};
use crate::root::Root;

/// Old flags: the name that the tool gives, and the kernel's features that belong to it, with at most one asterisk (off_flag_def in
/// common.c). One feature takes the flag's name; several stand below it. UFO is gone since before netlink was there.
const FLAGS: &[(&str, &str)] = &[
    ("rx-checksumming", "rx-checksum"),
    ("tx-checksumming", "tx-checksum-*"),
    ("scatter-gather", "tx-scatter-gather*"),
    ("tcp-segmentation-offload", "tx-tcp*-segmentation"),
    ("generic-segmentation-offload", "tx-generic-segmentation"),
    ("generic-receive-offload", "rx-gro"),
    ("large-receive-offload", "rx-lro"),
    ("rx-vlan-offload", "rx-vlan-hw-parse"),
    ("tx-vlan-offload", "tx-vlan-hw-insert"),
    ("ntuple-filters", "rx-ntuple-filter"),
    ("receive-hashing", "rx-hashing"),
];

/// Whose features are fixed to nothing but still make it a flag's.
const UFO: &str = "tx-udp-fragmentation";

/// Writes the features of an interface of the calling thread's network namespace.
///
/// # Errors
/// What the kernel answers, or that no more is wanted.
pub(crate) fn read(name: &str, root: &Root, deadline: Instant, out: &mut dyn Write) -> Result<String, NetlinkError> {
    let mut socket = Socket::open(Protocol::Generic, root, deadline)?;
    let Some(ethtool) = family::find(&mut socket, "ethtool")? else {
        let message = Some("the kernel has no ethtool over netlink".to_owned());
        return Err(NetlinkError::Refused { errno: libc::EOPNOTSUPP, message });
    };
    let names = names(&mut socket, ethtool)?;
    let features = Features::ask(&mut socket, ethtool, name)?;
    features.write(name, &names, out)?;
    Ok(String::new())
}

/// An attribute of this type, padded.
fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).expect("our requests are short");
    let mut bytes = [&len.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An attribute of attributes (NLA_F_NESTED).
fn nest(kind: u16, value: &[u8]) -> Vec<u8> {
    attr(kind | 0x8000, value)
}

/// The names of the kernel's features, by their bits.
fn names(socket: &mut Socket, ethtool: Family) -> Result<Vec<String>, NetlinkError> {
    const STRSET_GET: u8 = 1;
    const HEADER: u16 = 1;
    const STRINGSETS: u16 = 2;
    const STRINGSET: u16 = 1;
    const ID: u16 = 1;
    const STRINGS: u16 = 3;
    const INDEX: u16 = 1;
    const VALUE: u16 = 2;
    /// ETH_SS_FEATURES.
    const FEATURES: u32 = 4;
    /// More features than there will be.
    const MOST: u32 = 4096;
    let set = nest(STRINGSET, &attr(ID, &FEATURES.to_ne_bytes()));
    // A header that names no interface, but has to be there.
    let request = ethtool.request(STRSET_GET).payload(&[nest(HEADER, &[]), nest(STRINGSETS, &set)].concat());
    let mut names = Vec::new();
    let mut replies = socket.ask(&request)?;
    while let Some(message) = replies.next()? {
        let sets = message.attrs(GENL_HEADER).filter(|(kind, _)| *kind == STRINGSETS).flat_map(|(_, sets)| sets.nested());
        let strings = sets.filter_map(|(_, set)| set.table::<4>().get(STRINGS)).flat_map(Attr::nested);
        for (_, string) in strings {
            let tb = string.table::<3>();
            let (Some(index), Some(value)) = (tb.u32(INDEX).filter(|&i| i < MOST), tb.get(VALUE)) else { continue };
            let index = index as usize;
            if names.len() <= index {
                names.resize(index + 1, String::new());
            }
            names[index] = value.text().into_owned();
        }
    }
    Ok(names)
}

/// Which features an interface has, as bits.
#[derive(Debug, Default)]
struct Features {
    count: usize,
    hardware: Vec<u8>,
    wanted: Vec<u8>,
    active: Vec<u8>,
    unchangeable: Vec<u8>,
}

impl Features {
    fn ask(socket: &mut Socket, ethtool: Family, name: &str) -> Result<Self, NetlinkError> {
        const FEATURES_GET: u8 = 11;
        const HEADER: u16 = 1;
        const DEV_NAME: u16 = 2;
        const FLAGS: u16 = 3;
        /// ETHTOOL_FLAG_COMPACT_BITSETS.
        const COMPACT: u32 = 1;
        let header = [attr(DEV_NAME, &[name.as_bytes(), &[0]].concat()), attr(FLAGS, &COMPACT.to_ne_bytes())].concat();
        let request = ethtool.request(FEATURES_GET).payload(&nest(HEADER, &header));
        let mut features = Self::default();
        let mut replies = socket.ask(&request)?;
        while let Some(message) = replies.next()? {
            for (kind, set) in message.attrs(GENL_HEADER) {
                let place = match kind {
                    2 => &mut features.hardware,
                    3 => &mut features.wanted,
                    4 => &mut features.active,
                    5 => &mut features.unchangeable,
                    _ => continue,
                };
                // ETHTOOL_A_BITSET_SIZE, _VALUE: words of 32 bits.
                let tb = set.table::<6>();
                features.count = features.count.max(tb.u32(2).unwrap_or(0) as usize);
                place.clear();
                for word in tb.get(4).map(|v| v.0).unwrap_or_default().chunks_exact(4) {
                    place.extend_from_slice(&Attr(word).u32().unwrap_or(0).to_le_bytes());
                }
            }
        }
        Ok(features)
    }

    fn write(&self, name: &str, names: &[String], out: &mut dyn Write) -> std::io::Result<()> {
        let bits = 0..self.count.min(names.len());
        let flag_of = |bit: usize| FLAGS.iter().position(|(_, pattern)| matches(&names[bit], pattern));
        writeln!(out, "Features for {name}:")?;
        for (flag, (long, _)) in FLAGS.iter().enumerate() {
            let of_it: Vec<usize> = bits.clone().filter(|&bit| flag_of(bit) == Some(flag)).collect();
            if let [only] = of_it[..] {
                writeln!(out, "{long}: {}", self.state(only))?;
                continue;
            }
            let any = of_it.iter().any(|&bit| is_set(&self.active, bit));
            writeln!(out, "{long}: {}", if any { "on" } else { "off" })?;
            for bit in of_it {
                writeln!(out, "\t{}: {}", names[bit], self.state(bit))?;
            }
        }
        for bit in bits.filter(|&bit| flag_of(bit).is_none() && !names[bit].is_empty() && names[bit] != UFO) {
            writeln!(out, "{}: {}", names[bit], self.state(bit))?;
        }
        Ok(())
    }

    fn state(&self, bit: usize) -> String {
        let active = is_set(&self.active, bit);
        let wanted = is_set(&self.wanted, bit);
        let more = if !is_set(&self.hardware, bit) || is_set(&self.unchangeable, bit) {
            " [fixed]"
        } else if active == wanted {
            ""
        } else if wanted {
            " [requested on]"
        } else {
            " [requested off]"
        };
        format!("{}{more}", if active { "on" } else { "off" })
    }
}

fn is_set(bits: &[u8], bit: usize) -> bool {
    bits.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.len() + 1 >= pattern.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_gather_their_features_and_the_rest_follows() {
        let names: Vec<String> =
            ["tx-scatter-gather", "tx-checksum-ipv4", "", "tx-checksum-sctp", "rx-gro", "loopback", "rx-lro"]
                .map(str::to_owned)
                .to_vec();
        let features = Features {
            count: 7,
            hardware: vec![0b0101_1011],
            wanted: vec![0b0100_1011],
            active: vec![0b0000_1111],
            unchangeable: vec![0b0000_0001],
        };
        let mut out = Vec::new();
        features.write("eth0", &names, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Features for eth0:\nrx-checksumming: off\ntx-checksumming: on\n\ttx-checksum-ipv4: on\n\ttx-checksum-sctp: on\n\
             scatter-gather: on [fixed]\ntcp-segmentation-offload: off\ngeneric-segmentation-offload: off\n\
             generic-receive-offload: off\nlarge-receive-offload: off [requested on]\nrx-vlan-offload: off\n\
             tx-vlan-offload: off\nntuple-filters: off\nreceive-hashing: off\nloopback: off [fixed]\n"
        );
    }

    #[test]
    fn attributes_are_told_apart_by_their_flag() {
        assert_eq!(attr(1, &[7]), [&5u16.to_ne_bytes()[..], &1u16.to_ne_bytes(), &[7, 0, 0, 0]].concat());
        assert_eq!(nest(1, &[7]), [&5u16.to_ne_bytes()[..], &0x8001u16.to_ne_bytes(), &[7, 0, 0, 0]].concat());
    }
}
