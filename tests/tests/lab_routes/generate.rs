//! Random namespaces and random questions about them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use coldpath_tests::generate::Random;
use netmodel::family::Family;
use netmodel::walk::route::RouteKey;

/// Devices: ends of veth pairs, whose other ends are in the same namespace.
const DEVICES: &[&str] = &["a0", "a1", "a2", "b0", "b1", "b2"];
const TABLES: &[&str] = &["main", "main", "main", "100", "101", "local"];
const TOS: &[u8] = &[0x04, 0x08, 0x10];

/// A namespace: a script that makes it, of commands of which some may fail.
pub(crate) struct Setup {
    script: String,
    /// Its own addresses.
    own: Vec<IpAddr>,
}

/// Addresses are taken from few prefixes, so that routes meet one another.
fn v4(random: &mut Random) -> Ipv4Addr {
    let octet = |random: &mut Random, n| u8::try_from(random.below(n)).unwrap_or(0);
    Ipv4Addr::new(10, octet(random, 3), octet(random, 2), octet(random, 6))
}

fn v6(random: &mut Random) -> Ipv6Addr {
    let part = |random: &mut Random, n| u16::try_from(random.below(n)).unwrap_or(0);
    Ipv6Addr::new(0xfd00, part(random, 3), part(random, 2), 0, 0, 0, 0, part(random, 6))
}

fn address(random: &mut Random, family: Family) -> IpAddr {
    match family {
        Family::V4 => v4(random).into(),
        Family::V6 => v6(random).into(),
    }
}

fn prefix(random: &mut Random, family: Family) -> String {
    if random.once_in(6) {
        return "default".to_owned();
    }
    let len = match family {
        Family::V4 => *random.one_of(&[8, 15, 16, 22, 24, 24, 29, 31, 32]),
        Family::V6 => *random.one_of(&[16, 31, 32, 47, 48, 48, 64, 126, 128]),
    };
    let net = ipnet(address(random, family), len);
    format!("{net}/{len}")
}

fn ipnet(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        IpAddr::V4(a) => Ipv4Addr::from_bits(a.to_bits() & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)).into(),
        IpAddr::V6(a) => Ipv6Addr::from_bits(a.to_bits() & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)).into(),
    }
}

