//! Reads the kernel's log through /dev/kmsg and keeps the lines that are about the network, in the form of `dmesg`:
//!
//! ```text
//! [   12.345678] nf_conntrack: nf_conntrack: table full, dropping packet
//! ```
//! A line is kept if it contains one of [`WORDS`]; the rest of the log may say much about a node that is nobody's business.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::queue::Out;

/// What makes a line one about the network, in lower case.
pub(crate) const WORDS: &[&str] = &[
    "nf_conntrack",
    "nf_tables",
    "nf_nat",
    "ip_tables",
    "ip6_tables",
    "iptables",
    "ip_set",
    "ipset",
    "xt_",
    "ipvs",
    "ip_vs",
    "martian",
    "neighbour",
    "neighbor table",
    "arp_cache",
    "ndisc_cache",
    "unregister_netdevice",
    "net_ratelimit",
    "link is ",
    "link becomes ready",
    "netdev watchdog",
    "transmit queue",
    "vxlan",
    "geneve",
    "wireguard",
    "bridge: ",
    "bridge firewalling",
    "br_netfilter",
    "veth",
    "cni0",
    "flannel",
    "bond",
    "8021q",
    "entered promiscuous",
    "left promiscuous",
    "blocking state",
    "forwarding state",
    "disabled state",
    "duplicate address",
    "tcp: ",
    "udp: ",
    "icmp",
    "syn flooding",
    "out of socket memory",
    "dst cache",
    "route cache",
    "table full",
    "oom-kill",
    "out of memory",
    "rp_filter",
    "netfilter",
    "bad checksum",
    "mtu",
    "renamed from",
    "link down",
    "link up",
];

/// Writes the lines that are in the log now, without waiting for new ones.
pub(crate) fn read(path: &Path, out: &mut Out) -> io::Result<String> {
    let mut log = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    // One read gives one record, which the kernel keeps below this (CONSOLE_EXT_LOG_MAX).
    let mut record = vec![0; 8 << 10];
    let mut stderr = String::new();
    loop {
        match log.read(&mut record) {
            Ok(0) => break,
            Ok(n) => {
                if let Some(line) = line_of(&String::from_utf8_lossy(record.get(..n).unwrap_or_default())) {
                    out.write_all(line.as_bytes())?;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // The record was overwritten while we read: the next read goes on with the oldest one.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                "records were overwritten while the log was read".clone_into(&mut stderr);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(stderr)
}

/// `6,1234,12345678,-;text` with its microseconds as seconds (Documentation/ABI/testing/dev-kmsg).
fn line_of(record: &str) -> Option<String> {
    let (prefix, text) = record.split_once(';')?;
    let text = text.lines().next()?;
    let lower = text.to_ascii_lowercase();
    if !WORDS.iter().any(|w| lower.contains(w)) {
        return None;
    }
    let micros: u64 = prefix.split(',').nth(2)?.parse().ok()?;
    Some(format!("[{:5}.{:06}] {text}\n", micros / 1_000_000, micros % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_lines_stay_in_dmesg_form() {
        let full = "4,900,12345678,-;nf_conntrack: nf_conntrack: table full, dropping packet\n SUBSYSTEM=net\n";
        assert_eq!(line_of(full).unwrap(), "[   12.345678] nf_conntrack: nf_conntrack: table full, dropping packet\n");
        assert_eq!(line_of("6,1,5,-;EXT4-fs (sda1): mounted"), None);
        assert_eq!(line_of("6,1,x,-;eth0: link is down"), None);
        assert_eq!(line_of(""), None);
    }
}
