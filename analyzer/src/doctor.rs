//! `coldpath doctor`: takes a snapshot of this node with the collector, keeps the bundle, and analyzes it. Linux only.

use std::path::{Path, PathBuf};

use bundle::Key;
use collector::{Options, Output};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

/// Takes the snapshot; gives the bundle's path. A signal ends it as it ends any program: no bundle has its final name by then.
fn snapshot(to: &Path) -> Result<PathBuf, Stop> {
    // Before there are threads: reading the local offset is refused afterwards. Without it, times are in UTC, and say so.
    let utc_offset = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    let options = Options { output: Output::Path(to.to_owned()), utc_offset, ..Options::default() };
    let bar = Bar::new();
    let collected = collector::collect(&options, &collector::Stop::default(), &bar);
    bar.0.finish_and_clear();
    collected.map(|c| c.path).map_err(|error| {
        Stop::error(crate::sanitize::line(&error.to_string())).help("--bundle names a file or a folder that can be written")
    })
}

/// One line on a terminal's stderr, nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl collector::Progress for Bar {
    fn step(&self, index: usize, total: usize, key: &Key) {
        self.0.set_length(total as u64);
        self.0.set_position(index as u64);
        self.0.set_message(key.path());
    }
}