impl Setup {
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut setup = Self { script: String::new(), own: Vec::new() };
        setup.sysctls(random);
        for i in 0..DEVICES.len() / 2 {
            setup.line(&format!("ip link add a{i} type veth peer name b{i}"));
        }
        for dev in DEVICES {
            if !random.once_in(10) {
                setup.line(&format!("ip link set {dev} up"));
            }
            if random.once_in(4) {
                setup.line(&format!("ip link set {dev} group {}", random.below(3)));
            }
        }
        setup.device_sysctls(random);
        // Whether the table is there without a route nobody can see, and it matters (`fib_lookup`).
        if random.once_in(3) {
            setup.line("ip route add 10.2.0.0/28 dev lo table default");
        }
        for _ in 0..3 + random.below(6) {
            setup.address(random);
        }
        for _ in 0..random.below(3) {
            setup.nexthop(random);
        }
        for _ in 0..4 + random.below(14) {
            setup.route(random);
        }
        if !random.once_in(4) {
            for _ in 0..random.below(6) {
                setup.rule(random);
            }
        }
        for _ in 0..random.below(3) {
            let (family, dev) = (*random.one_of(&Family::ALL), *random.one_of(DEVICES));
            let router = address(random, family);
            setup.line(&format!("ip neigh add {router} dev {dev} nud failed"));
        }
        setup
    }

    /// The script; commands that the kernel refuses are passed over.
    pub(crate) fn shell(&self) -> String {
        format!("exec 2>/dev/null\nset +e\n{}true\n", self.script)
    }

    fn line(&mut self, line: &str) {
        writeln!(self.script, "{line}").expect("a string takes everything");
    }

    fn set(&mut self, key: &str, value: u32) {
        self.line(&format!("echo {value} >/proc/sys/net/{key}"));
    }

    fn sysctls(&mut self, random: &mut Random) {
        for key in ["accept_dad", "dad_transmits", "router_solicitations", "autoconf", "accept_ra"] {
            self.set(&format!("ipv6/conf/default/{key}"), 0);
        }
        self.set("ipv6/conf/default/addr_gen_mode", 1);
        self.set("ipv4/ip_forward", u32::from(!random.once_in(4)));
        self.set("ipv6/conf/all/forwarding", u32::from(random.once_in(2)));
        for leaf in
            ["rp_filter", "accept_local", "route_localnet", "src_valid_mark", "ignore_routes_with_linkdown", "bc_forwarding"]
        {
            if random.once_in(5) {
                let value = if leaf == "rp_filter" { random.below(3) } else { 1 };
                self.set(&format!("ipv4/conf/all/{leaf}"), value);
            }
        }
        let redirects = random.below(2);
        self.set("ipv4/conf/all/send_redirects", redirects);
    }

    fn device_sysctls(&mut self, random: &mut Random) {
        for dev in DEVICES {
            for leaf in ["rp_filter", "forwarding", "accept_local", "route_localnet", "src_valid_mark", "send_redirects"] {
                if random.once_in(4) {
                    let value = if leaf == "rp_filter" { random.below(3) } else { random.below(2) };
                    self.set(&format!("ipv4/conf/{dev}/{leaf}"), value);
                }
            }
            for version in ["ipv4", "ipv6"] {
                if random.once_in(4) {
                    self.set(&format!("{version}/conf/{dev}/ignore_routes_with_linkdown"), 1);
                }
            }
        }
    }

    fn address(&mut self, random: &mut Random) {
        let family = *random.one_of(&[Family::V4, Family::V4, Family::V6]);
        let dev = if random.once_in(8) { "lo" } else { *random.one_of(DEVICES) };
        let own = address(random, family);
        let len = match family {
            Family::V4 => *random.one_of(&[8, 16, 24, 24, 24, 30, 32]),
            Family::V6 => *random.one_of(&[32, 48, 64, 64, 126, 128]),
        };
        let mut more = String::new();
        if family == Family::V4 {
            if random.once_in(5) {
                let scope = *random.one_of(&["link", "host", "global", "site"]);
                write!(more, " scope {scope}").expect("a string takes everything");
            }
            if random.once_in(2) {
                more.push_str(" brd +");
            }
        } else if random.once_in(6) {
            more.push_str(" preferred_lft 0");
        }
        if random.once_in(8) {
            more.push_str(" noprefixroute");
        }
        let base = if random.once_in(8) {
            let peer = address(random, family);
            format!("{own} peer {peer}/{len}")
        } else {
            format!("{own}/{len}")
        };
        self.own.push(own);
        self.line(&format!("ip addr add {base} dev {dev}{more}"));
    }

    fn nexthop(&mut self, random: &mut Random) {
        let id = 1 + random.below(3);
        let family = *random.one_of(&Family::ALL);
        let (router, dev) = (address(random, family), *random.one_of(DEVICES));
        let version = if family == Family::V4 { "-4" } else { "-6" };
        match random.below(5) {
            0 => self.line(&format!("ip {version} nexthop add id {id} blackhole")),
            1 => self.line(&format!("ip nexthop add id {id} group 1,{}/2,3", 1 + random.below(3))),
            2 => self.line(&format!("ip {version} nexthop add id {id} dev {dev}")),
            _ => self.line(&format!("ip {version} nexthop add id {id} via {router} dev {dev} onlink")),
        }
    }

    fn route(&mut self, random: &mut Random) {
        let family = *random.one_of(&[Family::V4, Family::V4, Family::V6]);
        let version = if family == Family::V4 { "-4" } else { "-6" };
        let dst = prefix(random, family);
        let verb = *random.one_of(&["add", "add", "append", "prepend"]);
        let table = *random.one_of(TABLES);
        let mut line = format!("ip {version} route {verb} ");
        let hop = |random: &mut Random| {
            let (router, dev) = (address(random, family), *random.one_of(DEVICES));
            match random.below(4) {
                0 => format!("dev {dev}"),
                1 => format!("via {router}"),
                2 => format!("via {router} dev {dev} onlink"),
                _ => format!("via {router} dev {dev}"),
            }
        };
        match random.below(14) {
            0 => write!(line, "{} {dst}", random.one_of(&["blackhole", "unreachable", "prohibit", "throw"])),
            1 => write!(line, "local {dst} dev {}", random.one_of(&["lo", "a0"])),
            2 if family == Family::V4 => write!(line, "broadcast {dst} dev {}", random.one_of(DEVICES)),
            3 => write!(line, "{dst} nhid {}", 1 + random.below(3)),
            4 | 5 => {
                let (one, two) = (hop(random), hop(random));
                write!(line, "{dst} nexthop {one} weight {} nexthop {two}", 1 + random.below(4))
            }
            6 if family == Family::V4 => write!(line, "{dst} via inet6 {} dev {} onlink", v6(random), random.one_of(DEVICES)),
            _ => write!(line, "{dst} {}", hop(random)),
        }
        .expect("a string takes everything");
        let mut more = |text: String| line.push_str(&text);
        more(format!(" table {table}"));
        if random.once_in(3) {
            more(format!(" metric {}", 1 + random.below(3)));
        }
        match family {
            Family::V4 => {
                if random.once_in(8) {
                    more(format!(" tos {:#x}", random.one_of(TOS)));
                }
                if random.once_in(8) {
                    more(format!(" scope {}", random.one_of(&["link", "host", "global"])));
                }
            }
            Family::V6 => {
                if random.once_in(4) {
                    more(format!(" pref {}", random.one_of(&["low", "medium", "high"])));
                }
                if random.once_in(6) {
                    let from = prefix(random, family);
                    more(format!(" from {from}"));
                }
            }
        }
        if random.once_in(4)
            && let Some(own) = (!self.own.is_empty()).then(|| *random.one_of(&self.own))
        {
            more(format!(" src {own}"));
        }
        self.line(&line);
    }

    fn rule(&mut self, random: &mut Random) {
        let family = *random.one_of(&[Family::V4, Family::V4, Family::V6]);
        let version = if family == Family::V4 { "-4" } else { "-6" };
        let mut line = format!("ip {version} rule add pref {}", 10 + 10 * random.below(6));
        let mut more = |text: String| line.push_str(&text);
        if random.once_in(5) {
            more(" not".to_owned());
        }
        if random.once_in(3) {
            more(format!(" from {}", prefix(random, family)));
        }
        if random.once_in(3) {
            more(format!(" to {}", prefix(random, family)));
        }
        if random.once_in(5) {
            more(format!(" iif {}", random.one_of(&["lo", "a0", "a1", "b2", "gone"])));
        }
        if random.once_in(6) {
            more(format!(" oif {}", random.one_of(DEVICES)));
        }
        if random.once_in(4) {
            more(format!(" fwmark {:#x}/{:#x}", random.below(4), random.one_of(&[0xff, 1, 2, 0xffff_ffff_u32])));
        }
        if random.once_in(8) {
            more(format!(" tos {:#x}", random.one_of(TOS)));
        }
        if random.once_in(5) {
            more(format!(" ipproto {}", random.one_of(&["tcp", "udp"])));
            if random.once_in(2) {
                more(" dport 50-90".to_owned());
            }
        }
        if random.once_in(10) {
            more(" uidrange 0-10".to_owned());
        }
        match random.below(10) {
            0 => more(format!(" {}", random.one_of(&["blackhole", "unreachable", "prohibit"]))),
            1 => more(format!(" goto {}", 40 + 10 * random.below(4))),
            2 => more(" nop".to_owned()),
            3 => more(format!(" lookup main suppress_prefixlength {}", random.one_of(&[0, 8, 16, 24]))),
            4 => more(format!(" lookup main suppress_ifgroup {}", random.below(3))),
            _ => more(format!(" lookup {}", random.one_of(TABLES))),
        }
        self.line(&line);
    }
}

