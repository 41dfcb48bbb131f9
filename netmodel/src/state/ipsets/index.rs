//! The members of a set by their keys: a packet finds its own without looking at the others.
//!
//! Networks are kept as the kernel keeps them (net/netfilter/ipset/ip_set_hash_gen.h): one table for each combination of prefix lengths that
//! occurs, asked from the longest on; the first that holds the packet decides, exceptions (`nomatch`) included. Left out: members whose text
//! is not understood, which are kept apart and make the answer unknown where they could matter.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::{SetPacket, Side};
use crate::parse::ipset::{Ipsets, Set};
use crate::state::Doc;

/// The most dimensions that a type of set has.
const DIMS: usize = 3;

/// A set, ready to be asked.
#[derive(Debug)]
pub(in crate::state) enum SetIndex {
    /// `list:set`: the names of its sets.
    List(Vec<Box<str>>),
    /// Any other.
    Members(Members),
}

/// The members of a set.
#[derive(Debug)]
pub(in crate::state) struct Members {
    dims: Vec<Dim>,
    bitmap: bool,
    v6: bool,
    /// The bits of an address that count (`netmask`, `bitmask`), and of a mark (`markmask`).
    addr_mask: Option<u128>,
    mark_mask: u32,
    /// By the prefix length of each dimension, the longest first; the value is `nomatch`.
    tables: Vec<([u8; DIMS], HashMap<Key, bool>)>,
    /// The numbers of the names of devices.
    devices: HashMap<Box<str>, u128>,
    /// Where the set's members stand that are not in the tables.
    odd: Vec<usize>,
    set: usize,
}

/// The values of the dimensions.
type Key = [u128; DIMS];

/// What a packet finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This kind of member.
    Yes {
        nomatch: bool,
    },
    No,
    /// It is not known: why.
    Unknown(String),
}

/// A dimension of a set's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dim {
    Ip,
    Net,
    Port,
    Mark,
    Iface,
    Mac,
}

impl Dim {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "ip" => Self::Ip,
            "net" => Self::Net,
            "port" => Self::Port,
            "mark" => Self::Mark,
            "iface" => Self::Iface,
            "mac" => Self::Mac,
            _ => return None,
        })
    }
}

/// What a packet has in a dimension.
#[derive(Clone, Copy)]
enum Has {
    This(u128),
    /// It has no such thing: it is in no such set.
    Nothing,
    Unknown(&'static str),
}

impl SetIndex {
    pub(super) fn new(doc: &Doc<Ipsets>, set: &Set) -> Result<Self, String> {
        let kind = set.kind.as_deref().ok_or("its `create` line is missing")?;
        let (method, parts) = kind.split_once(':').unwrap_or((kind, ""));
        let text = |at| doc.text(at);
        if kind == "list:set" {
            let names = doc.members_of(set).iter().map(|m| text(m.element).into());
            return Ok(Self::List(names.collect()));
        }
        let dims: Option<Vec<Dim>> = parts.split(',').map(Dim::parse).collect();
        let dims = dims.filter(|d| matches!(method, "hash" | "bitmap") && d.len() <= DIMS);
        let dims = dims.ok_or_else(|| format!("its type `{kind}` is not known"))?;
        let option = |name: &str| {
            let mut words = text(set.options).split_ascii_whitespace();
            words.find(|w| *w == name)?;
            words.next()
        };
        let bits = if set.inet6 { 128 } else { 32 };
        let addr_mask = match (option("netmask"), option("bitmask")) {
            (Some(len), _) => Some(prefix_mask(len.parse().map_err(|_| format!("its netmask `{len}` is not known"))?, bits)),
            (None, Some(mask)) => Some(address(mask).ok_or_else(|| format!("its bitmask `{mask}` is not known"))?),
            (None, None) => None,
        };
        let mark_mask = match option("markmask") {
            Some(mask) => hex(mask).ok_or_else(|| format!("its markmask `{mask}` is not known"))?,
            None => u32::MAX,
        };
        let mut members = Members {
            dims,
            bitmap: method == "bitmap",
            v6: set.inet6,
            addr_mask,
            mark_mask,
            tables: Vec::new(),
            devices: HashMap::new(),
            odd: Vec::new(),
            set: doc.position(&set.name).unwrap_or(usize::MAX),
        };
        let mut tables: BTreeMap<[u8; DIMS], HashMap<Key, bool>> = BTreeMap::new();
        for (i, member) in doc.members_of(set).iter().enumerate() {
            let wild = text(member.options).split_ascii_whitespace().any(|w| w == "wildcard");
            match members.key(text(member.element)).filter(|_| !wild) {
                Some((key, lens)) => drop(tables.entry(lens).or_default().insert(key, member.nomatch)),
                None => members.odd.push(i),
            }
        }
        members.tables = tables.into_iter().rev().collect();
        Ok(Self::Members(members))
    }

