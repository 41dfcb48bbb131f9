//! `coldpath trace`: follows a packet through the nodes that bundles show, or all flows between them.
//!
//! What becomes of a packet is `netmodel::walk`'s business; here are the question, the words and the JSON.

mod errors;
mod journey;
mod json;
mod matrix;
mod sentence;
#[cfg(test)]
mod sketch;
mod text;

use netmodel::Node;
use netmodel::walk::endpoint::{Question, Resolved, resolve};
use netmodel::walk::{Disposition, Trace, World};

use crate::analyze::refuse_to_overwrite;
use crate::cli::{self, Format};
use crate::exit::{Status, Stop};
use crate::layout::Layout;
use crate::sanitize::line;
use crate::{input, output};

/// A trace with its question: all that is shown of it.
#[derive(Debug)]
struct Walked<'w> {
    world: &'w World<'w>,
    /// What was asked, and what was chosen where the question left it open.
    resolved: &'w Resolved,
    trace: &'w Trace,
}

pub(crate) fn run(args: &cli::Trace) -> Result<Status, Stop> {
    if let Some(file) = &args.output {
        refuse_to_overwrite(file, &args.inputs)?;
    }
    let nodes = open(args)?;
    let world = World::new(nodes.iter().collect());
    let layout = Layout { width: output::width(args.output.as_deref()), verbose: args.verbose };
    if args.matrix {
        let matrix = matrix::walk(&world, args.max_flows, !args.no_reply);
        let text = match args.format {
            Format::Text => matrix::text::render(&matrix, &layout),
            Format::Json => matrix::json::render(&matrix),
        };
        output::write(&text, args.output.as_deref())?;
        return Ok(if matrix.all_delivered() { Status::Clean } else { Status::Findings });
    }
    let (Some(from), Some(to)) = (&args.from, &args.to) else {
        return Err(Stop::error("--from and --to are needed, or --matrix"));
    };
    let question = Question {
        from: from.clone(),
        to: to.clone(),
        protocol: args.proto.map(Into::into),
        size: args.size,
        mark: args.mark,
        sport: args.sport,
        iif: args.iif.clone(),
        df: !args.no_df,
        reply: !args.no_reply,
    };
    let resolved = resolve(&world, &question).map_err(|error| errors::stop(&error))?;
    let trace = netmodel::walk::trace(&world, &resolved.probe);
    let walked = Walked { world: &world, resolved: &resolved, trace: &trace };
    let text = match args.format {
        Format::Text => text::render(&walked, &layout),
        Format::Json => json::render(&walked),
    };
    output::write(&text, args.output.as_deref())?;
    Ok(if trace.disposition == Disposition::Delivered { Status::Clean } else { Status::Findings })
}

/// The nodes. A trace through some of what was asked for would be an answer to another question, so every input must be readable.
fn open(args: &cli::Trace) -> Result<Vec<Node>, Stop> {
    let mut nodes: Vec<Node> = Vec::new();
    for input in input::group(&args.inputs) {
        let (opened, failed) = input::open(&input);
        if let Some((_, stop)) = failed.into_iter().next() {
            return Err(stop);
        }
        nodes.extend(opened.into_iter().map(|o| Node::new(o.bundle)));
    }
    for (i, node) in nodes.iter().enumerate() {
        if let Some(other) = nodes.iter().take(i).find(|n| n.name() == node.name()) {
            return Err(Stop::error(format_args!(
                "{} and {} are both of node {}",
                line(other.bundle().name()),
                line(node.bundle().name()),
                line(node.name())
            ))
            .help("give one bundle of each node: a packet meets a node in one state"));
        }
    }
    Ok(nodes)
}