/// A question for `ip route get`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) dst: IpAddr,
    pub(crate) src: Option<IpAddr>,
    pub(crate) iif: Option<String>,
    pub(crate) oif: Option<String>,
    mark: u32,
    protocol: Option<(u8, u16, u16)>,
    tos: u8,
}

impl Question {
    pub(crate) fn random(random: &mut Random, setup: &Setup, family: Family) -> Self {
        let any = |random: &mut Random| match random.below(12) {
            0 => match family {
                Family::V4 => {
                    *random.one_of(&["127.0.0.1", "224.0.0.5", "255.255.255.255", "10.0.0.255", "8.8.8.8", "127.0.0.9"])
                }
                Family::V6 => *random.one_of(&["::1", "2001:db8::1", "fd00:1::ff"]),
            }
            .parse()
            .expect("an address"),
            1 | 2 => {
                let own: Vec<IpAddr> = setup.own.iter().copied().filter(|a| Family::of(*a) == family).collect();
                if own.is_empty() { address(random, family) } else { *random.one_of(&own) }
            }
            _ => address(random, family),
        };
        let dst = any(random);
        let mut src = (!random.once_in(3)).then(|| any(random));
        let iif = random.once_in(2).then(|| (*random.one_of(DEVICES)).to_owned());
        if iif.is_some() && src.is_none() {
            src = Some(address(random, family));
        }
        // Who has joined a group is not in any table that is compared.
        let iif = iif.filter(|_| !dst.is_multicast());
        let mut oif = (iif.is_none() && random.once_in(5)).then(|| (*random.one_of(DEVICES)).to_owned());
        if family == Family::V6 && src.is_some() {
            // Not as a bound socket would ask: there `ip route get` is not strict.
            oif = None;
        }
        let protocol = random.once_in(2).then(|| {
            (
                *random.one_of(&[6, 17]),
                u16::try_from(random.below(99) + 1).unwrap_or(1),
                u16::try_from(random.below(99) + 1).unwrap_or(1),
            )
        });
        let tos = if family == Family::V4 && random.once_in(4) { *random.one_of(TOS) } else { 0 };
        Self { dst, src, iif, oif, mark: random.below(4), protocol, tos }
    }

