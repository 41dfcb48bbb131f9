//! Takes the captures of a plan on a few threads and writes them in order.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bundle::{AbsentWhy, BundleWriter, How, Key, Netns, Outcome, Record, Span, WriteError};

use crate::netns::PodNetns;
use crate::options::{Options, Stop};
use crate::plan::{Source, Step};
use crate::queue::{End, Event, Halt, Out, Queue};
use crate::restraint::processor;
use crate::root::{Root, open_regular};
use crate::sources::native::Native;
use crate::sources::{clock, file, kmsg, listeners, sysctl};
use crate::{Progress, tool};

/// How long a capture that should have ended may go on (a file system that hangs cannot be interrupted) before it is given up.
const GRACE: Duration = Duration::from_secs(2);
/// How often the end of the collection is looked for.
const TICK: Duration = Duration::from_millis(50);

/// What the threads share. They are not joined: one that hangs in the kernel must not hold up the bundle.
pub(crate) struct Shared {
    pub(crate) steps: Vec<Step>,
    pub(crate) pods: Vec<PodNetns>,
    pub(crate) root: Root,
    pub(crate) options: Options,
    pub(crate) queue: Arc<Queue>,
    pub(crate) processor: processor::Limit,
}

fn worker(shared: &Shared) {
    while let Some(index) = shared.queue.take() {
        shared.processor.pace();
        let Some(step) = shared.steps.get(index) else { return };
        let options = &shared.options;
        let mut out = Out::new(Arc::clone(&shared.queue), index, options.capture_bytes, options.capture_timeout);
        let end = catch_unwind(AssertUnwindSafe(|| shared.take_in_its_netns(step, &mut out)))
            .unwrap_or_else(|_| End::failed(AbsentWhy::Failed, "internal error: the capture panicked"));
        out.finish(end);
    }
}

impl Shared {
    fn take_in_its_netns(&self, step: &Step, out: &mut Out) -> End {
        let Netns::Pod(number) = step.key.netns else { return self.take(step, &self.root, out) };
        let Some(pod) = self.pods.iter().find(|p| p.info.number == number) else {
            return End::failed(AbsentWhy::Failed, "the pod is not in the table");
        };
        if let Source::File { .. } = step.source {
            // A file of the pod, not of its network namespace.
            return match &pod.root {
                Some(root) => self.take(step, root, out),
                None => End::failed(AbsentWhy::NotFound, "no process of the pod was seen, so its files cannot be reached"),
            };
        }
        pod.run(|| self.take(step, &self.root, out))
            .unwrap_or_else(|e| End::failed(tool::why_of(&e), format!("cannot enter the network namespace: {e}")))
    }

    fn take(&self, step: &Step, root: &Root, out: &mut Out) -> End {
        match &step.source {
            Source::Absent(why, detail) => End::failed(*why, detail.clone()),
            Source::Native(native, tool) => self.native(native, tool.as_deref(), root, out),
            Source::Command(argv) => tool::run(argv, &self.options.tool_dirs, out),
            Source::Versions(argvs) => self.versions(argvs, out),
            Source::File { path, filter } => from(path, root.open(path).and_then(|f| file::copy(f, *filter, out)).map(cut)),
            Source::Proc { path, filter } => {
                let shown = path.display().to_string();
                from(&shown, open_regular(path).and_then(|f| file::copy(f, *filter, out)).map(cut))
            }
            Source::Sysctl => from("/proc/sys", sysctl::read(&root.proc().join("sys"), out)),
            Source::Listeners => from("the socket tables", listeners::read(root, out)),
            Source::KernelLog(path) => from("/dev/kmsg", kmsg::read(path, out)),
            Source::Clock => from("the clock", clock::read(root, out).map(|()| String::new())),
            Source::PathList(dirs) => path_list(root, dirs, out),
            Source::Text(text) => from("the text", out.write_all(text.as_bytes()).map(|()| String::new())),
        }
    }

    /// Asks the kernel; the tool, if the kernel gave nothing at all.
    fn native(&self, native: &Native, tool: Option<&[String]>, root: &Root, out: &mut Out) -> End {
        let mut end = native.take(root, out);
        let (Some(argv), Some((_, detail)), None) = (tool, &end.fail, out.halt()) else { return end };
        if !out.is_empty() {
            return end;
        }
        let before = format!("{}: {detail}", native.how());
        end = tool::run(argv, &self.options.tool_dirs, out);
        end.how = Some(How::Command(argv.to_vec()));
        end.stderr = if end.stderr.is_empty() { before } else { format!("{before}\n{}", end.stderr) };
        end
    }

