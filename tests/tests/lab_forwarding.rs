//! A node of namespaces whose forwarding is switched off: real traffic fails, the collector runs in it, the analyzer names the cause;
//! switched on again: no finding.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use coldpath_tests::lab::{Lab, binary};
use serde_json::Value;

/// A node with one uplink, a bridge and two pods, and a host outside that knows the way back to the pods.
fn node(lab: &mut Lab) -> Result<()> {
    for name in ["node", "pod1", "pod2", "out"] {
        lab.add(name)?;
    }
    lab.veth(("node", "eth0"), ("out", "eth0"))?;
    lab.run("out", "ip addr add 192.168.77.1/24 dev eth0; ip route add 10.244.1.0/24 via 192.168.77.11")?;
    lab.run(
        "node",
        "sysctl -qw net.ipv4.ip_forward=1
         ip addr add 192.168.77.11/24 dev eth0; ip route add default via 192.168.77.1
         ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up",
    )?;
    for (pod, host_end, address) in [("pod1", "veth1", "10.244.1.2"), ("pod2", "veth2", "10.244.1.3")] {
        lab.veth(("node", host_end), (pod, "eth0"))?;
        lab.run("node", &format!("ip link set {host_end} master cni0"))?;
        lab.run(pod, &format!("ip addr add {address}/24 dev eth0; ip route add default via 10.244.1.1"))?;
    }
    Ok(())
}

/// What the analyzer says of the node: `(exit status, rules that fire at error or warning)`.
fn diagnose(lab: &Lab, dir: &std::path::Path, name: &str) -> Result<(i32, Vec<String>, Value)> {
    let bundle = dir.join(format!("{name}.zip"));
    let collector = binary("coldpath-collect");
    let output = lab.output("node", &[collector.to_str().expect("utf-8"), "-o", bundle.to_str().expect("utf-8")])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let last = String::from_utf8(output.stdout)?;
    assert_eq!(last.lines().last(), bundle.to_str(), "the last line on stdout is the bundle's path");
    let output = Command::new(binary("coldpath")).args(["analyze", "--format", "json"]).arg(&bundle).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let loud = report["nodes"][0]["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|f| f["severity"] != "note")
        .map(|f| f["rule"].as_str().expect("rule").to_owned())
        .collect();
    Ok((output.status.code().expect("a status"), loud, report))
}

#[test]
fn forwarding_off_is_named_and_on_again_is_silent() -> Result<()> {
    let Some(mut lab) = Lab::new() else { return Ok(()) };
    node(&mut lab)?;
    let dir = tempfile::tempdir()?;
    let server: SocketAddr = "192.168.77.1:8080".parse()?;
    let from_pod = |lab: &Lab| lab.tcp("pod1", "out", server, server);

    assert!(from_pod(&lab)?, "the lab's node is healthy: the pod reaches the host outside");
    let (status, loud, _) = diagnose(&lab, dir.path(), "healthy")?;
    assert_eq!((status, loud), (0, vec![]));

    lab.run("node", "sysctl -qw net.ipv4.ip_forward=0")?;
    assert!(!from_pod(&lab)?, "without forwarding the pod does not reach the host outside");
    let (status, loud, report) = diagnose(&lab, dir.path(), "broken")?;
    assert_eq!((status, loud), (1, vec!["forwarding/ip-forward-off".to_owned()]));
    let finding = report["nodes"][0]["findings"]
        .as_array()
        .and_then(|all| all.iter().find(|f| f["rule"] == "forwarding/ip-forward-off"))
        .expect("the finding");
    assert_eq!(finding["evidence"][0]["text"], "net.ipv4.ip_forward = 0");

    // The remedy, run for real.
    let remedy = finding["remedy"].as_array().and_then(|all| all.iter().find(|r| r["when"] == "now")).expect("a remedy for now");
    lab.run("node", remedy["command"].as_str().expect("a command"))?;
    assert!(from_pod(&lab)?, "the remedy mends the traffic");
    let (status, loud, _) = diagnose(&lab, dir.path(), "mended")?;
    assert_eq!((status, loud), (0, vec![]));
    Ok(())
}
