//! Small nodes for the rules' unit tests, written by hand to iproute2's and the kernel's documented forms.

#![allow(clippy::needless_pass_by_value, reason = "a check is handed over to be judged")]

use bundle::{
    AbsentWhy, Bundle, Capture, CollectorInfo, FORMAT, How, Key, Manifest, Netns, NetnsInfo, NodeIdentity, Outcome as Taken,
    Record, Span,
};
use netmodel::Node;

use crate::finding::Finding;
use crate::rule::{Check, Outcome};

/// A node with one pod on the bridge `cni0`, an uplink, and a VXLAN overlay to one peer: healthy as far as it is described.
pub(crate) const HEALTHY: &[(Capture, &str)] = &[
    (
        Capture::Sysctl,
        "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n\
         net.netfilter.nf_conntrack_count = 10\nnet.netfilter.nf_conntrack_max = 1000\n",
    ),
    (
        Capture::IpAddr,
        r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"operstate":"UNKNOWN","link_type":"loopback","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"}]},{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"operstate":"UP","link_type":"ether","address":"02:00:00:00:00:02","addr_info":[{"family":"inet","local":"192.0.2.11","prefixlen":24,"scope":"global","label":"eth0"}]},{"ifindex":3,"ifname":"flannel.1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"operstate":"UNKNOWN","link_type":"ether","address":"02:00:00:00:00:03","linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"192.0.2.11","link":"eth0","port":8472,"learning":false,"df":"unset"}},"addr_info":[{"family":"inet","local":"10.244.1.0","prefixlen":32,"scope":"global","label":"flannel.1"}]},{"ifindex":4,"ifname":"cni0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"operstate":"UP","link_type":"ether","address":"02:00:00:00:00:04","linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":0,"nf_call_iptables":0,"nf_call_ip6tables":0}},"addr_info":[{"family":"inet","local":"10.244.1.1","prefixlen":24,"scope":"global","label":"cni0"}]},{"ifindex":5,"link_index":2,"ifname":"veth1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"master":"cni0","operstate":"UP","link_type":"ether","address":"02:00:00:00:00:05","link_netnsid":1,"linkinfo":{"info_kind":"veth","info_slave_kind":"bridge","info_slave_data":{"state":"forwarding","hairpin":true,"isolated":false}},"addr_info":[]}]"#,
    ),
    (
        Capture::IpRoute4,
        r#"[{"type":"unicast","dst":"default","gateway":"192.0.2.1","dev":"eth0","table":"main","protocol":"boot","scope":"global","flags":[]},{"type":"unicast","dst":"10.244.1.0/24","dev":"cni0","table":"main","protocol":"kernel","scope":"link","prefsrc":"10.244.1.1","flags":[]},{"type":"unicast","dst":"10.244.2.0/24","gateway":"10.244.2.0","dev":"flannel.1","table":"main","protocol":"boot","scope":"global","flags":["onlink"]},{"type":"unicast","dst":"192.0.2.0/24","dev":"eth0","table":"main","protocol":"kernel","scope":"link","prefsrc":"192.0.2.11","flags":[]},{"type":"local","dst":"10.244.1.1","dev":"cni0","table":"local","protocol":"kernel","scope":"host","prefsrc":"10.244.1.1","flags":[]},{"type":"local","dst":"192.0.2.11","dev":"eth0","table":"local","protocol":"kernel","scope":"host","prefsrc":"192.0.2.11","flags":[]}]"#,
    ),
    (
        Capture::IpRule4,
        r#"[{"priority":0,"src":"all","table":"local","protocol":"kernel"},{"priority":32766,"src":"all","table":"main","protocol":"kernel"},{"priority":32767,"src":"all","table":"default","protocol":"kernel"}]"#,
    ),
    (Capture::IpRoute6, "[]"),
    (Capture::IpRule6, r#"[{"priority":0,"src":"all","table":"local","protocol":"kernel"}]"#),
    (
        Capture::IpNeigh,
        r#"[{"dst":"10.244.1.2","dev":"cni0","lladdr":"02:00:00:00:01:02","state":["REACHABLE"]},{"dst":"10.244.2.0","dev":"flannel.1","lladdr":"02:00:00:00:02:00","state":["PERMANENT"]}]"#,
    ),
    (
        Capture::BridgeFdb,
        r#"[{"mac":"02:00:00:00:02:00","ifname":"flannel.1","dst":"192.0.2.12","flags":["self"],"state":"permanent"}]"#,
    ),
    (
        Capture::FlannelSubnetEnv,
        "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
    ),
    (
        Capture::IptablesNftSave,
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\nCOMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n\
         :OUTPUT ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n[0:0] -A PREROUTING -j KUBE-SERVICES\n[0:0] -A OUTPUT -j KUBE-SERVICES\nCOMMIT\n",
    ),
    (Capture::IptablesLegacySave, ""),
    (Capture::Ip6tablesNftSave, ""),
    (Capture::Ip6tablesLegacySave, ""),
    (
        Capture::NftRuleset,
        r#"{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}]}"#,
    ),
    (Capture::ResolvConf, "nameserver 192.0.2.53\n"),
    (Capture::IpsetSave, ""),
];

/// The healthy node, changed.
pub(crate) struct Sketch {
    texts: Vec<(Key, String)>,
    absent: Vec<(Key, AbsentWhy)>,
    pods: Vec<u32>,
}

impl Sketch {
    /// The healthy node.
    pub(crate) fn healthy() -> Self {
        Self {
            texts: HEALTHY.iter().map(|(c, t)| (Key::node(*c), (*t).to_owned())).collect(),
            absent: Vec::new(),
            pods: Vec::new(),
        }
    }

