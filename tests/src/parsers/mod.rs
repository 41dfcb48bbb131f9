//! What holds for every parser whatever its input: run by the property tests here and by the fuzz targets, which take these files
//! by their path.
//!
//! Beyond "no panic": every place ([`netmodel::At`]) lies in the text, on character boundaries, and its line number is right; a
//! problem has a line that exists and says something; what is made of a text is bounded by its length.

pub mod loose;
mod places;
mod table;

use std::fmt::Debug;

use netmodel::parse::Parsed;

pub use table::PARSERS;

/// A parser: what it is called, and where texts stand that it reads.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// Its name, which is that of its folder in `fixtures/fuzz/` too.
    pub name: &'static str,
    /// The fuzz target that runs it, together with parsers of similar grammars.
    pub family: &'static str,
    /// Folders of `fixtures/captures/`.
    pub captures: &'static [&'static str],
    /// Captures of whole nodes in `fixtures/bases/`: what their path holds.
    pub nodes: &'static [&'static str],
    /// Reads a text and holds what comes of it against the properties; panics if one does not hold.
    pub hold: fn(&str),
}

/// Runs the parser of that name and holds what comes of it against the properties.
///
/// # Panics
/// If a property does not hold, which is the finding; or if no parser has that name.
pub fn hold(name: &str, text: &str) {
    let parser = PARSERS.iter().find(|parser| parser.name == name);
    (parser.unwrap_or_else(|| panic!("no parser is called {name}")).hold)(text);
}

fn check<T: Debug>(text: &str, parsed: &Parsed<T>) {
    let lines = places::Lines::of(text);
    for problem in &parsed.problems {
        lines.check(problem.at.line, problem.at.start, problem.at.end, &problem.what);
        assert!(!problem.what.is_empty(), "a problem that says nothing");
    }
    let records = places::check(text, &lines, &parsed.value);
    // A byte makes no more than a handful of places: nothing is copied out of proportion.
    assert!(records + parsed.problems.len() <= 16 * text.len() + 64, "{records} places in {} bytes", text.len());
}
