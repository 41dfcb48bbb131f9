//! Routing against the kernel: random addresses, routes and rules of both families in a namespace, and for each a hundred random
//! questions that `ip route get` answers. What the walk says must be what the kernel says, by its kernel's own answer: no packet is sent.
//!
//! `COLDPATH_ROUTES_SEED` and `COLDPATH_ROUTES_COUNT` choose what is tried; a disagreement prints its seed, the script and the question.

#[path = "lab_routes/generate.rs"]
mod generate;

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use bundle::{Bundle, Capture, CollectorInfo, FORMAT, Key, Manifest, NodeIdentity};
use coldpath_tests::generate::Random;
use coldpath_tests::lab::Lab;
use generate::{Question, Setup};
use netmodel::Node;
use netmodel::family::Family;
use netmodel::walk::route::{self, RouteKey, RouteOutcome};

/// How many namespaces a normal run makes: few, since a kernel in user mode takes seconds for each.
const COUNT: u64 = 5;
const QUESTIONS: usize = 120;
const FIRST_SEED: u64 = 1;

/// What the kernel, or the walk, answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Way {
        kind: String,
        dev: String,
        gateway: Option<IpAddr>,
        src: Option<IpAddr>,
    },
    /// The error's text of `errno`.
    Error(&'static str),
}

#[test]
#[allow(clippy::print_stderr, reason = "says what was tried")]
fn the_walk_routes_as_the_kernel_does() -> Result<()> {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual);
    let (first, count) = (number("COLDPATH_ROUTES_SEED", FIRST_SEED), number("COLDPATH_ROUTES_COUNT", COUNT));
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for seed in first..first + count {
        let Some(mut lab) = Lab::new() else { return Ok(()) };
        let problems = one(&mut lab, seed, &mut tally).with_context(|| format!("seed {seed}"))?;
        if !problems.is_empty() {
            wrong.push(problems.join("\n"));
        }
        if wrong.len() >= 5 {
            break;
        }
    }
    eprintln!("{tally:?}");
    anyhow::ensure!(wrong.is_empty(), "{} namespaces disagree:\n{}", wrong.len(), wrong.join("\n\n"));
    anyhow::ensure!(tally.unknown * 20 < tally.asked, "too much is undecided: {tally:?}");
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    /// Answered by a way.
    ways: usize,
    /// The walk could not tell.
    unknown: usize,
    /// The walk named several ways, of which the kernel took one.
    several: usize,
}

fn one(lab: &mut Lab, seed: u64, tally: &mut Tally) -> Result<Vec<String>> {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let setup = Setup::random(&mut random);
    lab.add("n")?;
    lab.run("n", &setup.shell())?;
    let node = node(lab)?;
    let mut problems = Vec::new();
    for family in Family::ALL {
        let questions: Vec<Question> = (0..QUESTIONS).map(|_| Question::random(&mut random, &setup, family)).collect();
        let answers = ask(lab, &questions, family)?;
        for (question, kernel) in questions.iter().zip(answers) {
            let kernel = comparable(kernel, question);
            tally.asked += 1;
            tally.ways += usize::from(matches!(kernel, Answer::Way { .. }));
            match walk(&node, question) {
                Err(why) => {
                    tally.unknown += 1;
                    if std::env::var_os("COLDPATH_ROUTES_WHY").is_some() {
                        problems.push(format!("seed {seed}: {}: unknown: {why}", question.command()));
                    }
                }
                Ok(ways) if ways.contains(&kernel) => tally.several += usize::from(ways.len() > 1),
                Ok(ways) => problems
                    .push(format!("seed {seed}: ip route get {}\n  kernel {kernel:?}\n  walk   {ways:?}", question.command())),
            }
        }
    }
    if !problems.is_empty() {
        problems.truncate(6);
        problems.push(state(lab)?);
    }
    Ok(problems)
}

