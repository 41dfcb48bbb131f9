//! How much of the processor a collection may use: on average, its tools included.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Used at once before anything is held back, so that a small node is not kept waiting.
const BURST: Duration = Duration::from_millis(250);
/// The longest pause at one time: deadlines and signals are looked at in between.
const LONGEST: Duration = Duration::from_millis(100);

/// A limit, from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    started: Instant,
    used_before: Duration,
    /// In processors: 0.5 is half of one.
    share: f64,
}

impl Limit {
    /// `share` processors on average from now on.
    pub(crate) fn new(share: f64) -> Self {
        Self { started: Instant::now(), used_before: used(), share }
    }

    /// Sleeps for a moment if more was used than is due.
    pub(crate) fn pace(&self) {
        let pause = pause(used().saturating_sub(self.used_before), self.started.elapsed(), self.share);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}

/// Time until as much has passed as was used, at this share.
fn pause(used: Duration, passed: Duration, share: f64) -> Duration {
    let due = used.saturating_sub(BURST).as_secs_f64() / share;
    Duration::try_from_secs_f64(due - passed.as_secs_f64()).unwrap_or(Duration::ZERO).min(LONGEST)
}

/// Processor time of this process and of the tools that have ended.
fn used() -> Duration {
    let of = |who| {
        getrusage(who).map_or(Duration::ZERO, |usage| {
            let time = |t: nix::sys::time::TimeVal| {
                let micros = t.tv_sec().saturating_mul(1_000_000).saturating_add(t.tv_usec());
                Duration::from_micros(u64::try_from(micros).unwrap_or(0))
            };
            time(usage.user_time()) + time(usage.system_time())
        })
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn what_is_used_beyond_the_share_is_waited_for() {
        assert_eq!(pause(ms(200), ms(0), 0.5), ms(0), "a burst is free");
        assert_eq!(pause(ms(270), ms(0), 0.5), ms(40));
        assert_eq!(pause(ms(270), ms(40), 0.5), ms(0));
        assert_eq!(pause(ms(900), ms(100), 0.5), LONGEST);
        assert_eq!(pause(ms(650), ms(60), 4.0), ms(40));
        assert_eq!(pause(ms(650), ms(100), 4.0), ms(0));
    }
}
