//! Configurations of a namespace from a seed: commands for `ip -batch`, `bridge -batch` and `tc -batch`, of which the kernel may
//! refuse some.

use crate::random::Random;

/// What is run in a namespace, in this order.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) links: Vec<String>,
    pub(crate) bridge: Vec<String>,
    pub(crate) ip: Vec<String>,
    pub(crate) tc: Vec<String>,
}

/// What one is made of.
struct Maker {
    random: Random,
    config: Config,
    /// Interfaces that carry addresses.
    devices: Vec<String>,
    bridges: Vec<String>,
    ports: Vec<String>,
    vxlans: Vec<String>,
    nexthops: Vec<u32>,
}

impl Maker {
    fn chance(&mut self, one_in: u32) -> bool {
        self.random.once_in(one_in)
    }

    fn number(&mut self, from: u32, to: u32) -> u32 {
        from + self.random.below(to - from + 1)
    }

    fn word(&mut self, words: &[&str]) -> String {
        (*self.random.one_of(words)).to_owned()
    }

    fn device(&mut self) -> String {
        self.random.one_of(&self.devices).clone()
    }

    fn mac(&mut self) -> String {
        let n = self.random.bits();
        format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", n & 0xff, n >> 8 & 0xff, n >> 16 & 0xff, n >> 24 & 0xff, n >> 32 & 0xff)
    }

    fn v4(&mut self) -> String {
        format!("10.{}.{}.{}", self.number(0, 9), self.number(0, 255), self.number(1, 254))
    }

