//! What a native rule of nftables does with a packet, for the expressions that are known here; all others are unknown, both ways.
//!
//! Left out: `fib`, `numgen` with weights, time, quotas, hashes, tunnels, and everything of the bridge, arp and netdev families.

use std::net::IpAddr;

use serde_json::Value;

use crate::family::Family;
use crate::parse::iptables::protocol_number;
use crate::parse::nft_json::Rule;
use crate::walk::engine::{Act, Alternative};
use crate::walk::packet::{CtState, Dev, Packet, SCTP, TCP, UDP};
use crate::walk::rulesets::Rulesets;
use crate::walk::tri::Tri;

/// What a rule may do with a packet; `None` where it does not match.
pub(super) fn alternatives(rulesets: &Rulesets<'_>, rule: usize, packet: &Packet) -> Option<Vec<Alternative>> {
    let doc = rulesets.nft?;
    let rule = doc.rules.get(rule)?;
    let context = Context { rulesets, rule };
    let Ok(exprs) = serde_json::from_str::<Vec<Value>>(doc.source.at(rule.expr)) else {
        return Some(open(packet, "the rule is no list of expressions"));
    };
    let mut unknown: Option<String> = None;
    let mut changed = packet.clone();
    let mut acts = vec![(Act::Next, None)];
    for expr in &exprs {
        let Some((name, body)) = expr.as_object().and_then(|o| o.iter().next()) else {
            return Some(open(packet, "an expression without a name"));
        };
        let answer = match name.as_str() {
            "match" => context.matches(body, &changed),
            "counter" | "log" | "comment" => Tri::Yes,
            // A rule that adds to a set goes on.
            "set" | "map" => Tri::Yes,
            "limit" | "quota" => Tri::unknown(format!("`{name}` depends on the packets before")),
            "xt" if body.get("name").and_then(Value::as_str) == Some("comment") => Tri::Yes,
            "mangle" => {
                context.mangle(body, &mut changed);
                Tri::Yes
            }
            "notrack" => {
                changed.ct_state = Some(CtState::Untracked);
                Tri::Yes
            }
            "accept" | "drop" | "return" | "continue" | "jump" | "goto" | "reject" => {
                acts = vec![(context.verdict(name, body), None)];
                break;
            }
            "vmap" => match context.vmap(body, &changed) {
                Ok(found) => {
                    acts = found;
                    break;
                }
                Err(why) => {
                    acts = vec![(Act::Open(why), None)];
                    break;
                }
            },
            "dnat" | "redirect" => {
                changed.dst = None;
                changed.dport = None;
                changed.dnat = Some(true);
                acts = vec![(Act::Accept, None)];
                break;
            }
            "snat" | "masquerade" => {
                changed.src = None;
                changed.sport = None;
                changed.snat = Some(true);
                acts = vec![(Act::Accept, None)];
                break;
            }
            other => {
                let why = format!("what the expression `{other}` does is not known here");
                acts = vec![(Act::Open(why), None)];
                break;
            }
        };
        match answer {
            Tri::Yes => {}
            Tri::No => return None,
            Tri::Unknown(why) => {
                unknown.get_or_insert(why);
            }
        }
    }
    let mut all: Vec<Alternative> = acts
        .into_iter()
        .map(|(act, chance)| Alternative { packet: changed.clone(), act, unknown: unknown.clone().or(chance) })
        .collect();
    if unknown.is_some() {
        all.push(Alternative { packet: packet.clone(), act: Act::Next, unknown });
    }
    Some(all)
}

fn open(packet: &Packet, why: &str) -> Vec<Alternative> {
    vec![Alternative { packet: packet.clone(), act: Act::Open(why.to_owned()), unknown: None }]
}

/// What stands in a packet's field.
enum Field {
    Addr(IpAddr),
    Number(u64),
    Name(String),
    All(Vec<Field>),
    /// The packet has no such field: no comparison holds.
    Absent,
    Unknown(String),
}

struct Context<'r> {
    rulesets: &'r Rulesets<'r>,
    rule: &'r Rule,
}

