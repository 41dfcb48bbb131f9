//! Lists listening sockets with their owners in the form of `ss -H -tulpn`, from /proc alone: ss itself would load the diag modules.
//!
//! ```text
//! udp UNCONN 0 0 0.0.0.0:8472 0.0.0.0:*
//! tcp LISTEN 0 0 127.0.0.1:10248 0.0.0.0:* users:(("kubelet",pid=812,fd=20))
//! ```
//! Two things differ: the backlog (Send-Q of a TCP socket) is not in /proc and is given as 0, and a dual-stack socket is shown as
//! `[::]:PORT` where ss says `*:PORT`.

use std::io::{self, Write};
use std::net::SocketAddr;

use procfs::net::{TcpNetEntries, TcpState, UdpNetEntries, UdpState};
use procfs::{FromReadSI, LocalSystemInfo};

use super::process::{Owner, owners};
use crate::queue::Out;
use crate::root::{Root, open_regular};

/// Writes the list; returns what could not be seen.
pub(crate) fn read(root: &Root, out: &mut Out) -> io::Result<String> {
    let (owners, refused) = owners(root.proc());
    let mut stderr = String::new();
    for name in ["udp", "udp6"] {
        let Some(file) = open(root, name)? else { continue };
        for e in UdpNetEntries::from_read(file, &LocalSystemInfo).map_err(io::Error::other)?.0 {
            // 07: bound but not connected (TCP_CLOSE; net/ipv4/udp.c).
            if matches!(e.state, UdpState::Close) {
                line(out, "udp", "UNCONN", e.rx_queue, e.local_address, owners.get(&e.inode))?;
            }
        }
    }
    for name in ["tcp", "tcp6"] {
        let Some(file) = open(root, name)? else { continue };
        for e in TcpNetEntries::from_read(file, &LocalSystemInfo).map_err(io::Error::other)?.0 {
            if matches!(e.state, TcpState::Listen) {
                line(out, "tcp", "LISTEN", e.rx_queue, e.local_address, owners.get(&e.inode))?;
            }
        }
    }
    if refused > 0 {
        stderr = format!("the sockets of {refused} processes could not be seen: permission denied");
    }
    Ok(stderr)
}

/// A table of sockets; none if the kernel has no IPv6.
fn open(root: &Root, name: &str) -> io::Result<Option<std::fs::File>> {
    match open_regular(&root.net(name)) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound && name.ends_with('6') => Ok(None),
        Err(e) => Err(e),
    }
}

fn line(out: &mut Out, netid: &str, state: &str, queue: u32, local: SocketAddr, owners: Option<&Vec<Owner>>) -> io::Result<()> {
    let any = if local.is_ipv6() { "[::]:*" } else { "0.0.0.0:*" };
    write!(out, "{netid} {state} {queue} 0 {local} {any}")?;
    if let Some(owners) = owners {
        let users: Vec<_> =
            owners.iter().map(|o| format!("(\"{}\",pid={},fd={})", o.name.replace('"', "?"), o.pid, o.fd)).collect();
        write!(out, " users:({})", users.join(","))?;
    }
    writeln!(out)
}