    /// Whether exceptions make sense in it.
    pub(super) fn has_networks(&self) -> bool {
        matches!(self, Self::Members(members) if members.dims.contains(&Dim::Net))
    }
}

impl Members {
    /// The key of an element, and the prefix lengths of its networks.
    fn key(&mut self, element: &str) -> Option<(Key, [u8; DIMS])> {
        let mut parts = element.split(',');
        let (mut key, mut lens) = ([0; DIMS], [0; DIMS]);
        for (i, dim) in self.dims.iter().enumerate() {
            let part = parts.next()?;
            key[i] = match dim {
                Dim::Ip => address(part)?,
                Dim::Net => {
                    let full = if self.v6 { 128 } else { 32 };
                    let (addr, len) = part.split_once('/').map_or(Some((part, full)), |(a, l)| Some((a, l.parse().ok()?)))?;
                    lens[i] = len;
                    address(addr)? & prefix_mask(len, full)
                }
                Dim::Port => port(part, self.bitmap)?,
                Dim::Mark => u128::from(hex(part)?),
                Dim::Iface if part.contains(':') => return None,
                Dim::Iface => {
                    let next = self.devices.len() as u128;
                    *self.devices.entry(part.into()).or_insert(next)
                }
                // Which address a packet has on its link is not known: the value does not matter.
                Dim::Mac => 0,
            };
        }
        parts.next().is_none().then_some((key, lens))
    }

    pub(super) fn find(&self, doc: &Doc<Ipsets>, sides: &[Side], packet: &SetPacket<'_>) -> Found {
        if sides.len() < self.dims.len() {
            return Found::Unknown(format!("it has {} dimensions and is asked for {}", self.dims.len(), sides.len()));
        }
        let mut key = [0; DIMS];
        let mut unknown: Option<&'static str> = None;
        let mut open = [false; DIMS];
        for (i, (dim, side)) in self.dims.iter().zip(sides).enumerate() {
            match self.has(*dim, *side, packet) {
                Has::This(value) => key[i] = value,
                Has::Nothing => return Found::No,
                Has::Unknown(what) => {
                    open[i] = true;
                    unknown = unknown.or(Some(what));
                }
            }
        }
        let full = if self.v6 { 128 } else { 32 };
        let found = match unknown {
            None => self.tables.iter().find_map(|(lens, table)| table.get(&self.masked(key, lens, full)).copied()),
            Some(what) => {
                let may_be = self.tables.iter().any(|(lens, table)| {
                    let wanted = self.masked(key, lens, full);
                    table.keys().any(|k| (0..DIMS).all(|i| open[i] || k[i] == wanted[i]))
                });
                if may_be {
                    return Found::Unknown(format!("{what} is not known"));
                }
                None
            }
        };
        // A member that is not understood could be the one, or a longer prefix with `nomatch`: only networks have that.
        let odd = self.odd.first().and_then(|&i| doc.members_of(doc.sets.get(self.set)?).get(i));
        match (found, odd) {
            (Some(nomatch), None) => Found::Yes { nomatch },
            (Some(nomatch), Some(_)) if !self.dims.contains(&Dim::Net) => Found::Yes { nomatch },
            (None, None) => Found::No,
            (_, Some(member)) => Found::Unknown(format!("line {} is not understood: {}", member.at.line, doc.text(member.at))),
        }
    }

