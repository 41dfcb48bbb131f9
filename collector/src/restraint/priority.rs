//! The lowest priority for the processor and the disk.

use std::io;

/// Yields to all others: nice 19, and reads from the disk only while nobody else does (`IOPRIO_CLASS_IDLE`).
pub(super) fn lower() -> io::Result<()> {
    rustix::process::setpriority_process(None, 19)?;
    crate::sockopt::io_idle()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_can_yield_to_all_others() {
        // On a thread of its own: priorities are a thread's, and the other tests keep theirs.
        let nice = std::thread::spawn(|| {
            super::lower().expect("lowering needs no right");
            rustix::process::getpriority_process(None).expect("can be asked")
        });
        assert_eq!(nice.join().expect("ends"), 19);
    }
}
