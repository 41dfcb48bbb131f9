//! The words behind the columns: what matches and targets print of themselves, in the order of the rule.
//!
//! Each extension has its own way to print. What is known becomes the record that its options in iptables-save make; what is known
//! to be a condition, but has no record, is kept as text; from the first unknown word on all is text.

use super::row::word;
use super::target;
use crate::family::Family;
use crate::parse::iptables::build::Asked;
use crate::parse::iptables::elision::is_note;
use crate::parse::iptables::{End, Iface, Match, MatchKind, Opt, PortRange, Span, Target, Value, build};

/// Reads the words behind the columns of one rule.
pub(super) struct Extra<'t, 'r> {
    pub(super) text: &'t str,
    pub(super) family: Family,
    pub(super) rest: &'t str,
    pub(super) conditions: &'r mut Vec<Match>,
    pub(super) ports: &'r mut Vec<PortRange>,
    pub(super) options: &'r mut Vec<Opt>,
    pub(super) items: &'r mut Vec<Value>,
    /// What was not understood: where, and what.
    pub(super) trouble: Option<(Span, &'static str)>,
    /// A note that somebody wrote behind the rule.
    pub(super) note: Option<Span>,
}

impl<'t> Extra<'t, '_> {
    /// Reads all; gives what the rule does. `name` is what stands in the column of targets.
    pub(super) fn read(&mut self, name: &'t str) -> Target {
        let goto = self.goto();
        // A comment may hold the mark of its own end. Then nobody can say where it ends.
        let marks = |mark| self.rest.split_ascii_whitespace().filter(|w| *w == mark).count();
        let ambiguous = marks("/*") != marks("*/");
        if ambiguous {
            self.complain(self.rest.trim(), "a comment without an end, or with two");
        }
        while let Some(next) = self.peek() {
            if !goto && target::begins(name, next, self.second()) {
                return self.target(name);
            }
            if next == "/*" {
                self.comment(ambiguous);
            } else if is_note(next) {
                self.note = Some(self.span(self.rest.trim()));
                break;
            } else if !self.condition() {
                if goto || !self.skip_to_target(name) {
                    break;
                }
                return self.target(name);
            }
        }
        let (target, missing) = target::bare(name, self.span(name), goto);
        if missing {
            self.complain(name, "what the target does is not in the line, which may be cut off");
        }
        target
    }

    pub(super) fn complain(&mut self, part: &'t str, what: &'static str) {
        self.trouble.get_or_insert((self.span(part), what));
    }

    /// The place of a part of the text.
    pub(super) fn span(&self, part: &str) -> Span {
        let at = crate::source::position(self.text, part, 0);
        Span { start: at.start, end: at.end }
    }

