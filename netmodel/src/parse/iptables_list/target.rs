//! What targets print of themselves behind the columns.

use super::extra::Extra;
use super::row::word;
use crate::parse::iptables::elision::note;
use crate::parse::iptables::{Jump, Mark, NatTo, Span, Target, build};

/// A target with its options.
pub(super) struct ReadTarget {
    pub(super) target: Target,
    /// False where its options were not understood.
    pub(super) whole: bool,
}

/// Whether the text of this target begins with these words.
pub(super) fn begins(name: &str, first: &str, second: Option<&str>) -> bool {
    match name {
        "REJECT" => first == "reject-with",
        "DNAT" | "SNAT" | "NETMAP" => first.starts_with("to:"),
        "MASQUERADE" => matches!(first, "masq" | "random" | "random-fully"),
        "REDIRECT" => matches!(first, "redir" | "random"),
        "CT" | "NOTRACK" => matches!(first, "CT" | "NOTRACK"),
        "NFLOG" => first.starts_with("nflog-"),
        "SET" => matches!(first, "add-set" | "del-set" | "map-set"),
        "RATEEST" => first == "name",
        "IDLETIMER" => first.starts_with("timeout:"),
        "LED" => first.starts_with("led-"),
        // The matches of the same name print `TTL match`.
        "MARK" | "CONNMARK" | "TTL" | "HL" | "DSCP" | "ECN" | "TOS" => first == name && second != Some("match"),
        "TPROXY" | "NFQUEUE" | "TCPMSS" | "CHECKSUM" | "CLASSIFY" | "AUDIT" | "SYNPROXY" | "HMARK" | "TCPOPTSTRIP" | "LOG"
        | "SECMARK" | "CONNSECMARK" | "TEE" | "ULOG" => first == name,
        _ => false,
    }
}

/// A target that prints nothing, and whether something is missing.
pub(super) fn bare(name: &str, span: Span, goto: bool) -> (Target, bool) {
    let none = Span { start: span.end, end: span.end };
    let nat = NatTo { options: none, ..NatTo::default() };
    let jump = Jump { name: span, chain: None };
    let target = match name {
        _ if goto => Target::Goto(jump),
        "" => Target::None,
        "ACCEPT" => Target::Accept,
        "DROP" => Target::Drop,
        "RETURN" => Target::Return,
        "QUEUE" => Target::Queue,
        "MASQUERADE" => Target::Masquerade(nat),
        "REDIRECT" => Target::Redirect(nat),
        "NFLOG" => Target::NfLog(none),
        "NOTRACK" => Target::NoTrack,
        "TRACE" => Target::Trace,
        "SYNPROXY" => Target::SynProxy(none),
        // These always print something.
        "REJECT" => return (Target::Reject(Span::default()), true),
        "LOG" => return (Target::Log(none), true),
        "DNAT" | "SNAT" | "NETMAP" | "CT" | "SET" | "MARK" | "CONNMARK" | "TPROXY" | "NFQUEUE" | "TCPMSS" | "CHECKSUM"
        | "CLASSIFY" => return (Target::Other { name: span, options: none }, true),
        name if continues(name) => return (Target::Continues { name: span, options: none }, true),
        _ => Target::Jump(jump),
    };
    (target, false)
}

/// Targets that are XT_CONTINUE in their kernel modules, as for iptables-save.
fn continues(name: &str) -> bool {
    matches!(
        name,
        "DSCP" | "TOS" | "TTL" | "HL" | "ECN" | "AUDIT" | "SECMARK" | "CONNSECMARK" | "LED" | "RATEEST" | "IDLETIMER" | "TEE"
    ) || matches!(name, "HMARK" | "TCPOPTSTRIP" | "ULOG")
}

