//! The collector against a fake root and a folder of stub tools: whatever a tool does costs only itself, and no secret leaves.

#![allow(clippy::unwrap_used, reason = "a test may panic, and so may what it is built of")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bundle::{AbsentWhy, Capture, Exit, Manifest, Outcome, Record};
use collector::{Options, Output, Quiet, Stop};

struct Node {
    dir: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let node = Self { dir: tempfile::tempdir().unwrap() };
        for dir in ["tools", "out", "root/etc", "root/proc/sys/net/ipv4/conf/flannel.1", "root/proc/thread-self/net"] {
            fs::create_dir_all(node.dir.path().join(dir)).unwrap();
        }
        node
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file below the root.
    fn file(&self, path: &str, text: &str) {
        let path = self.path("root").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tool(&self, name: &str, script: &str) {
        let path = self.path("tools").join(name);
        // The environment is cleared: a stub finds what it needs by itself.
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn options(&self) -> Options {
        Options {
            output: Output::Path(self.path("out/b.zip")),
            host_root: self.path("root"),
            pods: false,
            tools_first: true,
            capture_timeout: Duration::from_millis(1500),
            tool_dirs: vec![self.path("tools")],
            ..Options::default()
        }
    }

    fn collect(&self, options: &Options) -> Manifest {
        collector::collect(options, &Stop::default(), &Quiet).unwrap().manifest
    }

    fn text(&self, entry: &str) -> String {
        let mut zip = zip::ZipArchive::new(fs::File::open(self.path("out/b.zip")).unwrap()).unwrap();
        let mut text = String::new();
        zip.by_name(entry).unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

fn record(manifest: &Manifest, capture: Capture) -> &Record {
    manifest.captures.iter().find(|r| r.capture == capture.into()).unwrap()
}

fn only(captures: &[Capture]) -> Option<std::collections::BTreeSet<Capture>> {
    Some(captures.iter().copied().collect())
}

/// Whether a process runs, not counting one that is only waiting to be reaped by a pid 1 that does not care.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

#[test]
fn a_tool_that_hangs_is_ended_with_its_children_and_costs_only_itself() {
    let node = Node::new();
    let pids = node.path("pids");
    node.tool(
        "ip",
        &format!(
            "case \"$*\" in *addr) sleep 600 & echo $! >{0}; echo $$ >>{0}; echo part; wait;; *) echo '[]';; esac",
            pids.display()
        ),
    );
    let begun = Instant::now();
    let options = Options { only: only(&[Capture::IpAddr, Capture::IpLink]), ..node.options() };
    let manifest = node.collect(&options);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let Outcome::Taken { bytes: 5, timed_out: true, exit: Some(Exit::Signal(9)), .. } =
        record(&manifest, Capture::IpAddr).outcome
    else {
        panic!("{:?}", record(&manifest, Capture::IpAddr))
    };
    let pids = fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        assert!(!is_alive(pid), "{pid} is still there");
    }
    assert_eq!(node.text("node/ip-link.json"), "[]\n");
}

#[test]
fn a_tool_that_leaves_a_child_with_its_pipes_is_not_waited_for() {
    let node = Node::new();
    let pid = node.path("pid");
    node.tool("ip", &format!("sleep 600 & echo $! >{}; echo '[]'", pid.display()));
    let begun = Instant::now();
    let manifest =
        node.collect(&Options { only: only(&[Capture::IpAddr]), capture_timeout: Duration::from_secs(30), ..node.options() });
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(matches!(
        record(&manifest, Capture::IpAddr).outcome,
        Outcome::Taken { timed_out: false, exit: Some(Exit::Status(0)), .. }
    ));
    assert!(!is_alive(fs::read_to_string(pid).unwrap().trim()));
}

#[test]
fn tools_that_fail_or_only_complain_are_told_apart() {
    let node = Node::new();
    node.tool(
        "ip",
        "case \"$*\" in *addr) echo no >&2; exit 1;; *link) echo warn >&2;; *neigh) echo '['; exit 2;; *rule) echo Operation not permitted >&2; exit 1;; esac",
    );
    node.tool("tc", "echo \"$LC_ALL $HOME $(env | wc -l)\"; cat");
    let manifest = node.collect(&node.options());
    let outcome = |c| &record(&manifest, c).outcome;
    assert_eq!(*outcome(Capture::IpAddr), Outcome::Absent { why: AbsentWhy::Failed, detail: "exit status 1: no".to_owned() });
    assert!(
        matches!(outcome(Capture::IpLink), Outcome::Taken { bytes: 0, stderr, exit: Some(Exit::Status(0)), .. } if stderr == "warn")
    );
    assert!(matches!(outcome(Capture::IpNeigh), Outcome::Taken { bytes: 2, exit: Some(Exit::Status(2)), .. }));
    assert!(matches!(outcome(Capture::IpRule4), Outcome::Absent { why: AbsentWhy::PermissionDenied, .. }));
    assert!(node.text("node/tc-qdisc.json").starts_with("C  "));
}

#[test]
fn a_tool_that_floods_is_cut_at_the_cap() {
    let node = Node::new();
    node.tool("ip", "case \"$*\" in *addr) head -c 1073741824 /dev/zero;; *) echo '[]';; esac");
    let options = Options { capture_bytes: 20 << 20, capture_timeout: Duration::from_secs(60), ..node.options() };
    let manifest = node.collect(&Options { only: only(&[Capture::IpAddr, Capture::IpLink]), ..options });
    let outcome = &record(&manifest, Capture::IpAddr).outcome;
    assert!(matches!(outcome, Outcome::Taken { bytes: 20_971_520, truncated: true, .. }), "{outcome:?}");
    assert_eq!(node.text("node/ip-link.json"), "[]\n");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak: u64 =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    // All tests of this file together.
    assert!(peak < 96 << 10, "{peak} kB");
}

#[test]
fn a_tool_that_would_load_a_module_is_not_run() {
    let node = Node::new();
    node.file("proc/modules", "");
    fs::create_dir_all(node.path("root/sys/module")).unwrap();
    for tool in ["nft", "conntrack", "ipset", "ipvsadm", "iptables-nft-save", "iptables-legacy-save"] {
        node.tool(tool, &format!("case $1 in -V|--version) ;; *) touch {};; esac", node.path("ran").display()));
    }
    let manifest = node.collect(&node.options());
    for capture in [
        Capture::NftRuleset,
        Capture::Conntrack,
        Capture::IpsetSave,
        Capture::IpvsSave,
        Capture::IptablesNftSave,
        Capture::IptablesLegacySave,
    ] {
        let outcome = &record(&manifest, capture).outcome;
        assert!(matches!(outcome, Outcome::Absent { why: AbsentWhy::NotLoaded, .. }), "{capture}: {outcome:?}");
    }
    assert!(!node.path("ran").exists());
}

#[test]
fn a_dry_run_runs_nothing_and_writes_nothing() {
    let node = Node::new();
    node.file("etc/hosts", "127.0.0.1 localhost\n");
    node.tool("ip", &format!("touch {}", node.path("ran").display()));
    let lines = collector::dry_run(&node.options()).unwrap().join("\n");
    assert!(lines.contains(&format!("run   {} -d -j addr", node.path("tools/ip").display())), "{lines}");
    assert!(lines.contains("read  /etc/hosts"));
    assert!(!node.path("ran").exists());
    assert_eq!(fs::read_dir(node.path("out")).unwrap().count(), 0);
}

#[test]
fn the_deadline_of_all_and_a_signal_end_it_with_what_is_there() {
    for signal in [false, true] {
        let node = Node::new();
        node.tool("ip", "case \"$*\" in *link) sleep 600;; *) echo '[]';; esac");
        let options = Options {
            timeout: Duration::from_secs(if signal { 60 } else { 1 }),
            capture_timeout: Duration::from_secs(50),
            workers: 1,
            only: only(&[Capture::IpAddr, Capture::IpLink, Capture::IpNeigh]),
            ..node.options()
        };
        let stop = Stop::default();
        let other = stop.clone();
        if signal {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                other.signal(15);
            });
        }
        let begun = Instant::now();
        let manifest = collector::collect(&options, &stop, &Quiet).unwrap().manifest;
        assert!(begun.elapsed() < Duration::from_secs(8));
        assert_eq!(manifest.cut_short.as_deref(), Some(if signal { "signal 15" } else { "the deadline of 1 s" }));
        assert!(matches!(record(&manifest, Capture::IpAddr).outcome, Outcome::Taken { .. }));
        for capture in [Capture::IpLink, Capture::IpNeigh] {
            assert!(matches!(record(&manifest, capture).outcome, Outcome::Absent { why: AbsentWhy::NotReached, .. }));
        }
    }
}

#[test]
fn sysctls_have_the_form_of_the_tool() {
    let node = Node::new();
    node.file("proc/sys/net/ipv4/conf/flannel.1/rp_filter", "0\n");
    node.file("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    node.file("proc/sys/net/ipv4/tcp_fastopen_key", "hunter2\n");
    node.file("proc/sys/net/ipv4/route/flush", "never\n");
    let flush = node.path("root/proc/sys/net/ipv4/route/flush");
    fs::set_permissions(flush, fs::Permissions::from_mode(0o200)).unwrap();
    node.file("proc/sys/vm/drop_caches", "0\n");
    node.file("proc/sys/vm/swappiness", "60\n");
    node.collect(&node.options());
    assert_eq!(
        node.text("node/sysctl.txt"),
        "net.ipv4.conf.flannel/1.rp_filter = 0\nnet.ipv4.ip_local_port_range = 32768\t60999\nnet.ipv4.tcp_fastopen_key = REDACTED\nvm.swappiness = 60\n"
    );
}

#[test]
fn no_secret_leaves_and_links_stay_within_the_root() {
    const SECRET: &str = "hunter2";
    let node = Node::new();
    fs::write(node.path("outside"), SECRET).unwrap();
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n";
    for (path, text) in [
        ("run/systemd/resolve/resolv.conf", "nameserver 10.0.0.1\n"),
        ("etc/hosts", "# password=hunter2\n"),
        ("etc/sysctl.d/1.conf", "net.ipv4.tcp_fastopen_key = hunter2\nnet.ipv4.ip_forward = 1\n"),
        ("etc/cni/net.d/10-x.conflist", "{\"plugins\":[{\"etcd\":{\"password\":\"hunter2\",\"mtu\":1}}]}"),
        ("etc/cni/net.d/calico-kubeconfig", "token: hunter2"),
        ("var/lib/kubelet/config.yaml", "clusterDNS:\n- 10.96.0.10\nstaticPodURLHeader:\n  X: [hunter2]\n"),
        ("var/lib/kube-proxy/config.conf", "mode: ipvs\nclientConnection:\n  kubeconfig: hunter2\n"),
        (
            "etc/kubernetes/manifests/a.yaml",
            "command:\n- kube-apiserver\n- --token-auth-file=hunter2\n- --service-cluster-ip-range=10.96.0.0/16\nenv:\n- value: hunter2\n",
        ),
        ("etc/NetworkManager/NetworkManager.conf", "[main]\npsk=hunter2\n"),
        ("etc/NetworkManager/system-connections/w.nmconnection", "psk=hunter2"),
        ("etc/systemd/network/wg0.netdev", "[WireGuard]\nPrivateKey=hunter2\nPresharedKey = hunter2\nListenPort=51820\n"),
        ("etc/firewalld/zones/a.xml", "<zone><password>hunter2</password></zone>"),
        ("etc/modprobe.d/a.conf", pem),
        ("etc/os-release", "ID=debian\nAPI_TOKEN=hunter2\n"),
        ("etc/nsswitch.conf", "hosts: files dns\n# http://u:hunter2@proxy/\n"),
        ("etc/machine-id", "hunter2\n"),
        ("proc/cmdline", "ipv6.disable=1 luks.key=hunter2\n"),
        ("proc/9/cmdline", "/usr/bin/kubelet\0--token=hunter2\0--node-ip=10.0.0.1\0"),
        ("proc/9/environ", "TOKEN=hunter2\0"),
        ("proc/8/cmdline", "/usr/bin/mysql\0-phunter2\0"),
    ] {
        node.file(path, text);
    }
    symlink("/run/systemd/resolve/resolv.conf", node.path("root/etc/resolv.conf")).unwrap();
    symlink("../../../outside", node.path("root/etc/sysctl.d/2.conf")).unwrap();
    symlink(node.path("outside"), node.path("root/etc/sysctl.d/3.conf")).unwrap();
    node.collect(&node.options());
    let mut zip = zip::ZipArchive::new(fs::File::open(node.path("out/b.zip")).unwrap()).unwrap();
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        // The kernel's log is this machine's.
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{name}: {}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(node.text("node/resolv.conf"), "nameserver 10.0.0.1\n");
    assert_eq!(node.text("node/kubelet-config/var/lib/kubelet/config.yaml"), "clusterDNS:\n- 10.96.0.10\n");
    assert_eq!(node.text("node/kube-cmdline/kubelet[9]"), "/usr/bin/kubelet --node-ip=10.0.0.1\n");
    assert_eq!(
        node.text("node/static-pod-flags/etc/kubernetes/manifests/a.yaml"),
        "kube-apiserver --service-cluster-ip-range=10.96.0.0/16\n"
    );
    assert_eq!(node.text("node/cmdline.txt"), "ipv6.disable=1\n");
    assert!(node.text("node/networkd-config/etc/systemd/network/wg0.netdev").contains("ListenPort=51820"));
}

#[test]
fn a_killed_collector_leaves_nothing_under_the_final_name() {
    let dir = tempfile::tempdir().unwrap();
    for wait in [1, 5, 20, 60, 120] {
        let target = dir.path().join("b.zip");
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_coldpath-collect"))
            .args(["--no-pods", "-o"])
            .arg(&target)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        if target.exists() {
            // It was faster than us: then it is whole.
            zip::ZipArchive::new(fs::File::open(&target).unwrap()).unwrap().by_name("manifest.json").unwrap();
            fs::remove_file(&target).unwrap();
        }
    }
}

#[test]
fn the_command_line_keeps_its_promises() {
    let run = |args: &[&str], dir: &Path| {
        std::process::Command::new(env!("CARGO_BIN_EXE_coldpath-collect")).args(args).current_dir(dir).output().unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let out = run(&["--no-pods", "--only", "uptime,hosts"], dir.path());
    let stdout = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let path = dir.path().join(stdout.lines().last().unwrap());
    assert!(zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap().by_name("node/uptime.txt").is_ok());
    let out = run(&["--no-pods", "--only", "uptime", "-o", "-"], dir.path());
    assert!(zip::ZipArchive::new(std::io::Cursor::new(out.stdout)).unwrap().by_name("node/uptime.txt").is_ok());
    assert_eq!(run(&["--only", "nonsense"], dir.path()).status.code(), Some(2));
    assert_eq!(run(&["--host-root", "/nowhere"], dir.path()).status.code(), Some(2));
    assert_eq!(run(&["-o", "/nowhere/b.zip", "--only", "uptime"], dir.path()).status.code(), Some(2));
    let list = String::from_utf8(run(&["--list"], dir.path()).stdout).unwrap();
    assert_eq!(list.lines().count(), Capture::ALL.len());
}

/// What a tool that loads a module or creates a table would leave behind.
fn traces() -> Vec<String> {
    let mut names = Vec::new();
    for dir in
        ["/sys/module", "/proc/net", "/proc/net/netfilter", "/proc/sys/net", "/proc/sys/net/netfilter", "/proc/sys/net/ipv4"]
    {
        let Ok(entries) = fs::read_dir(dir) else { continue };
        names.extend(entries.map(|e| e.unwrap().path().display().to_string()));
    }
    for file in ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", "/proc/net/arp_tables_names"] {
        names.extend(fs::read_to_string(file));
    }
    names.sort();
    names
}

#[test]
fn the_machine_is_left_as_it_was() {
    let node = Node::new();
    let before = traces();
    let options = Options { host_root: PathBuf::from("/"), tool_dirs: Options::default().tool_dirs, ..node.options() };
    let manifest = node.collect(&options);
    assert_eq!(traces(), before);
    assert!(matches!(record(&manifest, Capture::Sysctl).outcome, Outcome::Taken { .. }));
}
