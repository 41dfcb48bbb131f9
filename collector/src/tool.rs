//! Runs one of the host's tools, so that whatever it does costs only itself.
//!
//! Absolute path, cleared environment, `LC_ALL=C`, no stdin, a process group of its own that is killed as a whole at the
//! deadline, stdout streamed, stderr kept apart. Whether a tool may be run at all is [`guard`](crate::guard)'s business.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bundle::{AbsentWhy, Exit};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::queue::{End, Halt, Out};

/// Bytes of stderr that are kept.
const STDERR_CAP: usize = 8 << 10;
/// How often deadlines and the collection's end are looked at, at least.
const TICK: Duration = Duration::from_millis(50);

/// The first of these tools that stands in one of the folders and may be executed.
pub(crate) fn find(dirs: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        dirs.iter()
            .map(|dir| dir.join(name))
            .find(|path| path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok())
    })
}

/// Runs a tool and writes its stdout to `out`. `path` is what the tool finds as PATH.
pub(crate) fn run(argv: &[String], dirs: &[PathBuf], out: &mut Out) -> End {
    let Some((program, args)) = argv.split_first() else { return End::failed(AbsentWhy::Failed, "no command") };
    let path = std::env::join_paths(dirs).unwrap_or_default();
    let spawned = Command::new(program)
        .args(args)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", path)
        .current_dir(Path::new("/"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    match spawned {
        Ok(child) => Running { child }.conclude(out),
        Err(e) => End::failed(why_of(&e), format!("cannot run {program}: {e}")),
    }
}

/// Which kind of absence an error of the system is.
pub(crate) fn why_of(error: &io::Error) -> AbsentWhy {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => AbsentWhy::NotFound,
        io::ErrorKind::PermissionDenied => AbsentWhy::PermissionDenied,
        _ => AbsentWhy::Failed,
    }
}

struct Running {
    child: Child,
}

impl Running {
    fn conclude(mut self, out: &mut Out) -> End {
        let mut end = End::default();
        let mut stderr = Vec::new();
        let streamed = self.stream(out, &mut stderr);
        // Killed before it is reaped: until then nobody else can get the number of its group. What a tool left running in its
        // group ends here too.
        self.kill_group();
        match self.child.wait() {
            Ok(status) => end.exit = status.code().map(Exit::Status).or_else(|| status.signal().map(Exit::Signal)),
            Err(e) => end.fail = Some((AbsentWhy::Failed, format!("cannot wait for the tool: {e}"))),
        }
        end.stderr = String::from_utf8_lossy(&stderr).trim_end().to_owned();
        match streamed {
            Ok(halt) => end.halt = halt,
            Err(e) => end.fail = Some((AbsentWhy::Failed, format!("cannot read the tool's output: {e}"))),
        }
        if end.halt.is_none() && end.fail.is_none() && end.exit != Some(Exit::Status(0)) {
            end.fail = Some(failure(end.exit, &end.stderr));
        }
        end
    }

    /// Reads until both pipes are closed, the tool has ended, or no more is wanted.
    fn stream(&mut self, out: &mut Out, stderr: &mut Vec<u8>) -> io::Result<Option<Halt>> {
        let mut pipes = (self.child.stdout.take(), self.child.stderr.take());
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(halt) = out.halt() {
                return Ok(Some(halt));
            }
            if pipes.0.is_none() && pipes.1.is_none() {
                if self.has_ended() {
                    return Ok(None);
                }
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            // Asked before the pipes are: once it has ended, whatever it wrote is in them.
            let ended = self.has_ended();
            let wait = if ended { Duration::ZERO } else { out.time_left().min(TICK) };
            let (from_out, from_err) = ready(&pipes.0, &pipes.1, wait)?;
            if !from_out && !from_err {
                // A process that the tool left behind may hold the pipes open for ever.
                if ended {
                    return Ok(None);
                }
                continue;
            }
            if from_out
                && let Some(n) = read_or_close(&mut pipes.0, &mut buffer)?
                && out.write_all(buffer.get(..n).unwrap_or_default()).is_err()
            {
                return Ok(Some(out.halt().unwrap_or(Halt::Cap)));
            }
            if from_err && let Some(n) = read_or_close(&mut pipes.1, &mut buffer)? {
                let room = STDERR_CAP.saturating_sub(stderr.len()).min(n);
                stderr.extend_from_slice(buffer.get(..room).unwrap_or_default());
            }
        }
    }

    /// Whether it has ended; it is not reaped yet.
    fn has_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.pid()), flags), Ok(WaitStatus::StillAlive))
    }

    fn kill_group(&self) {
        // It fails if nobody is left, which is what we want.
        let _ = killpg(self.pid(), Signal::SIGKILL);
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

/// Which of the two can be read (or is closed).
fn ready(a: &Option<impl AsFd>, b: &Option<impl AsFd>, wait: Duration) -> io::Result<(bool, bool)> {
    let mut fds = Vec::with_capacity(2);
    fds.extend(a.as_ref().map(|p| PollFd::new(p.as_fd(), PollFlags::POLLIN)));
    fds.extend(b.as_ref().map(|p| PollFd::new(p.as_fd(), PollFlags::POLLIN)));
    let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
    match poll(&mut fds, wait) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(e) => return Err(e.into()),
    }
    let mut any = fds.iter().map(|fd| fd.any().unwrap_or(false));
    Ok((a.is_some() && any.next().unwrap_or(false), b.is_some() && any.next().unwrap_or(false)))
}

/// Reads once; at the end the pipe is closed.
fn read_or_close(pipe: &mut Option<impl Read>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let Some(open) = pipe else { return Ok(None) };
    match open.read(buffer) {
        Ok(0) => {
            *pipe = None;
            Ok(None)
        }
        Ok(n) => Ok(Some(n)),
        Err(e) if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What a status that is not 0 means.
fn failure(exit: Option<Exit>, stderr: &str) -> (AbsentWhy, String) {
    let lower = stderr.to_lowercase();
    let denied = ["permission denied", "operation not permitted", "must be root", "need to be root", "you must run"];
    let why = if denied.iter().any(|d| lower.contains(d)) {
        AbsentWhy::PermissionDenied
    } else if lower.contains("no stats available") {
        // ethtool -S of a bridge or VXLAN device: the driver has none, which is no failure.
        AbsentWhy::NotFound
    } else {
        AbsentWhy::Failed
    };
    let how = match exit {
        Some(Exit::Status(n)) => format!("exit status {n}"),
        Some(Exit::Signal(n)) => format!("ended by signal {n}"),
        None => "ended".to_owned(),
    };
    (why, if stderr.is_empty() { how } else { format!("{how}: {stderr}") })
}
