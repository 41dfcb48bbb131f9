//! What the collector asks of the kernel itself against what iproute2 prints, over configurations made from seeds: byte for byte.
//!
//! Where something moved between the two (a counter, a timer), both are asked again, and at last what moves is left out on both sides.
//! What differs rightly is said in `docs/native.md`.
//!
//! `COLDPATH_NATIVE_CONFIGS` says how many configurations are tried, `COLDPATH_NATIVE_SEED` with which one they begin, and with
//! `COLDPATH_NATIVE_REFUSED` is shown what the kernel refused of them.

mod config;
// By their paths: the crate that they belong to brings the analyzer's crates along, which the collector knows nothing of.
#[path = "../../../tests/src/lab.rs"]
#[allow(dead_code, unreachable_pub, reason = "one part of it is used here")]
mod lab;
#[path = "../../../tests/src/generate/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "one part of it is used here")]
mod random;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use bundle::{Bundle, Capture, Content, How, Key, Limits};
use collector::{Options, Output, Quiet, Stop};
use lab::Lab;

/// What iproute2 prints and we write ourselves.
const CAPTURES: &[Capture] = &[
    Capture::IpAddr,
    Capture::IpLink,
    Capture::IpRoute4,
    Capture::IpRoute6,
    Capture::IpRule4,
    Capture::IpRule6,
    Capture::IpNeigh,
    Capture::IpNexthop,
    Capture::BridgeFdb,
    Capture::BridgeLink,
    Capture::BridgeVlan,
    Capture::TcQdisc,
    Capture::EthtoolFeatures,
];

type Texts = BTreeMap<Key, (How, String)>;

/// How often both are asked before a difference counts.
const ROUNDS: u32 = 4;

/// Collects in the calling thread's namespace.
fn collect(dir: &std::path::Path, tools_first: bool) -> Result<Texts> {
    let path = dir.join("b.zip");
    let options = Options {
        output: Output::Path(path.clone()),
        pods: false,
        workers: 1,
        tools_first,
        only: Some(CAPTURES.iter().copied().collect()),
        ..Options::default()
    };
    collector::collect(&options, &Stop::default(), &Quiet)?;
    let bundle = Bundle::open(&path, &Limits::default())?;
    let mut texts = Texts::new();
    for key in bundle.keys() {
        let record = bundle.record(key).context("no record")?;
        if !CAPTURES.contains(&key.capture) {
            continue;
        }
        match bundle.get(key) {
            Content::Text(text) => {
                ensure!(text.partial.is_none(), "{}: {:?}", key.path(), text.partial);
                texts.insert(key.clone(), (record.how.clone(), text.body.to_string()));
            }
            Content::Absent(absence) => anyhow::bail!("{}: {} ({tools_first})", key.path(), absence.detail),
        }
    }
    Ok(texts)
}

fn batch(tool: &str, lines: &[String], peer: &str) -> Result<()> {
    let mut child = Command::new(tool)
        .args(["-force", "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(if std::env::var_os("COLDPATH_NATIVE_REFUSED").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .with_context(|| tool.to_owned())?;
    let text: String = lines.iter().map(|l| l.replace("PEER", peer) + "\n").collect();
    child.stdin.take().context("stdin")?.write_all(text.as_bytes())?;
    // Some of it is refused, on purpose.
    child.wait()?;
    Ok(())
}

/// What is not compared: it moves by itself. `root_id` of a bridge is there because the tool prints `bridge_id` in its place.
const MOVING: &[&str] = &[
    "expires",
    "stats64",
    "valid_life_time",
    "preferred_life_time",
    "unbalanced_time",
    "hello_timer",
    "tcn_timer",
    "gc_timer",
    "topology_change_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "root_id",
    "usedbcqueuelen",
    "bytes",
    "packets",
];

/// The text without the values of what moves.
fn stilled(text: &str) -> String {
    let mut out = text.to_owned();
    for key in MOVING {
        let mark = format!("\"{key}\":");
        let mut parts = out.split(&mark);
        let mut still = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            still += &mark;
            let mut depth = 0_i32;
            let end = part.find(|c: char| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth < 0 || (depth == 0 && c == ',')
            });
            still += &part[end.unwrap_or(part.len())..];
        }
        out = still;
    }
    out
}

/// What a comparison came to.
#[derive(Default)]
struct Score {
    records: usize,
    /// Texts that were the same to the byte, and those that were once what moves by itself was left out.
    same: usize,
    moved: usize,
    differences: Vec<String>,
}

