//! A rule's target and its options. A name that is a chain of the table is a jump; else it is an extension, read by table.

use super::common::find;
use super::option::{self, Opt, Value};
use super::record::{ChainId, Jump, Mark, NatTo, PortRange, Span, Target};
use super::rule::{Arenas, Leads};
use super::token::Words;
use super::{targets, value};

/// What could not be understood of a target: where, and what.
pub(super) type Trouble = Option<(Span, &'static str)>;

const NOT_UNDERSTOOD: &str = "the options of the target are not understood";

/// Whether a name is that of no target, so that it must be a chain's.
pub(super) fn is_chain(name: &str) -> bool {
    !matches!(name, "ACCEPT" | "DROP" | "RETURN" | "QUEUE") && targets::find(name).is_none()
}

/// Reads the options of a target. `chain` is the chain of that name, if the table has one.
pub(super) fn read(
    text: &str,
    leads: &Leads<'_>,
    mut words: Words<'_>,
    chain: Option<ChainId>,
    to: &mut Arenas<'_>,
) -> (Target, Trouble) {
    let name = leads.name.span;
    let jump = Jump { name, chain };
    let plain = |target| (target, stray(words));
    if leads.goto {
        return plain(Target::Goto(jump));
    }
    match leads.name.text.as_bytes() {
        b"ACCEPT" => return plain(Target::Accept),
        b"DROP" => return plain(Target::Drop),
        b"RETURN" => return plain(Target::Return),
        b"QUEUE" => return plain(Target::Queue),
        _ if chain.is_some() => return plain(Target::Jump(jump)),
        _ => {}
    }
    let Some(module) = targets::find(leads.name.text) else {
        let options = words.rest();
        let target = if options == Span::default() { Target::Jump(jump) } else { Target::Other { name, options } };
        return (target, None);
    };
    let all = words;
    let (mut begin, first) = (None, to.options.len());
    let mut trouble = None;
    while let Some(mut word) = words.next() {
        let negated = word.is_not();
        if negated {
            let Some(next) = words.next() else { break };
            word = next;
        }
        let spec = if word.is_option() { module.option(word.text) } else { None };
        let Some(value) = spec.and_then(|spec| option::read(spec, &mut words, to.items)) else {
            trouble = Some((all.rest(), NOT_UNDERSTOOD));
            break;
        };
        let Some(spec) = spec else { break };
        if let Value::Unread(at) = value {
            trouble = Some((at, NOT_UNDERSTOOD));
        }
        begin.get_or_insert(word.outer.start);
        to.options.push(Opt { spec, negated, value, span: Span { start: word.outer.start, end: words.last().end } });
    }
    let options = match (begin, &trouble) {
        (Some(start), None) => Span { start, end: words.last().end },
        (None, None) => Span::default(),
        (_, Some(_)) => all.rest(),
    };
    if trouble.is_some() {
        to.options.truncate(first);
        return (Target::Other { name, options }, trouble);
    }
    let opts = to.options.get(first..).unwrap_or_default();
    match meaning(text, leads.name.text, name, options, opts) {
        Some(target) => (target, None),
        None => {
            to.options.truncate(first);
            (Target::Other { name, options }, Some((if options == Span::default() { name } else { options }, NOT_UNDERSTOOD)))
        }
    }
}

/// The target that a name and its options make; `None` where an option is missing or its value makes no sense.
fn meaning(text: &str, target: &str, name: Span, options: Span, opts: &[Opt]) -> Option<Target> {
    let has = |name| find(opts, name).is_some();
    Some(match target.as_bytes() {
        b"DNAT" => Target::Dnat(nat(text, options, opts)?),
        b"MARK" => Target::Mark(mark(opts)?),
        b"SNAT" => Target::Snat(nat(text, options, opts)?),
        b"MASQUERADE" => Target::Masquerade(nat(text, options, opts)?),
        b"REDIRECT" => Target::Redirect(nat(text, options, opts)?),
        b"CONNMARK" => connmark(opts)?,
        b"REJECT" => Target::Reject(match find(opts, "--reject-with").map(|o| o.value) {
            Some(Value::Text(with)) => with,
            _ => Span::default(),
        }),
        b"NETMAP" => match find(opts, "--to")?.value {
            Value::Net(net) => Target::Netmap(net),
            _ => return None,
        },
        b"NOTRACK" => Target::NoTrack,
        b"CT" if has("--notrack") => Target::NoTrack,
        b"CT" => Target::Ct(options),
        b"LOG" => Target::Log(options),
        b"NFLOG" => Target::NfLog(options),
        b"NFQUEUE" => Target::NfQueue(options),
        b"TCPMSS" => Target::TcpMss(options),
        b"TPROXY" => Target::TProxy(options),
        b"TRACE" => Target::Trace,
        b"SET" => Target::Set(options),
        b"CHECKSUM" => Target::Checksum(options),
        b"CLASSIFY" => Target::Classify(options),
        b"SYNPROXY" => Target::SynProxy(options),
        b"CLUSTERIP" => Target::ClusterIp(options),
        b"DNPT" => Target::Npt { source: false, options },
        b"SNPT" => Target::Npt { source: true, options },
        // DSCP, TOS, TTL, HL, ECN, AUDIT, …: all of these are XT_CONTINUE in their kernel modules.
        _ => Target::Continues { name, options },
    })
}

/// Words behind a target that has no options: a note that somebody added, or another rule on the same line.
fn stray(words: Words<'_>) -> Trouble {
    let rest = words.rest();
    (rest != Span::default()).then_some((rest, "words behind a target that has no options"))
}

fn mark(opts: &[Opt]) -> Option<Mark> {
    let [opt] = opts else { return None };
    Some(match (opt.name(), opt.value) {
        ("--set-xmark", Value::Mark(mark)) => mark,
        // xt_MARK: `--set-mark v/m` clears m and ors v.
        ("--set-mark", Value::Mark(m)) => Mark { value: m.value, mask: m.mask | m.value },
        ("--and-mark", Value::Number(n)) => Mark { value: 0, mask: !bits(n)? },
        ("--or-mark", Value::Number(n)) => Mark { value: bits(n)?, mask: bits(n)? },
        ("--xor-mark", Value::Number(n)) => Mark { value: bits(n)?, mask: 0 },
        _ => return None,
    })
}

fn bits(n: u64) -> Option<u32> {
    u32::try_from(n).ok()
}

fn connmark(opts: &[Opt]) -> Option<Target> {
    let save = match opts.first()?.name() {
        "--save-mark" => true,
        "--restore-mark" => false,
        _ => return mark(opts).map(Target::ConnMarkSet),
    };
    let (mut nfmask, mut ctmask) = (u32::MAX, u32::MAX);
    for opt in opts.get(1..)? {
        let Value::Number(n) = opt.value else { return None };
        match opt.name() {
            "--nfmask" => nfmask = bits(n)?,
            "--ctmask" => ctmask = bits(n)?,
            "--mask" => (nfmask, ctmask) = (bits(n)?, bits(n)?),
            _ => return None,
        }
    }
    Some(if save { Target::ConnMarkSave { nfmask, ctmask } } else { Target::ConnMarkRestore { nfmask, ctmask } })
}

fn nat(text: &str, options: Span, opts: &[Opt]) -> Option<NatTo> {
    let mut nat = NatTo { options, ..NatTo::default() };
    for opt in opts {
        match (opt.name(), opt.value) {
            ("--random", _) => nat.random = true,
            ("--random-fully", _) => nat.random_fully = true,
            ("--persistent", _) => nat.persistent = true,
            ("--to-ports", Value::Number(n)) => nat.ports = Some(port_range(n, n)?),
            ("--to-ports", Value::Range(first, last)) => nat.ports = Some(port_range(first, last)?),
            (_, Value::Text(to)) => destination(to.of(text), &mut nat)?,
            _ => return None,
        }
    }
    Some(nat)
}

fn port_range(first: u64, last: u64) -> Option<PortRange> {
    Some(PortRange { first: u16::try_from(first).ok()?, last: u16::try_from(last).ok()? })
}

/// `addr[-addr][:port[-port]]`, an IPv6 address with ports in brackets, or `:port` alone.
pub(super) fn destination(text: &str, nat: &mut NatTo) -> Option<()> {
    let (addr, ports) = match text.strip_prefix('[') {
        Some(rest) => {
            let (addr, tail) = rest.rsplit_once(']')?;
            // A range of IPv6 addresses has brackets round each.
            (addr, tail.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((_, more)) if more.contains(':') => (text, None),
            Some((addr, ports)) => (addr, Some(ports)),
            None => (text, None),
        },
    };
    if !addr.is_empty() {
        nat.addr = Some(match addr.split_once("]-[") {
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => value::addr_range(addr)?,
        });
    }
    if let Some(ports) = ports {
        // `:8080-8090/8080`: the base of a shifted range does not matter for where it may go.
        nat.ports = Some(value::ports(ports.split_once('/').map_or(ports, |p| p.0), '-')?);
    }
    Some(())
}
