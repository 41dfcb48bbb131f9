//! Addresses under their links, as `ip -d -j addr` prints them (print_addrinfo in ip/ipaddress.c).

use std::collections::HashMap;

use nix::libc;

use super::Context;
use super::text::{Address, family};
use crate::netlink::{Attr, Attrs, Message, Table};
use crate::sources::json::Json;

/// `struct ifaddrmsg`: family, length of the prefix, flags, scope, interface.
pub(crate) const HEADER: usize = 8;

/// The addresses of all interfaces, by the interface's number, as the kernel gave them.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<u32, Vec<Vec<u8>>>);

impl Addresses {
    pub(super) fn keep(&mut self, message: Message<'_>) {
        if let (libc::RTM_NEWADDR, Some(&[.., a, b, c, d])) = (message.kind, message.header::<HEADER>()) {
            self.0.entry(u32::from_ne_bytes([a, b, c, d])).or_default().push(message.payload.to_vec());
        }
    }

    /// Writes those of an interface.
    pub(super) fn print(&self, context: &Context<'_>, index: u32, json: &mut Json<'_>) {
        json.open_array(Some("addr_info"));
        for payload in self.0.get(&index).map(Vec::as_slice).unwrap_or_default() {
            json.open(None);
            print(context, payload, json);
            json.close();
        }
        json.close_array();
    }
}

fn print(context: &Context<'_>, payload: &[u8], json: &mut Json<'_>) {
    const RT_PRIORITY: u16 = 9;
    const DEPRECATED: u32 = 0x20;
    let Some(&[id, prefix, flags, scope, ..]) = payload.first_chunk::<HEADER>() else { return };
    let tb = Table::<12>::new(Attrs::after(payload, HEADER));
    let flags = tb.u32(libc::IFA_FLAGS).unwrap_or(flags.into());
    match family(id.into()) {
        "???" => json.number("family_index", id),
        name => json.string("family", name),
    }
    let local = tb.get(libc::IFA_LOCAL).or_else(|| tb.get(libc::IFA_ADDRESS));
    if let Some(local) = local {
        json.string("local", Address(id, local));
        // The other end of a point-to-point link; else the address itself stands there again.
        if let Some(peer) = tb.get(libc::IFA_ADDRESS).filter(|p| p.0 != local.0) {
            json.string("address", Address(id, peer));
        }
        json.number("prefixlen", prefix);
        if let Some(metric) = tb.u32(RT_PRIORITY) {
            json.number("metric", metric);
        }
    }
    for (number, key) in [(libc::IFA_BROADCAST, "broadcast"), (libc::IFA_ANYCAST, "anycast")] {
        if let Some(address) = tb.get(number) {
            json.string(key, Address(id, address));
        }
    }
    json.string("scope", context.names.scope(scope));
    print_flags(id, flags, json);
    if let Some(label) = tb.get(libc::IFA_LABEL) {
        json.string("label", label.text());
    }
    if let Some(info) = tb.get(libc::IFA_CACHEINFO) {
        // `struct ifa_cacheinfo`: preferred, valid.
        let valid = info.0.get(4..).and_then(|v| Attr(v).u32()).unwrap_or(0);
        let preferred = info.u32().unwrap_or(0);
        json.number("valid_life_time", valid);
        if preferred != u32::MAX && flags & DEPRECATED != 0 {
            json.number("preferred_life_time", preferred.cast_signed());
        } else {
            json.number("preferred_life_time", preferred);
        }
    }
}

/// IFA_F_*.
fn print_flags(id: u8, flags: u32, json: &mut Json<'_>) {
    const SECONDARY: u32 = 0x01;
    const PERMANENT: u32 = 0x80;
    const NAMES: &[(u32, &str)] = &[
        (SECONDARY, "secondary"),
        (0x02, "nodad"),
        (0x04, "optimistic"),
        (0x08, "dadfailed"),
        (0x10, "home"),
        (0x20, "deprecated"),
        (0x40, "tentative"),
        (PERMANENT, "permanent"),
        (0x100, "mngtmpaddr"),
        (0x200, "noprefixroute"),
        (0x400, "autojoin"),
        (0x800, "stable-privacy"),
    ];
    let mut left = flags;
    for &(bit, name) in NAMES {
        let set = flags & bit != 0;
        match bit {
            // What is not permanent is dynamic; that it is permanent is not said.
            PERMANENT if !set => json.bool("dynamic", true),
            PERMANENT => {}
            SECONDARY if set && i32::from(id) == libc::AF_INET6 => json.bool("temporary", true),
            _ if set => json.bool(name, true),
            _ => {}
        }
        left &= !bit;
    }
    if left != 0 {
        json.string("ifa_flags", format_args!("{left:02x}"));
    }
}
