//! What the collector forbids itself before it looks at anything: it yields to all others, gives up rights that it does not need, and
//! takes from itself and from every tool that it starts the ways to change the node.
//!
//! All of it is inherited by threads and tools, so it has to happen before there are any. What a kernel does not have is left out, and
//! said. Left out on purpose: landlock, which forbids to look into the processes of others (`hook_ptrace_access_check()`,
//! security/landlock/ptrace.c), and so to find the namespaces of pods.

mod capabilities;
mod priority;
pub(crate) mod processor;
mod syscalls;

use std::path::Path;

/// Restrains this process and all that it starts. Says what could not be done and why; none of it keeps the collection from happening.
pub fn apply(output: &Path) -> Vec<String> {
    let mut failed = Vec::new();
    let mut note = |what: &str, result: Result<(), String>| {
        if let Err(why) = result {
            failed.push(format!("{what}: {why}"));
        }
    };
    note("lowest priority", priority::lower().map_err(|e| e.to_string()));
    note("no new privileges", rustix::thread::set_no_new_privs(true).map_err(|e| e.to_string()));
    note("fewer capabilities", capabilities::drop_others(output).map_err(|e| e.to_string()));
    note("forbidden system calls", syscalls::forbid());
    failed
}