/// What the namespace holds, for a person.
fn state(lab: &Lab) -> Result<String> {
    let script = "ip rule; ip -6 rule; ip -br addr; ip route show table all; ip -6 route show table all; ip nexthop; ip neigh";
    Ok(String::from_utf8_lossy(&lab.output("n", &["sh", "-c", script])?.stdout).into_owned())
}

/// The namespace as the collector would take it.
fn node(lab: &Lab) -> Result<Node> {
    let sysctls = "grep -rH . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward | sed 's/:/ = /'";
    let captures = [
        (Capture::IpAddr, "ip -d -j addr"),
        (Capture::IpRoute4, "ip -4 -d -j route show table all"),
        (Capture::IpRoute6, "ip -6 -d -j route show table all"),
        (Capture::IpRule4, "ip -4 -d -j rule"),
        (Capture::IpRule6, "ip -6 -d -j rule"),
        (Capture::IpNeigh, "ip -d -j neigh"),
        (Capture::IpNexthop, "ip -d -j nexthop"),
        (Capture::Sysctl, sysctls),
    ];
    let mark = "\u{1}";
    let script: Vec<&str> = captures.iter().map(|(_, command)| *command).collect();
    let script = script.join(&format!("; printf '{mark}'; "));
    let output = lab.output("n", &["sh", "-c", &script])?;
    let text = String::from_utf8(output.stdout)?;
    let texts: Vec<_> =
        captures.iter().zip(text.split(mark)).map(|((capture, _), text)| (Key::node(*capture), text.trim().to_owned())).collect();
    anyhow::ensure!(texts.len() == captures.len(), "a capture is missing");
    let manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo { name: "lab".to_owned(), version: "0".to_owned(), root: true },
        node: NodeIdentity { name: "lab".to_owned(), kernel: kernel()?, ..NodeIdentity::default() },
        started_at: time::OffsetDateTime::UNIX_EPOCH,
        finished_at: None,
        cut_short: None,
        netns: Vec::new(),
        captures: Vec::new(),
    };
    Ok(Node::new(Bundle::from_texts("lab", manifest, texts)))
}

fn kernel() -> Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned())
}

/// The kernel's answers, in the questions' order.
fn ask(lab: &Lab, questions: &[Question], family: Family) -> Result<Vec<Answer>> {
    let version = if family == Family::V4 { "-4" } else { "-6" };
    let lines: Vec<String> = questions.iter().map(|q| format!("route get {}", q.command())).collect();
    let script = format!("ip -d -j {version} -force -batch - 2>&1 <<'X' || true\n{}\nX\n", lines.join("\n"));
    let output = lab.output("n", &["sh", "-c", &script])?;
    let text = String::from_utf8(output.stdout)?;
    let mut answers: Vec<Option<Answer>> = vec![None; questions.len()];
    let mut error = "";
    let mut ways = Vec::new();
    // Each answer is an array on its own line; an error is a line of errno and a line that names the question.
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(number) = line.strip_prefix("Command failed -:").and_then(|n| n.parse::<usize>().ok()) {
            answers[number - 1] = Some(Answer::Error(known(error).with_context(|| format!("{error}: {}", lines[number - 1]))?));
        } else if let Some(errno) = line.strip_prefix("RTNETLINK answers: ") {
            error = errno;
        } else if line.starts_with('[') {
            ways.push(way(line)?);
        } else {
            bail!("ip prints: {line}");
        }
    }
    let mut ways = ways.into_iter();
    answers.iter_mut().filter(|a| a.is_none()).for_each(|a| *a = ways.next());
    answers.into_iter().collect::<Option<Vec<_>>>().context("a question has no answer")
}

/// What both sides tell: the source only where the kernel chose one for a socket, and what is anycast is delivered here.
fn comparable(answer: Answer, question: &Question) -> Answer {
    match answer {
        Answer::Way { kind, dev, gateway, src } => Answer::Way {
            kind: if kind == "anycast" { "local".to_owned() } else { kind },
            dev,
            gateway,
            src: src.filter(|_| question.iif.is_none() && question.src.is_none()),
        },
        error @ Answer::Error(_) => error,
    }
}

