//! `iptables -L` and `ip6tables -L` with any of `-n -v -x --line-numbers`, of iptables 1.4 to 1.8, as people paste them.
//!
//! ```text
//! Chain FORWARD (policy DROP 22 packets, 1270 bytes)
//! num   pkts bytes target     prot opt in     out     source               destination
//! 1      12K   3M KUBE-FORWARD  all  --  *      *       0.0.0.0/0            0.0.0.0/0            /* kubernetes forwarding rules */
//! 2        0     0            tcp  --  cni0   !lo     10.244.0.0/16       !10.96.0.0/12         tcp dpt:80 ctstate NEW
//!
//! Chain KUBE-FORWARD (1 references)
//! num   pkts bytes target     prot opt in     out     source               destination
//! ```
//!
//! What the form hides is not taken for "any": without `-v` the interfaces are not shown, and each rule gets the condition
//! [`MatchKind::HiddenIfaces`]; the name of a host is kept as text; rounded counters say so; the table is what the caller says.
//! Where lines are missing (marks such as `...`, numbers that skip, fewer jumps than a chain has references) the chain and the
//! table say so too. Left out: `iptables -S`, which is iptables-save's language ([`super::iptables::parse_specification`]), and mail quoting
//! and prompts, which are taken off before.

mod condition;
mod extra;
mod names;
mod row;
mod target;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::Parsed;
use super::iptables::elision::is_elision;
use super::iptables::protocol_number;
use super::iptables::{ChainId, End, Match, MatchKind, Policy, Ruleset, Span, TableId, TableKind, Target};
use super::iptables::{build, command};
use crate::family::Family;
use crate::source::{At, Problem, lines};
use extra::Extra;
use row::{Columns, Row};

/// Reads what `iptables -L`, `iptables -S` or iptables-save printed, whichever it is. `table` as for [`parse`].
#[must_use]
pub fn parse_any(text: &str, family: Family, table: TableKind) -> Parsed<Ruleset> {
    let is_list = |line: &str| {
        let line = line.trim_matches([' ', '\t', '\u{feff}']);
        match line.as_bytes().first()? {
            b'*' | b':' | b'-' | b'[' => Some(false),
            b'C' if line.starts_with("Chain ") => Some(true),
            _ => Columns::of_heading(line).map(|_| true),
        }
    };
    if lines(text).find_map(|(_, line)| is_list(line)) == Some(true) {
        parse(text, family, table)
    } else {
        super::iptables::parse_specification(text, family, table)
    }
}

/// Reads what `iptables -L` prints. The text does not name its table: `table` says it if the command line did; a command line in the
/// text counts as well.
#[must_use]
pub fn parse(text: &str, family: Family, table: TableKind) -> Parsed<Ruleset> {
    let mut set = Ruleset::default();
    (set.family, set.listing) = (Some(family), true);
    let mut reader = Reader {
        text,
        family,
        kind: table,
        set,
        problems: Vec::new(),
        table: None,
        first_rule: 0,
        names: HashMap::new(),
        chain: None,
        rank: 0,
        columns: None,
        number: 0,
        elided: None,
        after_row: false,
    };
    for (at, line) in lines(text) {
        reader.line(at, line);
    }
    reader.end_table();
    reader.set.finish();
    reader.problems.sort_by_key(|p| p.at);
    Parsed { value: reader.set, problems: reader.problems }
}

struct Reader<'t> {
    text: &'t str,
    family: Family,
    /// The table of the next listing, as far as it is known.
    kind: TableKind,
    set: Ruleset,
    problems: Vec<Problem>,
    /// The listing that is open.
    table: Option<TableId>,
    /// Its first rule.
    first_rule: usize,
    /// Its chains by name, and how many rules lead to each where the heading says it.
    names: HashMap<&'t str, (ChainId, Option<u64>)>,
    chain: Option<ChainId>,
    /// The place of the listing's last built-in chain.
    rank: u8,
    /// The columns of the chain.
    columns: Option<Columns>,
    /// The number of the rule before (`--line-numbers`).
    number: u64,
    /// Where lines of the listing are missing, the first time.
    elided: Option<At>,
    /// Whether the line before was a rule.
    after_row: bool,
}

impl<'t> Reader<'t> {
    fn problem(&mut self, at: At, what: impl Into<String>) {
        self.problems.push(Problem { at, what: what.into() });
    }