impl Context<'_> {
    fn matches(&self, body: &Value, packet: &Packet) -> Tri {
        let (op, left, right) = (body.get("op").and_then(Value::as_str).unwrap_or(""), &body["left"], &body["right"]);
        let ct = left.get("ct").and_then(|c| c.get("key")).and_then(Value::as_str);
        let answer = match ct {
            Some("state") => ct_state(right, packet),
            Some("status") => ct_status(right, packet),
            _ => {
                let field = field(left, packet);
                match op {
                    "==" | "!=" | "in" | "" => self.equals(&field, right),
                    _ => match (field, right.as_u64()) {
                        (Field::Number(n), Some(m)) => match op {
                            "<" => (n < m).into(),
                            ">" => (n > m).into(),
                            "<=" => (n <= m).into(),
                            ">=" => (n >= m).into(),
                            _ => Tri::unknown(format!("the operator `{op}` is not known here")),
                        },
                        (Field::Absent, _) => Tri::No,
                        _ => Tri::unknown(format!("the operator `{op}` cannot be answered here")),
                    },
                }
            }
        };
        // A field that the packet does not have ends the rule, negated or not.
        if op == "!=" && !matches!(field(left, packet), Field::Absent) { !answer } else { answer }
    }

    fn equals(&self, field: &Field, right: &Value) -> Tri {
        match field {
            Field::Absent => return Tri::No,
            Field::Unknown(why) => return Tri::unknown(why.clone()),
            _ => {}
        }
        if let Some(elems) = right.get("set").and_then(Value::as_array).or_else(|| right.as_array()) {
            return self.any(field, elems.iter());
        }
        if let Some(elem) = right.get("elem") {
            return self.equals(field, &elem["val"]);
        }
        if let (Field::All(fields), Some(parts)) = (field, right.get("concat").and_then(Value::as_array)) {
            let pairs = fields.iter().zip(parts);
            return pairs.fold(Tri::from(fields.len() == parts.len()), |all, (f, p)| all.and(|| self.equals(f, p)));
        }
        if let Some(range) = right.get("range").and_then(Value::as_array) {
            return in_range(field, range);
        }
        if let Some(prefix) = right.get("prefix") {
            let net = prefix["addr"].as_str().and_then(|a| a.parse().ok()).zip(prefix["len"].as_u64());
            let net = net.and_then(|(addr, len)| ipnet::IpNet::new(addr, u8::try_from(len).ok()?).ok());
            return match (field, net) {
                (Field::Addr(addr), Some(net)) => net.contains(addr).into(),
                _ => Tri::unknown("a prefix is compared with something that is no address"),
            };
        }
        match (field, right) {
            (_, Value::String(name)) if name.starts_with('@') => self.in_set(field, &name[1..]),
            (Field::Addr(addr), Value::String(text)) => match text.parse::<IpAddr>() {
                Ok(other) => (*addr == other).into(),
                Err(_) => Tri::unknown(format!("`{text}` is no address")),
            },
            (Field::Number(n), Value::Number(m)) => (m.as_u64() == Some(*n)).into(),
            (Field::Number(n), Value::String(text)) => match protocol_number(text) {
                Some(m) => (u64::from(m) == *n).into(),
                None => Tri::unknown(format!("`{text}` is no number known here")),
            },
            (Field::Name(name), Value::String(text)) => match text.strip_suffix('*') {
                Some(start) => name.starts_with(start).into(),
                None => (name == text).into(),
            },
            _ => Tri::unknown("the comparison is not known here"),
        }
    }

    fn any<'v>(&self, field: &Field, elems: impl Iterator<Item = &'v Value>) -> Tri {
        let mut any = Tri::No;
        for elem in elems {
            match self.equals(field, elem) {
                Tri::Yes => return Tri::Yes,
                Tri::No => {}
                unknown @ Tri::Unknown(_) => any = unknown,
            }
        }
        any
    }

    /// The elements of a named set or map of the rule's table, and whether they change by themselves.
    fn elements(&self, name: &str) -> Result<(Vec<Value>, bool), String> {
        let doc = self.rulesets.nft.ok_or("the ruleset is missing")?;
        let mut sets = doc.sets.iter();
        let set = sets
            .find(|s| s.family == self.rule.family && s.table == self.rule.table && s.name == name)
            .ok_or_else(|| format!("there is no set {name}"))?;
        let elems = match set.elem {
            None => Vec::new(),
            Some(at) => serde_json::from_str(doc.source.at(at)).map_err(|_| format!("the elements of set {name} are no list"))?,
        };
        Ok((elems, set.dynamic))
    }

    fn in_set(&self, field: &Field, name: &str) -> Tri {
        match self.elements(name) {
            Err(why) => Tri::unknown(why),
            Ok((_, true)) => Tri::unknown(format!("the members of set {name} come and go")),
            Ok((elems, false)) => self.any(field, elems.iter()),
        }
    }

    fn verdict(&self, name: &str, body: &Value) -> Act {
        let target = || body.get("target").and_then(Value::as_str).unwrap_or_default();
        let chain = || self.rulesets.nft_chain(self.rule, target()).ok_or_else(|| Act::Open(format!("no chain {}", target())));
        match name {
            "accept" => Act::Accept,
            "drop" => Act::Drop,
            "return" => Act::Return,
            "continue" => Act::Next,
            "jump" => chain().map_or_else(|open| open, Act::Jump),
            "goto" => chain().map_or_else(|open| open, Act::Goto),
            "reject" => {
                let part = |key| body.get(key).and_then(Value::as_str);
                Act::Reject(match (part("type"), part("expr")) {
                    (Some("tcp reset"), _) => "tcp-reset".to_owned(),
                    (Some(kind), Some(expr)) => format!("{kind}-{expr}"),
                    _ => "icmp-port-unreachable".to_owned(),
                })
            }
            other => Act::Open(format!("the verdict `{other}` is not known here")),
        }
    }

    fn vmap(&self, body: &Value, packet: &Packet) -> Result<Vec<(Act, Option<String>)>, String> {
        let data = &body["data"];
        let elems = match data.as_str().and_then(|s| s.strip_prefix('@')) {
            Some(name) => match self.elements(name)? {
                (_, true) => return Err(format!("the members of map {name} come and go")),
                (elems, false) => elems,
            },
            None => data.get("set").and_then(Value::as_array).cloned().ok_or("a verdict map without elements")?,
        };
        let act = |pair: &Value| match pair.get(1).and_then(Value::as_object).and_then(|o| o.iter().next()) {
            Some((name, body)) => self.verdict(name, body),
            None => Act::Open("a verdict map without a verdict".to_owned()),
        };
        // Load balancing: every way is followed.
        if body["key"].get("numgen").is_some() {
            let one = elems.len() == 1;
            let chance = || (!one).then(|| "it is a matter of chance".to_owned());
            return Ok(elems.iter().map(|pair| (act(pair), chance())).collect());
        }
        let key = field(&body["key"], packet);
        let mut found = Vec::new();
        for pair in &elems {
            match self.equals(&key, &pair[0]) {
                Tri::Yes => return Ok(vec![(act(pair), None)]),
                Tri::No => {}
                Tri::Unknown(why) => found.push((act(pair), Some(why))),
            }
        }
        // No element is certain: the packet may also find none and go on.
        let why = found.first().and_then(|(_, why): &(Act, Option<String>)| why.clone());
        found.push((Act::Next, why));
        Ok(found)
    }

    fn mangle(&self, body: &Value, packet: &mut Packet) {
        let key = &body["key"];
        if key.get("meta").and_then(|m| m.get("key")).and_then(Value::as_str) == Some("mark") {
            packet.mark = match field(&body["value"], packet) {
                Field::Number(n) => u32::try_from(n).ok(),
                _ => None,
            };
        } else if key.get("ct").and_then(|m| m.get("key")).and_then(Value::as_str) == Some("mark") {
            packet.connmark = None;
        }
    }
}

