//! A packet passes through the namespace.

use std::sync::Arc;

use crate::family::Family;
use crate::walk::netfilter::Hook;
use crate::walk::packet::Dev;
use crate::walk::route::{self, Routed};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, named};
use crate::walk::world::NsId;

impl Walker<'_, '_> {
    /// `ip_forward()` (net/ipv4/ip_forward.c) and `ip6_forward()` (net/ipv6/ip6_output.c): may it be forwarded, does it live long
    /// enough, does it fit; then FORWARD.
    pub(super) fn forward(&mut self, mut way: Way, ns: NsId, iif: &Arc<str>, routed: &Routed<'_>) {
        let oif = routed.dev.as_ref().map_or(Dev::Unknown, named);
        match route::forwarding(self.state(ns), way.packet.family, iif) {
            Ok(None) => {}
            Ok(Some(refusal)) => {
                self.refuse(way, ns, Stage::Forward, refusal);
                return;
            }
            Err(missing) => {
                self.unknown(way, ns, Stage::Forward, &missing);
                return;
            }
        }
        if let Some(ttl) = way.packet.ttl {
            if ttl <= 1 {
                self.end(way, Disposition::Dropped, Note::new(ns, Stage::Forward, "its time to live is used up"));
                return;
            }
            way.packet.ttl = Some(ttl - 1);
        }
        let Some(way) = self.fits_forward(way, ns, routed) else { return };
        for way in self.hook(way, ns, Hook::Forward, &named(iif), &oif) {
            self.leave(way, ns, routed, true);
        }
    }

    /// A packet that is forwarded and does not fit is answered with "fragmentation needed" or "packet too big", if it may not be
    /// fragmented; routers never fragment IPv6.
    fn fits_forward(&mut self, way: Way, ns: NsId, routed: &Routed<'_>) -> Option<Way> {
        let (Some(length), Some(mtu)) = (way.packet.length, self.mtu_of(&way, ns, routed)) else { return Some(way) };
        if u32::from(length) <= mtu.0 {
            return Some(way);
        }
        let v6 = way.packet.family == Family::V6;
        if !v6 && way.packet.df == Some(false) {
            return Some(way);
        }
        let error = if v6 { "packet too big" } else { "fragmentation needed" };
        let action = format!("{length} bytes do not fit into the MTU {} of {}: answered with {error}", mtu.0, mtu.1);
        self.end(way, Disposition::TooBig, Note::new(ns, Stage::Mtu, action).by(mtu.2));
        None
    }
}
