//! `/proc/net/dev`: traffic and errors of each interface.
//!
//! ```text
//! Inter-|   Receive                                                |  Transmit
//!  face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
//!   eth0:   60142     225    0    0    0     0          0         0    22726     196    0    0    0     0       0          0
//! ```

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// Counters of one direction; the columns of `ip -s link` are sums of some of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Direction {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Errors.
    pub errors: u64,
    /// Dropped: no buffer, no listener, or (received) nobody wanted the protocol.
    pub dropped: u64,
    /// FIFO errors.
    pub fifo: u64,
    /// Received: framing errors. Sent: collisions.
    pub frame_or_collisions: u64,
    /// Received: compressed. Sent: carrier losses.
    pub compressed_or_carrier: u64,
    /// Received: multicast. Sent: compressed.
    pub multicast_or_compressed: u64,
}

/// An interface.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DeviceCounters {
    /// Its line.
    pub at: At,
    /// Its name.
    pub name: At,
    /// What came in.
    pub received: Direction,
    /// What went out.
    pub sent: Direction,
}

/// Reads `/proc/net/dev`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<DeviceCounters>> {
    let mut out = Parsed::<Vec<DeviceCounters>>::default();
    for (at, line) in lines(text) {
        // The two lines of the header.
        if line.trim_ascii().is_empty() || line.contains('|') {
            continue;
        }
        match read_line(text, at, line) {
            Some(device) => out.value.push(device),
            None => out.problems.push(Problem { at, what: "not a name and sixteen numbers".to_owned() }),
        }
    }
    out
}

fn read_line(text: &str, at: At, line: &str) -> Option<DeviceCounters> {
    // Old kernels set no blank behind the colon; the name of an alias holds one itself.
    let (name, numbers) = line.rsplit_once(':')?;
    let name = name.trim_ascii();
    if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace()) {
        return None;
    }
    let mut numbers = numbers.split_ascii_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    let mut direction = || {
        Some(Direction {
            bytes: next()?,
            packets: next()?,
            errors: next()?,
            dropped: next()?,
            fifo: next()?,
            frame_or_collisions: next()?,
            compressed_or_carrier: next()?,
            multicast_or_compressed: next()?,
        })
    };
    let (received, sent) = (direction()?, direction()?);
    numbers.next().is_none().then_some(DeviceCounters { at, name: position(text, name, at.line), received, sent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};
    use crate::parse::text::slice;

    #[test]
    fn with_and_without_a_blank_behind_the_colon() {
        let text = "eth0:1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!((slice(text, got.value[0].name), got.value[0].received.dropped, got.value[0].sent.dropped), ("eth0:1", 4, 12));
    }

    #[test]
    fn cut_lines_are_problems() {
        assert_eq!(parse("  eth0: 1 2 3\nhello\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_devices() {
        snapshots("proc-dev", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-z0-9]{1,3}:|[0-9]{1,22}| |\n|\\||\u{e9}){0,40}") {
            let _ = parse(&text);
        }
    }
}
