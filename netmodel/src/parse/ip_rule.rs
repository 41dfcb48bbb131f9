//! `ip -d -j rule`: policy routing rules.
//!
//! ```text
//! [{"priority":0,"src":"all","table":"local","protocol":"kernel"},
//!  {"priority":100,"not":null,"src":"all","fwmark":"0xca6c","table":"51820","protocol":"unspec"},
//!  {"priority":32766,"src":"all","table":"main","protocol":"kernel"}]
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use serde_json::Value;

use serde::Serialize;

use super::Parsed;
use super::ip_route::{Table, prefix};
use super::json::{self, Names};
use crate::family::Family;
use crate::source::At;

/// What a policy rule does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuleAction {
    /// Looks in a table; goes on with the next rule where that holds no route.
    Lookup(Table),
    /// Goes on with the rule of that priority.
    Goto(u32),
    /// Does nothing.
    Nop,
    /// Drops silently.
    Blackhole,
    /// Drops; answers "network unreachable".
    Unreachable,
    /// Drops; answers "administratively prohibited".
    Prohibit,
    /// Something else (`l3mdev`, …), by its name.
    Other(Arc<str>),
}

/// A policy rule.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyRule {
    /// The object in the capture.
    pub at: At,
    /// Its place in the order; lower ones are asked first.
    pub priority: u32,
    /// It holds for what its selectors do *not* match.
    pub not: bool,
    /// The source; `None` for all.
    pub from: Option<IpNet>,
    /// The destination; `None` for all.
    pub to: Option<IpNet>,
    /// The incoming device.
    pub iif: Option<Arc<str>>,
    /// The outgoing device that a socket is bound to.
    pub oif: Option<Arc<str>>,
    /// The packet's mark: value and mask.
    pub fwmark: Option<(u32, u32)>,
    /// The IP protocol, as printed.
    pub ipproto: Option<Arc<str>>,
    /// The source ports.
    pub sport: Option<(u16, u16)>,
    /// The destination ports.
    pub dport: Option<(u16, u16)>,
    /// The type of service, as printed.
    pub tos: Option<Arc<str>>,
    /// Routes with this prefix length or a shorter one count as no route.
    pub suppress_prefixlength: Option<u32>,
    /// Routes over devices of this group count as no route.
    pub suppress_ifgroup: Option<Arc<str>>,
    /// The owners of the sending sockets: the first and the last.
    pub uid_range: Option<(u32, u32)>,
    /// It takes packets of devices in a VRF, and asks that VRF's table.
    pub l3mdev: bool,
    /// What it does.
    pub action: RuleAction,
    /// Selectors that are not known, by their JSON key.
    pub unknown: Vec<Arc<str>>,
}

/// Reads `ip -j rule`.
#[must_use]
pub fn parse(text: &str, family: Family) -> Parsed<Vec<PolicyRule>> {
    json::read(text, |element, object, names| {
        let members: BTreeMap<String, Value> = json::typed(object)?;
        rule(element.at, &members, family, names)
    })
}

impl PolicyRule {
    /// Whether it is the rule that the kernel makes for a table: it takes every packet and asks that table.
    #[must_use]
    pub fn is_plain(&self, table: &Table) -> bool {
        let Self { at: _, priority: _, not, from, to, iif, oif, fwmark, ipproto, sport, dport, tos, .. } = self;
        let selects = *not || from.is_some() || to.is_some() || iif.is_some() || oif.is_some() || fwmark.is_some();
        let selects = selects || ipproto.is_some() || sport.is_some() || dport.is_some() || tos.is_some();
        let suppresses = self.suppress_prefixlength.is_some() || self.suppress_ifgroup.is_some();
        let more = self.uid_range.is_some() || self.l3mdev || !self.unknown.is_empty();
        !selects && !suppresses && !more && matches!(&self.action, RuleAction::Lookup(own) if own == table)
    }

    /// A rule that takes every packet and does nothing, to be filled in.
    pub(crate) fn any(at: At, priority: u32) -> Self {
        Self {
            at,
            priority,
            not: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            fwmark: None,
            ipproto: None,
            sport: None,
            dport: None,
            tos: None,
            suppress_prefixlength: None,
            suppress_ifgroup: None,
            uid_range: None,
            l3mdev: false,
            action: RuleAction::Nop,
            unknown: Vec::new(),
        }
    }
}