    pub(super) fn take(&mut self) -> Option<&'t str> {
        word(&mut self.rest)
    }

    pub(super) fn peek(&self) -> Option<&'t str> {
        word(&mut { self.rest })
    }

    fn second(&self) -> Option<&'t str> {
        let mut rest = self.rest;
        word(&mut rest)?;
        word(&mut rest)
    }

    /// Takes the next word if it is this one.
    pub(super) fn take_if(&mut self, want: &str) -> bool {
        let is = self.peek() == Some(want);
        if is {
            self.take();
        }
        is
    }

    fn goto(&mut self) -> bool {
        self.take_if("[goto]")
    }

    fn target(&mut self, name: &'t str) -> Target {
        let options = self.rest.trim();
        let read = target::read(self, name, options);
        if !read.whole {
            self.complain(options, "the options of the target are not understood");
        }
        read.target
    }

    /// `/* text */`. Where it is not sure which mark ends it the last one does, so that no part of it is read as a condition.
    fn comment(&mut self, ambiguous: bool) {
        let begin = self.rest.trim_start_matches([' ', '\t']);
        let body = begin.get(2..).unwrap_or_default();
        let (inner, behind) = match if ambiguous { body.rfind(" */") } else { body.find(" */") } {
            Some(end) => (body.get(..end).unwrap_or_default(), body.get(end + 3..).unwrap_or_default()),
            // Cut off: the rest of the line is the comment, and what stood behind it is not known (a complaint was made).
            None => (body, ""),
        };
        let inner = inner.strip_prefix(' ').unwrap_or(inner);
        let whole = begin.get(..begin.len() - behind.len()).unwrap_or(begin);
        self.conditions.push(Match {
            kind: MatchKind::Comment(self.span(inner)),
            negated: false,
            span: self.span(whole.trim_end()),
            module: Span::default(),
        });
        self.rest = behind;
    }

    /// One extension's text. False where it is not known: then nothing was taken.
    fn condition(&mut self) -> bool {
        let (begin, conditions, ports) = (self.rest, self.conditions.len(), self.ports.len());
        if super::condition::read(self).is_some() {
            return true;
        }
        self.rest = begin;
        self.conditions.truncate(conditions);
        self.ports.truncate(ports);
        false
    }

    /// Keeps the text up to the target's own, or to the end of the line. True where the target's text is found.
    fn skip_to_target(&mut self, name: &str) -> bool {
        let unknown = self.rest.trim();
        let mut found = None;
        let mut ahead = self.rest;
        loop {
            let here = ahead;
            let Some(first) = word(&mut ahead) else { break };
            if target::begins(name, first, word(&mut { ahead })) {
                if found.is_some() {
                    // Twice: nobody can say which of them is in a text.
                    self.complain(unknown, "not understood");
                    found = None;
                    break;
                }
                found = Some(here);
            }
        }
        let taken = found.map_or(unknown, |at| {
            let len = self.rest.len() - at.len();
            self.rest.get(..len).unwrap_or_default().trim()
        });
        self.keep(taken, false);
        self.rest = found.unwrap_or("");
        found.is_some()
    }

    /// A condition of which only the text is kept.
    pub(super) fn keep(&mut self, part: &str, negated: bool) {
        let options = self.span(part);
        let module = Span { start: options.start, end: options.start };
        self.conditions.push(Match {
            kind: MatchKind::Other { module, options },
            negated,
            span: options,
            module: Span::default(),
        });
    }

    /// Adds a condition whose text goes from the beginning of `begin` to where the next word is looked for.
    pub(super) fn add(&mut self, begin: &'t str, kind: Option<MatchKind>, negated: bool) {
        let len = begin.len() - self.rest.len();
        let part = begin.get(..len).unwrap_or_default().trim();
        let part = part.strip_prefix("! ").unwrap_or(part).trim_start();
        match kind {
            Some(kind) => self.conditions.push(Match { kind, negated, span: self.span(part), module: Span::default() }),
            None => self.keep(part, negated),
        }
    }

    /// The record of a match extension: options by their names in iptables-save, each with the words that say it here.
    pub(super) fn ext(&mut self, module: &str, asked: &[(&'static str, &'t str, &'t str)]) -> Option<MatchKind> {
        let place = |part: &str| if part.is_empty() { Span::default() } else { self.span(part) };
        let asked: Vec<_> =
            asked.iter().map(|(name, at, value)| Asked { name, span: self.span(at), value: place(value) }).collect();
        build::ext(self.text, module, &asked, self.options, self.items)
    }

    /// An interface of a column: `*` (with `-n`) and `any` are none.
    pub(super) fn interface(&mut self, column: &'t str, kind: fn(Iface) -> MatchKind) {
        let (negated, name) = column.strip_prefix('!').map_or((false, column), |name| (true, name));
        if matches!(name, "*" | "any") && !negated {
            return;
        }
        let kind = kind(super::condition::iface(self, name));
        self.conditions.push(Match { kind, negated, span: self.span(name), module: Span::default() });
    }

    /// An address of a column: `None` where every address is meant.
    pub(super) fn address(&mut self, column: &'t str, end: End) {
        let (negated, name) = column.strip_prefix('!').map_or((false, column), |name| (true, name));
        let any = match self.family {
            Family::V4 => "0.0.0.0/0",
            Family::V6 => "::/0",
        };
        let net = build::net(if name == "anywhere" { any } else { name });
        match net {
            Some(net) if net.is_any() && !negated => {}
            Some(net) => {
                let kind = if end == End::Src { MatchKind::Source(net) } else { MatchKind::Destination(net) };
                self.conditions.push(Match { kind, negated, span: self.span(name), module: Span::default() });
            }
            // The name of a host or a network, which only the node could resolve.
            None => self.keep(name, negated),
        }
    }
}
