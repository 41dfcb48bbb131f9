//! What a collection is asked to do; what the command line calls it is `main.rs`'s business.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bundle::Capture;

/// Where host tools are looked for, in this order. The environment's PATH is not asked: a bundle must not depend on who ran it,
/// and root must not run what stands in somebody's home.
pub const TOOL_DIRS: &[&str] = &["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Where the bundle goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file of this name, or a file with a name of its own in this folder.
    Path(PathBuf),
    /// Standard output.
    Stdout,
}

/// What to collect, and within which limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the bundle goes.
    pub output: Output,
    /// Where the node's files are: `/`, or where a container has them mounted.
    ///
    /// Files are read below it and links are followed within it. If it has a `/proc` (`proc/sys` exists), that one is read, else
    /// the container's own. Tools are *not* taken from it, since they would not find their libraries: they come from
    /// [`tool_dirs`](Self::tool_dirs) of the container, which has to share the host's network namespace.
    pub host_root: PathBuf,
    /// Take these only; `None` takes all.
    pub only: Option<BTreeSet<Capture>>,
    /// Whether to enter the network namespaces of pods.
    pub pods: bool,
    /// How long the whole collection may take.
    pub timeout: Duration,
    /// How long one capture may take, not counting the time in which it waits for the bundle's writer.
    pub capture_timeout: Duration,
    /// How large one capture may be, in bytes.
    pub capture_bytes: u64,
    /// Captures that are taken at the same time.
    pub workers: usize,
    /// Whether a host tool goes before the kernel itself, where both could be asked: to compare them, or if the native way is wrong.
    pub tools_first: bool,
    /// How much of the processor the collection may use on average, its tools included; 0.5 is half of one processor.
    pub cpu_limit: f64,
    /// The folders where tools are looked for.
    pub tool_dirs: Vec<PathBuf>,
    /// The node's offset from UTC. It has to be found out before there are threads.
    pub utc_offset: time::UtcOffset,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            output: Output::Path(PathBuf::from(".")),
            host_root: PathBuf::from("/"),
            only: None,
            pods: true,
            timeout: Duration::from_secs(60),
            capture_timeout: Duration::from_secs(15),
            // Half of what the reader takes; 50,000 Services in iptables mode stay below.
            capture_bytes: 128 << 20,
            workers: 4,
            cpu_limit: 0.5,
            tools_first: false,
            tool_dirs: TOOL_DIRS.iter().map(PathBuf::from).collect(),
            utc_offset: time::UtcOffset::UTC,
        }
    }
}

/// Ends a collection early from outside: the bundle is finished with what is there.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicI32>);

impl Stop {
    /// Asks for the end because of this signal.
    pub fn signal(&self, number: i32) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The signal, if one came.
    #[must_use]
    pub fn requested(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&n| n != 0)
    }
}