    fn line(&mut self, at: At, line: &'t str) {
        let after_row = std::mem::take(&mut self.after_row);
        let bare = line.trim_matches([' ', '\t', '\u{feff}']);
        if bare.is_empty() {
            return;
        }
        if let Some(rest) = bare.strip_prefix("Chain ") {
            return self.chain_line(at, rest);
        }
        if let Some(columns) = Columns::of_heading(bare) {
            return self.heading(at, columns);
        }
        if is_elision(bare) {
            return self.left_out(at, "lines are left out here");
        }
        if (bare.starts_with('#') && command::listing(bare).is_none()) || bare.starts_with("Warning: ip") {
            if bare.contains("-legacy tables present") {
                self.set.legacy_warning.get_or_insert(at);
            }
            return;
        }
        if let Some(command) = command::listing(bare) {
            self.end_table();
            self.kind = command.table;
            if !command.all {
                self.elided = Some(at);
            }
            return;
        }
        let columns = self.columns.or_else(|| Columns::guess(bare));
        match columns.and_then(|columns| Some((columns, columns.row(line.trim_end())?))) {
            Some((columns, row)) => self.row(at, columns, &row),
            None => self.foreign(at, bare, after_row),
        }
    }

    /// A line that is none of `iptables -L`: a note, the rest of a wrapped line, or a rule in a form that is not known.
    fn foreign(&mut self, at: At, line: &str, after_row: bool) {
        let like_a_rule = line.split_ascii_whitespace().any(|w| {
            matches!(w, "--" | "anywhere" | "/*" | "*/")
                || w.strip_prefix('!').unwrap_or(w).contains('/') && w.contains(['.', ':'])
        });
        if like_a_rule {
            return self.left_out(at, "a line that is not understood, perhaps a rule");
        }
        self.problem(at, "no line of iptables -L");
        // It may be the end of the line before, which a terminal broke: a condition may stand in it.
        if after_row
            && line.is_ascii()
            && let Some(rule) = self.set.rules.last_mut()
        {
            rule.whole = false;
        }
    }

    fn left_out(&mut self, at: At, what: &str) {
        self.problem(at, what);
        self.elided.get_or_insert(at);
        if let Some(chain) = self.chain {
            self.set.push_elided(at, chain);
        }
        // Where numbers go on from is not known.
        self.number = u64::MAX;
    }

    /// `Chain NAME (policy DROP 22 packets, 1270 bytes)`, `Chain NAME (2 references)`.
    fn chain_line(&mut self, at: At, rest: &'t str) {
        let (name, about) = match rest.find(" (") {
            Some(end) => (rest.get(..end).unwrap_or_default().trim(), rest.get(end + 2..).unwrap_or_default()),
            None => (rest.split_ascii_whitespace().next().unwrap_or_default(), ""),
        };
        let closed = about.split_once(')').map(|(about, _)| about);
        let mut words = closed.unwrap_or_default().split_ascii_whitespace();
        let (mut policy, mut counters, mut references) = (Policy::Unknown, None, None);
        match (words.next(), words.next()) {
            (Some("policy"), Some(what)) => {
                policy = match what {
                    "ACCEPT" => Policy::Accept,
                    "DROP" => Policy::Drop,
                    "QUEUE" => Policy::Queue,
                    _ => Policy::Unknown,
                };
                let mut number = || words.next().zip(words.next()).map(|(n, _)| n);
                counters = number().zip(number()).and_then(|(packets, bytes)| row::counted(packets, bytes));
            }
            (Some(count), Some("references")) => {
                policy = Policy::None;
                references = count.parse().ok();
            }
            _ => {}
        }
        if policy == Policy::Unknown {
            self.problem(at, "a chain without a policy that iptables knows");
        }
        if let Some(rank) = build::rank(name).filter(|_| policy != Policy::None) {
            if self.rank >= rank {
                self.problem(at, "another listing begins, of a table that is not named");
                self.end_table();
                self.kind = TableKind::Unknown;
            }
            self.rank = rank;
        }
        self.open(at);
        if let Some(&(known, _)) = self.names.get(name) {
            self.problem(at, "this chain stands twice");
            // Which of the two is of this table is not known: both are one, which lacks something.
            self.chain = Some(known);
            self.left_out(at, "rules of two chains of one name");
        } else {
            let name_span = self.span(name);
            let chain = self.set.push_chain(at, name_span, policy, counters);
            self.names.insert(name, (chain, references));
            self.chain = Some(chain);
        }
        (self.columns, self.number) = (None, 0);
    }

    fn heading(&mut self, at: At, columns: Columns) {
        if self.columns.is_some() || self.chain.is_none() {
            // A heading without its chain: the line before is missing.
            self.nameless(at);
        }
        self.columns = Some(columns);
    }

    /// Rules that stand below no line `Chain …`.
    fn nameless(&mut self, at: At) {
        self.problem(at, "stands below no line that names its chain");
        self.open(at);
        let chain = self.set.push_chain(at, Span { start: at.start, end: at.start }, Policy::Unknown, None);
        self.chain = Some(chain);
        self.elided.get_or_insert(at);
        self.number = u64::MAX;
    }

    fn open(&mut self, at: At) {
        if self.table.is_none() {
            if self.kind == TableKind::Unknown {
                self.problem(at, "stands in no table");
            }
            self.table = Some(self.set.push_table(at, self.kind));
            self.first_rule = self.set.rules.len();
        }
    }

