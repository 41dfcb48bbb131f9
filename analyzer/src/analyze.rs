//! `coldpath analyze`: reads bundles in parallel, runs the rules over each, and reports.
//!
//! A bundle that cannot be read is a row of the report and costs only itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netmodel::Node;
use rayon::prelude::*;
use rules::{Outcome, Rule};

use crate::cli::{Analyze, FailOn, Format, ReportOptions};
use crate::exit::{Status, Stop};
use crate::input::{Input, Opened};
use crate::report::{NodeReport, Report, Unreadable};
use crate::{catalogue, input, layout, output, quiet, report, summary};

/// From how many inputs on a progress bar is worth its line.
const MANY: usize = 5;

pub(crate) fn run(args: &Analyze) -> Result<Status, Stop> {
    inputs(&args.inputs, &args.options)
}

/// Analyzes bundles and reports as the options say.
pub(crate) fn inputs(paths: &[PathBuf], options: &ReportOptions) -> Result<Status, Stop> {
    let all = catalogue::all();
    let rules = catalogue::choose(&all, &options.select, &options.ignore)?;
    if let Some(file) = &options.output {
        refuse_to_overwrite(file, paths)?;
    }
    let mut report = read(paths, &rules);
    report.left_out = all.len() - rules.len();
    for input in &report.unreadable {
        crate::complain(&Stop::Error { message: input.error.clone(), help: input.help.clone() });
    }
    write(&report, options)?;
    Ok(status(&report, options.fail_on, options.require_complete))
}

/// Says what is wrong with the options, before anything costly is done.
#[cfg(all(target_os = "linux", feature = "doctor"))]
pub(crate) fn check_options(options: &ReportOptions) -> Result<(), Stop> {
    catalogue::choose(&catalogue::all(), &options.select, &options.ignore)?;
    options.output.as_deref().map_or(Ok(()), |file| refuse_to_overwrite(file, &[]))
}

/// Reads and checks every input; the report has their order, whatever the threads did.
fn read(paths: &[PathBuf], rules: &[&'static Rule]) -> Report {
    let bar = if paths.len() >= MANY { ProgressBar::new(paths.len() as u64) } else { ProgressBar::hidden() };
    if paths.len() >= MANY {
        // It draws nothing where stderr is no terminal.
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} bundles, {eta} left") {
            bar.set_style(style);
        }
    }
    let inputs = input::group(paths);
    let results: Vec<_> = inputs
        .par_iter()
        .map(|input| {
            let result = catch_unwind(AssertUnwindSafe(|| one(input, rules))).unwrap_or_else(|_| {
                let path = input.path();
                let stop = Stop::error(format_args!("{}: coldpath itself failed here: please report this bug", shown(path)));
                (Vec::new(), vec![(path.to_owned(), stop)])
            });
            bar.inc(1);
            result
        })
        .collect();
    bar.finish_and_clear();
    let mut report = Report::default();
    for (nodes, failed) in results {
        report.nodes.extend(nodes);
        for (path, stop) in failed {
            let bundle = path.to_string_lossy().into_owned();
            match stop {
                Stop::Error { message, help } => report.unreadable.push(Unreadable { bundle, error: message, help }),
                Stop::BrokenPipe => {
                    report.unreadable.push(Unreadable { bundle, error: "cannot be read: broken pipe".to_owned(), help: None });
                }
            }
        }
    }
    report
}

