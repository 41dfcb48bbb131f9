//! One rule's conditions, read into the ruleset's arenas, up to the target. What single options mean stands in `common` (frequent ones,
//! with records of their own) and `matches` (all others, by table). What is not known is kept as text; only words that belong to no
//! option and values that do not parse are problems.

use super::matches;
use super::option::{self, Ext, Module, Opt, Spec, Value};
use super::record::{Counters, Match, MatchKind, PortRange, Ruleset, Span};
use super::token::{Word, Words, span};
use crate::family::Family;

/// Reads the conditions of one rule.
pub(super) struct Conditions<'t, 'r> {
    pub(super) words: Words<'t>,
    pub(super) family: Family,
    pub(super) arenas: Arenas<'r>,
    /// What was not understood, if anything.
    pub(super) trouble: Option<(Span, &'static str)>,
    /// The counters that `-S -v` puts before the target.
    pub(super) counters: Option<Counters>,
    /// The module of the last `-m`.
    pub(super) module: Option<Word<'t>>,
    /// How many matches there were at the last `-m`.
    before_module: usize,
}

/// The parts of a ruleset that conditions go to.
pub(super) struct Arenas<'r> {
    pub(super) matches: &'r mut Vec<Match>,
    pub(super) ports: &'r mut Vec<PortRange>,
    pub(super) options: &'r mut Vec<Opt>,
    pub(super) items: &'r mut Vec<Value>,
}

impl<'r> Arenas<'r> {
    pub(super) fn of(set: &'r mut Ruleset) -> Self {
        Self { matches: &mut set.matches, ports: &mut set.ports, options: &mut set.options, items: &mut set.items }
    }
}

/// The `-j` or `-g` of a rule.
pub(super) struct Leads<'t> {
    pub(super) goto: bool,
    pub(super) name: Word<'t>,
}

/// What became of an option.
pub(super) enum Read {
    Done(MatchKind),
    /// Its value does not parse.
    Bad,
    /// It is not known here.
    Foreign,
}

impl From<Option<MatchKind>> for Read {
    fn from(kind: Option<MatchKind>) -> Self {
        kind.map_or(Self::Bad, Self::Done)
    }
}

impl<'t, 'r> Conditions<'t, 'r> {
    pub(super) fn new(words: Words<'t>, family: Family, arenas: Arenas<'r>) -> Self {
        Self { words, family, arenas, trouble: None, counters: None, module: None, before_module: 0 }
    }

