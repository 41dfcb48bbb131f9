//! Small rulesets, one feature each, loaded into a namespace: one real datagram is sent to it, the real collector takes a bundle, and what
//! the walk says of that datagram at prerouting and input must be what the kernel did with it: arrived, refused, or lost.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bundle::{Bundle, Limits};
use coldpath_tests::lab::{Lab, binary};
use netmodel::Node;
use netmodel::family::Family;
use netmodel::walk::{Decision, Dev, Hook, Packet, evaluate};

/// How long a datagram may take between two namespaces of this machine.
const PATIENCE: Duration = Duration::from_millis(400);
/// Each case has a port of its own: a connection that is known already is not translated again.
const FIRST_SOURCE_PORT: u16 = 40000;
const PORT: u16 = 5353;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrived,
    Refused,
    Lost,
}

/// `(what it shows, script of nft, commands besides, from and to)`.
struct Case {
    name: &'static str,
    nft: &'static str,
    sh: &'static str,
    v6: bool,
}

const fn case(name: &'static str, nft: &'static str) -> Case {
    Case { name, nft, sh: "true", v6: false }
}

const BASE: &str = "type filter hook input priority filter; policy accept;";

const CASES: &[Case] = &[
    case("set", "set s { type ipv4_addr; elements = { 10.99.0.1, 10.99.0.7 }; } chain c { BASE ip saddr @s drop; }"),
    case("set without it", "set s { type ipv4_addr; elements = { 10.99.0.7 }; } chain c { BASE ip saddr @s drop; }"),
    case(
        "intervals",
        "set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/16, 10.98.0.0-10.99.0.1 }; } chain c { BASE ip saddr @s reject; }",
    ),
    case("verdict map", "chain x { drop; } chain c { BASE udp dport vmap { 53 : accept, 5000-6000 : jump x }; }"),
    case(
        "map of things side by side",
        "map m { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.99.0.2 . udp . 5353 : goto x }; } chain x { reject; } chain c { BASE ip daddr . meta l4proto . th dport vmap @m; }",
    ),
    case("new connection", "chain c { BASE ct state established,related accept; ct state new drop; }"),
    case("no invalid one", "chain c { BASE ct state invalid drop; ct state != new drop; }"),
    case(
        "mark and mask",
        "chain p { type filter hook prerouting priority mangle; meta mark set 0x4010; } chain c { BASE meta mark & 0xf000 == 0x4000 drop; }",
    ),
    case(
        "bits of a mark",
        "chain p { type filter hook prerouting priority mangle; meta mark set 0x10; meta mark set mark or 0x4000; meta mark set mark xor 0x10; } chain c { BASE meta mark != 0x4000 drop; }",
    ),
    case("set before a condition fails", "chain c { BASE meta mark set 0x1 udp dport 1 accept; meta mark 0x1 drop; }"),
    case("goto does not come back", "chain x { udp dport 1 drop; } chain c { BASE goto x; drop; }"),
    case("return to the caller", "chain x { return; drop; } chain c { BASE jump x; reject; }"),
    case("both families", "chain c { BASE meta nfproto ipv4 udp dport 5353 drop; }"),
    case("the node's own address", "chain c { BASE fib daddr type local reject; }"),
    case("no broadcast", "chain c { BASE fib daddr type { broadcast, multicast } accept; fib saddr . iif oif missing drop; }"),
    case("two chains, the later one drops", "chain a { type filter hook input priority -10; accept; } chain c { BASE drop; }"),
    case(
        "load balancing that leads to one end",
        "chain x { drop; } chain c { BASE numgen random mod 2 vmap { 0 : goto x, 1 : drop }; }",
    ),
    case("name of the interface", "chain c { BASE iifname { \"lo\", \"et*\" } meta pkttype host oifname != \"x\" drop; }"),
    case("another protocol's port", "chain c { BASE tcp dport != 1 drop; }"),
    case("negated port", "chain c { BASE udp dport != { 53, 54 } udp sport 40000-40999 drop; }"),
    case(
        "translated port",
        "chain p { type nat hook prerouting priority dstnat; udp dport 5353 redirect to :5354; } chain c { BASE udp dport 5354 ct status dnat reject; }",
    ),
    case(
        "map of marks",
        "chain c { BASE meta mark set udp dport map { 5353 : 7, 1 : 8 }; meta l4proto udp ct original proto-dst 5353 meta mark 7 drop; }",
    ),
    case("nothing", "chain c { BASE }"),
    Case { name: "IPv6", nft: "chain c { BASE ip6 saddr fd99::/64 reject; }", sh: "true", v6: true },
    Case { name: "IPv6 in a set of IPv4", nft: "chain c { BASE ip saddr 0.0.0.0/0 drop; }", sh: "true", v6: true },
    Case {
        name: "beside iptables-nft",
        nft: "chain c { BASE accept; }",
        sh: "iptables-nft -A INPUT -p udp --dport 5353 -j REJECT",
        v6: false,
    },
    Case {
        name: "mark of iptables-nft",
        nft: "chain c { BASE meta mark 0x8 drop; }",
        sh: "iptables-nft -t mangle -A PREROUTING -p udp -j MARK --set-mark 8",
        v6: false,
    },
];

/// What needs the old back end, which not every kernel has.
const LEGACY: &[Case] = &[Case {
    name: "beside iptables-legacy",
    nft: "chain c { BASE accept; }",
    sh: "iptables-legacy -A INPUT -p udp --dport 5353 -j DROP",
    v6: false,
}];

fn addresses(case: &Case, number: u16) -> (SocketAddr, IpAddr) {
    let of = |v4: &str, v6: &str| if case.v6 { v6 } else { v4 }.parse().expect("an address");
    (SocketAddr::new(of("10.99.0.1", "fd99::1"), FIRST_SOURCE_PORT + number), of("10.99.0.2", "fd99::2"))
}

