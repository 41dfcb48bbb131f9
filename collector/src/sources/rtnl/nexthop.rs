//! Next-hop objects, as `ip -d -j nexthop` prints them (__print_nexthop_entry in ip/ipnexthop.c).
//!
//! ```text
//! {"id":1,"gateway":"192.168.77.1","dev":"eth0","scope":"link","protocol":"unspec","flags":[]}
//! {"id":9,"group":[{"id":1,"weight":2},{"id":2}],"scope":"global","protocol":"unspec","flags":[]}
//! ```

use std::collections::HashMap;
use std::time::Instant;

use super::text::Address;
use super::{Context, encap, route};
use crate::netlink::{Attr, Attrs, Message, NetlinkError, Protocol, Request, Socket, Table};
use crate::root::Root;
use crate::sources::json::{Json, Short};

/// `struct nhmsg`: family, scope, protocol, reserved, flags.
pub(crate) const HEADER: usize = 8;
const RTM_NEWNEXTHOP: u16 = 104;
pub(crate) const RTM_GETNEXTHOP: u16 = 106;
/// NHA_* up to NHA_RES_BUCKET.
const ATTRS: usize = 16;

pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    if message.kind == RTM_NEWNEXTHOP {
        print_entry(context, None, message.payload, json);
    }
}

/// The next hop of a route, under `nh_info`; nothing if it is gone.
pub(super) fn print_cached(context: &mut Context<'_>, id: u32, json: &mut Json<'_>) {
    if let Some(payload) = context.nexthops.get(id) {
        print_entry(context, Some("nh_info"), &payload, json);
    }
}

fn print_entry(context: &mut Context<'_>, key: Option<&str>, payload: &[u8], json: &mut Json<'_>) {
    const ID: u16 = 1;
    const GROUP: u16 = 2;
    const GROUP_TYPE: u16 = 3;
    const BLACKHOLE: u16 = 4;
    const OIF: u16 = 5;
    const GATEWAY: u16 = 6;
    const ENCAP_TYPE: u16 = 7;
    const ENCAP: u16 = 8;
    const FDB: u16 = 11;
    const RES_GROUP: u16 = 12;
    let Some(&[family, scope, protocol, _, flags @ ..]) = payload.first_chunk::<HEADER>() else { return };
    let tb = Table::<ATTRS>::new(Attrs::after(payload, HEADER));
    json.open(key);
    json.number("id", tb.u32(ID).unwrap_or(0));
    if let Some(group) = tb.get(GROUP) {
        print_group(group, json);
    }
    match tb.u16(GROUP_TYPE) {
        None | Some(0) => {}
        Some(1) => json.string("type", "resilient"),
        Some(_) => json.string("type", "<unknown type>"),
    }
    if let Some(group) = tb.get(RES_GROUP) {
        print_resilient(group, json);
    }
    if let Some(attr) = tb.get(ENCAP) {
        encap::print(context, tb.u16(ENCAP_TYPE), attr, json);
    }
    if let Some(gateway) = tb.get(GATEWAY) {
        json.string("gateway", Address(family, gateway));
    }
    if let Some(oif) = tb.u32(OIF).filter(|&oif| oif != 0) {
        json.string("dev", context.links.name(oif));
    }
    json.string("scope", context.names.scope(scope));
    if tb.has(BLACKHOLE) {
        json.null("blackhole");
    }
    json.string("protocol", context.names.protocol(protocol));
    route::print_flags(u32::from_ne_bytes(flags), json);
    if tb.has(FDB) {
        json.null("fdb");
    }
    json.close();
}

/// `struct nexthop_grp`: id, weight less one, its higher byte (since Linux 6.12, 0 before), reserved.
fn print_group(group: Attr<'_>, json: &mut Json<'_>) {
    json.open_array(Some("group"));
    for entry in group.0.chunks_exact(8) {
        json.open(None);
        json.number("id", Attr(entry).u32().unwrap_or(0));
        let weight = u32::from(entry[4]) | u32::from(entry[5]) << 8;
        if weight != 0 {
            json.number("weight", weight + 1);
        }
        json.close();
    }
    json.close_array();
}

/// The times are in hundredths of seconds (USER_HZ).
fn print_resilient(group: Attr<'_>, json: &mut Json<'_>) {
    let tb = group.table::<6>();
    let seconds = |ticks: Option<u64>| {
        let ticks = ticks.unwrap_or(0);
        #[allow(clippy::cast_precision_loss, reason = "the tool prints six digits of it")]
        Short((ticks / 100) as f64 + (ticks % 100) as f64 / 100.0)
    };
    json.open(Some("resilient_args"));
    json.number("buckets", tb.u16(1).unwrap_or(0));
    json.number("idle_timer", seconds(tb.u32(2).map(u64::from)));
    json.number("unbalanced_timer", seconds(tb.u32(3).map(u64::from)));
    json.number("unbalanced_time", seconds(tb.u64(4)));
    json.close();
}

/// The next-hop objects of a namespace, asked for when a route names the first one.
#[derive(Debug)]
pub(super) struct Cache<'r> {
    root: &'r Root,
    deadline: Instant,
    known: Option<HashMap<u32, Vec<u8>>>,
}

impl<'r> Cache<'r> {
    pub(super) fn new(root: &'r Root, deadline: Instant) -> Self {
        Self { root, deadline, known: None }
    }

    fn get(&mut self, id: u32) -> Option<Vec<u8>> {
        if self.known.is_none() {
            // Where they cannot be asked for, the route still names the number.
            self.known = Some(ask(self.root, self.deadline).unwrap_or_default());
        }
        self.known.as_ref()?.get(&id).cloned()
    }
}

fn ask(root: &Root, deadline: Instant) -> Result<HashMap<u32, Vec<u8>>, NetlinkError> {
    let mut socket = Socket::open(Protocol::Route, root, deadline)?;
    let mut replies = socket.dump(&Request::new(RTM_GETNEXTHOP).payload(&[0; HEADER]))?;
    let mut all = HashMap::new();
    while let Some(message) = replies.next()? {
        if let Some(id) = Table::<2>::new(message.attrs(HEADER)).u32(1) {
            all.insert(id, message.payload.to_vec());
        }
    }
    Ok(all)
}