    /// As `ip route get` takes it.
    pub(crate) fn command(&self) -> String {
        let mut out = self.dst.to_string();
        let mut more = |text: String| out.push_str(&text);
        if let Some(src) = self.src {
            more(format!(" from {src}"));
        }
        if let Some(iif) = &self.iif {
            more(format!(" iif {iif}"));
        }
        if let Some(oif) = &self.oif {
            more(format!(" oif {oif}"));
        }
        more(format!(" mark {}", self.mark));
        if self.tos != 0 {
            more(format!(" tos {:#x}", self.tos));
        }
        if let Some((protocol, sport, dport)) = self.protocol {
            more(format!(" ipproto {} sport {sport} dport {dport}", if protocol == 6 { "tcp" } else { "udp" }));
        }
        out
    }

    /// As the walk takes it.
    pub(crate) fn key(&self) -> RouteKey<'_> {
        RouteKey {
            dst: self.dst,
            src: self.src,
            iif: self.iif.as_deref(),
            oif: self.oif.as_deref(),
            mark: Some(self.mark),
            // What is not said is UDP without ports for IPv4 (`inet_rtm_getroute`), and nothing for IPv6.
            protocol: Some(self.protocol.map_or(if self.dst.is_ipv4() { 17 } else { 0 }, |p| p.0)),
            sport: Some(self.protocol.map_or(0, |p| p.1)),
            dport: Some(self.protocol.map_or(0, |p| p.2)),
            tos: Some(self.tos),
        }
    }
}
