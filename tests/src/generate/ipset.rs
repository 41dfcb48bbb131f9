//! `ipset save` of a node with kube-proxy in ipvs mode: the sets of Services and of their endpoints.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::Random;

/// So many members, in three sets.
#[must_use]
pub fn ipset(members: u32, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = String::with_capacity(64 * members as usize);
    let options = "family inet hashsize 65536 maxelem 1048576 bucketsize 12";
    for (name, kind, share) in
        [("KUBE-CLUSTER-IP", "hash:ip,port", 2), ("KUBE-LOOP-BACK", "hash:ip,port,ip", 4), ("denied", "hash:net", 4)]
    {
        let initval = random.bits() >> 32;
        let timeout = if name == "denied" { " timeout 0" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "create {name} {kind} {options}{timeout} initval 0x{initval:08x}");
        for i in 0..members / share {
            let pod = random.pod();
            let _ = match kind {
                "hash:ip,port" => writeln!(out, "add {name} {},tcp:{}", Ipv4Addr::from(0x0a60_1000 + i), 80 + i % 7),
                "hash:ip,port,ip" => writeln!(out, "add {name} {pod},tcp:8080,{pod}"),
                _ => writeln!(out, "add {name} {}/28 timeout {}", Ipv4Addr::from(0xc612_0000 + (i << 4)), random.below(3_600)),
            };
        }
    }
    out
}