fn known(errno: &str) -> Option<&'static str> {
    let all =
        ["Network is unreachable", "No route to host", "Invalid argument", "Permission denied", "Invalid cross-device link"];
    // A source that fails the check was EXDEV once, and is EINVAL now.
    let all = all.into_iter().find(|e| *e == errno)?;
    Some(if all == "Invalid cross-device link" { "Invalid argument" } else { all })
}

fn way(line: &str) -> Result<Answer> {
    let array: serde_json::Value = serde_json::from_str(line)?;
    let object = &array[0];
    let text = |key: &str| object.get(key).and_then(|v| v.as_str());
    let gateway = text("gateway").or_else(|| object.get("via")?.get("host")?.as_str());
    Ok(Answer::Way {
        kind: text("type").unwrap_or("unicast").to_owned(),
        dev: text("dev").unwrap_or_default().to_owned(),
        gateway: gateway.map(str::parse).transpose()?,
        src: text("prefsrc").map(str::parse).transpose()?,
    })
}

/// What the walk answers, in the words of `ip route get`; more than one way where it depends.
fn walk(node: &Node, question: &Question) -> Result<Vec<Answer>, String> {
    let key = question.key();
    let say = |missing: netmodel::Missing| missing.to_string();
    if question.iif.is_none() {
        let ways = route::output(node, &key).map_err(say)?;
        return Ok(ways.iter().map(|w| answer(w, question)).collect());
    }
    let mut answers = Vec::new();
    for way in route::input(node, &key).map_err(say)? {
        answers.push(came_in(node, question, &way).map_err(say)?);
    }
    Ok(answers)
}

/// The kernel checks a packet that comes in at once: its source, and whether it is forwarded.
fn came_in(node: &Node, question: &Question, way: &route::Routed<'_>) -> Result<Answer, netmodel::Missing> {
    let key = question.key();
    let iif = question.iif.as_deref().unwrap_or_default();
    if question.dst.is_ipv6() {
        // IPv6 only looks the route up.
        return Ok(answer(way, question));
    }
    // An error of the route hides what the source would give.
    let martian = RouteKey { oif: way.dev.as_deref().filter(|_| way.outcome == RouteOutcome::Forward), ..key };
    let forwarded = !matches!(way.outcome, RouteOutcome::Local | RouteOutcome::Broadcast | RouteOutcome::Multicast);
    // Martian addresses come first: there no route was asked for.
    if way.because.is_some() && way.outcome == RouteOutcome::Blackhole && way.route.is_none() {
        return Ok(Answer::Error("Invalid argument"));
    }
    if forwarded && route::forwarding(node, Family::V4, iif)?.is_some() {
        return Ok(Answer::Error("No route to host"));
    }
    if way.outcome.goes_on() && route::source_check(node, &martian)?.is_some() {
        return Ok(Answer::Error("Invalid argument"));
    }
    Ok(answer(way, question))
}

fn answer(way: &route::Routed<'_>, question: &Question) -> Answer {
    let kind = match way.outcome {
        RouteOutcome::Forward => "unicast",
        RouteOutcome::Local => "local",
        RouteOutcome::Broadcast => "broadcast",
        RouteOutcome::Multicast => "multicast",
        RouteOutcome::Blackhole => return Answer::Error("Invalid argument"),
        RouteOutcome::Unreachable if question.dst.is_ipv6() => return Answer::Error("Network is unreachable"),
        RouteOutcome::Unreachable => return Answer::Error("No route to host"),
        RouteOutcome::Prohibit => return Answer::Error("Permission denied"),
        RouteOutcome::NoRoute => return Answer::Error("Network is unreachable"),
    };
    // What is delivered here comes by the loopback, in the kernel's answer too.
    let dev = if kind == "unicast" || question.iif.is_none() { way.dev.as_deref().unwrap_or_default() } else { "lo" };
    let answer = Answer::Way { kind: kind.to_owned(), dev: dev.to_owned(), gateway: way.gateway, src: way.prefsrc };
    comparable(answer, question)
}
