//! What each kind of link says of itself, under `info_data` or `info_slave_data`, as `ip -d link` prints it (`print_opt` of
//! ip/iplink_*.c and ip/link_*.c).
//!
//! Most of it is a table a kind: an attribute's number, its key, and how its value is written. A kind that has no table (wireguard,
//! veth, dummy, or one that is unknown) has no object, which is what the tool does with it.

mod bond;
mod bridge;
mod overlay;
mod simple;
mod tunnel;

use std::net::Ipv4Addr;

use super::Context;
use super::text::{Hardware, Ip6, ethertype};
use crate::netlink::{Attr, Table};
use crate::sources::json::Json;

pub(super) use bridge::STATES as PORT_STATES;
use bridge::{PORT, bridge_id};

/// More attributes than any kind has.
pub(super) const ATTRS: usize = 64;
/// The attributes of a kind.
pub(super) type Data<'a> = Table<'a, ATTRS>;

/// How a value is written.
#[derive(Clone, Copy)]
pub(super) enum Show {
    U8,
    U16,
    U32,
    U64,
    I32,
    /// 16 bits in network byte order.
    Be16,
    /// A byte that is 0 or not, as a bool.
    Bool,
    /// A byte: `true` if it is not 0, else nothing.
    IfSet,
    /// Its presence: `true`.
    Flag,
    Hex16,
    /// Hex if it is not 0, else nothing.
    Hex8IfSet,
    Hex32IfSet,
    /// 32 bits in network byte order, as hex if they are not 0.
    Be32HexIfSet,
    /// An interface's number, as its name if it is not 0.
    Link,
    /// A byte, or 32 bits, as one of these names.
    Name8(&'static [&'static str]),
    Name32(&'static [&'static str]),
    /// Hundredths of seconds, with two decimals.
    Timer,
    /// Priority and address of a bridge.
    BridgeId,
    Mac,
    /// A number of if_ether.h, in network byte order.
    Ethertype,
    /// Something else; called whether or not the attribute is there.
    With(fn(&mut Context<'_>, &Data<'_>, &mut Json<'_>)),
}

/// An attribute: its number, its key, how it is written.
pub(super) struct Field(pub(super) u16, pub(super) &'static str, pub(super) Show);

/// The table of a kind of link, if it has one.
fn fields_of(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "bridge" => bridge::BRIDGE,
        "bridge_slave" => PORT,
        "bond" => bond::BOND,
        "bond_slave" => bond::SLAVE,
        "vxlan" => overlay::VXLAN,
        "geneve" => overlay::GENEVE,
        "vlan" => simple::VLAN,
        "macvlan" | "macvtap" => simple::MACVLAN,
        "ipvlan" | "ipvtap" => simple::IPVLAN,
        "netkit" => simple::NETKIT,
        "tun" => simple::TUN,
        "vrf" | "vrf_slave" => simple::VRF,
        "xfrm" => simple::XFRM,
        "ipip" | "sit" => tunnel::IPTUN,
        "ip6tnl" => tunnel::IP6TNL,
        "gre" | "gretap" | "erspan" => tunnel::GRE,
        "ip6gre" | "ip6gretap" | "ip6erspan" => tunnel::GRE6,
        "vti" => tunnel::VTI,
        _ => return None,
    })
}

/// Writes the object of a kind, if it has one; it is empty if the kernel says nothing.
pub(super) fn print(context: &mut Context<'_>, key: &str, kind: &str, data: Option<Attr<'_>>, json: &mut Json<'_>) {
    let Some(fields) = fields_of(kind) else { return };
    json.open(Some(key));
    if let Some(data) = data {
        print_fields(context, fields, &data.table(), json);
    }
    json.close();
}

pub(super) fn print_fields(context: &mut Context<'_>, fields: &[Field], data: &Data<'_>, json: &mut Json<'_>) {
    for Field(number, key, show) in fields {
        if let Show::With(print) = show {
            print(context, data, json);
        } else if let Some(attr) = data.get(*number) {
            // An attribute that is shorter than its type is not written.
            let _ = print_field(context, key, *show, attr, json);
        }
    }
}

fn print_field(context: &mut Context<'_>, key: &str, show: Show, attr: Attr<'_>, json: &mut Json<'_>) -> Option<()> {
    match show {
        Show::U8 => json.number(key, attr.u8()?),
        Show::U16 => json.number(key, attr.u16()?),
        Show::U32 => json.number(key, attr.u32()?),
        Show::U64 => json.number(key, attr.u64()?),
        Show::I32 => json.number(key, attr.i32()?),
        Show::Be16 => json.number(key, attr.be16()?),
        Show::Bool => json.bool(key, attr.u8()? != 0),
        Show::IfSet if attr.u8()? != 0 => json.bool(key, true),
        Show::Flag => json.bool(key, true),
        Show::Hex16 => json.hex(key, attr.u16()?.into()),
        Show::Hex8IfSet if attr.u8()? != 0 => json.hex(key, attr.u8()?.into()),
        Show::Hex32IfSet if attr.u32()? != 0 => json.hex(key, attr.u32()?.into()),
        Show::Be32HexIfSet if attr.be32()? != 0 => json.hex(key, attr.be32()?.into()),
        Show::Link if attr.u32()? != 0 => json.string(key, context.links.name(attr.u32()?)),
        Show::Name8(names) => json.string(key, name(names, attr.u8()?.into())),
        Show::Name32(names) => json.string(key, name(names, attr.u32()?)),
        Show::Timer => {
            let hundredths = attr.u64()?;
            json.number(key, format_args!("{}.{:02}", hundredths / 100, hundredths % 100));
        }
        Show::BridgeId => json.string(key, bridge_id(attr)?),
        Show::Mac => json.string(key, Hardware(attr, nix::libc::ARPHRD_ETHER)),
        Show::Ethertype => json.string(key, ethertype(attr.be16()?)),
        Show::IfSet | Show::Hex8IfSet | Show::Hex32IfSet | Show::Be32HexIfSet | Show::Link | Show::With(_) => {}
    }
    Some(())
}

fn name(names: &[&'static str], index: u32) -> &'static str {
    usize::try_from(index).ok().and_then(|i| names.get(i)).copied().unwrap_or("UNKNOWN")
}

/// The address of a tunnel's end: one of another family is `unknown`, none is `any`.
fn print_endpoint(key: &str, attr: Option<Attr<'_>>, len: usize, json: &mut Json<'_>) {
    match attr.map(|a| (a, a.0.len())) {
        None => json.string(key, "any"),
        Some((a, n)) if n == len && a.0.iter().all(|&b| b == 0) => json.string(key, "any"),
        Some((a, 4)) if len == 4 => json.string(key, a.ipv4().unwrap_or(Ipv4Addr::UNSPECIFIED)),
        Some((a, 16)) if len == 16 => {
            if let Some(a) = a.ipv6() {
                json.string(key, Ip6(a));
            }
        }
        Some(_) => json.string(key, "unknown"),
    }
}