fn field(expr: &Value, packet: &Packet) -> Field {
    let unknown = |what: &str| Field::Unknown(format!("{what} is not known"));
    let number = |n: Option<u64>, what| n.map_or_else(|| unknown(what), Field::Number);
    if let Some(n) = expr.as_u64() {
        return Field::Number(n);
    }
    let Some((name, body)) = expr.as_object().and_then(|o| o.iter().next()) else { return unknown("the expression") };
    let key = |k: &str| body.get(k).and_then(Value::as_str).unwrap_or_default();
    match name.as_str() {
        "concat" => Field::All(body.as_array().into_iter().flatten().map(|e| field(e, packet)).collect()),
        "&" | "|" | "^" => {
            let side = |i: usize| body.get(i).map_or_else(|| unknown("an operand"), |e| field(e, packet));
            match (side(0), side(1)) {
                (Field::Number(a), Field::Number(b)) => Field::Number(match name.as_str() {
                    "&" => a & b,
                    "|" => a | b,
                    _ => a ^ b,
                }),
                (Field::Number(_), other) | (other, _) => other,
            }
        }
        "meta" => match key("key") {
            "l4proto" => number(packet.protocol.map(u64::from), "the protocol"),
            "nfproto" => Field::Name(if packet.family == Family::V4 { "ipv4" } else { "ipv6" }.to_owned()),
            "protocol" => Field::Name(if packet.family == Family::V4 { "ip" } else { "ip6" }.to_owned()),
            "mark" => number(packet.mark.map(u64::from), "the mark"),
            "iifname" | "iif" => device(&packet.iif, "the incoming interface"),
            "oifname" | "oif" => device(&packet.oif, "the outgoing interface"),
            other => unknown(other),
        },
        "ct" if key("key") == "mark" => number(packet.connmark.map(u64::from), "the connection's mark"),
        "payload" => payload(key("protocol"), key("field"), packet),
        other => unknown(other),
    }
}

