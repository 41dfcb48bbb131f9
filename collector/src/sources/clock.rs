//! Says whether the clock is synchronised, from what the time services leave in files.
//!
//! adjtimex(2) would be the better witness; nix has no safe call for it. `timedatectl` would start a service, so it is not asked.
//!
//! ```text
//! time: 2026-01-02T03:04:05Z
//! /sys/devices/system/clocksource/clocksource0/current_clocksource: tsc
//! /run/systemd/timesync/synchronized: present
//! ```

use std::io::{self, Read, Write};

use crate::queue::Out;
use crate::root::Root;

/// Files whose presence says something: timesyncd makes the first when it has synchronised (systemd-timesyncd.service(8)).
pub(crate) const MARKS: &[&str] =
    &["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/var/run/chrony/chronyd.pid", "/run/ntpd.pid"];
/// Files of one line.
pub(crate) const VALUES: &[&str] = &["/sys/devices/system/clocksource/clocksource0/current_clocksource"];

/// Writes what the files say.
pub(crate) fn read(root: &Root, out: &mut Out) -> io::Result<()> {
    let now = time::OffsetDateTime::now_utc();
    let now = now.format(&time::format_description::well_known::Rfc3339).map_err(io::Error::other)?;
    writeln!(out, "time: {now}")?;
    for path in VALUES {
        let mut text = String::new();
        match root.open(path).and_then(|f| f.take(256).read_to_string(&mut text)) {
            Ok(_) => writeln!(out, "{path}: {}", text.trim_end())?,
            Err(e) => writeln!(out, "{path}: unreadable: {e}")?,
        }
    }
    for path in MARKS {
        let state = if root.exists(path) { "present" } else { "absent" };
        writeln!(out, "{path}: {state}")?;
    }
    Ok(())
}
