//! Whether a node forwards at all: `ip_route_input_slow` (IN_DEV_FORWARD) and `ip6_forward`.

use super::{Refusal, conf};
use crate::family::Family;
use crate::source::Missing;
use crate::state::Node;
use crate::walk::trace::Disposition;

/// Why a packet that came in by `iif` is not forwarded; `None` where it is. By which device it
/// goes out matters to neither family: the redirect that may be sent drops nothing.
///
/// # Errors
/// [`Missing`] when the sysctls are not known.
pub fn forwarding(node: &Node, family: Family, iif: &str) -> Result<Option<Refusal>, Missing> {
    let off = |leaf: &str, evidence| {
        let reason = format!("forwarding is off: {leaf} is 0");
        Ok(Some(Refusal { disposition: Disposition::Dropped, reason, evidence, answer: None }))
    };
    match family {
        Family::V4 => {
            // The device's alone counts (`IN_DEV_FORWARD`); net.ipv4.ip_forward has set it for all devices when it was written.
            let own = conf::own(node, iif, "forwarding")?;
            if own.on() {
                return Ok(None);
            }
            let mut evidence: Vec<_> = own.evidence().collect();
            evidence.extend(node.sysctl_int("net.ipv4.ip_forward").ok().filter(|f| f.value == 0).map(|f| f.evidence()));
            // `ip_error` is silent too where the device does not forward.
            off(&format!("net.ipv4.conf.{iif}.forwarding"), evidence)
        }
        Family::V6 => {
            let all = node.sysctl_int("net.ipv6.conf.all.forwarding")?;
            // Since Linux 6.17 a device may be told to forward alone.
            if all.value != 0 || conf::own6(node, iif, "force_forwarding").is_ok_and(|own| own.on()) {
                return Ok(None);
            }
            off("net.ipv6.conf.all.forwarding", vec![all.evidence()])
        }
    }
}