    fn v6(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("2001:db8::{:x}", self.number(1, 0xffff)),
            1 => format!("fd00:{:x}::{:x}:0:0:{:x}", self.number(0, 9), self.number(1, 0xffff), self.number(1, 0xffff)),
            2 => format!("fd00:1:2:3:4:5:{:x}:{:x}", self.number(0, 9), self.number(1, 9)),
            _ => format!("2001:db8:{:x}:0:{:x}::", self.number(1, 9), self.number(1, 9)),
        }
    }

    fn prefix(&mut self, six: bool) -> String {
        if six {
            let len = self.number(16, 128);
            // The kernel wants no bits behind the prefix.
            let head = format!("2001:db8:{:x}:{:x}:", self.number(0, 0xff), self.number(0, 3));
            return match len {
                0..64 => format!("2001:db8:{:x}::/48", self.number(0, 0xff)),
                64..128 => format!("{head}:/64"),
                _ => format!("{head}:{:x}", self.number(1, 0xffff)),
            };
        }
        match self.random.below(5) {
            0 => format!("10.{}.0.0/16", self.number(0, 255)),
            1 => format!("172.16.{}.0/24", self.number(0, 255)),
            2 => format!("192.168.{}.{}/30", self.number(0, 255), 4 * self.number(0, 63)),
            3 => "default".to_owned(),
            _ => format!("198.51.100.{}", self.number(1, 254)),
        }
    }

    /// With a chance of one in `n`, an option and a value.
    fn maybe(&mut self, n: u32, text: impl FnOnce(&mut Self) -> String) -> String {
        if self.chance(n) { format!(" {}", text(self)) } else { String::new() }
    }

    fn links(&mut self) {
        for i in 0..self.number(2, 4) {
            let peer = if self.chance(2) { format!("p{i} netns peer") } else { format!("w{i}") };
            let mac = self.mac();
            let queues = self.maybe(3, |m| format!("numtxqueues {} numrxqueues {}", m.number(1, 4), m.number(1, 4)));
            let peer = peer.replace("netns peer", "netns PEER");
            self.config.links.push(format!("link add v{i} address {mac}{queues} type veth peer name {peer}"));
            self.devices.push(format!("v{i}"));
            if !peer.contains("PEER") {
                self.devices.push(format!("w{i}"));
            }
        }
        for i in 0..self.number(0, 2) {
            let options = self.bridge_options();
            self.config.links.push(format!("link add br{i} type bridge{options}"));
            self.bridges.push(format!("br{i}"));
            self.devices.push(format!("br{i}"));
        }
        for i in 0..self.number(0, 2) {
            let options = self.vxlan_options(i);
            self.config.links.push(format!("link add vx{i} type vxlan{options}"));
            self.vxlans.push(format!("vx{i}"));
            self.devices.push(format!("vx{i}"));
        }
        if self.chance(2) {
            let (on, mode) = (self.device(), self.word(&["private", "vepa", "bridge", "passthru", "source"]));
            let more = self.maybe(3, |m| format!("bcqueuelen {}", m.number(1, 9000)));
            self.config.links.push(format!("link add mv0 link {on} type macvlan mode {mode}{more}"));
            if mode == "source" {
                let (a, b) = (self.mac(), self.mac());
                self.config.links.push(format!("link set mv0 type macvlan macaddr set {a} {b}"));
            }
            self.devices.push("mv0".to_owned());
        }
        if self.chance(2) {
            let more = self.maybe(2, |m| m.word(&["multi_queue", "pi", "vnet_hdr", "user 1000", "group 100", "user 0 group 0"]));
            let mode = self.word(&["tun", "tap"]);
            self.config.links.push(format!("tuntap add dev t0 mode {mode}{more}"));
            self.devices.push("t0".to_owned());
        }
        if self.chance(2) {
            self.config.links.push("link add ifb7 type ifb".to_owned());
            self.devices.push("ifb7".to_owned());
        }
        // This kernel may not have them.
        let vlan = self.device();
        let more = [
            "link add d0 type dummy".to_owned(),
            format!(
                "link add link {vlan} name {vlan}.7 type vlan id 7 protocol 802.1ad reorder_hdr off ingress-qos-map 1:2 egress-qos-map 3:4"
            ),
            "link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4".to_owned(),
            format!("link add iv0 link {vlan} type ipvlan mode l3 private"),
            "link add vrf0 type vrf table 77".to_owned(),
            "link add ipip0 type ipip local 10.0.0.1 remote 10.0.0.2 ttl 9".to_owned(),
            "link add gre0x type gre local 10.0.0.1 remote 10.0.0.3 key 5".to_owned(),
            "link add sit7 type sit remote any local 10.0.0.1".to_owned(),
            "link add gnv0 type geneve id 7 remote 10.0.0.4 dstport 6081".to_owned(),
            "link add wg0 type wireguard".to_owned(),
            "link add xf0 type xfrm dev lo if_id 9".to_owned(),
        ];
        for line in more {
            if self.chance(3) {
                self.config.links.push(line);
            }
        }
        for device in self.devices.clone() {
            let group = self.maybe(5, |m| format!("group {}", m.number(1, 300)));
            let mtu = self.maybe(3, |m| format!("mtu {}", m.number(1280, 1500)));
            let more = self.maybe(6, |m| {
                let words = ["arp off", "multicast off", "allmulticast on", "promisc on", "txqueuelen 77", "protodown on"];
                m.word(&words)
            });
            let alias = self.maybe(6, |m| m.word(&["alias \"the uplink\"", "alias a\\b"]));
            let mode = self.maybe(4, |m| format!("addrgenmode {}", m.word(&["eui64", "none", "random"])));
            for option in [group, mtu, more, alias, mode] {
                if !option.is_empty() {
                    self.config.links.push(format!("link set dev {device}{option}"));
                }
            }
            if self.chance(8) {
                self.config.links.push(format!("link property add dev {device} altname alt-{device}"));
            }
        }
        for device in self.devices.clone() {
            if device.starts_with(['v', 'w']) && !device.starts_with("vx") && !self.bridges.is_empty() && self.chance(2) {
                let bridge = self.random.one_of(&self.bridges).clone();
                self.config.links.push(format!("link set {device} master {bridge}"));
                self.ports.push(device);
            }
        }
        for vxlan in self.vxlans.clone() {
            if !self.bridges.is_empty() && self.chance(2) {
                let bridge = self.random.one_of(&self.bridges).clone();
                self.config.links.push(format!("link set {vxlan} master {bridge}"));
                self.ports.push(vxlan);
            }
        }
        for port in self.ports.clone() {
            let options = self.port_options();
            self.config.links.push(format!("link set {port} type bridge_slave{options}"));
        }
        for device in self.devices.clone() {
            if !self.chance(4) {
                self.config.links.push(format!("link set {device} up"));
            }
        }
    }

    fn bridge_options(&mut self) -> String {
        let mut text = String::new();
        for (option, from, to) in [
            ("forward_delay", 200, 3000),
            ("hello_time", 100, 1000),
            ("max_age", 600, 4000),
            ("ageing_time", 0, 90000),
            ("stp_state", 0, 1),
            ("priority", 0, 65535),
            ("vlan_filtering", 0, 1),
            ("vlan_default_pvid", 0, 20),
            ("vlan_stats_enabled", 0, 1),
            ("vlan_stats_per_port", 0, 1),
            ("group_fwd_mask", 0, 0),
            ("mcast_snooping", 0, 1),
            ("mcast_vlan_snooping", 0, 1),
            ("mcast_router", 0, 2),
            ("mcast_querier", 0, 1),
            ("mcast_hash_max", 512, 512),
            ("mcast_last_member_count", 1, 9),
            ("mcast_startup_query_count", 1, 9),
            ("mcast_stats_enabled", 0, 1),
            ("mcast_igmp_version", 2, 3),
            ("mcast_mld_version", 1, 2),
            ("nf_call_iptables", 0, 1),
            ("nf_call_ip6tables", 0, 1),
            ("nf_call_arptables", 0, 1),
            ("no_linklocal_learn", 0, 1),
        ] {
            text += &self.maybe(4, |m| format!("{option} {}", m.number(from, to)));
        }
        text + &self.maybe(4, |_| "vlan_protocol 802.1ad".to_owned())
    }

    fn port_options(&mut self) -> String {
        let mut text = String::new();
        for option in [
            "hairpin",
            "guard",
            "root_block",
            "fastleave",
            "learning",
            "flood",
            "proxy_arp",
            "proxy_arp_wifi",
            "mcast_flood",
            "mcast_to_unicast",
            "bcast_flood",
            "group_fwd_mask 8",
            "neigh_suppress",
            "vlan_tunnel",
            "isolated",
            "locked",
            "mab",
        ] {
            let value = if option.contains(' ') { "" } else { " on" };
            let off = !option.contains(' ') && self.chance(2);
            let value = if off { " off" } else { value };
            text += &self.maybe(4, |_| format!("{option}{value}"));
        }
        for (option, from, to) in [("priority", 0, 63), ("cost", 1, 200), ("mcast_router", 0, 2), ("state", 0, 4)] {
            text += &self.maybe(5, |m| format!("{option} {}", m.number(from, to)));
        }
        if text.is_empty() { " flood on".to_owned() } else { text }
    }

    fn vxlan_options(&mut self, i: u32) -> String {
        let external = self.chance(6);
        let mut text = if external { " external".to_owned() } else { format!(" id {}", 10 * i + self.number(1, 9)) };
        if !external {
            text += &match self.random.below(4) {
                0 => format!(" remote {}", self.v4()),
                1 => format!(" group 239.1.1.{} dev {}", self.number(1, 9), self.device()),
                2 => format!(" local {}", self.v4()),
                _ => format!(" remote {} local {}", self.v6(), self.v6()),
            };
        }
        let port = self.number(0, 3);
        text += [" dstport 4789", " dstport 8472", " dstport 0", ""][port as usize];
        for (option, from, to) in [("ttl", 0, 255), ("tos", 0, 255), ("ageing", 0, 900), ("maxaddress", 1, 1000)] {
            text += &self.maybe(4, |m| format!("{option} {}", m.number(from, to)));
        }
        for option in [
            "nolearning",
            "proxy",
            "rsc",
            "l2miss",
            "l3miss",
            "udpcsum",
            "noudpcsum",
            "udp6zerocsumtx",
            "udp6zerocsumrx",
            "remcsumtx",
            "remcsumrx",
            "gbp",
            "gpe",
            "df set",
            "df inherit",
            "ttl inherit",
            "tos inherit",
            "flowlabel 0x123",
            "srcport 1000 2000",
            "vnifilter",
        ] {
            text += &self.maybe(7, |_| option.to_owned());
        }
        text
    }

    fn addresses(&mut self) {
        for device in self.devices.clone() {
            for _ in 0..self.number(0, 3) {
                let six = self.chance(2);
                let address = if six {
                    format!("{}/{}", self.v6(), self.number(48, 128))
                } else {
                    format!("{}/{}", self.v4(), self.number(8, 32))
                };
                let mut text = format!("address add {address} dev {device}");
                if !six {
                    text += &self.maybe(4, |_| "broadcast +".to_owned());
                    text += &self.maybe(5, |_| format!("label {device}:x"));
                    if self.chance(6) {
                        text = format!("address add {} peer {}/32 dev {device}", self.v4(), self.v4());
                    }
                } else {
                    text += &self.maybe(5, |m| m.word(&["nodad", "home", "mngtmpaddr", "autojoin"]));
                }
                text += &self.maybe(5, |m| format!("scope {}", m.word(&["link", "host", "site", "77"])));
                text += &self.maybe(5, |m| format!("metric {}", m.number(1, 5000)));
                text += &self.maybe(6, |_| "noprefixroute".to_owned());
                text += &self.maybe(6, |_| "valid_lft 400000 preferred_lft 300000".to_owned());
                text += &self.maybe(6, |m| format!("proto {}", m.number(1, 3)));
                self.config.ip.push(text);
            }
        }
    }

    fn nexthops(&mut self) {
        for id in 1..=self.number(0, 6) {
            let device = self.device();
            let via = match self.random.below(5) {
                0 => "blackhole".to_owned(),
                1 => format!("dev {device}"),
                2 => format!("via {} dev {device} onlink", self.v6()),
                3 => format!("via {} fdb", self.v4()),
                _ => format!("via {} dev {device} onlink", self.v4()),
            };
            let protocol = self.maybe(3, |m| format!("protocol {}", m.word(&["bird", "77", "zebra", "99"])));
            let encap = self.maybe(5, |_| "encap ip id 7 dst 10.9.9.9 ttl 3".to_owned());
            self.config.ip.push(format!("nexthop add id {id} {via}{encap}{protocol}"));
            self.nexthops.push(id);
        }
        for id in 10..10 + self.number(0, 2) {
            if self.nexthops.len() < 2 {
                break;
            }
            let (a, b) = (*self.random.one_of(&self.nexthops), *self.random.one_of(&self.nexthops));
            let weight = self.maybe(2, |m| format!(",{}", m.number(2, 250))).trim().to_owned();
            let kind = self.maybe(3, |m| {
                format!("type resilient buckets 32 idle_timer {} unbalanced_timer {}", m.number(1, 500), m.number(0, 500))
            });
            self.config.ip.push(format!("nexthop add id {id} group {a}{weight}/{b}{kind}"));
            self.nexthops.push(id);
        }
    }

    fn routes(&mut self) {
        for _ in 0..self.number(3, 25) {
            let six = self.chance(2);
            let prefix = self.prefix(six);
            let kind = self.maybe(5, |m| {
                m.word(&["blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "anycast", "multicast"])
            });
            let device = self.device();
            let mut text = format!("{} route add{kind} {prefix}", if six { "-6" } else { "-4" });
            let unicast = kind.is_empty();
            if unicast && self.chance(6) && !self.nexthops.is_empty() {
                text += &format!(" nhid {}", self.random.one_of(&self.nexthops));
            } else if unicast && self.chance(5) {
                for _ in 0..self.number(2, 4) {
                    let (via, device) = (if six { self.v6() } else { self.v4() }, self.device());
                    let weight = self.maybe(2, |m| format!("weight {}", m.number(1, 256)));
                    let encap = self.maybe(8, Self::encap);
                    text += &format!(" nexthop{encap} via {via} dev {device}{weight} onlink");
                }
            } else if unicast || kind == " multicast" {
                text += &self.maybe(5, Self::encap);
                text += &match self.random.below(4) {
                    0 => format!(" dev {device}"),
                    1 if !six => format!(" via inet6 {} dev {device}", self.v6()),
                    _ => format!(" via {} dev {device} onlink", if six { self.v6() } else { self.v4() }),
                };
            } else if !kind.contains("hole") && !kind.contains("hrow") {
                text += &format!(" dev {device}");
            }
            text += &self.maybe(3, |m| format!("table {}", m.word(&["100", "main", "local", "252", "70000", "51820"])));
            text += &self.maybe(3, |m| format!("metric {}", m.number(1, 100_000)));
            text += &self.maybe(3, |m| format!("proto {}", m.word(&["bird", "dhcp", "static", "80", "kernel", "99", "zebra"])));
            text += &self.maybe(8, |m| format!("scope {}", m.word(&["link", "host", "global", "site", "7"])));
            text += &self.maybe(8, |m| format!("tos {}", m.word(&["0x10", "0x08", "CS1", "4"])));
            text += &self.maybe(8, |m| format!("realms {}", m.word(&["5", "7/9", "250/1"])));
            text += &self.maybe(6, |m| format!("mtu {}{}", m.word(&["", "lock "]), m.number(1280, 9000)));
            for (option, from, to) in [
                ("advmss", 500, 1400),
                ("window", 1000, 9000),
                ("rtt", 1, 3000),
                ("rttvar", 1, 3000),
                ("cwnd", 1, 90),
                ("hoplimit", 1, 255),
                ("initcwnd", 1, 90),
                ("initrwnd", 1, 90),
                ("quickack", 0, 1),
                ("ssthresh", 1, 900),
                ("reordering", 1, 9),
                ("rto_min", 1, 900),
                ("fastopen_no_cookie", 1, 1),
            ] {
                text += &self.maybe(20, |m| format!("{option} {}", m.number(from, to)));
            }
            text += &self.maybe(20, |_| "features ecn".to_owned());
            text += &self.maybe(20, |m| format!("congctl {}", m.word(&["cubic", "reno", "lock cubic"])));
            if six {
                text += &self.maybe(8, |m| format!("pref {}", m.word(&["low", "high", "medium"])));
                text += &self.maybe(8, |_| "expires 4000".to_owned());
            }
            self.config.ip.push(text);
        }
    }

    fn encap(&mut self) -> String {
        // Never with geneve_opts, vxlan_opts or erspan_opts: Linux 6.18 stops in the middle of it with its routing lock held.
        match self.random.below(6) {
            0 => format!("encap ip id {} dst {} ttl {} tos 3 key csum seq", self.number(1, 9000), self.v4(), self.number(1, 99)),
            1 => format!("encap ip id 5 src {} dst {}", self.v4(), self.v4()),
            2 => format!("encap ip6 id 6 dst {} hoplimit 9 tc 2", self.v6()),
            3 => {
                let mode = self.word(&["encap", "inline", "encap.red", "l2encap"]);
                format!("encap seg6 mode {mode} segs {},{}", self.v6(), self.v6())
            }
            4 => {
                let action = self.word(&[
                    "End",
                    "End.X nh6 2001:db8::9",
                    "End.T table 254",
                    "End.DX4 nh4 10.1.1.1",
                    "End.DX6 nh6 2001:db8::8",
                    "End.DT6 table 100",
                    "End.B6.Encaps srh segs 2001:db8::1,2001:db8::2",
                    "End flavors psp,usd",
                ]);
                format!("encap seg6local action {action}")
            }
            _ => format!("encap mpls {}", self.word(&["100", "100/200", "16/17/18 ttl 9"])),
        }
    }

    fn rules(&mut self) {
        for _ in 0..self.number(0, 12) {
            let six = self.chance(3);
            let mut text = format!("{} rule add", if six { "-6" } else { "-4" });
            text += &self.maybe(5, |_| "not".to_owned());
            text += &self.maybe(2, |m| format!("from {}", m.prefix(six)));
            text += &self.maybe(3, |m| format!("to {}", m.prefix(six)));
            text = text.replace("default", "all");
            text += &self.maybe(4, |m| format!("iif {}", m.word(&["v0", "lo", "gone0", "br0"])));
            text += &self.maybe(5, |m| format!("oif {}", m.word(&["v1", "gone1"])));
            text += &self.maybe(3, |m| format!("fwmark {}", m.word(&["0x1", "0x200/0xf00", "51820", "0/0xf"])));
            text += &self.maybe(8, |m| format!("tos {}", m.word(&["0x10", "8", "CS1"])));
            text += &self.maybe(6, |m| format!("ipproto {}", m.word(&["tcp", "udp", "icmp", "17", "ipv6-icmp", "200"])));
            text += &self.maybe(7, |m| format!("sport {}", m.word(&["53", "1000-2000"])));
            text += &self.maybe(7, |m| format!("dport {}", m.word(&["443", "30000-32767"])));
            text += &self.maybe(8, |_| "uidrange 0-1000".to_owned());
            text += &self.maybe(8, |m| format!("tun_id {}", m.number(1, 99)));
            text += &self.maybe(12, |m| format!("realms {}", m.word(&["5", "7/9", "0/3"])));
            text += &self.maybe(8, |_| "suppress_prefixlength 0".to_owned());
            text += &self.maybe(8, |m| format!("suppress_ifgroup {}", m.word(&["default", "10", "2"])));
            text += &self.maybe(2, |m| format!("pref {}", m.number(1, 32_000)));
            text += &self.maybe(5, |m| format!("protocol {}", m.word(&["zebra", "77", "kernel", "99"])));
            text += &match self.random.below(10) {
                0 => " blackhole".to_owned(),
                1 => " unreachable".to_owned(),
                2 => " prohibit".to_owned(),
                3 => format!(" goto {}", self.word(&["32766", "40000"])),
                4 => " nop".to_owned(),
                5 => " l3mdev".to_owned(),
                _ => format!(" lookup {}", self.word(&["main", "100", "70000", "default", "252"])),
            };
            self.config.ip.push(text);
        }
    }

    fn neighbours(&mut self) {
        for _ in 0..self.number(0, 10) {
            let device = self.device();
            let address = if self.chance(2) { self.v4() } else { self.v6() };
            let state = self.word(&["permanent", "reachable", "stale", "noarp", "failed", "incomplete", "none", "delay"]);
            let mac = self.mac();
            let more = self.maybe(5, |m| m.word(&["router", "extern_learn", "protocol zebra", "protocol 99", "use"]));
            self.config.ip.push(format!("neigh add {address} lladdr {mac} dev {device} nud {state}{more}"));
        }
    }

    fn forwarding(&mut self) {
        let targets: Vec<String> = self.ports.iter().chain(&self.vxlans).cloned().collect();
        for device in targets {
            for _ in 0..self.number(0, 3) {
                let mac = if self.chance(6) { "00:00:00:00:00:00".to_owned() } else { self.mac() };
                let verb = self.word(&["add", "append"]);
                let text = if device.starts_with("vx") && self.chance(2) {
                    let dst = if self.chance(4) { self.v6() } else { self.v4() };
                    let more = self.maybe(3, |m| format!("vni {}", m.number(1, 500)))
                        + &self.maybe(4, |m| format!("port {}", m.number(1, 500)))
                        + &self.maybe(6, |m| format!("src_vni {}", m.number(1, 500)))
                        + &self.maybe(5, |m| format!("via {}", m.device()));
                    let state = self.word(&["permanent", "static", "dynamic"]);
                    format!("fdb {verb} {mac} dev {device} dst {dst} self {state}{more}")
                } else {
                    let more = self.maybe(3, |m| format!("vlan {}", m.number(1, 20)));
                    let more = more + &self.maybe(4, |m| m.word(&["sticky", "extern_learn", "use"]));
                    let state = self.word(&["permanent", "static", "dynamic"]);
                    format!("fdb add {mac} dev {device} master {state}{more}")
                };
                self.config.bridge.push(text);
            }
        }
        for port in self.ports.clone().into_iter().chain(self.bridges.clone()) {
            let own = if port.starts_with("br") { " self" } else { "" };
            for _ in 0..self.number(0, 3) {
                let vid = self.number(2, 400);
                let range = self.maybe(3, |m| format!("-{}", vid + m.number(1, 9))).trim().to_owned();
                let flags = self.maybe(3, |m| m.word(&["untagged", "pvid untagged", "pvid"]));
                let flags = if range.is_empty() { flags } else { flags.replace("pvid", "") };
                self.config.bridge.push(format!("vlan add dev {port} vid {vid}{range}{flags}{own}"));
            }
            if port.starts_with("vx") && self.chance(2) {
                self.config.bridge.push(format!("vlan add dev {port} vid 7 tunnel_info id 1007"));
            }
        }
    }

    fn queues(&mut self) {
        for device in self.devices.clone() {
            match self.random.below(7) {
                0 => {
                    let (rate, more) =
                        (self.number(1, 900), self.maybe(3, |m| format!("mtu 2000 peakrate {}mbit", m.number(901, 999))));
                    self.config
                        .tc
                        .push(format!("qdisc add dev {device} root handle 5: tbf rate {rate}mbit burst 20kb latency 50ms{more}"));
                }
                1 => {
                    let more = self.maybe(2, |_| "r2q 20".to_owned());
                    self.config.tc.push(format!("qdisc add dev {device} root handle 1: htb default 0x10{more}"));
                    self.config.tc.push(format!("class add dev {device} parent 1: classid 1:10 htb rate 5mbit"));
                    let limit = self.number(1, 999);
                    self.config.tc.push(format!("qdisc add dev {device} parent 1:10 handle 11: pfifo limit {limit}"));
                }
                2 => self.config.tc.push(format!("qdisc add dev {device} clsact")),
                3 => self.config.tc.push(format!("qdisc add dev {device} ingress")),
                4 => {
                    let kind = self.word(&["pfifo", "bfifo", "pfifo_fast", "noqueue", "fq_codel"]);
                    self.config.tc.push(format!("qdisc add dev {device} root {kind}"));
                }
                _ => {}
            }
        }
    }
}

/// The configuration that a seed gives.
pub(crate) fn config(seed: u64) -> Config {
    let mut maker = Maker {
        random: Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed),
        config: Config::default(),
        devices: vec!["lo".to_owned()],
        bridges: Vec::new(),
        ports: Vec::new(),
        vxlans: Vec::new(),
        nexthops: Vec::new(),
    };
    maker.links();
    maker.forwarding();
    maker.addresses();
    maker.nexthops();
    maker.routes();
    maker.rules();
    maker.neighbours();
    maker.queues();
    maker.config
}