    /// Reads up to the target; `None` where the rule has none.
    pub(super) fn read(&mut self) -> Option<Leads<'t>> {
        let leads = self.conditions();
        self.end_module();
        leads
    }

    fn conditions(&mut self) -> Option<Leads<'t>> {
        while let Some(mut word) = self.words.next() {
            let negated = word.is_not();
            if negated {
                match self.words.next() {
                    Some(next) => word = next,
                    None => {
                        self.stray(word, "a negation of nothing");
                        return None;
                    }
                }
            }
            if !word.is_option() {
                self.stray(word, "a word that belongs to no option");
                continue;
            }
            match word.text.as_bytes() {
                b"-j" | b"--jump" | b"-g" | b"--goto" => match self.words.next() {
                    Some(name) => return Some(Leads { goto: matches!(word.text, "-g" | "--goto"), name }),
                    None => self.stray(word, "the target is cut off"),
                },
                b"-m" | b"--match" => match self.words.next() {
                    Some(name) => self.begin_module(name),
                    None => self.stray(word, "the name of the module is cut off"),
                },
                b"-c" | b"--set-counters" => {
                    self.counters = Counters::of_words(self.words.next().map(|w| w.text), self.words.next().map(|w| w.text));
                }
                _ => self.option(word, negated),
            }
        }
        None
    }

    pub(super) fn complain(&mut self, at: Span, what: &'static str) {
        self.trouble.get_or_insert((at, what));
    }

    /// A word that fits nowhere: a problem, and kept.
    fn stray(&mut self, word: Word<'t>, what: &'static str) {
        self.complain(word.outer, what);
        let module = Span::default();
        let kind = MatchKind::Other { module, options: word.outer };
        self.arenas.matches.push(Match { kind, negated: false, span: word.outer, module });
    }

    /// Adds a condition whose text reaches from `first` to the last word that was taken.
    pub(super) fn push(&mut self, kind: MatchKind, negated: bool, first: Span) {
        let span = Span { start: first.start, end: self.words.last().end.max(first.end) };
        let module = self.module.map_or_else(Span::default, |m| m.span);
        self.arenas.matches.push(Match { kind, negated, span, module });
    }

    /// An option ahead, with whether it is negated: what is left after it, unless something else comes.
    fn ahead(&self) -> Option<(Words<'t>, bool, Word<'t>)> {
        let mut ahead = self.words;
        let mut word = ahead.next()?;
        let negated = word.is_not();
        if negated {
            word = ahead.next()?;
        }
        word.is_option().then_some((ahead, negated, word))
    }

    /// An option's name ahead, if it is one of these: taken with its `!`.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<(bool, Word<'t>)> {
        let (ahead, negated, word) = self.ahead()?;
        names.contains(&word.text).then(|| {
            self.words = ahead;
            (negated, word)
        })
    }

    /// `-m NAME`: modules whose options mean something only together are read at once, the rest option by option.
    fn begin_module(&mut self, name: Word<'t>) {
        self.end_module();
        self.module = Some(name);
        self.before_module = self.arenas.matches.len();
        match name.text.as_bytes() {
            b"tcp" | b"udp" | b"comment" | b"conntrack" | b"mark" | b"multiport" | b"physdev" | b"state" | b"connmark"
            | b"icmp" | b"icmp6" | b"icmpv6" | b"sctp" | b"udplite" | b"dccp" | b"iprange" | b"mac" | b"length" | b"ttl"
            | b"hl" | b"dscp" => {}
            b"statistic" => self.statistic(),
            b"addrtype" => self.addrtype(),
            b"set" => self.set(),
            _ => match matches::find(name.text) {
                Some(module) => self.extension(module, name.outer),
                None => self.foreign_module(),
            },
        }
    }

    /// A module of which nothing was asked has a record all the same.
    fn end_module(&mut self) {
        if let Some(name) = self.module
            && self.before_module == self.arenas.matches.len()
        {
            self.arenas.matches.push(Match { kind: MatchKind::Bare, negated: false, span: name.outer, module: name.span });
        }
        self.module = None;
    }

    /// All options of a module that is read by table.
    pub(super) fn extension(&mut self, module: &'static Module, name: Span) {
        let first = self.arenas.options.len();
        let mut begin = None;
        while let Some((ahead, negated, word)) = self.ahead() {
            let Some(spec) = module.option(word.text) else { break };
            self.words = ahead;
            if !self.extension_option(spec, word, negated) {
                break;
            }
            begin.get_or_insert(word.outer);
        }
        if begin.is_none() && module.name == "set" {
            // Here the table holds only what may follow `--match-set`.
            return;
        }
        let range = span(first, self.arenas.options.len());
        let kind = MatchKind::Ext(Ext { module, first: range.start, end: range.end });
        self.push(kind, false, begin.unwrap_or(name));
    }

    /// One option of an extension, whose name was taken; false where the line ends in it.
    fn extension_option(&mut self, spec: &'static Spec, name: Word<'t>, mut negated: bool) -> bool {
        // The old form has the `!` before the value.
        if !spec.is_flag() && self.words.peek().is_some_and(|w| w.is_not()) {
            self.words.next();
            negated = !negated;
        }
        let Some(value) = option::read(spec, &mut self.words, self.arenas.items) else {
            self.complain(name.outer, "the option is cut off");
            self.push(MatchKind::Other { module: Span::default(), options: name.outer }, negated, name.outer);
            return false;
        };
        if let Value::Unread(at) = value {
            self.complain(at, "its value is not understood");
        }
        let span = Span { start: name.outer.start, end: self.words.last().end };
        self.arenas.options.push(Opt { spec, negated, value, span });
        true
    }

    /// A module that is not known: all words up to the next option of one letter (`-m`, `-j`, …) are its own.
    pub(super) fn foreign_module(&mut self) {
        let mut all: Option<Span> = None;
        loop {
            let mut ahead = self.words;
            let Some(first) = ahead.next() else { break };
            let mut word = first;
            if word.is_not() {
                match ahead.next() {
                    Some(next) => word = next,
                    None => break,
                }
            }
            if word.is_option() && !word.text.starts_with("--") {
                break;
            }
            all = Some(Span { start: all.map_or(first.outer.start, |s| s.start), end: word.outer.end });
            self.words = ahead;
        }
        let Some(name) = self.module else { return };
        let options = all.unwrap_or_default();
        let begin = if all.is_some() { options } else { name.outer };
        self.push(MatchKind::Other { module: name.span, options }, false, begin);
    }

    /// One option of the rule itself or of a module that is read option by option.
    fn option(&mut self, option: Word<'t>, mut negated: bool) {
        let begin = self.words;
        match self.common(option, &mut negated) {
            Read::Done(kind) => {
                // `-s` and its like belong to no module, wherever they stand.
                let module = if option.text.starts_with("--") { self.module } else { None };
                let span = Span { start: option.outer.start, end: self.words.last().end };
                let module = module.map_or_else(Span::default, |m| m.span);
                self.arenas.matches.push(Match { kind, negated, span, module });
                return;
            }
            Read::Bad => self.complain(option.outer, "its value is not understood"),
            Read::Foreign => {
                if let Some((module, spec)) = matches::find_option(option.text) {
                    let first = self.arenas.options.len();
                    if self.extension_option(spec, option, negated) {
                        let range = span(first, self.arenas.options.len());
                        let kind = MatchKind::Ext(Ext { module, first: range.start, end: range.end });
                        self.push(kind, false, option.outer);
                    }
                    return;
                }
            }
        }
        // Kept with its values: all words up to the next option.
        self.words = begin;
        while self.words.peek().is_some_and(|w| !w.is_option() && !w.is_not()) {
            self.words.next();
        }
        let module = self.module.map_or_else(Span::default, |m| m.span);
        let options = Span { start: option.outer.start, end: self.words.last().end };
        self.push(MatchKind::Other { module, options }, negated, option.outer);
    }
}
