//! Routes as a node of a BGP fabric has them: one prefix a pod network, many next hops, some of them ECMP.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::Random;

struct Route {
    dst: String,
    vias: Vec<Ipv4Addr>,
    dev: &'static str,
}

fn routes(n: u32, seed: u64) -> impl Iterator<Item = Route> {
    let mut random = Random::new(seed);
    (0..n).map(move |i| {
        let base = 0x0a00_0000 + (i << 8);
        let dst = match random.below(4) {
            0 => Ipv4Addr::from(base + random.below(255)).to_string(),
            1 => format!("{}/26", Ipv4Addr::from(base + 64 * random.below(4))),
            _ => format!("{}/24", Ipv4Addr::from(base)),
        };
        let ways = if random.once_in(16) { 2 } else { 1 };
        let vias = (0..ways).map(|_| Ipv4Addr::from(0xc0a8_3200 + random.below(254))).collect();
        Route { dst, vias, dev: random.one_of::<&str>(&["eth0", "eth1", "bond0.120"]) }
    })
}

/// `ip -d -j route show table all`: so many routes and a default route, on one line.
#[must_use]
pub fn routes_json(n: u32, seed: u64) -> String {
    let mut out = String::with_capacity(170 * n as usize);
    out.push_str(r#"[{"type":"unicast","dst":"default","gateway":"192.168.50.1","dev":"eth0","table":"main","protocol":"boot","scope":"global","flags":[]}"#);
    for Route { dst, vias, dev } in routes(n, seed) {
        // Writing to a string cannot fail.
        let _ = match &vias[..] {
            [via] => write!(
                out,
                r#",{{"type":"unicast","dst":"{dst}","gateway":"{via}","dev":"{dev}","table":"main","protocol":"bird","scope":"global","metric":32,"flags":["onlink"]}}"#
            ),
            vias => {
                let hops: Vec<String> =
                    vias.iter().map(|via| format!(r#"{{"gateway":"{via}","dev":"{dev}","weight":1,"flags":[]}}"#)).collect();
                write!(
                    out,
                    r#",{{"type":"unicast","dst":"{dst}","table":"main","protocol":"bird","scope":"global","metric":32,"flags":[],"nexthops":[{}]}}"#,
                    hops.join(",")
                )
            }
        };
    }
    out.push_str("]\n");
    out
}

/// The same as `ip -d route show table all` prints it.
#[must_use]
pub fn routes_text(n: u32, seed: u64) -> String {
    let mut out = String::with_capacity(100 * n as usize);
    out.push_str("unicast default via 192.168.50.1 dev eth0 proto boot scope global \n");
    for Route { dst, vias, dev } in routes(n, seed) {
        let _ = match &vias[..] {
            [via] => writeln!(out, "unicast {dst} via {via} dev {dev} proto bird scope global metric 32 onlink "),
            vias => {
                let _ = writeln!(out, "unicast {dst} proto bird scope global metric 32 ");
                vias.iter().try_for_each(|via| writeln!(out, "\tnexthop via {via} dev {dev} weight 1 "))
            }
        };
    }
    out
}
