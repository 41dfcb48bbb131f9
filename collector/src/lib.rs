//! Takes a snapshot of a node's network into a bundle, and changes nothing on the node but that one file.
//!
//! [`plan`](dry_run) says what there is to take and how, `run` takes it on a few threads, each source writes the form of the
//! standard tool. What the texts mean is the analyzer's business.

mod families;
mod guard;
mod identity;
// Other sources that ask over netlink follow.
#[allow(dead_code, reason = "its users follow")]
mod netlink;
mod netns;
mod options;
mod plan;
mod queue;
mod redact;
mod reduce;
pub mod restraint;
mod root;
mod run;
#[allow(dead_code, reason = "its users follow")]
mod sockopt;
mod sources;
mod tool;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bundle::{BundleWriter, CollectorInfo, FORMAT, Key, Manifest, NodeIdentity};

pub use options::{Options, Output, Stop, TOOL_DIRS};

/// Is told how far the collection is.
pub trait Progress {
    /// The writer comes to this capture, the `index`th of `total`.
    fn step(&self, index: usize, total: usize, key: &Key);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: usize, _: usize, _: &Key) {}
}

/// A finished collection.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The bundle; `-` if it went to standard output.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] bundle::WriteError),
    /// The node's root is not there.
    #[error("{path} is not a folder", path = .0.display())]
    NoRoot(PathBuf),
}

struct Prepared {
    root: root::Root,
    node: NodeIdentity,
    pods: Vec<netns::PodNetns>,
    steps: Vec<plan::Step>,
}

fn prepare(options: &Options) -> Result<Prepared, CollectError> {
    if !options.host_root.is_dir() {
        return Err(CollectError::NoRoot(options.host_root.clone()));
    }
    let root = root::Root::new(&options.host_root);
    let node = identity::read(&root);
    let guard = guard::Guard::new(&root, &node.kernel);
    let pods = if options.pods { netns::find(&root) } else { Vec::new() };
    let steps = plan::Planner { options, root: &root, guard: &guard, kernel: &node.kernel }.plan(&pods);
    Ok(Prepared { root, node, pods, steps })
}

/// What would be read and run, one a line, with the capture's name before it; nothing is run, and no bundle is made.
///
/// # Errors
/// [`CollectError::NoRoot`].
pub fn dry_run(options: &Options) -> Result<Vec<String>, CollectError> {
    let prepared = prepare(options)?;
    let line = |step: &plan::Step| Some(format!("{:48} {}", step.key.path(), step.describe()?));
    Ok(prepared.steps.iter().filter_map(line).collect())
}

/// Collects, and writes the bundle.
///
/// # Errors
/// Only if there can be no bundle: a capture that fails is a record in it.
pub fn collect(options: &Options, stop: &Stop, progress: &dyn Progress) -> Result<Collected, CollectError> {
    let started = Instant::now();
    let started_at = now(options);
    let Prepared { root, node, pods, steps } = prepare(options)?;
    let mut manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo {
            name: "coldpath-collect".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            root: nix::unistd::geteuid().is_root(),
        },
        node,
        started_at,
        finished_at: None,
        cut_short: None,
        netns: pods.iter().map(|p| p.info.clone()).collect(),
        captures: Vec::new(),
    };
    let mut writer = match &options.output {
        Output::Stdout => BundleWriter::to_stream(std::io::stdout(), &manifest)?,
        Output::Path(path) => BundleWriter::create(&target(path, &manifest), &manifest)?,
    };
    let processor = restraint::processor::Limit::new(options.cpu_limit);
    let queue = Arc::new(queue::Queue::new(steps.len()));
    let shared = Arc::new(run::Shared { steps, pods, root, options: options.clone(), queue, processor });
    let (captures, cut_short) = run::run(&shared, &mut writer, started, stop, progress)?;
    manifest.captures = captures;
    manifest.cut_short = cut_short;
    manifest.finished_at = Some(now(options));
    let path = writer.finish(&manifest)?;
    Ok(Collected { path, manifest })
}

fn now(options: &Options) -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc().to_offset(options.utc_offset)
}

/// The bundle's path: a folder gets a file named after the node and the time (in UTC, so that names sort).
fn target(path: &Path, manifest: &Manifest) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let odd = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let node: String = manifest.node.name.chars().take(64).map(odd).collect();
    let at = manifest.started_at.to_offset(time::UtcOffset::UTC);
    let (year, month, day, hour, minute, second) =
        (at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second());
    path.join(format!("coldpath-{node}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z.zip"))
}