    /// The first line of what each tool prints.
    fn versions(&self, argvs: &[Vec<String>], out: &mut Out) -> End {
        let mut stderr = Vec::new();
        for argv in argvs {
            // A queue of its own catches the text.
            let queue = Arc::new(Queue::new(1));
            queue.take();
            let mut inner = Out::new(Arc::clone(&queue), 0, 4 << 10, Duration::from_secs(2).min(out.time_left()));
            let end = tool::run(argv, &self.options.tool_dirs, &mut inner);
            inner.finish(End::default());
            let text = match queue.next(0, Duration::ZERO) {
                Event::Chunk(chunk) => String::from_utf8_lossy(&chunk).into_owned(),
                Event::End(_) | Event::Waiting => String::new(),
            };
            if let Some((_, detail)) = end.fail {
                stderr.push(format!("{}: {detail}", argv.join(" ")));
            }
            let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
            if !first.is_empty() && writeln!(out, "{}: {first}", argv.join(" ")).is_err() {
                break;
            }
        }
        End { stderr: stderr.join("\n"), ..End::default() }
    }
}

fn cut(cut: bool) -> String {
    if cut { "the file is larger than what is read of it".to_owned() } else { String::new() }
}

fn from(what: &str, read: io::Result<String>) -> End {
    match read {
        Ok(stderr) => End { stderr, ..End::default() },
        Err(e) => End::failed(tool::why_of(&e), format!("cannot read {what}: {e}")),
    }
}

