//! Between those who take captures and the one who writes the bundle: in order, within a budget of memory.
//!
//! Captures are taken at the same time but written one after the other. What is taken ahead waits here, all of it together within
//! [`BUDGET`]; whoever finds it full waits, and that wait is not counted against the capture's deadline. The capture that is being
//! written is always let through, so nobody waits for ever.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bundle::{AbsentWhy, Exit, How};

/// Bytes that wait, of all captures together.
const BUDGET: usize = 8 << 20;
/// Bytes that wait of the capture that is being written, if the budget is used up.
const HEAD: usize = 256 << 10;
/// Bytes that are passed on at once.
const CHUNK: usize = 64 << 10;

/// Why a capture had to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It reached the cap on its size.
    Cap,
    /// It reached its deadline.
    Deadline,
    /// The collection was stopped.
    Stopped,
}

/// How a capture ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    pub(crate) how: Option<How>,
    pub(crate) exit: Option<Exit>,
    pub(crate) stderr: String,
    pub(crate) halt: Option<Halt>,
    pub(crate) fail: Option<(AbsentWhy, String)>,
}

impl End {
    pub(crate) fn failed(why: AbsentWhy, detail: impl Into<String>) -> Self {
        Self { fail: Some((why, detail.into())), ..Self::default() }
    }
}

#[derive(Debug, Default)]
struct Slot {
    chunks: VecDeque<Vec<u8>>,
    held: usize,
    begun: Option<Instant>,
    ended: Option<Instant>,
    waited: Duration,
    end: Option<End>,
    abandoned: bool,
}

#[derive(Debug)]
struct State {
    slots: Vec<Slot>,
    next: usize,
    head: usize,
    buffered: usize,
    stopped: bool,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// What the writer is given.
#[derive(Debug)]
pub(crate) enum Event {
    Chunk(Vec<u8>),
    End(End),
    /// Nothing yet.
    Waiting,
}

/// Where a capture stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progressed {
    pub(crate) begun: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// How long it waited for the writer.
    pub(crate) waited: Duration,
}

