//! System calls that a collector never makes, nor may a tool that it starts: those that change the machine, and those that talk to others.
//!
//! They are refused with EPERM and end nothing: a tool that tries one prints its error, which the manifest keeps.

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

/// Refused whatever they are asked.
const NEVER: &[libc::c_long] = &[
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_ptrace,
    libc::SYS_process_vm_writev,
    libc::SYS_perf_event_open,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// Options of x_tables and ipvs that set something begin here at the levels of IPv4 and IPv6 (include/uapi/linux/netfilter_ipv4/ip_tables.h).
const FIRST_OF_NETFILTER: u64 = 64;
/// Commands of bpf(2) that only ask: from BPF_PROG_GET_NEXT_ID to BPF_PROG_QUERY (include/uapi/linux/bpf.h).
const BPF_ASKS: std::ops::RangeInclusive<u64> = 11..=16;

/// Forbids them, for every thread of this process.
pub(super) fn forbid() -> Result<(), String> {
    let program = program().map_err(|e| e.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|e| e.to_string())
}

fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: std::collections::BTreeMap<libc::c_long, Vec<SeccompRule>> =
        NEVER.iter().map(|&call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_setsockopt, setting_netfilter()?);
    rules.insert(libc::SYS_bpf, changing_bpf()?);
    rules.insert(libc::SYS_socket, other_sockets()?);
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
    filter.try_into()
}

fn condition(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)
}

fn setting_netfilter() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    [libc::IPPROTO_IP, libc::IPPROTO_IPV6]
        .into_iter()
        .map(|level| {
            SeccompRule::new(vec![
                condition(1, SeccompCmpOp::Eq, u64::from(level.unsigned_abs()))?,
                // IPv6 has options of its own up to 80; those of ip6_tables are 64 and 65.
                condition(2, SeccompCmpOp::Ge, FIRST_OF_NETFILTER)?,
                condition(2, SeccompCmpOp::Ne, u64::from(libc::IPV6_TCLASS.unsigned_abs()))?,
            ])
        })
        .collect()
}

fn changing_bpf() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    Ok(vec![
        SeccompRule::new(vec![condition(0, SeccompCmpOp::Lt, *BPF_ASKS.start())?])?,
        SeccompRule::new(vec![condition(0, SeccompCmpOp::Gt, *BPF_ASKS.end())?])?,
    ])
}

/// Sockets of families other than those that ask the kernel: netlink, and IPv4 and IPv6 for x_tables and ioctls. Local ones too, which
/// can connect to nobody; tools open some at their start.
fn other_sockets() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let none_of_them =
        families.iter().map(|f| condition(0, SeccompCmpOp::Ne, u64::from(f.unsigned_abs()))).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![SeccompRule::new(none_of_them)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_node_or_talks_to_others_is_refused() {
        // On a thread of its own, which the filter is for alone.
        let done = std::thread::spawn(|| {
            rustix::thread::set_no_new_privs(true).expect("needs no right");
            seccompiler::apply_filter(&program().expect("a valid filter")).expect("the kernel has seccomp");
            let refused = |result: std::io::Result<()>| {
                assert_eq!(result.expect_err("refused").raw_os_error(), Some(libc::EPERM));
            };
            // Refused before the kernel looks at the address; nobody is there.
            refused(std::net::TcpStream::connect("127.0.0.1:9").map(drop));
            refused(nix::unistd::pivot_root("/nowhere", "/nowhere").map_err(Into::into));
            refused(
                rustix::net::socket(rustix::net::AddressFamily::PACKET, rustix::net::SocketType::RAW, None)
                    .map(drop)
                    .map_err(Into::into),
            );
            // What only asks goes on.
            std::fs::read("/proc/self/status").expect("files can be read");
            rustix::net::socket(rustix::net::AddressFamily::NETLINK, rustix::net::SocketType::RAW, None)
                .expect("netlink can be asked");
            std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket for ioctls");
        });
        done.join().expect("all as said");
    }
}
