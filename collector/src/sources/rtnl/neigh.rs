//! Neighbour entries, as `ip -d -j neigh` prints them (print_neigh in ip/ipneigh.c).
//!
//! ```text
//! {"dst":"10.244.2.0","dev":"flannel.1","lladdr":"4a:43:9c:0e:2a:50","state":["PERMANENT"]}
//! ```
//! As the tool does it, entries that need no resolution (NOARP, as for multicast) are left out.

use nix::libc;

use super::Context;
use super::text::{Address, Hardware};
use crate::netlink::{Message, Table};
use crate::sources::json::Json;

/// `struct ndmsg`.
pub(crate) const HEADER: usize = 12;
/// NDA_* up to NDA_NDM_FLAGS_MASK.
pub(super) const ATTRS: usize = 18;

/// States that are shown, in the order in which they are named (NUD_*).
pub(super) const STATES: &[(u16, &str)] = &[
    (0x01, "INCOMPLETE"),
    (0x02, "REACHABLE"),
    (0x04, "STALE"),
    (0x08, "DELAY"),
    (0x10, "PROBE"),
    (0x20, "FAILED"),
    (0x40, "NOARP"),
    (0x80, "PERMANENT"),
];
const SHOWN: u16 = 0xff & !0x40;
const PROXY: u8 = 0x08;
const EXT_LEARNED: u8 = 0x10;
const OFFLOADED: u8 = 0x20;
const ROUTER: u8 = 0x80;
const EXT_MANAGED: u32 = 1;

pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    let Some(&[family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _]) = message.header::<HEADER>() else { return };
    let (index, state) = (u32::from_ne_bytes([i0, i1, i2, i3]), u16::from_ne_bytes([s0, s1]));
    if message.kind != libc::RTM_NEWNEIGH || (state & SHOWN == 0 && flags & (PROXY | EXT_LEARNED) == 0) {
        return;
    }
    let tb = Table::<ATTRS>::new(message.attrs(HEADER));
    json.open(None);
    if let Some(dst) = tb.get(libc::NDA_DST) {
        json.string("dst", Address(family, dst));
    }
    if index != 0 {
        json.string("dev", context.links.name(index));
    }
    if let Some(address) = tb.get(libc::NDA_LLADDR) {
        json.string("lladdr", Hardware(address, context.links.hardware(index)));
    }
    let extended = tb.u32(15).unwrap_or(0);
    let named = [
        (flags & ROUTER != 0, "router"),
        (flags & PROXY != 0, "proxy"),
        (extended & EXT_MANAGED != 0, "managed"),
        (flags & EXT_LEARNED != 0, "extern_learn"),
        (flags & OFFLOADED != 0, "offload"),
    ];
    for (_, name) in named.iter().filter(|(set, _)| *set) {
        json.null(name);
    }
    if state != 0 {
        json.open_array(Some("state"));
        for (_, name) in STATES.iter().filter(|(bit, _)| state & bit != 0) {
            json.item(name);
        }
        json.close_array();
    }
    if let Some(protocol) = tb.u8(12).filter(|&p| p != 0) {
        json.string("protocol", context.names.protocol(protocol));
    }
    json.close();
}