/// Reads the options of a target; [`begins`] found them.
pub(super) fn read<'t>(extra: &mut Extra<'t, '_>, name: &'t str, mut options: &'t str) -> ReadTarget {
    // A log's prefix may hold anything.
    if !matches!(name, "LOG" | "NFLOG" | "ULOG")
        && let Some(at) = note(options)
    {
        extra.note = options.get(at..).map(|n| extra.span(n));
        options = options.get(..at).unwrap_or(options).trim_end();
    }
    let span = extra.span(options);
    let mut words = options;
    let typed = match name {
        "REJECT" => {
            word(&mut words);
            let with = word(&mut words).map(|w| extra.span(w));
            if words.trim().is_empty() { with.map(Target::Reject) } else { None }
        }
        "DNAT" => nat(extra, options, span).map(Target::Dnat),
        "SNAT" => nat(extra, options, span).map(Target::Snat),
        "MASQUERADE" => nat(extra, options, span).map(Target::Masquerade),
        "REDIRECT" => nat(extra, options, span).map(Target::Redirect),
        "NETMAP" => options.strip_prefix("to:").and_then(build::net).map(Target::Netmap),
        "MARK" => {
            word(&mut words);
            mark(words).map(Target::Mark)
        }
        "CONNMARK" => {
            word(&mut words);
            connmark(words)
        }
        "CT" | "NOTRACK" => Some(match options {
            "NOTRACK" | "CT notrack" => Target::NoTrack,
            _ => Target::Ct(span),
        }),
        "LOG" => Some(Target::Log(span)),
        "NFLOG" => Some(Target::NfLog(span)),
        "NFQUEUE" => Some(Target::NfQueue(span)),
        "TCPMSS" => Some(Target::TcpMss(span)),
        "TPROXY" => Some(Target::TProxy(span)),
        "SET" => Some(Target::Set(span)),
        "CHECKSUM" => Some(Target::Checksum(span)),
        "SYNPROXY" => Some(Target::SynProxy(span)),
        "CLASSIFY" => Some(Target::Classify(span)),
        _ if continues(name) => Some(Target::Continues { name: extra.span(name), options: span }),
        _ => return ReadTarget { target: Target::Other { name: extra.span(name), options: span }, whole: true },
    };
    match typed {
        Some(target) => ReadTarget { target, whole: true },
        None => ReadTarget { target: Target::Other { name: extra.span(name), options: span }, whole: false },
    }
}

/// `set 0x1`, `and 0xff`, `or 0x4000`, `xor 0x4`, `xset 0x1/0xffff`.
fn mark(mut words: &str) -> Option<Mark> {
    let (op, value) = (word(&mut words)?, word(&mut words)?);
    if word(&mut words).is_some() {
        return None;
    }
    let number = || build::number(value);
    Some(match op {
        "set" => Mark { value: number()?, mask: u32::MAX },
        "and" => Mark { value: 0, mask: !number()? },
        "or" => Mark { value: number()?, mask: number()? },
        "xor" => Mark { value: number()?, mask: 0 },
        "xset" => build::mark(value).filter(|_| value.contains('/'))?,
        _ => return None,
    })
}

/// As `MARK`, and `save`/`restore [mask M | nfmask [~]N ctmask [~]C]`: the tilde stands for what is cleared, the number is the mask.
fn connmark(words: &str) -> Option<Target> {
    let mut rest = words;
    let save = match word(&mut rest)? {
        "save" => true,
        "restore" => false,
        _ => return mark(words).map(Target::ConnMarkSet),
    };
    let (mut nfmask, mut ctmask) = (u32::MAX, u32::MAX);
    while let Some(which) = word(&mut rest) {
        let value = word(&mut rest)?;
        let value = build::number(value.strip_prefix('~').unwrap_or(value))?;
        match which {
            "mask" => (nfmask, ctmask) = (value, value),
            "nfmask" => nfmask = value,
            "ctmask" => ctmask = value,
            _ => return None,
        }
    }
    Some(if save { Target::ConnMarkSave { nfmask, ctmask } } else { Target::ConnMarkRestore { nfmask, ctmask } })
}

/// `to:10.0.0.1:80`, `redir ports 80-90`, `masq ports: 1024-65535`, and `random`, `random-fully`, `persistent`.
fn nat(extra: &Extra<'_, '_>, mut options: &str, span: Span) -> Option<NatTo> {
    let mut nat = NatTo::default();
    while let Some(option) = word(&mut options) {
        match option {
            "random" => nat.random = true,
            "random-fully" => nat.random_fully = true,
            "persistent" => nat.persistent = true,
            "masq" | "redir" => {
                word(&mut options).filter(|w| matches!(*w, "ports" | "ports:"))?;
                nat.ports = Some(build::nat_ports(word(&mut options)?)?);
            }
            // Kernels before 2.6.11 had several; which of them counts is not one answer.
            to if nat.addr.is_none() && nat.ports.is_none() => {
                let to = build::nat_to(extra.text, extra.span(to.strip_prefix("to:")?))?;
                (nat.addr, nat.ports) = (to.addr, to.ports);
            }
            _ => return None,
        }
    }
    nat.options = span;
    Some(nat)
}
