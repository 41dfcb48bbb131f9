//! Prints a ruleset back in the form of iptables-save: as it stood, byte for byte, or in the tool's own form.
//!
//! The tool's own form has one blank between words, the `!` before the option, values as iptables 1.8 prints them, and no blank lines.
//! It loads with iptables-restore as far as everything was understood; a line that was not stands there as a comment.

use std::fmt;

use super::record::{IfaceLimit, Match, MatchKind, Policy, Rule, RuleId, Ruleset, Span, Table, Target};
use super::token::{Words, as_written};
use crate::source::At;

/// A ruleset to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Save<'r> {
    set: &'r Ruleset,
    text: &'r str,
    normalized: bool,
    counters: bool,
}

impl Ruleset {
    /// The text again, made of the records: the same bytes. `text` is the text that was parsed.
    #[must_use]
    pub fn to_save<'r>(&'r self, text: &'r str) -> Save<'r> {
        Save { set: self, text, normalized: false, counters: true }
    }

    /// The ruleset in the tool's own form. `text` is the text that was parsed.
    #[must_use]
    pub fn to_normalized<'r>(&'r self, text: &'r str) -> Save<'r> {
        Save { set: self, text, normalized: true, counters: true }
    }
}

impl Save<'_> {
    /// Without the counters of rules (those of policies stay, as in iptables-save without `-c`).
    #[must_use]
    pub fn without_counters(self) -> Self {
        Self { counters: false, ..self }
    }
}

/// A line of the text and what stands there.
#[derive(Clone, Copy)]
enum Line<'r> {
    Note,
    Table(&'r Table),
    Chain(u32),
    Rule(RuleId),
    Commit,
}

impl fmt::Display for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines() {
            if self.normalized { self.normal(f, at, line)? } else { f.write_str(self.whole_line(at))? }
        }
        Ok(())
    }
}

impl<'r> Save<'r> {
    /// All lines that have a record, in the order of the text.
    fn lines(&self) -> Vec<(At, Line<'r>)> {
        let set = self.set;
        let mut lines: Vec<(At, Line<'r>)> = set.notes.iter().map(|&at| (at, Line::Note)).collect();
        // A table or chain without a line of its own has the place of its first rule.
        let begins = |at: At, with: char| self.part(at).trim_start_matches([' ', '\t', '\u{feff}']).starts_with(with);
        lines.extend(set.tables.iter().filter(|t| begins(t.at, '*')).map(|t| (t.at, Line::Table(t))));
        lines.extend(set.tables.iter().filter_map(|t| t.commit).map(|at| (at, Line::Commit)));
        let chains = (0u32..).zip(&set.chains).filter(|(_, c)| begins(c.at, ':'));
        lines.extend(chains.map(|(i, c)| (c.at, Line::Chain(i))));
        // Where lines were left out stands a note, and a record in each chain that may lack rules.
        let rules = (0u32..).zip(&set.rules).filter(|(_, r)| !matches!(r.target, Target::Elided(_)));
        lines.extend(rules.map(|(i, r)| (r.at, Line::Rule(RuleId(i)))));
        lines.sort_by_key(|(at, _)| at.line);
        lines
    }

    fn part(&self, at: At) -> &'r str {
        self.text.get(at.start as usize..at.end as usize).unwrap_or_default()
    }