fn device(dev: &Dev, what: &str) -> Field {
    match dev {
        Dev::Unknown => Field::Unknown(format!("{what} is not known")),
        // nft gives an empty name where there is no device.
        Dev::None => Field::Name(String::new()),
        Dev::Named(name) => Field::Name(name.to_string()),
    }
}

fn payload(protocol: &str, name: &str, packet: &Packet) -> Field {
    let unknown = |what: &str| Field::Unknown(format!("{what} is not known"));
    let needs: &[u8] = match protocol {
        "ip" | "ip6" => {
            if (protocol == "ip") != (packet.family == Family::V4) {
                return Field::Absent;
            }
            return match name {
                "saddr" => packet.src.map_or_else(|| unknown("the source address"), Field::Addr),
                "daddr" => packet.dst.map_or_else(|| unknown("the destination address"), Field::Addr),
                "protocol" | "nexthdr" => {
                    packet.protocol.map_or_else(|| unknown("the protocol"), |p| Field::Number(u64::from(p)))
                }
                other => unknown(other),
            };
        }
        "tcp" => &[TCP],
        "udp" => &[UDP],
        "sctp" => &[SCTP],
        "th" => &[],
        other => return unknown(other),
    };
    match packet.protocol {
        None => unknown("the protocol"),
        Some(p) if !needs.is_empty() && !needs.contains(&p) => Field::Absent,
        Some(_) => match name {
            "sport" => packet.sport.map_or_else(|| unknown("the source port"), |p| Field::Number(u64::from(p))),
            "dport" => packet.dport.map_or_else(|| unknown("the destination port"), |p| Field::Number(u64::from(p))),
            other => unknown(other),
        },
    }
}

fn in_range(field: &Field, range: &[Value]) -> Tri {
    match (field, range) {
        (Field::Number(n), [first, last]) => match (first.as_u64(), last.as_u64()) {
            (Some(first), Some(last)) => (first..=last).contains(n).into(),
            _ => Tri::unknown("a range without numbers"),
        },
        (Field::Addr(addr), [first, last]) => {
            let parse = |v: &Value| v.as_str().and_then(|s| s.parse::<IpAddr>().ok());
            match (parse(first), parse(last)) {
                (Some(first), Some(last)) => (first..=last).contains(addr).into(),
                _ => Tri::unknown("a range without addresses"),
            }
        }
        _ => Tri::unknown("a range of something that is not known here"),
    }
}

/// The words of a right side: one, a list, or a set of them.
fn words(right: &Value) -> Option<Vec<&str>> {
    let list = right.get("set").and_then(Value::as_array).or_else(|| right.as_array());
    list.map_or_else(|| right.as_str().map(|w| vec![w]), |l| l.iter().map(Value::as_str).collect())
}

fn ct_state(right: &Value, packet: &Packet) -> Tri {
    let Some(words) = words(right) else { return Tri::unknown("the connection's states are not understood") };
    let Some(state) = packet.ct_state else { return Tri::unknown("the connection's state is not known") };
    let word = match state {
        CtState::New => "new",
        CtState::Established => "established",
        CtState::Related => "related",
        CtState::Invalid => "invalid",
        CtState::Untracked => "untracked",
    };
    words.contains(&word).into()
}

fn ct_status(right: &Value, packet: &Packet) -> Tri {
    let Some(words) = words(right) else { return Tri::unknown("the connection's status is not understood") };
    words.iter().fold(Tri::No, |any, &word| {
        any.or(|| {
            let known = match word {
                "dnat" => packet.dnat,
                "snat" => packet.snat,
                _ => None,
            };
            known.map_or_else(|| Tri::unknown(format!("whether the connection is {word} is not known")), Tri::from)
        })
    })
}