    /// The healthy node without its overlay: the peer's pods are routed to the peer itself.
    pub(crate) fn host_gw() -> Self {
        Self::healthy().edit(Capture::IpAddr, r#""info_kind":"vxlan""#, r#""info_kind":"dummy""#).edit(
            Capture::IpRoute4,
            r#""gateway":"10.244.2.0","dev":"flannel.1""#,
            r#""gateway":"192.0.2.12","dev":"eth0""#,
        )
    }

    /// The healthy node with kube-proxy in ipvs mode, one virtual service, and this line among the sysctls.
    pub(crate) fn ipvs(sysctl: &str) -> Self {
        Self::healthy()
            .edit(Capture::Sysctl, "net.ipv4.ip_forward = 1\n", &format!("net.ipv4.ip_forward = 1\n{sysctl}"))
            .edit(Capture::IptablesNftSave, "KUBE-SERVICES", "KUBE-NODE-PORT")
            .with(Key::node_instance(Capture::KubeProxyConfig, "/var/lib/kube-proxy/config.conf"), "mode: ipvs\n")
            .with(Key::node(Capture::IpvsSave), "-A -t 10.96.0.10:53 -s rr\n-a -t 10.96.0.10:53 -r 10.244.1.2:53 -m -w 1\n")
    }

    /// A node without any pod network.
    pub(crate) fn without_pods() -> Self {
        let links = r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"addr_info":[]}]"#;
        Self::healthy()
            .with(Key::node(Capture::IpAddr), links)
            .with(Key::node(Capture::IpRoute4), "[]")
            .with(Key::node(Capture::IpNeigh), "[]")
            .with(Key::node(Capture::BridgeFdb), "[]")
            .with(Key::node(Capture::IptablesNftSave), "")
            .without(Capture::FlannelSubnetEnv, AbsentWhy::NotFound)
            .without(Capture::CniConfig, AbsentWhy::NotFound)
    }

    /// Replaces a part of a capture, which must stand there.
    pub(crate) fn edit(mut self, capture: Capture, part: &str, with: &str) -> Self {
        let (_, text) =
            self.texts.iter_mut().find(|(k, _)| k.capture == capture && k.netns == Netns::Node).expect("the healthy node has it");
        assert!(text.contains(part), "{capture} does not hold {part}");
        *text = text.replace(part, with);
        self
    }

    /// Adds a capture, or replaces it.
    pub(crate) fn with(mut self, key: Key, text: &str) -> Self {
        self.texts.retain(|(k, _)| *k != key);
        self.texts.push((key, text.to_owned()));
        self
    }

    /// Adds a capture of a pod.
    pub(crate) fn pod(mut self, number: u32, capture: Capture, text: &str) -> Self {
        if !self.pods.contains(&number) {
            self.pods.push(number);
        }
        self.with(Key { netns: Netns::Pod(number), capture, instance: None }, text)
    }

    /// Makes a capture of the node's own namespace absent.
    pub(crate) fn without(mut self, capture: Capture, why: AbsentWhy) -> Self {
        self.texts.retain(|(k, _)| k.capture != capture || k.netns != Netns::Node);
        self.absent.push((Key::node(capture), why));
        self
    }

    /// The node.
    pub(crate) fn node(self) -> Node {
        let record = |key: &Key, outcome| Record {
            capture: key.capture.into(),
            pod: match key.netns {
                Netns::Node => None,
                Netns::Pod(number) => Some(number),
            },
            instance: key.instance.clone(),
            how: How::None,
            span: Span::default(),
            outcome,
        };
        let taken = |text: &str| Taken::Taken {
            bytes: text.len() as u64,
            sha256: String::new(),
            truncated: false,
            timed_out: false,
            exit: None,
            stderr: String::new(),
        };
        let pod = |&number: &u32| NetnsInfo {
            number,
            inode: u64::from(number),
            pod: Some(format!("default/p{number}")),
            found_by: "the test".to_owned(),
        };
        let absent = |why| Taken::Absent { why, detail: "for the test".to_owned() };
        let mut captures: Vec<Record> = self.texts.iter().map(|(key, text)| record(key, taken(text))).collect();
        captures.extend(self.absent.iter().map(|(key, why)| record(key, absent(*why))));
        let manifest = Manifest {
            format: FORMAT,
            collector: CollectorInfo { name: "test".to_owned(), version: "0".to_owned(), root: true },
            node: NodeIdentity {
                name: "node".to_owned(),
                kernel: "6.1.0".to_owned(),
                arch: "x86_64".to_owned(),
                ..NodeIdentity::default()
            },
            started_at: time::OffsetDateTime::UNIX_EPOCH,
            finished_at: Some(time::OffsetDateTime::UNIX_EPOCH),
            cut_short: None,
            netns: self.pods.iter().map(pod).collect(),
            captures,
        };
        Node::new(Bundle::from_texts("test", manifest, self.texts))
    }
}

/// The findings of a check that must have found something.
pub(crate) fn found(check: Check) -> Vec<Finding> {
    match check {
        Ok(Outcome::Found(findings)) => findings,
        other => panic!("expected findings, got {other:#?}"),
    }
}

/// Asserts that a check is clear.
pub(crate) fn clear(check: Check) {
    assert!(matches!(check, Ok(Outcome::Clear)), "expected clear, got {check:#?}");
}

/// Asserts that a check does not apply.
pub(crate) fn not_applicable(check: Check) {
    assert!(matches!(check, Ok(Outcome::NotApplicable(_))), "expected not applicable, got {check:#?}");
}

/// Asserts that a check lacks something, and what.
pub(crate) fn unknown(check: Check, capture: &str) {
    match check {
        Err(missing) => assert_eq!(missing.capture, capture, "{missing:?}"),
        other => panic!("expected unknown, got {other:#?}"),
    }
}
