//! A rule's target and its options. A name that is a chain of the table is a jump; else it is an extension.

use super::record::{ChainId, Jump, Mark, NatTo, Span, Target};
use super::rule::Leads;
use super::token::{Word, Words};
use super::value;

/// What could not be understood of a target: where, and what.
pub(super) type Trouble = Option<(Span, &'static str)>;

/// Reads the options of a target. `chain` is the chain of that name, if the table has one.
pub(super) fn read(leads: &Leads<'_>, mut words: Words<'_>, chain: Option<ChainId>) -> (Target, Trouble) {
    let options = rest(words);
    let name = leads.name.span;
    let jump = Jump { name, chain };
    if leads.goto {
        return (Target::Goto(jump), stray(words));
    }
    let plain = |target| (target, stray(words));
    match leads.name.text {
        "ACCEPT" => return plain(Target::Accept),
        "DROP" => return plain(Target::Drop),
        "RETURN" => return plain(Target::Return),
        "QUEUE" => return plain(Target::Queue),
        _ if chain.is_some() => return plain(Target::Jump(jump)),
        _ => {}
    }
    let bad = Some((options, "the options of the target are not understood"));
    let typed = match leads.name.text {
        "REJECT" => match (words.next(), words.next(), words.next()) {
            (None, _, _) => Some(Target::Reject(Span::default())),
            (Some(o), Some(with), None) if o.text == "--reject-with" => Some(Target::Reject(with.span)),
            _ => None,
        },
        "MARK" => mark(&mut words).map(Target::Mark),
        "CONNMARK" => connmark(words),
        "DNAT" => nat(words, options, "--to-destination").map(Target::Dnat),
        "SNAT" => nat(words, options, "--to-source").map(Target::Snat),
        "MASQUERADE" => nat(words, options, "").map(Target::Masquerade),
        "REDIRECT" => nat(words, options, "").map(Target::Redirect),
        "NETMAP" => match (words.next(), words.next(), words.next()) {
            (Some(o), Some(to), None) if o.text == "--to" => value::net(to.text).map(Target::Netmap),
            _ => None,
        },
        "NOTRACK" => return plain(Target::NoTrack),
        "CT" => Some(if words.next().is_some_and(|w| w.text == "--notrack") { Target::NoTrack } else { Target::Ct(options) }),
        "LOG" => Some(Target::Log(options)),
        "NFLOG" => Some(Target::NfLog(options)),
        "NFQUEUE" => Some(Target::NfQueue(options)),
        "TCPMSS" => Some(Target::TcpMss(options)),
        "TPROXY" => Some(Target::TProxy(options)),
        "TRACE" => return plain(Target::Trace),
        "SET" => Some(Target::Set(options)),
        "CHECKSUM" => Some(Target::Checksum(options)),
        "CLASSIFY" => Some(Target::Classify(options)),
        // All of these are XT_CONTINUE in their kernel modules.
        "DSCP" | "TOS" | "TTL" | "HL" | "ECN" | "AUDIT" | "SECMARK" | "CONNSECMARK" | "LED" | "RATEEST" | "IDLETIMER" | "TEE"
        | "HMARK" | "TCPOPTSTRIP" | "ULOG" => Some(Target::Continues { name, options }),
        _ if options == Span::default() => return (Target::Jump(jump), None),
        _ => return (Target::Other { name, options }, None),
    };
    typed.map_or((Target::Other { name, options }, bad), |target| (target, None))
}

/// The text of all words that are left.
fn rest(mut words: Words<'_>) -> Span {
    let mut all = Span::default();
    while let Some(word) = words.next() {
        if all == Span::default() {
            all.start = word.outer.start;
        }
        all.end = word.outer.end;
    }
    all
}

/// Words behind a target that has no options: a note that somebody added, or another rule on the same line.
fn stray(words: Words<'_>) -> Trouble {
    let rest = rest(words);
    (rest != Span::default()).then_some((rest, "words behind a target that has no options"))
}

fn mark(words: &mut Words<'_>) -> Option<Mark> {
    let option = words.next()?;
    let text = words.next()?.text;
    let mark = match option.text {
        "--set-xmark" => value::mark(text)?,
        // xt_MARK: `--set-mark v/m` clears m and ors v.
        "--set-mark" => value::mark(text).map(|m| Mark { value: m.value, mask: m.mask | m.value })?,
        "--and-mark" => Mark { value: 0, mask: !value::number(text)? },
        "--or-mark" => value::number(text).map(|bits| Mark { value: bits, mask: bits })?,
        "--xor-mark" => Mark { value: value::number(text)?, mask: 0 },
        _ => return None,
    };
    words.next().is_none().then_some(mark)
}

fn connmark(mut words: Words<'_>) -> Option<Target> {
    let begin = words;
    let first = words.next()?;
    let (save, mut nfmask, mut ctmask) = match first.text {
        "--save-mark" => (true, u32::MAX, u32::MAX),
        "--restore-mark" => (false, u32::MAX, u32::MAX),
        _ => {
            let mut words = begin;
            return mark(&mut words).map(Target::ConnMarkSet);
        }
    };
    while let Some(option) = words.next() {
        let mask = value::number(words.next()?.text)?;
        match option.text {
            "--nfmask" => nfmask = mask,
            "--ctmask" => ctmask = mask,
            "--mask" => (nfmask, ctmask) = (mask, mask),
            _ => return None,
        }
    }
    Some(if save { Target::ConnMarkSave { nfmask, ctmask } } else { Target::ConnMarkRestore { nfmask, ctmask } })
}

/// `to` is the option that holds addresses and ports; MASQUERADE and REDIRECT have `--to-ports` instead.
fn nat(mut words: Words<'_>, options: Span, to: &str) -> Option<NatTo> {
    let mut nat = NatTo { options, ..NatTo::default() };
    while let Some(option) = words.next() {
        match option.text {
            "--random" => nat.random = true,
            "--random-fully" => nat.random_fully = true,
            "--persistent" => nat.persistent = true,
            "--to-ports" if to.is_empty() => nat.ports = Some(value::ports(words.next()?.text, '-')?),
            name if name == to => destination(words.next()?, &mut nat)?,
            _ => return None,
        }
    }
    Some(nat)
}

/// `addr[-addr][:port[-port]]`, an IPv6 address with ports in brackets, or `:port` alone.
pub(super) fn destination(word: Word<'_>, nat: &mut NatTo) -> Option<()> {
    let (addr, ports) = match word.text.strip_prefix('[') {
        Some(rest) => {
            let (addr, tail) = rest.rsplit_once(']')?;
            // A range of IPv6 addresses has brackets round each.
            (addr, tail.strip_prefix(':'))
        }
        None if word.text.matches(':').count() > 1 => (word.text, None),
        None => match word.text.split_once(':') {
            Some((addr, ports)) => (addr, Some(ports)),
            None => (word.text, None),
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