impl Queue {
    pub(crate) fn new(len: usize) -> Self {
        let slots = (0..len).map(|_| Slot::default()).collect();
        let state = State { slots, next: 0, head: 0, buffered: 0, stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and if it did the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next capture to take, in order, if any is left.
    pub(crate) fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        let index = state.next;
        if state.stopped {
            return None;
        }
        state.slots.get_mut(index)?.begun = Some(Instant::now());
        state.next += 1;
        Some(index)
    }

    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until nothing is being taken any more, at most this long: a tool must not outlive the collector.
    pub(crate) fn settle(&self, wait: Duration) {
        let busy = |state: &mut State| state.slots.iter().any(|s| s.begun.is_some() && s.ended.is_none() && !s.abandoned);
        // Whether it took too long makes no difference.
        drop(self.changed.wait_timeout_while(self.lock(), wait, |state| busy(state)));
    }

    pub(crate) fn stopped(&self, index: usize) -> bool {
        let state = self.lock();
        state.stopped || state.slots.get(index).is_none_or(|s| s.abandoned)
    }

    /// Passes a chunk on; says how long it had to wait, or `None` if nobody wants it any more.
    fn push(&self, index: usize, chunk: Vec<u8>) -> Option<Duration> {
        let begun = Instant::now();
        let mut state = self.lock();
        loop {
            let (stopped, head, buffered) = (state.stopped, state.head, state.buffered);
            let slot = state.slots.get_mut(index)?;
            if slot.abandoned || stopped {
                return None;
            }
            if buffered + chunk.len() <= BUDGET || (head == index && slot.held + chunk.len() <= HEAD) {
                let waited = begun.elapsed();
                slot.waited += waited;
                slot.held += chunk.len();
                let len = chunk.len();
                slot.chunks.push_back(chunk);
                state.buffered += len;
                self.changed.notify_all();
                return Some(waited);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn finish(&self, index: usize, end: End) {
        if let Some(slot) = self.lock().slots.get_mut(index) {
            slot.ended = Some(Instant::now());
            slot.end = Some(end);
        }
        self.changed.notify_all();
    }

    /// What comes next of a capture, which becomes the one that is being written; waits at most this long.
    pub(crate) fn next(&self, index: usize, wait: Duration) -> Event {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        if state.head != index {
            state.head = index;
            self.changed.notify_all();
        }
        loop {
            let Some(slot) = state.slots.get_mut(index) else { return Event::Waiting };
            if let Some(chunk) = slot.chunks.pop_front() {
                slot.held -= chunk.len();
                state.buffered -= chunk.len();
                self.changed.notify_all();
                return Event::Chunk(chunk);
            }
            if let Some(end) = slot.end.take() {
                return Event::End(end);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Event::Waiting;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn progress(&self, index: usize) -> Progressed {
        let state = self.lock();
        state.slots.get(index).map_or(Progressed { begun: None, ended: None, waited: Duration::ZERO }, |s| Progressed {
            begun: s.begun,
            ended: s.ended,
            waited: s.waited,
        })
    }

    /// Gives a capture up that does not answer; whoever takes it finds out when it next writes.
    pub(crate) fn abandon(&self, index: usize) {
        if let Some(slot) = self.lock().slots.get_mut(index) {
            slot.abandoned = true;
        }
        self.changed.notify_all();
    }
}

/// Takes a capture's text, and says when enough is enough.
#[derive(Debug)]
pub(crate) struct Out {
    queue: Arc<Queue>,
    index: usize,
    buffer: Vec<u8>,
    cap: u64,
    left: u64,
    deadline: Instant,
    halt: Option<Halt>,
}

impl Out {
    pub(crate) fn new(queue: Arc<Queue>, index: usize, cap: u64, timeout: Duration) -> Self {
        Self { queue, index, buffer: Vec::new(), cap, left: cap, deadline: Instant::now() + timeout, halt: None }
    }

    /// Why no more is wanted, if that is so.
    pub(crate) fn halt(&mut self) -> Option<Halt> {
        if self.halt.is_none() {
            if self.queue.stopped(self.index) {
                self.halt = Some(Halt::Stopped);
            } else if Instant::now() >= self.deadline {
                self.halt = Some(Halt::Deadline);
            }
        }
        self.halt
    }

    /// Whether nothing was written yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.left == self.cap
    }

    /// Time until the deadline.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn pass_on(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        match self.queue.push(self.index, std::mem::take(&mut self.buffer)) {
            Some(waited) => {
                self.deadline += waited;
                Ok(())
            }
            None => {
                self.halt = Some(Halt::Stopped);
                Err(io::Error::other("no more is wanted"))
            }
        }
    }

    /// Passes on what is left and ends the capture.
    pub(crate) fn finish(mut self, mut end: End) {
        // Where it fails, nobody listens any more.
        let _ = self.pass_on();
        end.halt = end.halt.or(self.halt);
        self.queue.finish(self.index, end);
    }
}

impl Write for Out {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.halt.is_some_and(|h| h != Halt::Cap) || (self.left == 0 && !data.is_empty()) {
            self.halt.get_or_insert(Halt::Cap);
            return Err(io::Error::other("no more is wanted"));
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len()).min(CHUNK);
        self.buffer.extend_from_slice(data.get(..room).unwrap_or(data));
        self.left -= room as u64;
        if self.buffer.len() >= CHUNK {
            self.pass_on()?;
            if self.halt().is_some() {
                return Err(io::Error::other("no more is wanted"));
            }
        }
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_ahead_waits_within_the_budget_and_not_at_its_own_cost() {
        let queue = Arc::new(Queue::new(2));
        assert_eq!((queue.take(), queue.take(), queue.take()), (Some(0), Some(1), None));
        let other = Arc::clone(&queue);
        let ahead = std::thread::spawn(move || {
            let mut out = Out::new(other, 1, u64::MAX, Duration::from_secs(3));
            let result = out.write_all(&vec![b'x'; BUDGET + (1 << 20)]);
            out.finish(End::default());
            result.is_ok()
        });
        // Longer than its deadline.
        std::thread::sleep(Duration::from_millis(3500));
        assert!(queue.lock().buffered <= BUDGET);
        let mut out = Out::new(Arc::clone(&queue), 0, u64::MAX, Duration::from_secs(9));
        out.write_all(b"first").unwrap();
        out.finish(End::default());
        let mut sizes = [0, 0];
        for (index, size) in sizes.iter_mut().enumerate() {
            loop {
                match queue.next(index, Duration::from_secs(30)) {
                    Event::Chunk(chunk) => *size += chunk.len(),
                    Event::End(end) => break assert_eq!(end.halt, None),
                    Event::Waiting => panic!("nothing came"),
                }
            }
        }
        assert!(ahead.join().unwrap());
        assert_eq!(sizes, [5, BUDGET + (1 << 20)]);
        assert_eq!(queue.lock().buffered, 0);
    }

    #[test]
    fn a_cap_cuts_and_says_so_and_an_exact_fit_does_not() {
        for (len, halt) in [(10, None), (11, Some(Halt::Cap))] {
            let queue = Arc::new(Queue::new(1));
            queue.take();
            let mut out = Out::new(Arc::clone(&queue), 0, 10, Duration::from_secs(9));
            assert_eq!(out.write_all(&vec![b'x'; len]).is_err(), halt.is_some());
            out.finish(End::default());
            assert!(matches!(queue.next(0, Duration::ZERO), Event::Chunk(c) if c.len() == 10));
            assert!(matches!(queue.next(0, Duration::ZERO), Event::End(e) if e.halt == halt));
        }
    }

    #[test]
    fn who_waits_is_woken_by_the_stop() {
        let queue = Arc::new(Queue::new(2));
        let other = Arc::clone(&queue);
        assert_eq!((queue.take(), queue.take()), (Some(0), Some(1)));
        let ahead = std::thread::spawn(move || {
            let mut out = Out::new(other, 1, u64::MAX, Duration::from_secs(60));
            out.write_all(&vec![b'x'; 2 * BUDGET]).is_err()
        });
        std::thread::sleep(Duration::from_millis(50));
        queue.stop();
        assert!(ahead.join().unwrap());
        assert_eq!(queue.take(), None);
    }
}
