//! Sysctls of a device's protocol configuration, combined with those of `all` as the kernel's macros do (include/linux/inetdevice.h).

use crate::source::{Evidence, Fact, Missing};
use crate::state::Node;

const V4: &str = "net.ipv4.conf";

/// A setting that counts, with the lines that make it.
pub(super) struct Setting<'n> {
    pub value: i64,
    facts: Vec<Fact<'n, i64>>,
}

impl Setting<'_> {
    pub(super) fn on(&self) -> bool {
        self.value != 0
    }

    pub(super) fn evidence(&self) -> impl Iterator<Item = Evidence> {
        self.facts.iter().map(Fact::evidence)
    }
}

/// `IN_DEV_MAXCONF`: the larger of `all` and the device counts.
pub(super) fn max<'n>(node: &'n Node, dev: &str, leaf: &str) -> Result<Setting<'n>, Missing> {
    let facts = [node.sysctl_if_int(V4, "all", leaf)?, node.sysctl_if_int(V4, dev, leaf)?];
    let value = facts[0].value.max(facts[1].value);
    Ok(Setting { value, facts: facts.into_iter().filter(|f| f.value == value).take(1).collect() })
}

/// `IN_DEV_ORCONF`: on if `all` or the device is. A device that is on settles it, whatever is not known of the other.
pub(super) fn either<'n>(node: &'n Node, dev: &str, leaf: &str) -> Result<Setting<'n>, Missing> {
    let (own, all) = (node.sysctl_if_int(V4, dev, leaf), node.sysctl_if_int(V4, "all", leaf));
    if let Some(on) = [&own, &all].into_iter().flatten().find(|f| f.value != 0) {
        return Ok(Setting { value: 1, facts: vec![*on] });
    }
    Ok(Setting { value: 0, facts: vec![own?, all?] })
}

/// `IN_DEV_CONF_GET`: the device's alone.
pub(super) fn own<'n>(node: &'n Node, dev: &str, leaf: &str) -> Result<Setting<'n>, Missing> {
    let fact = node.sysctl_if_int(V4, dev, leaf)?;
    Ok(Setting { value: fact.value, facts: vec![fact] })
}

/// `IN_DEV_ANDCONF`: on if both are.
pub(super) fn both<'n>(node: &'n Node, dev: &str, leaf: &str) -> Result<Setting<'n>, Missing> {
    let (own, all) = (node.sysctl_if_int(V4, dev, leaf), node.sysctl_if_int(V4, "all", leaf));
    if let Some(off) = [&own, &all].into_iter().flatten().find(|f| f.value == 0) {
        return Ok(Setting { value: 0, facts: vec![*off] });
    }
    Ok(Setting { value: 1, facts: vec![own?, all?] })
}

/// Of IPv6: the device's alone, which `all` once overwrote.
pub(super) fn own6<'n>(node: &'n Node, dev: &str, leaf: &str) -> Result<Setting<'n>, Missing> {
    let fact = node.sysctl_if_int("net.ipv6.conf", dev, leaf)?;
    Ok(Setting { value: fact.value, facts: vec![fact] })
}
