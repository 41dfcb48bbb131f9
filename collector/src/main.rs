//! `coldpath-collect`: the command line of the collector.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bundle::{AbsentWhy, Capture, Key, Outcome};
use clap::Parser;
use collector::{Collected, Options, Output, Progress, Quiet, Stop};
use nix::sys::signal::{SigSet, Signal};

/// Takes a snapshot of this node's network into one file, for `coldpath analyze`.
///
/// It changes nothing on the node: it loads no kernel module, creates no table, sets nothing. It needs no network, and root to see
/// everything. Keys, tokens and passwords are left out. The last line on standard output is the bundle's path.
#[derive(Debug, Parser)]
#[command(name = "coldpath-collect", version, about)]
struct Args {
    /// The bundle's file, or the folder to put it in; `-` writes it to standard output
    #[arg(short, long, value_name = "FILE|DIR", default_value = ".")]
    output: PathBuf,
    /// Where the node's root is mounted, when run in a container (with the host's network, and best with its processes).
    /// Files are read below it; tools are the container's own
    #[arg(long, value_name = "DIR", default_value = "/")]
    host_root: PathBuf,
    /// Take these captures only
    #[arg(long, value_name = "CAPTURE,…", value_delimiter = ',', value_parser = capture)]
    only: Option<Vec<Capture>>,
    /// Leave the network namespaces of pods alone
    #[arg(long)]
    no_pods: bool,
    /// Run a host tool rather than asking the kernel itself, where both can be done
    #[arg(long)]
    tools_first: bool,
    /// End after this time with what is there
    #[arg(long, value_name = "SECS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Use so much of the processor on average, tools included: 0.5 is half of one processor
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    cpu_limit: f64,
    /// Say what would be read and run, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// List the captures
    #[arg(long)]
    list: bool,
}

fn capture(name: &str) -> Result<Capture, String> {
    Capture::from_name(name).ok_or_else(|| "no such capture; --list names them".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1024.0).contains(&share) { Ok(share) } else { Err("must be between 0.01 and 1024".to_owned()) }
}

fn main() -> ExitCode {
    // First of all: it cannot be found out any more when there are threads.
    let utc_offset = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    let args = Args::parse();
    match run(&args, utc_offset) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("coldpath-collect: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args, utc_offset: time::UtcOffset) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    if args.list {
        for capture in Capture::ALL {
            let spec = capture.spec();
            let format = serde_json::to_value(spec.format)?;
            let format = format.as_str().unwrap_or_default();
            writeln!(stdout, "{:24} {format:19} {:28} {}", spec.name, spec.file, spec.purpose)?;
        }
        return Ok(());
    }
    let stream = args.output.as_os_str() == "-";
    let options = Options {
        output: if stream { Output::Stdout } else { Output::Path(args.output.clone()) },
        host_root: args.host_root.clone(),
        only: args.only.as_ref().map(|only| only.iter().copied().collect::<BTreeSet<_>>()),
        pods: !args.no_pods,
        tools_first: args.tools_first,
        timeout: Duration::from_secs(args.timeout.into()),
        cpu_limit: args.cpu_limit,
        utc_offset,
        ..Options::default()
    };
    if args.dry_run {
        for line in collector::dry_run(&options)? {
            writeln!(stdout, "{line}")?;
        }
        return Ok(());
    }
    if !nix::unistd::geteuid().is_root() {
        say("coldpath-collect: not root: what needs it will be missing, and the bundle says so");
    }
    for failed in collector::restraint::apply(if stream { Path::new("/") } else { &args.output }) {
        say(&format!("coldpath-collect: goes on without a restraint: {failed}"));
    }
    let stop = Stop::default();
    watch_signals(stop.clone())?;
    let terminal = io::stderr().is_terminal();
    let progress: &dyn Progress = if terminal { &Line } else { &Quiet };
    let collected = collector::collect(&options, &stop, progress);
    if terminal {
        // Clears the progress line.
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let collected = collected?;
    say(&summary(&collected));
    if !stream {
        writeln!(stdout, "{}", collected.path.display())?;
    }
    Ok(())
}

/// Waits for signals on a thread of its own. They are blocked in every thread that is started later, so none is interrupted.
fn watch_signals(stop: Stop) -> anyhow::Result<()> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while let Ok(signal) = signals.wait() {
            if stop.requested().is_some() {
                // Asked twice: at once. The temporary file stays behind, and nothing under the final name.
                std::process::exit(2);
            }
            stop.signal(signal as i32);
        }
    })?;
    Ok(())
}

/// One line on a terminal.
struct Line;

impl Progress for Line {
    fn step(&self, index: usize, total: usize, key: &Key) {
        let mut name = key.path();
        name.truncate(60);
        // A progress line that cannot be written is no loss.
        let _ = write!(io::stderr(), "\r\x1b[K[{}/{total}] {name}", index + 1);
    }
}

/// How many captures were taken, and why others were not.
fn summary(collected: &Collected) -> String {
    let mut taken = 0;
    let mut partial = 0;
    let mut absent: BTreeMap<AbsentWhy, usize> = BTreeMap::new();
    for record in &collected.manifest.captures {
        match &record.outcome {
            Outcome::Taken { truncated, timed_out, exit, .. } => {
                taken += 1;
                partial += usize::from(*truncated || *timed_out || exit.is_some_and(|e| e != bundle::Exit::Status(0)));
            }
            Outcome::Absent { why, .. } => *absent.entry(*why).or_default() += 1,
        }
    }
    let mut text = format!("coldpath-collect: {taken} captures taken");
    if partial > 0 {
        text.push_str(&format!(" ({partial} in part)"));
    }
    let total: usize = absent.values().sum();
    if total > 0 {
        let why: Vec<_> = absent.iter().map(|(why, n)| format!("{n} {why}")).collect();
        text.push_str(&format!(", {total} absent: {}", why.join(", ")));
    }
    if let Some(why) = &collected.manifest.cut_short {
        text.push_str(&format!("; cut short by {why}"));
    }
    text
}

fn say(text: &str) {
    // Nothing is left to do where stderr is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}