    fn row(&mut self, at: At, columns: Columns, row: &Row<'t>) {
        let chain = match self.chain {
            Some(chain) => chain,
            None => {
                self.nameless(at);
                ChainId(u32::try_from(self.set.chains.len().saturating_sub(1)).unwrap_or(u32::MAX))
            }
        };
        if self.columns.is_none() {
            self.columns = Some(columns);
            self.left_out(at, "the heading of the columns is missing, and perhaps rules");
        }
        if let Some(number) = row.number {
            if self.number != u64::MAX && number != self.number.saturating_add(1) {
                self.left_out(at, "the numbers of the rules skip: rules are missing before this one");
            }
            self.number = number;
        }
        let (target, conditions, trouble, note) = self.rule(row);
        let mut whole = trouble.is_none();
        if let Some((span, what)) = trouble {
            self.problem(At { line: at.line, start: span.start, end: span.end }, what);
        }
        if let Some(span) = note {
            self.problem(At { line: at.line, start: span.start, end: span.end }, "a note behind the rule");
        }
        if at.end as usize == self.text.len() {
            self.problem(at, "the text ends in this line, perhaps in the middle of it");
            whole = false;
        }
        self.set.push_rule(at, chain, row.counters, &conditions, target, whole);
        self.after_row = true;
    }

    /// The conditions and the target of a rule.
    #[expect(clippy::type_complexity, reason = "four parts of one rule, taken apart at once")]
    fn rule(&mut self, row: &Row<'t>) -> (Target, Vec<Match>, Option<(Span, &'static str)>, Option<Span>) {
        let mut conditions = Vec::new();
        let mut x = Extra {
            text: self.text,
            family: self.family,
            rest: row.rest,
            conditions: &mut conditions,
            ports: &mut self.set.ports,
            options: &mut self.set.options,
            items: &mut self.set.items,
            trouble: None,
            note: None,
        };
        x.address(row.source, End::Src);
        x.address(row.destination, End::Dst);
        match row.via {
            None => {
                let at = x.span(row.destination).end;
                x.conditions.push(Match {
                    kind: MatchKind::HiddenIfaces,
                    negated: false,
                    span: Span { start: at, end: at },
                    module: Span::default(),
                });
            }
            Some((iif, oif)) => {
                x.interface(iif, MatchKind::InIface);
                x.interface(oif, MatchKind::OutIface);
            }
        }
        let (negated, name) = row.protocol.strip_prefix('!').map_or((false, row.protocol), |name| (true, name));
        match protocol_number(name) {
            Some(0) if !negated => {}
            Some(number) => {
                x.conditions.push(Match {
                    kind: MatchKind::Protocol(number),
                    negated,
                    span: x.span(name),
                    module: Span::default(),
                });
            }
            None => x.keep(name, negated),
        }
        if let Some(negated) = [("-f", false), ("!f", true)].iter().find_map(|(o, n)| (row.opt == *o).then_some(*n)) {
            x.conditions.push(Match { kind: MatchKind::Fragment, negated, span: x.span(row.opt), module: Span::default() });
        }
        let target = x.read(row.target);
        let (trouble, note) = (x.trouble, x.note);
        (target, conditions, trouble, note)
    }

    fn span(&self, part: &str) -> Span {
        let at = crate::source::position(self.text, part, 0);
        Span { start: at.start, end: at.end }
    }

    /// Closes the listing: jumps are resolved, and counted against what the chains say of themselves.
    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let mut count: HashMap<ChainId, u64> = HashMap::new();
        for rule in self.set.rules.get_mut(self.first_rule..).unwrap_or_default() {
            if let Target::Jump(jump) | Target::Goto(jump) = &mut rule.target {
                jump.chain = self.names.get(jump.name.of(self.text)).map(|(chain, _)| *chain);
                match jump.chain {
                    Some(chain) => *count.entry(chain).or_default() += 1,
                    None => {
                        let what = "leads to a chain that is not in the text";
                        self.problems.push(Problem { at: rule.at, what: what.to_owned() });
                    }
                }
            }
        }
        for (chain, references) in self.names.values() {
            let found = count.get(chain).copied().unwrap_or(0);
            if references.is_some_and(|n| n > found) {
                let at = self.set.chains.get(chain.0 as usize).map(|c| c.at).unwrap_or_default();
                let what = format!("{found} rules lead here and not as many as the chain says: rules are missing");
                self.problems.push(Problem { at, what });
                self.elided.get_or_insert(at);
            }
        }
        let incomplete = self.elided.take();
        if let Some(table) = self.set.tables.get_mut(table.0 as usize) {
            table.committed = incomplete.is_none();
        }
        self.names.clear();
        (self.chain, self.columns, self.rank) = (None, None, 0);
    }
}
