//! The matrix for people: how many flows of each kind arrive, what stops the others, and last what was not walked.

use anstyle::AnsiColor;
use comfy_table::{CellAlignment, Table};
use netmodel::walk::Disposition;
use netmodel::walk::flows::FlowKind;

use super::{Cause, Matrix};
use crate::layout::{BOLD, DIM, Layout, excerpt, paragraph, plural, say};
use crate::sanitize::line;
use crate::trace::sentence;

/// So many flows are named for each cause.
const MOST_FLOWS: usize = 5;

const DISPOSITIONS: [Disposition; 6] = [
    Disposition::Delivered,
    Disposition::Dropped,
    Disposition::Rejected,
    Disposition::Unroutable,
    Disposition::TooBig,
    Disposition::Undecided,
];

/// The matrix as text, with ANSI styles.
pub(in crate::trace) fn render(matrix: &Matrix, layout: &Layout) -> String {
    let mut out = String::new();
    table(&mut out, matrix);
    say!(out);
    for (number, cause) in matrix.causes.iter().enumerate() {
        one_cause(&mut out, matrix, number + 1, cause, layout);
    }
    gaps(&mut out, matrix, layout);
    say!(out, "{}", last_line(matrix));
    out
}

fn table(out: &mut String, matrix: &Matrix) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    // Columns for dispositions that no flow has would be six columns of zeros on a healthy cluster.
    let shown: Vec<Disposition> = DISPOSITIONS
        .into_iter()
        .filter(|d| *d == Disposition::Delivered || matrix.rows.iter().any(|r| r.end.disposition == *d))
        .collect();
    let head = ["flows", "walked"].into_iter().chain(shown.iter().map(|d| sentence::word(*d)));
    table.set_header(head);
    for kind in FlowKind::ALL {
        let total: usize = DISPOSITIONS.iter().map(|d| matrix.count(kind, *d)).sum();
        if total == 0 {
            continue;
        }
        let counts = shown.iter().map(|d| match matrix.count(kind, *d) {
            0 => "-".to_owned(),
            some => some.to_string(),
        });
        let cells: Vec<String> = [kind.title().to_owned(), total.to_string()].into_iter().chain(counts).collect();
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in table.to_string().lines() {
        // Every cell is padded with a blank, the first one, too.
        say!(out, "{}", row.strip_prefix(' ').unwrap_or(row).trim_end());
    }
}

fn one_cause(out: &mut String, matrix: &Matrix, number: usize, cause: &Cause, layout: &Layout) {
    let color = if cause.disposition == Disposition::Undecided { AnsiColor::Yellow } else { AnsiColor::Red };
    let style = color.on_default().bold();
    let word = sentence::word(cause.disposition);
    say!(out, "{BOLD}{number}.{BOLD:#} {style}{word}{style:#}, {}: {}", plural(cause.flows.len(), "flow"), line(&cause.place));
    paragraph(out, &line(&cause.reason), "   ", layout);
    if let Some(evidence) = &cause.evidence {
        say!(out, "   | {}", excerpt(evidence, layout));
    }
    let most = if layout.verbose { usize::MAX } else { MOST_FLOWS };
    for row in cause.flows.iter().take(most).filter_map(|i| matrix.rows.get(*i)) {
        say!(out, "   {} {} -> {}", row.flow.protocol.name(), line(&row.flow.from), line(&row.flow.to));
    }
    if let Some(more @ 1..) = cause.flows.len().checked_sub(most) {
        say!(out, "   {DIM}… and {more} more: --verbose and --format json have them all{DIM:#}");
    }
    say!(out);
}

fn gaps(out: &mut String, matrix: &Matrix, layout: &Layout) {
    let flows = &matrix.flows;
    if flows.gaps.is_empty() && flows.left_out.is_empty() {
        return;
    }
    say!(out, "{BOLD}not walked:{BOLD:#}");
    for (kind, count) in &flows.left_out {
        say!(out, "  {}: {} beyond --max-flows", kind.title(), plural(*count, "flow"));
    }
    for gap in &flows.gaps {
        paragraph(out, &line(&format!("{}: {}", gap.kind.title(), gap.why)), "  ", layout);
    }
    say!(out);
}

fn last_line(matrix: &Matrix) -> String {
    let total = matrix.rows.len();
    let delivered = matrix.rows.iter().filter(|r| r.end.disposition == Disposition::Delivered).count();
    let left: usize = matrix.flows.left_out.iter().map(|(_, count)| count).sum();
    let left = if left > 0 { format!("; {} not walked", plural(left, "flow")) } else { String::new() };
    match total - delivered {
        _ if total == 0 => "no flow could be walked".to_owned(),
        0 => format!("all {total} flows are delivered{left}"),
        1 => format!("{delivered} of {total} flows are delivered; 1 is not{left}"),
        lost => {
            format!(
                "{delivered} of {total} flows are delivered; {lost} are not, for {}{left}",
                plural(matrix.causes.len(), "cause")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_causes() {
        let styled = render(&super::super::tests::sample(), &Layout { width: 100, verbose: false });
        insta::assert_snapshot!(anstream::adapter::strip_str(&styled).to_string());
    }
}
