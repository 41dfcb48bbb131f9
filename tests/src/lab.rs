//! The kernel lab: nodes and pods made of network namespaces, real packets, the real binaries.
//!
//! Namespaces carry a prefix of their own and are removed when the lab is dropped, also when a test fails. Where the lab cannot run
//! (no root, no iproute2) the test says so loudly and is skipped; with `COLDPATH_LAB=required` that is a failure.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns};

/// How long a packet may take in a namespace of this machine before it counts as lost.
const PATIENCE: Duration = Duration::from_millis(1500);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Some namespaces, removed on drop.
pub struct Lab {
    prefix: String,
    namespaces: Vec<String>,
}

impl Lab {
    /// A lab without namespaces, or `None` (said on stderr) where this machine cannot carry one.
    ///
    /// # Panics
    /// When it cannot be and `COLDPATH_LAB=required`.
    #[must_use]
    #[allow(clippy::print_stderr, reason = "a skipped test must be heard")]
    pub fn new() -> Option<Self> {
        let reason = if nix::unistd::geteuid().is_root() {
            match Command::new("ip").arg("-V").output() {
                Ok(_) => {
                    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
                    return Some(Self { prefix: format!("cp{}x{n}", std::process::id()), namespaces: Vec::new() });
                }
                Err(error) => format!("cannot run ip: {error}"),
            }
        } else {
            "not root".to_owned()
        };
        let asked = std::env::var("COLDPATH_LAB").unwrap_or_default();
        assert!(asked != "required" && asked != "uml", "the kernel lab is required, but: {reason}");
        eprintln!("\nSKIPPED: the kernel lab cannot run here: {reason}\n");
        None
    }

    /// Whether nftables takes tables of IPv4 in a namespace. The kernel of Debian's User-Mode Linux has no such family
    /// (CONFIG_NF_TABLES_IPV4); said on stderr where that is so.
    ///
    /// # Panics
    /// When it does not and `COLDPATH_LAB=required`; `COLDPATH_LAB=uml` requires all but this.
    #[must_use]
    #[allow(clippy::print_stderr, reason = "a skipped test must be heard")]
    pub fn has_nf_tables(&self, short: &str) -> bool {
        let Err(error) = self.run(short, "nft 'add table ip coldpath-probe' && nft 'delete table ip coldpath-probe'") else {
            return true;
        };
        let asked = std::env::var("COLDPATH_LAB").unwrap_or_default();
        assert!(asked != "required", "nftables is required, but: {error:#}");
        eprintln!("\nSKIPPED: this kernel takes no tables of nftables: {error:#}\n");
        false
    }

    /// The full name of a namespace.
    #[must_use]
    pub fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.prefix)
    }

    /// Makes a namespace with its loopback up.
    ///
    /// # Errors
    /// The kernel or iproute2 said no.
    pub fn add(&mut self, short: &str) -> Result<()> {
        let name = self.name(short);
        succeed(Command::new("ip").args(["netns", "add", &name]))?;
        self.namespaces.push(name);
        self.run(short, "ip link set lo up")
    }

    /// Connects two namespaces by a veth pair: `(namespace, device)` each.
    ///
    /// # Errors
    /// The kernel or iproute2 said no.
    pub fn veth(&self, a: (&str, &str), b: (&str, &str)) -> Result<()> {
        let (na, nb) = (self.name(a.0), self.name(b.0));
        succeed(Command::new("ip").args(["link", "add", a.1, "netns", &na, "type", "veth", "peer", "name", b.1, "netns", &nb]))?;
        self.run(a.0, &format!("ip link set {} up", a.1))?;
        self.run(b.0, &format!("ip link set {} up", b.1))
    }

    /// Runs shell commands in a namespace; all of them must succeed.
    ///
    /// # Errors
    /// One failed; the error holds what it wrote.
    pub fn run(&self, short: &str, script: &str) -> Result<()> {
        self.command(short, &["sh", "-ec", script]).map(drop)
    }

    /// Runs a program in a namespace and gives its output, whatever its status.
    ///
    /// # Errors
    /// It could not be started.
    pub fn output(&self, short: &str, argv: &[&str]) -> Result<Output> {
        let name = self.name(short);
        Command::new("ip").args(["netns", "exec", &name]).args(argv).output().with_context(|| argv.join(" "))
    }

    fn command(&self, short: &str, argv: &[&str]) -> Result<Output> {
        let output = self.output(short, argv)?;
        ensure!(output.status.success(), "{short}: {}: {}", argv.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(output)
    }

    /// Calls a function on a thread of its own inside a namespace.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    ///
    /// # Panics
    /// When the function does.
    pub fn inside<T: Send + 'static>(
        &self,
        short: &str,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<thread::JoinHandle<T>> {
        let file = File::open(format!("/run/netns/{}", self.name(short)))?;
        Ok(thread::spawn(move || {
            setns(file, CloneFlags::CLONE_NEWNET).expect("a namespace of ours can be entered");
            f()
        }))
    }

    /// Whether a TCP connection from one namespace to an address in another is made and carries data both ways. The server lives for this
    /// one question.
    ///
    /// # Errors
    /// The server could not listen, which says nothing about the path.
    pub fn tcp(&self, from: &str, to: &str, listen: SocketAddr, connect: SocketAddr) -> Result<bool> {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let server = self.inside(to, move || -> std::io::Result<()> {
            let listener = TcpListener::bind(listen)?;
            listener.set_nonblocking(true)?;
            ready.send(()).ok();
            let deadline = std::time::Instant::now() + PATIENCE * 2;
            while std::time::Instant::now() < deadline {
                if let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nonblocking(false)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    let mut word = [0; 4];
                    stream.read_exact(&mut word)?;
                    stream.write_all(&word)?;
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        })?;
        is_ready.recv_timeout(PATIENCE).context("the server does not listen")?;
        let client = self.inside(from, move || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&connect, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"ping")?;
            let mut word = [0; 4];
            stream.read_exact(&mut word)?;
            Ok(&word == b"ping")
        })?;
        let arrived = client.join().expect("the client does not panic").unwrap_or(false);
        server.join().expect("the server does not panic").ok();
        Ok(arrived)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in &self.namespaces {
            Command::new("ip").args(["netns", "del", name]).status().ok();
        }
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The path of one of our binaries, built as this test run is built.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let dir = BUILT.get_or_init(|| {
        // The test binary stands in target/PROFILE/deps.
        let exe = std::env::current_exe().expect("a test knows its own path");
        let dir = exe.ancestors().nth(2).expect("a test stands in target/PROFILE/deps").to_owned();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "-p", "coldpath", "-p", "coldpath-collect"]);
        cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        if dir.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo can be run").success(), "the binaries do not build");
        dir
    });
    dir.join(name)
}
