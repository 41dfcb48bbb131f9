//! All flows of a world, walked in parallel, and what keeps those from arriving that do not: one cause for all flows that it stops.

pub(super) mod json;
pub(super) mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use netmodel::Evidence;
use netmodel::walk::endpoint::names;
use netmodel::walk::flows::{Flow, FlowKind, Flows, Selection, flows};
use netmodel::walk::{Disposition, Trace, World};
use rayon::prelude::*;

use super::sentence;
use crate::quiet;

/// The table.
#[derive(Debug)]
pub(super) struct Matrix {
    /// The flows with what becomes of them, by kind.
    pub(super) rows: Vec<Row>,
    /// What keeps flows from arriving, the one that stops the most first.
    pub(super) causes: Vec<Cause>,
    /// How many flows of a kind were left out by the limit, and why there are no or not all flows of a kind.
    pub(super) flows: Flows,
}

/// A flow that was walked.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) flow: Flow,
    /// What becomes of it.
    pub(super) end: End,
    /// Which cause it is, for what is not delivered.
    pub(super) cause: Option<usize>,
}

/// What becomes of a flow.
#[derive(Debug)]
pub(super) struct End {
    pub(super) disposition: Disposition,
    /// In one sentence.
    pub(super) sentence: String,
    /// What distinguishes its cause from others.
    key: Option<Key>,
}

/// What flows have in common that share a cause: the line that decides, else the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    disposition: Disposition,
    node: String,
    reason: String,
    evidence: Option<Evidence>,
}

/// What keeps flows from arriving.
#[derive(Debug)]
pub(super) struct Cause {
    pub(super) disposition: Disposition,
    /// The node or pod.
    pub(super) place: String,
    /// Why, without the addresses of one flow where that could be left away.
    pub(super) reason: String,
    /// The line that decides.
    pub(super) evidence: Option<Evidence>,
    /// The flows, as indices into the rows.
    pub(super) flows: Vec<usize>,
}

impl Matrix {
    /// Whether there is nothing to complain of.
    pub(super) fn all_delivered(&self) -> bool {
        self.rows.iter().all(|row| row.end.disposition == Disposition::Delivered)
    }

    /// How many flows of a kind end in a way.
    pub(super) fn count(&self, kind: FlowKind, disposition: Disposition) -> usize {
        self.rows.iter().filter(|r| r.flow.kind == kind && r.end.disposition == disposition).count()
    }
}

/// Walks all flows.
pub(super) fn walk(world: &World<'_>, per_kind: usize, reply: bool) -> Matrix {
    let mut list = flows(world, &Selection { per_kind, reply });
    // One flow that the walk cannot take costs only itself.
    let ends: Vec<End> = quiet::quietly(|| {
        list.flows
            .par_iter()
            .map(|flow| match catch_unwind(AssertUnwindSafe(|| netmodel::walk::verdict(world, &flow.probe))) {
                Ok(trace) => end(world, &trace),
                Err(_) => failed(),
            })
            .collect()
    });
    let rows: Vec<Row> =
        std::mem::take(&mut list.flows).into_iter().zip(ends).map(|(flow, end)| Row { flow, end, cause: None }).collect();
    group(rows, list)
}

fn failed() -> End {
    let sentence = "undecided: coldpath itself failed here: please report this bug".to_owned();
    End { disposition: Disposition::Undecided, key: Some(Key::of(Disposition::Undecided, "", &sentence, None)), sentence }
}

