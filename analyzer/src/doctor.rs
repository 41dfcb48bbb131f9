//! `coldpath doctor`: takes a snapshot of this node with the collector, keeps the bundle, and analyzes it. Linux only.

use std::path::{Path, PathBuf};

use crate::analyze;
use crate::cli::Doctor;
use crate::exit::{Status, Stop};

pub(crate) fn run(args: &Doctor) -> Result<Status, Stop> {
    // A wrong --select is said before the node is looked at, not after.
    analyze::check_options(&args.options)?;
    let bundle = snapshot(&args.bundle)?;
    // stdout is the report's.
    crate::tell(&format!("the bundle is kept as {}", bundle.to_string_lossy().escape_debug()));
    analyze::inputs(&[bundle], &args.options)
}

/// Takes the snapshot; gives the bundle's path.
fn snapshot(_to: &Path) -> Result<PathBuf, Stop> {
    // The one place that calls the collector's library: `collector::collect(&Options, …)`.
    Err(Stop::error("this build has no collector yet").help("take a bundle with coldpath-collect, then: coldpath analyze BUNDLE"))
}
