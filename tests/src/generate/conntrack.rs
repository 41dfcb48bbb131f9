//! `conntrack -L -o extended`, without and with NAT: TCP, UDP and ICMP as on a busy node.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::Random;

/// So many entries, one a line.
#[must_use]
pub fn conntrack(entries: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = String::with_capacity(200 * entries);
    for _ in 0..entries {
        // Writing to a string cannot fail.
        let _ = entry(&mut out, &mut random);
    }
    out
}

fn entry(out: &mut String, random: &mut Random) -> std::fmt::Result {
    let (client, server, port) = (random.pod(), random.pod(), random.port());
    // Two of three go to a Service: what answers is another address and port.
    let service = !random.once_in(3);
    let (to, dport) = if service { (Ipv4Addr::from(0x0a60_1000 + random.below(50_000)), 80) } else { (server, 8080) };
    let (mark, id) = (if random.once_in(8) { 16_384 } else { 0 }, random.bits() >> 32);
    match random.below(20) {
        0 => writeln!(
            out,
            "ipv4     2 icmp     1 29 src={client} dst={server} type=8 code=0 id={port} src={server} dst={client} type=0 code=0 id={port} \
             mark={mark} use=1 id={id}"
        ),
        1..=5 => {
            let answered = random.once_in(2);
            let dport = if service { 53 } else { 8472 };
            let (flag, assured) = if answered { ("", "[ASSURED] ") } else { ("[UNREPLIED] ", "") };
            writeln!(
                out,
                "ipv4     2 udp      17 {} src={client} dst={to} sport={port} dport={dport} {flag}src={server} dst={client} sport={dport} \
                 dport={port} {assured}mark={mark} use=1 id={id}",
                random.below(180)
            )
        }
        _ => {
            let (state, most) =
                *random.one_of(&[("ESTABLISHED", 432_000), ("TIME_WAIT", 120), ("CLOSE_WAIT", 3_600), ("SYN_SENT", 120)]);
            let flag = if state == "SYN_SENT" { "[UNREPLIED] " } else { "" };
            let assured = if state == "SYN_SENT" { "" } else { "[ASSURED] " };
            writeln!(
                out,
                "ipv4     2 tcp      6 {} {state} src={client} dst={to} sport={port} dport={dport} {flag}src={server} dst={client} \
                 sport=8080 dport={port} {assured}mark={mark} use=1 id={id}",
                random.below(most)
            )
        }
    }
}