fn end(world: &World<'_>, trace: &Trace) -> End {
    let disposition = trace.disposition;
    let sentence = sentence::of(world, trace);
    if disposition == Disposition::Delivered {
        return End { disposition, sentence, key: None };
    }
    let paths = &trace.paths;
    let failing = paths.iter().find(|p| p.disposition == disposition);
    let failing = failing.or_else(|| paths.iter().find(|p| p.disposition != Disposition::Delivered)).or(paths.first());
    // What blocks a decision is the cause of what is undecided.
    let blocker = paths.iter().flat_map(|p| &p.blockers).next().filter(|_| disposition == Disposition::Undecided);
    let key = match (blocker, failing) {
        (Some(blocker), _) => {
            Some(Key::of(disposition, &names::namespace(world, blocker.ns), &blocker.reason, blocker.evidence.as_ref()))
        }
        (None, Some(path)) => {
            let step = path.deciding().next();
            let last = path.reply.as_ref().unwrap_or(&path.steps).last();
            let place = step.or(last).map(|s| names::namespace(world, s.ns)).unwrap_or_default();
            Some(Key::of(disposition, &place, &path.reason, step.and_then(|s| s.evidence.first())))
        }
        (None, None) => None,
    };
    End { disposition, sentence, key }
}

impl Key {
    fn of(disposition: Disposition, place: &str, reason: &str, evidence: Option<&Evidence>) -> Self {
        Self { disposition, node: place.to_owned(), reason: reason.to_owned(), evidence: evidence.cloned() }
    }

    /// Whether two flows have the same cause: the same line, whatever else the reason tells of the one flow.
    fn same(&self, other: &Self) -> bool {
        let line = |key: &Self| key.evidence.as_ref().map(|e| (e.capture.clone(), e.line, e.text.clone()));
        let by_line = self.evidence.is_some() && line(self) == line(other);
        self.disposition == other.disposition && self.node == other.node && (by_line || self.reason == other.reason)
    }
}

fn group(mut rows: Vec<Row>, flows: Flows) -> Matrix {
    let mut keys: Vec<(Key, Vec<usize>)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let Some(key) = &row.end.key else { continue };
        match keys.iter_mut().find(|(known, _)| known.same(key)) {
            Some((_, flows)) => flows.push(i),
            None => keys.push((key.clone(), vec![i])),
        }
    }
    keys.sort_by(|(a, x), (b, y)| y.len().cmp(&x.len()).then_with(|| a.cmp(b)));
    let mut causes = Vec::new();
    for (number, (key, flows)) in keys.into_iter().enumerate() {
        for &i in &flows {
            if let Some(row) = rows.get_mut(i) {
                row.cause = Some(number);
            }
        }
        let Key { disposition, node: place, reason, evidence } = key;
        causes.push(Cause { disposition, place, reason, evidence, flows });
    }
    Matrix { rows, causes, flows }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::trace::sketch;

    /// Three flows that one line drops, one of another kind that is delivered, one that depends on a line.
    pub(crate) fn sample() -> Matrix {
        let dropped = sketch::one_of_two_dropped();
        let open = sketch::undecided();
        let good = sketch::over_the_overlay();
        let row = |sketch: &sketch::Sketch, kind: FlowKind, to: &str| {
            sketch.with(|walked| Row {
                flow: Flow {
                    kind,
                    from: walked.resolved.from.clone(),
                    to: to.to_owned(),
                    protocol: walked.resolved.protocol,
                    probe: walked.resolved.probe.clone(),
                },
                end: end(walked.world, walked.trace),
                cause: None,
            })
        };
        let mut rows: Vec<Row> =
            (0..3).map(|i| row(&dropped, FlowKind::PodToClusterIp, &format!("10.96.0.{i}:80 (Service {i})"))).collect();
        rows.push(row(&good, FlowKind::PodToPodOnPeer, "10.244.2.2:8080 (pod default/b1 on node-b)"));
        rows.push(row(&open, FlowKind::PodToOutside, "192.0.2.1:443 (outside)"));
        let gaps = vec![netmodel::walk::flows::Gap {
            kind: FlowKind::PeerToOverlay,
            why: "node-a: the overlay is not known".to_owned(),
        }];
        group(rows, Flows { flows: Vec::new(), left_out: vec![(FlowKind::PodToClusterIp, 40)], gaps })
    }

    #[test]
    fn flows_that_one_line_stops_have_one_cause() {
        let matrix = sample();
        assert_eq!(matrix.causes.len(), 2);
        assert_eq!((matrix.causes[0].flows.len(), matrix.rows[0].cause, matrix.rows[3].cause), (3, Some(0), None));
        assert!(!matrix.all_delivered());
    }
}