fn path_list(root: &Root, dirs: &[String], out: &mut Out) -> End {
    let mut found = false;
    let mut stderr = Vec::new();
    for dir in dirs {
        match root.resolve(dir).and_then(std::fs::read_dir) {
            Ok(entries) => {
                found = true;
                let mut names: Vec<_> = entries.filter_map(Result::ok).filter_map(|e| e.file_name().into_string().ok()).collect();
                names.retain(|n| !n.contains('\n'));
                names.sort_unstable();
                for name in names.iter().take(1000) {
                    if writeln!(out, "{dir}/{name}").is_err() {
                        return End::default();
                    }
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => stderr.push(format!("cannot list {dir}: {e}")),
        }
    }
    if found || !stderr.is_empty() {
        let fail = (!found).then(|| (AbsentWhy::PermissionDenied, stderr.join("; ")));
        End { stderr: stderr.join("\n"), fail, ..End::default() }
    } else {
        End::failed(AbsentWhy::NotFound, format!("none of {}", dirs.join(", ")))
    }
}

/// Starts the threads, writes what they take, and returns a record for each step, and why it was cut short, if it was.
pub(crate) fn run(
    shared: &Arc<Shared>,
    writer: &mut BundleWriter,
    started: Instant,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<(Vec<Record>, Option<String>), WriteError> {
    for _ in 0..shared.options.workers.max(1) {
        start_worker(shared);
    }
    let mut drain = Drain { shared, writer, started, stop, cut_short: None, stopped_at: None };
    let mut records = Vec::with_capacity(shared.steps.len());
    for (index, step) in shared.steps.iter().enumerate() {
        progress.step(index, shared.steps.len(), &step.key);
        match drain.step(index, step) {
            Ok(record) => records.push(record),
            Err(e) => {
                // Ends the tools that are running.
                shared.queue.stop();
                shared.queue.settle(GRACE);
                return Err(e);
            }
        }
    }
    shared.queue.stop();
    Ok((records, drain.cut_short))
}

fn start_worker(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    // Without a thread its captures are not reached, which is said in their records.
    let _ = std::thread::Builder::new().name("capture".to_owned()).stack_size(1 << 20).spawn(move || worker(&shared));
}

struct Drain<'a> {
    shared: &'a Arc<Shared>,
    writer: &'a mut BundleWriter,
    started: Instant,
    stop: &'a Stop,
    cut_short: Option<String>,
    stopped_at: Option<Instant>,
}

impl Drain<'_> {
    fn step(&mut self, index: usize, step: &Step) -> Result<Record, WriteError> {
        let queue = Arc::clone(&self.shared.queue);
        let mut written = None;
        let first = loop {
            match queue.next(index, TICK) {
                Event::Waiting => {
                    if let Some(end) = self.look_around(index) {
                        break Err(end);
                    }
                }
                Event::Chunk(chunk) => break Ok(chunk),
                Event::End(end) => break Err(end),
            }
        };
        let end = match first {
            Err(end) => end,
            Ok(chunk) => {
                let (finished, end) = self.stream(index, &step.key, chunk)?;
                written = Some(finished);
                end
            }
        };
        if written.is_none() && end.fail.is_none() && end.halt.is_none() {
            // An empty text is a text.
            written = Some(self.writer.entry(&step.key)?.finish()?);
        }
        Ok(self.record(index, step, written, end))
    }

    fn stream(&mut self, index: usize, key: &Key, first: Vec<u8>) -> Result<(bundle::Finished, End), WriteError> {
        let queue = Arc::clone(&self.shared.queue);
        // The entry borrows the writer, so the rest of `self` is looked after by hand.
        let mut chunk = Some(first);
        let mut entry = self.writer.entry(key)?;
        let (shared, started, stop) = (self.shared, self.started, self.stop);
        let end = loop {
            if let Some(chunk) = chunk.take() {
                entry.write_all(&chunk).map_err(|source| WriteError::Entry { entry: key.path(), source })?;
                // Whoever takes the next chunks waits for this one's place in the queue.
                shared.processor.pace();
            }
            look_for_stop(shared, started, stop, &mut self.cut_short, &mut self.stopped_at);
            match queue.next(index, TICK) {
                Event::Chunk(next) => chunk = Some(next),
                Event::End(end) => break end,
                Event::Waiting => {
                    if let Some(end) = overdue(shared, index, self.stopped_at) {
                        break end;
                    }
                }
            }
        };
        Ok((entry.finish()?, end))
    }

    /// Says how a capture ends of which nothing has come, if it should not be waited for.
    fn look_around(&mut self, index: usize) -> Option<End> {
        look_for_stop(self.shared, self.started, self.stop, &mut self.cut_short, &mut self.stopped_at);
        overdue(self.shared, index, self.stopped_at)
    }

    fn record(&self, index: usize, step: &Step, written: Option<bundle::Finished>, end: End) -> Record {
        let progress = self.shared.queue.progress(index);
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let begun = progress.begun.unwrap_or_else(Instant::now);
        let took = progress.ended.unwrap_or_else(Instant::now).saturating_duration_since(begun).saturating_sub(progress.waited);
        let mut stderr = end.stderr;
        let outcome = match (written, end.fail, end.halt) {
            (Some(finished), fail, halt) => {
                // A reader that failed half way has no status to say so with.
                let broken = fail.is_some() && end.exit.is_none() && halt.is_none();
                if let (Some((_, detail)), true) = (&fail, broken) {
                    stderr = if stderr.is_empty() { detail.clone() } else { format!("{stderr}\n{detail}") };
                }
                Outcome::Taken {
                    bytes: finished.bytes,
                    sha256: finished.sha256,
                    truncated: halt == Some(Halt::Cap) || broken || stderr.starts_with("the file is larger"),
                    timed_out: matches!(halt, Some(Halt::Deadline | Halt::Stopped)),
                    exit: end.exit,
                    stderr,
                }
            }
            (None, _, Some(Halt::Deadline)) => {
                let seconds = self.shared.options.capture_timeout.as_secs_f32();
                let mut detail = format!("no answer in {seconds} s");
                if !stderr.is_empty() {
                    detail = format!("{detail}: {stderr}");
                }
                Outcome::Absent { why: AbsentWhy::TimedOut, detail }
            }
            (None, _, Some(Halt::Stopped)) => {
                let detail = self.cut_short.clone().unwrap_or_else(|| "the collection ended".to_owned());
                Outcome::Absent { why: AbsentWhy::NotReached, detail }
            }
            (None, Some((why, detail)), _) => Outcome::Absent { why, detail },
            (None, None, _) => Outcome::Absent { why: AbsentWhy::Failed, detail: "nothing came".to_owned() },
        };
        Record {
            capture: step.key.capture.into(),
            pod: if let Netns::Pod(number) = step.key.netns { Some(number) } else { None },
            instance: step.key.instance.clone(),
            how: end.how.unwrap_or_else(|| step.how.clone()),
            span: Span { start_ms: millis(begun.saturating_duration_since(self.started)), duration_ms: millis(took) },
            outcome,
        }
    }
}

fn look_for_stop(shared: &Shared, started: Instant, stop: &Stop, cut_short: &mut Option<String>, at: &mut Option<Instant>) {
    if cut_short.is_some() {
        return;
    }
    let why = match stop.requested() {
        Some(signal) => format!("signal {signal}"),
        None if started.elapsed() >= shared.options.timeout => {
            format!("the deadline of {} s", shared.options.timeout.as_secs_f32())
        }
        None => return,
    };
    *cut_short = Some(why);
    *at = Some(Instant::now());
    shared.queue.stop();
}

/// Gives up a capture that hangs where its own deadline cannot be enforced, and one that will not be begun any more.
fn overdue(shared: &Arc<Shared>, index: usize, stopped_at: Option<Instant>) -> Option<End> {
    let progress = shared.queue.progress(index);
    let halt = match (progress.begun, stopped_at) {
        (None, Some(_)) => Halt::Stopped,
        (Some(_), Some(at)) if at.elapsed() > GRACE => Halt::Stopped,
        (Some(begun), _) if begun.elapsed().saturating_sub(progress.waited) > shared.options.capture_timeout + GRACE => {
            // Its thread may never come back: another one takes its place.
            start_worker(shared);
            Halt::Deadline
        }
        _ => return None,
    };
    shared.queue.abandon(index);
    Some(End { halt: Some(halt), ..End::default() })
}