fn one(input: &Input, rules: &[&'static Rule]) -> (Vec<NodeReport>, Vec<(PathBuf, Stop)>) {
    let (nodes, failed) = input::open(input);
    (nodes.into_iter().map(|opened| check(opened, rules)).collect(), failed)
}

/// Runs the rules over one node.
pub(crate) fn check(opened: Opened, rules: &[&'static Rule]) -> NodeReport {
    let Opened { bundle, notes } = opened;
    let node = Node::new(bundle);
    let outcomes = quiet::quietly(|| rules::evaluate(&node, rules));
    NodeReport {
        node: node.name().to_owned(),
        bundle: node.bundle().name().to_owned(),
        collected_at: node.bundle().collected_at(),
        heading: summary::lines(&node),
        damage: node.bundle().damage().iter().map(ToString::to_string).collect(),
        notes,
        outcomes,
    }
}

/// Writes the report as the options say.
pub(crate) fn write(report: &Report, options: &ReportOptions) -> Result<(), Stop> {
    let file = options.output.as_deref();
    let text = match options.format {
        Format::Json => report::json::render(report),
        // Where nothing could be read, stderr has said all that there is to say.
        Format::Text if report.nodes.is_empty() && file.is_none() => return Ok(()),
        Format::Text => {
            let layout = layout::Layout { width: output::width(file), verbose: options.verbose };
            report::text::render(report, &layout)
        }
    };
    output::write(&text, file)
}

/// The exit status that a report means. An input that could not be read weighs most: nothing at all is known of it.
pub(crate) fn status(report: &Report, fail_on: FailOn, require_complete: bool) -> Status {
    let fails = |node: &NodeReport| node.findings().iter().any(|(_, f)| fail_on.fails(f.severity));
    let incomplete =
        |node: &NodeReport| node.outcomes.iter().any(|o| matches!(o.outcome, Outcome::Unknown(_) | Outcome::Failed(_)));
    if !report.unreadable.is_empty() {
        Status::Error
    } else if report.nodes.iter().any(fails) {
        Status::Findings
    } else if require_complete && report.nodes.iter().any(incomplete) {
        Status::Incomplete
    } else {
        Status::Clean
    }
}

/// `-o` in front of a bundle's name is a slip that would cost the only copy of a node's state.
pub(crate) fn refuse_to_overwrite(file: &Path, inputs: &[PathBuf]) -> Result<(), Stop> {
    let Ok(target) = file.canonicalize() else { return Ok(()) };
    if target.is_file() && inputs.iter().any(|input| input.canonicalize().is_ok_and(|i| i == target)) {
        return Err(Stop::error(format_args!("{} is an input: the report would overwrite it", shown(file)))
            .help("name another file with --output"));
    }
    if target.is_file() && target.extension().is_some_and(|x| x.eq_ignore_ascii_case("zip")) {
        return Err(Stop::error(format_args!("{} exists and may be a bundle: a report is not written over it", shown(file)))
            .help("--output names the report; bundles are named without an option"));
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, BROKEN, CLEAR, FORWARD, MODULES, PANICS};

    fn status_of(rules: &[&'static Rule], fail_on: FailOn, require_complete: bool) -> Status {
        status(&testing::report(rules), fail_on, require_complete)
    }

    #[test]
    fn the_status_says_what_was_found_and_what_was_not_checked() {
        assert_eq!(status_of(&[&CLEAR], FailOn::Note, true), Status::Clean);
        assert_eq!(status_of(&[&CLEAR, &FORWARD], FailOn::Error, false), Status::Findings);
        assert_eq!(status_of(&[&FORWARD], FailOn::Never, true), Status::Clean);
        assert_eq!(status_of(&[&MODULES], FailOn::Warning, false), Status::Clean);
        assert_eq!(status_of(&[&MODULES], FailOn::Warning, true), Status::Incomplete);
        assert_eq!(status_of(&[&PANICS], FailOn::Warning, true), Status::Incomplete);
        assert_eq!(status_of(&[&MODULES, &FORWARD], FailOn::Warning, true), Status::Findings);
        let mut report = testing::report(&[&FORWARD]);
        report.unreadable.push(Unreadable { bundle: "x".to_owned(), error: BROKEN.to_owned(), help: None });
        assert_eq!(status(&report, FailOn::Never, false), Status::Error);
    }

    #[test]
    fn a_failing_rule_costs_only_itself() {
        let report = testing::report(&[&FORWARD, &PANICS]);
        let node = &report.nodes[0];
        assert_eq!(node.findings().len(), 1);
        assert!(matches!(&node.outcomes[1].outcome, Outcome::Failed(text) if text.contains("boom")));
    }

    #[test]
    fn a_report_is_not_written_over_a_bundle() {
        let dir = tempfile::tempdir().unwrap();
        let zip = dir.path().join("a.zip");
        std::fs::write(&zip, "x").unwrap();
        assert!(refuse_to_overwrite(&zip, &[]).is_err());
        assert!(refuse_to_overwrite(&zip, std::slice::from_ref(&zip)).is_err());
        assert!(refuse_to_overwrite(&dir.path().join("new.json"), &[zip]).is_ok());
    }
}
