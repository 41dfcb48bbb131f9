//! For unit tests: a node in memory, and rules that give every outcome.

use std::path::Path;

use bundle::{Bundle, Capture, CollectorInfo, FORMAT, Key, Manifest, NodeIdentity};
use netmodel::{Evidence, Missing, Node};
use rules::{Check, Confidence, Finding, Outcome, Remedy, Rule, Severity, When};

use crate::report::Report;

/// An error text.
pub(crate) const BROKEN: &str = "b.zip is not a bundle: an empty file";

const fn rule(id: &'static str, severity: Severity, check: fn(&Node) -> Check) -> Rule {
    Rule { id, title: "a rule for tests", severity, since: "0.1.0", page: "\n## What it checks\nNothing.\n", check }
}

/// Finds an error with a command and a file.
pub(crate) static FORWARD: Rule = rule("forwarding/ip-forward-off", Severity::Error, |node| {
    let source = node.source(Capture::Sysctl)?;
    let (at, _) = netmodel::source::lines(&source.text).nth(1).expect("the test's node has two lines");
    let finding = Finding::new(
        Severity::Error,
        Confidence::Certain,
        "net.ipv4.ip_forward is 0: this node forwards no IPv4 packet",
        "Pods on this node reach nothing beyond their own bridge: no pod on another node, no Service with an endpoint elsewhere, \
         nothing outside the cluster. Pods on the same bridge and the node's own connections still work.",
    );
    let finding = finding
        .because(source.evidence(at))
        .remedy(Remedy::now("sysctl -w net.ipv4.ip_forward=1"))
        .remedy(Remedy::file("/etc/sysctl.d/99-zz-ip-forward.conf", "net.ipv4.ip_forward = 1\n"))
        .affects("pods 10.244.1.0/24");
    Ok(Outcome::Found(vec![finding]))
});

/// Finds a warning that is only likely, with advice and a long line, and a note.
pub(crate) static MTU: Rule = rule("mtu/overlay-above-underlay", Severity::Warning, |_| {
    let evidence = Evidence {
        capture: "node/ip-link.json".to_owned(),
        line: 1,
        text: format!("{{\"mtu\":1500,{}}}", "\"x\":0,".repeat(60)),
    };
    let warning =
        Finding::new(Severity::Warning, Confidence::Likely, "flannel.1 has MTU 1500, eth0 carries 1450", "Large packets vanish.");
    let note = Finding::new(Severity::Note, Confidence::Possible, "eth0 could carry 9000", "Worth knowing.");
    let advice = Remedy::advice(When::Persistent, "set the MTU in flannel's net-conf.json and restart flanneld on every node");
    Ok(Outcome::Found(vec![note, warning.because(evidence).remedy(advice)]))
});

/// Finds nothing.
pub(crate) static CLEAR: Rule = rule("bridge/all-well", Severity::Error, |_| Ok(Outcome::Clear));

/// Does not apply.
static ELSEWHERE: Rule =
    rule("ipvs/elsewhere", Severity::Error, |_| Ok(Outcome::NotApplicable("kube-proxy does not use ipvs".to_owned())));

/// Cannot be checked.
pub(crate) static MODULES: Rule = rule("bridge/br-netfilter-missing", Severity::Error, |_| Err(no_modules()));
static MODULES_TOO: Rule = rule("host/module-blacklisted", Severity::Error, |_| Err(no_modules()));

fn no_modules() -> Missing {
    Missing::new(&Key::node(Capture::Modules), "Loaded modules (/proc/modules)", "permission denied: open /proc/modules: EACCES")
}

/// Panics.
pub(crate) static PANICS: Rule = rule("link/panics", Severity::Error, |_| panic!("boom\u{1b}[2J"));

/// Quotes a bundle that wants to write to the terminal.
pub(crate) static HOSTILE: Rule = rule("link/hostile", Severity::Error, |_| {
    let bad = "x\u{1b}[2J\u{9b}1m\ny\u{7}";
    let finding = Finding::new(Severity::Error, Confidence::Certain, bad, bad)
        .because(Evidence { capture: bad.to_owned(), line: 1, text: bad.to_owned() })
        .remedy(Remedy::now(bad))
        .remedy(Remedy::file("/etc/a b", "EOF\nx"))
        .remedy(Remedy::advice(When::Now, bad))
        .affects(bad);
    Ok(Outcome::Found(vec![finding]))
});

/// A small node.
pub(crate) fn node() -> Bundle {
    let manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo { name: "coldpath-collect".to_owned(), version: "0.1.0".to_owned(), root: true },
        node: NodeIdentity {
            name: "node-a".to_owned(),
            kernel: "6.1.0-18-amd64".to_owned(),
            arch: "x86_64".to_owned(),
            boot_id: None,
            machine_id_sha256: None,
        },
        started_at: time::macros::datetime!(2026-11-21 10:15:00 +01:00),
        finished_at: None,
        cut_short: None,
        netns: Vec::new(),
        captures: Vec::new(),
    };
    let sysctl = "net.core.somaxconn = 4096\nnet.ipv4.ip_forward = 0\n".to_owned();
    Bundle::from_texts("node-a.zip", manifest, [(Key::node(Capture::Sysctl), sysctl)])
}

/// A report on that node.
pub(crate) fn report(rules: &[&'static Rule]) -> Report {
    let mut node = crate::analyze::check(node(), Path::new("site/node-a.zip"), rules);
    // What the model says of the network is tested where it is made.
    node.heading[1] = "flannel, pods 10.244.1.0/24, uplink eth0 MTU 1500".to_owned();
    Report { nodes: vec![node], ..Report::default() }
}

/// A report with every outcome, on one node.
pub(crate) fn full_report() -> Report {
    report(&[&MODULES, &CLEAR, &FORWARD, &MODULES_TOO, &ELSEWHERE, &PANICS, &MTU])
}

/// Compares a generated text with the file in docs/; `COLDPATH_BLESS=1` writes it.
pub(crate) fn compare_with_docs(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("COLDPATH_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, generated).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == generated, "docs/{name} is not what the code says: COLDPATH_BLESS=1 cargo test -p coldpath writes it");
}