    /// A key with the networks of these prefix lengths.
    fn masked(&self, mut key: Key, lens: &[u8; DIMS], full: u8) -> Key {
        for (i, dim) in self.dims.iter().enumerate() {
            if *dim == Dim::Net {
                key[i] &= prefix_mask(lens[i], full);
            }
        }
        key
    }

    fn has(&self, dim: Dim, side: Side, packet: &SetPacket<'_>) -> Has {
        let source = side == Side::Src;
        match dim {
            Dim::Ip | Dim::Net => match if source { packet.src } else { packet.dst } {
                None => Has::Unknown("its address"),
                Some(addr) if addr.is_ipv6() != self.v6 => Has::Nothing,
                Some(addr) => Has::This(bits(addr) & self.addr_mask.unwrap_or(u128::MAX)),
            },
            Dim::Port => self.has_port(if source { packet.sport } else { packet.dport }, packet),
            // The direction of a mark does not matter.
            Dim::Mark => packet.mark.map_or(Has::Unknown("the mark"), |mark| Has::This(u128::from(mark & self.mark_mask))),
            Dim::Iface => match if source { packet.iif } else { packet.oif } {
                None => Has::Unknown("the interface"),
                Some(name) => self.devices.get(name).map_or(
                    // A member that is kept apart may mean it.
                    if self.odd.is_empty() || name.is_empty() { Has::Nothing } else { Has::This(u128::MAX) },
                    |&number| Has::This(number),
                ),
            },
            Dim::Mac => Has::Unknown("its link-layer address"),
        }
    }

    /// `get_port()` of net/netfilter/ipset/ip_set_getport.c: ports, type and code of ICMP, 0 for all else; a bitmap takes TCP and UDP.
    fn has_port(&self, port: Option<u16>, packet: &SetPacket<'_>) -> Has {
        let Some(protocol) = packet.protocol else { return Has::Unknown("the protocol") };
        if self.bitmap && !matches!(protocol, 6 | 17) {
            return Has::Nothing;
        }
        let port = match protocol {
            6 | 17 | 132 | 136 => port,
            1 | 58 => packet.icmp.map(|(kind, code)| u16::from(kind) << 8 | u16::from(code)),
            _ => Some(0),
        };
        let protocol = if self.bitmap { 0 } else { protocol };
        port.map_or(Has::Unknown("the port"), |port| Has::This(u128::from(protocol) << 16 | u128::from(port)))
    }
}

fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn address(word: &str) -> Option<u128> {
    word.parse().ok().map(bits)
}

/// The mask of a prefix length in a number of `full` bits.
fn prefix_mask(len: u8, full: u8) -> u128 {
    let host = full.saturating_sub(len);
    if host >= 128 { 0 } else { u128::MAX << host }
}

fn hex(word: &str) -> Option<u32> {
    u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// `udp:53`, `icmp:8/0`, `80`; without a protocol a hash means TCP.
fn port(word: &str, bitmap: bool) -> Option<u128> {
    let (named, number) = word.split_once(':').unwrap_or(("", word));
    let protocol = if bitmap { 0 } else { protocol(named)? };
    let port = match number.split_once('/') {
        Some((kind, code)) => kind.parse::<u16>().ok()? << 8 | code.parse::<u16>().ok()?,
        None => number.parse().ok()?,
    };
    Some(u128::from(protocol) << 16 | u128::from(port))
}

/// A protocol as ipset prints it.
fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "tcp" | "" => 6,
        "udp" => 17,
        "sctp" => 132,
        "udplite" => 136,
        "icmp" => 1,
        "icmpv6" | "ipv6-icmp" => 58,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        number => number.parse().ok()?,
    })
}