/// Members are looked at one by one and none is passed over: a selector that is not known changes which packets a rule takes.
fn rule(at: At, members: &BTreeMap<String, Value>, family: Family, names: &mut Names) -> Result<PolicyRule, String> {
    let mut rule = PolicyRule::any(at, 0);
    let mut mask = u32::MAX;
    let (mut ends, mut lens, mut ports, mut uids) = ([None, None], [None, None], [[None; 2]; 2], [None; 2]);
    for (key, value) in members {
        let word = match value {
            Value::String(s) => s.clone(),
            other => other.to_string(),
        };
        let number = || parse_number(&word).ok_or_else(|| format!("`{key}`: `{word}` is not a number"));
        let port = || u16::try_from(number()?).map_err(|_| format!("`{key}`: `{word}` is not a port"));
        match key.as_str() {
            "priority" => rule.priority = number()?,
            "not" => rule.not = true,
            "src" => ends[0] = Some(word),
            "dst" => ends[1] = Some(word),
            "srclen" => lens[0] = Some(number()?),
            "dstlen" => lens[1] = Some(number()?),
            "iif" => rule.iif = Some(names.get(&word)),
            "oif" => rule.oif = Some(names.get(&word)),
            "fwmark" => rule.fwmark = Some((number()?, u32::MAX)),
            "fwmask" => mask = number()?,
            "ipproto" => rule.ipproto = Some(names.get(&word)),
            "sport" | "sport_start" => ports[0][0] = Some(port()?),
            "sport_end" => ports[0][1] = Some(port()?),
            "dport" | "dport_start" => ports[1][0] = Some(port()?),
            "dport_end" => ports[1][1] = Some(port()?),
            "tos" => rule.tos = Some(names.get(&word)),
            "suppress_prefixlen" | "suppress_prefixlength" => rule.suppress_prefixlength = Some(number()?),
            "suppress_ifgroup" => rule.suppress_ifgroup = Some(names.get(&word)),
            "uid_start" => uids[0] = Some(number()?),
            "uid_end" => uids[1] = Some(number()?),
            "l3mdev" => rule.l3mdev = true,
            "table" => rule.action = RuleAction::Lookup(Table::parse(&word, names)),
            "goto" => rule.action = RuleAction::Goto(number()?),
            "nop" => rule.action = RuleAction::Nop,
            "action" => rule.action = action(&word, rule.action, names),
            // Who made it, and states of the device that a rule names: they select nothing.
            "protocol" | "unresolved" | "iif_detached" | "oif_detached" | "flags" => {}
            other => rule.unknown.push(names.get(other)),
        }
    }
    if let Some((value, _)) = rule.fwmark {
        rule.fwmark = Some((value, mask));
    }
    [rule.sport, rule.dport] = ports.map(|[start, end]| start.map(|s| (s, end.unwrap_or(s))));
    rule.uid_range = uids[0].zip(uids[1]);
    let [from, to] = [0, 1].map(|i| side(ends[i].as_deref(), lens[i], family));
    (rule.from, rule.to) = (from?, to?);
    Ok(rule)
}

/// A rule's source or destination: `all` is none; a prefix may stand in one word or in two members.
fn side(word: Option<&str>, len: Option<u32>, family: Family) -> Result<Option<IpNet>, String> {
    let Some(word) = word.filter(|w| *w != "all" && *w != "any") else { return Ok(None) };
    let net = prefix(word, family)?;
    let Some(len) = len else { return Ok(Some(net)) };
    let net = u8::try_from(len).ok().and_then(|len| IpNet::new(net.addr(), len).ok());
    net.map(Some).ok_or_else(|| format!("`{word}`: bad prefix length"))
}

fn action(word: &str, before: RuleAction, names: &mut Names) -> RuleAction {
    match word {
        "blackhole" => RuleAction::Blackhole,
        "unreachable" => RuleAction::Unreachable,
        "prohibit" => RuleAction::Prohibit,
        "nop" => RuleAction::Nop,
        // Printed beside "table" and "goto".
        "to_tbl" | "lookup" | "goto" => before,
        other => RuleAction::Other(names.get(other)),
    }
}

/// A number as iproute2 prints it, decimal or with `0x`.
fn parse_number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}
