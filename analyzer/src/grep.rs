//! `coldpath grep`: lines of captures that match a regular expression, over any number of bundles, each with the place it stands in.
//!
//! It searches the raw texts. What they mean is `analyze`'s business.

use std::fmt::Write as _;

use bundle::{Bundle, Content, Netns};
use rayon::prelude::*;
use regex::{Regex, RegexBuilder};

use crate::cli::Grep;
use crate::exit::{Status, Stop};
use crate::input::{self, Input};
use crate::{output, sanitize};

/// What a pattern may cost to compile, in bytes: enough for any that a person types.
const PATTERN_SIZE: usize = 4 << 20;

pub(crate) fn run(args: &Grep) -> Result<Status, Stop> {
    let pattern =
        RegexBuilder::new(&args.pattern).case_insensitive(args.ignore_case).size_limit(PATTERN_SIZE).build().map_err(
            |error| Stop::error(format_args!("the pattern is no regular expression: {}", first_line(&error.to_string()))),
        )?;
    let inputs = input::group(&args.inputs);
    let several = inputs.len() > 1;
    // In the inputs' order, whichever is read first.
    let found: Vec<Found> = inputs.par_iter().map(|input| search(input, &pattern, args, several)).collect();
    let mut matched = false;
    for Found { text, .. } in &found {
        matched |= !text.is_empty();
        output::write(text, None)?;
    }
    if let Some(stop) = found.into_iter().find_map(|f| f.failed) {
        return Err(stop);
    }
    Ok(if matched { Status::Clean } else { Status::Findings })
}

/// What an input holds, and the first error in reading it.
struct Found {
    text: String,
    failed: Option<Stop>,
}

fn search(input: &Input, pattern: &Regex, args: &Grep, several: bool) -> Found {
    let (nodes, failed) = input::open(input);
    let mut text = String::new();
    for opened in &nodes {
        let prefix = if several || nodes.len() > 1 { format!("{}:", opened.bundle.name()) } else { String::new() };
        lines(&opened.bundle, pattern, args, &prefix, &mut text);
    }
    Found { text, failed: failed.into_iter().next().map(|(_, stop)| stop) }
}

fn lines(bundle: &Bundle, pattern: &Regex, args: &Grep, prefix: &str, out: &mut String) {
    for key in bundle.keys() {
        let pod = matches!(key.netns, Netns::Pod(_));
        if (pod && args.no_pods) || !(args.capture.is_empty() || args.capture.iter().any(|name| name == key.capture.name())) {
            continue;
        }
        let Content::Text(text) = bundle.get(key) else { continue };
        for (at, line) in netmodel::source::lines(&text.body) {
            if !pattern.is_match(line) {
                continue;
            }
            let place = format!("{prefix}{}", key.path());
            if args.files_with_matches {
                writeln!(out, "{}", sanitize::line(&place)).expect("a String can be written to");
                break;
            }
            writeln!(out, "{}:{}: {}", sanitize::line(&place), at.line, sanitize::line(line))
                .expect("a String can be written to");
        }
    }
}

/// regex draws the pattern with a caret below it; its last line says what is wrong.
fn first_line(error: &str) -> String {
    let said = error.lines().rev().find_map(|line| line.trim().strip_prefix("error: ")).unwrap_or(error);
    sanitize::line(said.lines().next().unwrap_or_default()).into_owned()
}