    /// A line with its end.
    fn whole_line(&self, at: At) -> &'r str {
        let rest = self.text.get(at.start as usize..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |i| i + 1);
        rest.get(..end).unwrap_or_default()
    }

    fn normal(&self, f: &mut fmt::Formatter<'_>, at: At, line: Line<'_>) -> fmt::Result {
        match line {
            Line::Note => {
                let note = self.part(at).trim_matches([' ', '\t', '\u{feff}']);
                match note.as_bytes().first() {
                    None => Ok(()),
                    Some(b'#') => writeln!(f, "{note}"),
                    Some(_) => writeln!(f, "# not understood: {note}"),
                }
            }
            Line::Table(table) => writeln!(f, "*{}", table.name.map_or("?", |n| n.of(self.text))),
            Line::Commit => writeln!(f, "COMMIT"),
            Line::Chain(index) => {
                let Some(chain) = self.set.chains.get(index as usize) else { return Ok(()) };
                let policy = match chain.policy {
                    Policy::Accept => "ACCEPT",
                    Policy::Drop => "DROP",
                    Policy::Queue => "QUEUE",
                    Policy::None | Policy::Unknown => "-",
                };
                write!(f, ":{} {policy}", as_written(self.text, chain.name))?;
                if let Some(c) = chain.counters {
                    write!(f, " [{}:{}]", c.packets, c.bytes)?;
                }
                writeln!(f)
            }
            Line::Rule(id) => match self.set.rules.get(id.0 as usize) {
                Some(rule) => self.rule(f, rule),
                None => Ok(()),
            },
        }
    }

    fn rule(&self, f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
        if let Some(c) = rule.counters.filter(|_| self.counters) {
            write!(f, "[{}:{}] ", c.packets, c.bytes)?;
        }
        let chain = self.set.chains.get(rule.chain.0 as usize).map_or("?", |c| as_written(self.text, c.name));
        write!(f, "-A {chain}")?;
        let mut module = Span::default();
        let conditions = self.set.matches_of(rule);
        for (i, condition) in conditions.iter().enumerate() {
            if condition.module != module && condition.module != Span::default() {
                module = condition.module;
                write!(f, " -m {}", as_written(self.text, module))?;
            }
            self.condition(f, condition)?;
            if let MatchKind::AddrType { limit, .. } = condition.kind
                && conditions.get(i + 1).is_none_or(|next| next.module != condition.module)
            {
                f.write_str(match limit {
                    IfaceLimit::None => "",
                    IfaceLimit::In => " --limit-iface-in",
                    IfaceLimit::Out => " --limit-iface-out",
                })?;
            }
        }
        if rule.target_span != Span::default() {
            self.target(f, rule)?;
        }
        writeln!(f)
    }

    fn condition(&self, f: &mut fmt::Formatter<'_>, condition: &Match) -> fmt::Result {
        match condition.kind {
            MatchKind::Bare => Ok(()),
            // Its `!` stands behind `--mode`, inside the text.
            MatchKind::Random(_) | MatchKind::Nth { .. } => self.words(f, condition.span, true),
            MatchKind::Ext(ext) => {
                for opt in self.set.options_of(ext) {
                    write!(f, "{}{}", if opt.negated { " ! " } else { " " }, opt.display(self.text, &self.set.items))?;
                }
                Ok(())
            }
            MatchKind::Other { options, .. } => {
                if condition.negated {
                    f.write_str(" !")?;
                }
                self.words(f, options, true)
            }
            _ => {
                if condition.negated {
                    f.write_str(" !")?;
                }
                self.words(f, condition.span, false)
            }
        }
    }

    fn target(&self, f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
        f.write_str(if matches!(rule.target, Target::Goto(_)) { " -g" } else { " -j" })?;
        let options = self.set.target_options(rule);
        if options.is_empty() {
            return self.words(f, rule.target_span, true);
        }
        let (start, end) = (rule.target_span.start as usize, rule.target_span.end as usize);
        if let Some(name) = Words::new(self.text, start, end).next() {
            write!(f, " {}", name.outer.of(self.text))?;
        }
        for opt in options {
            write!(f, "{}{}", if opt.negated { " ! " } else { " " }, opt.display(self.text, &self.set.items))?;
        }
        Ok(())
    }

    /// Words as they stand, one blank before each. The `!` behind an option is the old form and is left out: it stands before it.
    fn words(&self, f: &mut fmt::Formatter<'_>, span: Span, with_not: bool) -> fmt::Result {
        let mut words = Words::new(self.text, span.start as usize, span.end as usize);
        while let Some(word) = words.next() {
            if with_not || !word.is_not() {
                write!(f, " {}", word.outer.of(self.text))?;
            }
        }
        Ok(())
    }
}