/// Takes everything by the tool and by ourselves until both say the same: an address may become valid, a counter may count in between.
fn compare(seed: u64) -> Result<Score> {
    let dir = tempfile::tempdir()?;
    let mut score = Score::default();
    let mut settled = std::collections::BTreeSet::new();
    for _ in 0..ROUNDS {
        let tool = collect(dir.path(), true)?;
        let ours = collect(dir.path(), false)?;
        score.differences.clear();
        for (key, (_, theirs)) in tool.iter().filter(|(key, _)| !settled.contains(*key)).collect::<Vec<_>>() {
            let (how, native) = ours.get(key).with_context(|| format!("{} was not taken", key.path()))?;
            ensure!(matches!(how, How::Native(_)), "{} was taken by {how:?}", key.path());
            if theirs == native {
                score.same += 1;
            } else if stilled(theirs) == stilled(native) {
                score.moved += 1;
            } else {
                score.differences.push(format!(
                    "seed {seed}: {}\n{}",
                    key.path(),
                    first_difference(&stilled(theirs), &stilled(native))
                ));
                continue;
            }
            score.records += theirs.matches("},{").count();
            settled.insert(key.clone());
        }
        if score.differences.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    Ok(score)
}

fn first_difference(tool: &str, native: &str) -> String {
    let at = tool.bytes().zip(native.bytes()).position(|(a, b)| a != b).unwrap_or(tool.len().min(native.len()));
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(300).min(text.len())..(at + 200).min(text.len())]).into_owned()
    };
    format!("  tool: …{}\n  ours: …{}", around(tool), around(native))
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
#[allow(clippy::print_stderr, reason = "says how much was compared")]
fn ours_is_what_the_tool_prints() -> Result<()> {
    let first = number("COLDPATH_NATIVE_SEED", 1);
    let count = number("COLDPATH_NATIVE_CONFIGS", 50);
    let mut total = Score::default();
    for seed in first..first + count {
        let Some(mut lab) = Lab::new() else { return Ok(()) };
        lab.add("n")?;
        lab.add("peer")?;
        // Addresses become valid at once.
        lab.run("n", "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 || :")?;
        let peer = lab.name("peer");
        let config = config::config(seed);
        let compared = lab.inside("n", move || -> Result<Score> {
            batch("ip", &config.links, &peer)?;
            batch("bridge", &config.bridge, &peer)?;
            batch("ip", &config.ip, &peer)?;
            batch("tc", &config.tc, &peer)?;
            compare(seed)
        })?;
        let mut score = compared.join().expect("the comparison does not panic")?;
        total.records += score.records;
        total.same += score.same;
        total.moved += score.moved;
        total.differences.append(&mut score.differences);
    }
    let Score { records, same, moved, differences } = total;
    eprintln!(
        "{count} configurations, {records} records: {same} texts the same, {moved} but for what moves, {} differ",
        differences.len()
    );
    let some: Vec<_> = differences.iter().take(12).cloned().collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), some.join("\n"));
    assert!(records as u64 > 10 * count, "the configurations came to nothing: {records} records");
    Ok(())
}

/// The binary, which has forbidden itself much, still asks the kernel: no tool is run.
#[test]
fn the_restrained_binary_needs_no_tool() -> Result<()> {
    let Some(mut lab) = Lab::new() else { return Ok(()) };
    lab.add("n")?;
    lab.add("peer")?;
    lab.veth(("n", "eth0"), ("peer", "eth0"))?;
    lab.run("n", "ip addr add 192.168.77.1/24 dev eth0")?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("b.zip");
    let names: Vec<_> = CAPTURES.iter().map(|c| c.name()).collect();
    let (only, to) = (names.join(","), path.to_str().context("utf-8")?);
    let argv = [env!("CARGO_BIN_EXE_coldpath-collect"), "--no-pods", "--only", &only, "-o", to];
    let output = lab.output("n", &argv)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bundle = Bundle::open(&path, &Limits::default())?;
    for &capture in CAPTURES {
        let key = match capture {
            Capture::EthtoolFeatures => Key::node_instance(capture, "eth0"),
            _ => Key::node(capture),
        };
        let record = bundle.record(&key).context("a record")?;
        ensure!(matches!(record.how, How::Native(_)), "{capture}: {:?} {:?}", record.how, record.outcome);
        ensure!(matches!(bundle.get(&key), Content::Text(_)), "{capture}: {:?}", record.outcome);
    }
    let Content::Text(addresses) = bundle.get(&Key::node(Capture::IpAddr)) else { anyhow::bail!("no addresses") };
    ensure!(addresses.body.contains("\"local\":\"192.168.77.1\""), "{}", addresses.body);
    Ok(())
}