/// Sends one datagram.
fn send(lab: &Lab, from: SocketAddr, to: IpAddr) -> Result<Fate> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let server = lab.inside("node", move || -> std::io::Result<bool> {
        let socket = UdpSocket::bind(SocketAddr::new(to, PORT))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        ready.send(()).ok();
        Ok(socket.recv(&mut [0; 8]).is_ok())
    })?;
    is_ready.recv_timeout(PATIENCE * 4).context("the server does not listen")?;
    let client = lab.inside("peer", move || -> std::io::Result<bool> {
        let socket = UdpSocket::bind(from)?;
        socket.connect(SocketAddr::new(to, PORT))?;
        socket.set_read_timeout(Some(PATIENCE / 2))?;
        socket.send(b"ping")?;
        Ok(socket.recv(&mut [0; 8]).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused))
    })?;
    let refused = client.join().expect("the client does not panic")?;
    let arrived = server.join().expect("the server does not panic")?;
    Ok(match (arrived, refused) {
        (true, _) => Fate::Arrived,
        (false, true) => Fate::Refused,
        (false, false) => Fate::Lost,
    })
}

fn collect(lab: &Lab, dir: &Path, number: u16) -> Result<Node> {
    let path = dir.join(format!("{number}.zip"));
    let collector = binary("coldpath-collect");
    let only = "nft-ruleset,iptables-nft-save,ip6tables-nft-save,iptables-legacy-save,ip6tables-legacy-save,ip-tables-names,ip6-tables-names,ip-addr,ip-route4,ip-route6,ip-rule4,ip-rule6";
    let argv = [collector.to_str().context("utf-8")?, "--no-pods", "--only", only, "-o", path.to_str().context("utf-8")?];
    let output = lab.output("node", &argv)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Node::new(Bundle::open(&path, &Limits::default())?))
}

/// What the walk says of the datagram on its way in.
fn foretold(node: &Node, from: SocketAddr, to: IpAddr) -> Result<Fate> {
    let mut packet = Packet::new(Family::of(to)).between(from.ip(), to).udp(PORT).via(Dev::named("eth0"), Dev::None);
    packet.sport = Some(from.port());
    let mut packets = vec![packet];
    for hook in [Hook::Prerouting, Hook::Input] {
        let mut next = Vec::new();
        for packet in packets {
            let verdict = evaluate(node, hook, &packet)?;
            match verdict.decision {
                Decision::Accept => next.extend(verdict.packets),
                Decision::Drop => return Ok(Fate::Lost),
                Decision::Reject { .. } => return Ok(Fate::Refused),
                Decision::Undecided => anyhow::bail!("undecided: {:#?}", verdict.blockers),
            }
        }
        packets = next;
    }
    Ok(Fate::Arrived)
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped part must be heard")]
fn the_walk_says_what_the_kernel_does() -> Result<()> {
    let Some(mut lab) = Lab::new() else { return Ok(()) };
    lab.add("node")?;
    if !lab.has_nf_tables("node") {
        return Ok(());
    }
    lab.add("peer")?;
    lab.veth(("node", "eth0"), ("peer", "eth0"))?;
    lab.run("node", "ip addr add 10.99.0.2/24 dev eth0; ip addr add fd99::2/64 dev eth0 nodad")?;
    lab.run("peer", "ip addr add 10.99.0.1/24 dev eth0; ip addr add fd99::1/64 dev eth0 nodad")?;
    // Neighbour discovery passes the same hook: a ruleset that stops it would hide what it does to the datagram.
    for (here, there, addr) in [("node", "peer", "fd99::1"), ("peer", "node", "fd99::2")] {
        let mac = lab.output(there, &["cat", "/sys/class/net/eth0/address"])?.stdout;
        let mac = String::from_utf8(mac)?;
        lab.run(here, &format!("ip neigh replace {addr} lladdr {} dev eth0 nud permanent", mac.trim()))?;
    }
    let dir = tempfile::tempdir()?;
    for (number, v6) in [(998, false), (999, true)] {
        let (from, to) = addresses(&Case { name: "", nft: "", sh: "", v6 }, number);
        assert_eq!(send(&lab, from, to)?, Fate::Arrived, "the lab's path is free");
    }

    let has_legacy = lab.run("node", "iptables-legacy -S").is_ok();
    if !has_legacy {
        eprintln!("SKIPPED: this kernel has no legacy iptables");
    }
    let mut failures = Vec::new();
    let mut fates = Vec::new();
    for (number, case) in (0u16..).zip(CASES.iter().chain(LEGACY.iter().filter(|_| has_legacy))) {
        let script = dir.path().join(format!("{number}.nft"));
        std::fs::write(
            &script,
            format!(
                "flush ruleset\ntable inet t {{\n{}\n}}\n",
                case.nft.replace("BASE", BASE).replace("; ", "\n").replace("} chain", "}\nchain")
            ),
        )?;
        lab.run("node", &format!("nft -f {}; {}", script.display(), case.sh)).with_context(|| case.name)?;
        let (from, to) = addresses(case, number);
        let node = collect(&lab, dir.path(), number)?;
        let real = send(&lab, from, to).with_context(|| case.name)?;
        let said = foretold(&node, from, to);
        fates.push(real);
        if !matches!(&said, Ok(fate) if *fate == real) {
            failures.push(format!("{}: the kernel: {real:?}, the walk: {said:?}", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // A lab in which everything arrives, or nothing, would prove nothing.
    for fate in [Fate::Arrived, Fate::Refused, Fate::Lost] {
        assert!(fates.iter().filter(|f| **f == fate).count() >= 4, "{fate:?} is rare: {fates:?}");
    }
    Ok(())
}
