//! `nft -j list ruleset` of a node with kube-proxy: in nftables mode, and in iptables mode through iptables-nft.

use std::fmt::Write;

use super::{Cluster, Service};

const METAINFO: &str =
    r#"{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}"#;

/// Writes one object behind those before it.
struct Objects {
    out: String,
    handle: u32,
}

impl Objects {
    fn new(capacity: usize) -> Self {
        let mut out = String::with_capacity(capacity);
        out.push_str(METAINFO);
        Self { out, handle: 0 }
    }

    fn table(&mut self, name: &str) {
        self.handle += 1;
        let handle = self.handle;
        self.push(format_args!(r#"{{"table": {{"family": "ip", "name": "{name}", "handle": {handle}}}}}"#));
    }

    fn chain(&mut self, table: &str, name: &str) {
        self.handle += 1;
        let handle = self.handle;
        self.push(format_args!(r#"{{"chain": {{"family": "ip", "table": "{table}", "name": "{name}", "handle": {handle}}}}}"#));
    }

    fn base(&mut self, table: &str, name: &str, kind: &str, hook: &str, prio: i32) {
        self.handle += 1;
        let handle = self.handle;
        self.push(format_args!(
            r#"{{"chain": {{"family": "ip", "table": "{table}", "name": "{name}", "handle": {handle}, "type": "{kind}", "hook": "{hook}", "prio": {prio}, "policy": "accept"}}}}"#
        ));
    }

    fn rule(&mut self, table: &str, chain: &str, expr: std::fmt::Arguments<'_>) {
        self.handle += 1;
        let handle = self.handle;
        self.push(format_args!(
            r#"{{"rule": {{"family": "ip", "table": "{table}", "chain": "{chain}", "handle": {handle}, "expr": [{expr}]}}}}"#
        ));
    }

    fn push(&mut self, object: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, ", {object}");
    }

    fn finish(mut self) -> String {
        self.out.push_str("]}\n");
        self.out
    }
}

const TCP: &str = r#"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}"#;
const COMMENT: &str = r#"{"xt": {"type": "match", "name": "comment"}}"#;
const COUNTER: &str = r#"{"counter": {"packets": 0, "bytes": 0}}"#;
const NOT_POD: &str = r#"{"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.244.0.0", "len": 16}}}}"#;
const PORT: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}"#;
const MARK: &str = r#"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 16384]}}}"#;

/// The tables of iptables-nft for the ruleset that [`super::iptables_save`] writes (its nat table; the others are small).
#[must_use]
pub fn nft_of_iptables(cluster: &Cluster) -> String {
    let mut objects = Objects::new(4_600 * cluster.services.len());
    objects.table("nat");
    for (name, hook, prio) in
        [("PREROUTING", "prerouting", -100), ("OUTPUT", "output", -100), ("POSTROUTING", "postrouting", 100)]
    {
        objects.base("nat", name, "nat", hook, prio);
    }
    for name in ["KUBE-MARK-MASQ", "KUBE-SERVICES"] {
        objects.chain("nat", name);
    }
    for Service { hash, endpoints, .. } in &cluster.services {
        objects.chain("nat", &format!("KUBE-SVC-{hash}"));
        for (endpoint, _) in endpoints {
            objects.chain("nat", &format!("KUBE-SEP-{endpoint}"));
        }
    }
    objects.rule("nat", "PREROUTING", format_args!(r#"{COMMENT}, {COUNTER}, {{"jump": {{"target": "KUBE-SERVICES"}}}}"#));
    for Service { hash, address, .. } in &cluster.services {
        let daddr = format!(
            r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "daddr"}}}}, "right": "{address}"}}}}"#
        );
        let jump = format!(r#"{{"jump": {{"target": "KUBE-SVC-{hash}"}}}}"#);
        objects.rule("nat", "KUBE-SERVICES", format_args!("{TCP}, {daddr}, {COMMENT}, {PORT}, {COUNTER}, {jump}"));
    }
    for Service { hash, address, endpoints, .. } in &cluster.services {
        let chain = format!("KUBE-SVC-{hash}");
        let daddr = format!(
            r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "daddr"}}}}, "right": "{address}"}}}}"#
        );
        let masq = r#"{"jump": {"target": "KUBE-MARK-MASQ"}}"#;
        objects.rule("nat", &chain, format_args!("{TCP}, {NOT_POD}, {daddr}, {COMMENT}, {PORT}, {COUNTER}, {masq}"));
        for (i, (endpoint, pod)) in endpoints.iter().enumerate() {
            let statistic = if i + 1 < endpoints.len() { r#"{"xt": {"type": "match", "name": "statistic"}}, "# } else { "" };
            objects.rule("nat", &chain, format_args!(r#"{statistic}{COUNTER}, {{"jump": {{"target": "KUBE-SEP-{endpoint}"}}}}"#));
            let own = format!("KUBE-SEP-{endpoint}");
            objects.rule(
                "nat",
                &own,
                format_args!(
                    r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "saddr"}}}}, "right": "{pod}"}}}}, {COMMENT}, {COUNTER}, {masq}"#
                ),
            );
            objects.rule(
                "nat",
                &own,
                format_args!(
                    r#"{TCP}, {COMMENT}, {{"xt": {{"type": "match", "name": "tcp"}}}}, {COUNTER}, {{"xt": {{"type": "target", "name": "DNAT"}}}}"#
                ),
            );
        }
    }
    objects.finish()
}

/// The table `kube-proxy` of kube-proxy's nftables mode.
#[must_use]
pub fn nft_of_kube_proxy(cluster: &Cluster) -> String {
    const TABLE: &str = "kube-proxy";
    let mut objects = Objects::new(1_400 * cluster.services.len());
    objects.table(TABLE);
    let list = |element: &dyn Fn(&Service) -> String| cluster.services.iter().map(element).collect::<Vec<_>>().join(", ");
    let path = |s: &Service| format!("{}-{}", &s.hash[..8], s.name.replace(':', "/tcp/"));
    let addresses = list(&|s| format!("\"{}\"", s.address));
    objects.push(format_args!(
        r#"{{"set": {{"family": "ip", "name": "cluster-ips", "table": "{TABLE}", "type": "ipv4_addr", "handle": 37, "comment": "Active ClusterIPs", "elem": [{addresses}]}}}}"#
    ));
    let services =
        list(&|s| format!(r#"[{{"concat": ["{}", "tcp", 80]}}, {{"goto": {{"target": "service-{}"}}}}]"#, s.address, path(s)));
    objects.push(format_args!(
        r#"{{"map": {{"family": "ip", "name": "service-ips", "table": "{TABLE}", "type": ["ipv4_addr", "inet_proto", "inet_service"], "handle": 49, "comment": "ClusterIP, ExternalIP and LoadBalancer IP traffic", "map": "verdict", "elem": [{services}]}}}}"#
    ));
    objects.base(TABLE, "nat-prerouting", "nat", "prerouting", -100);
    objects.base(TABLE, "nat-output", "nat", "output", -100);
    objects.chain(TABLE, "services");
    for service in &cluster.services {
        objects.chain(TABLE, &format!("service-{}", path(service)));
        if service.node_port.is_some() {
            objects.chain(TABLE, &format!("external-{}", path(service)));
        }
    }
    objects.rule(TABLE, "nat-prerouting", format_args!(r#"{{"jump": {{"target": "services"}}}}"#));
    objects.rule(TABLE, "nat-output", format_args!(r#"{{"jump": {{"target": "services"}}}}"#));
    let in_set = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "@cluster-ips"}}"#;
    objects.rule(TABLE, "services", format_args!("{in_set}, {NOT_POD}, {MARK}"));
    objects.rule(
        TABLE,
        "services",
        format_args!(
            r#"{{"vmap": {{"key": {{"concat": [{{"payload": {{"protocol": "ip", "field": "daddr"}}}}, {{"meta": {{"key": "l4proto"}}}}, {{"payload": {{"protocol": "th", "field": "dport"}}}}]}}, "data": "@service-ips"}}}}"#
        ),
    );
    for service in &cluster.services {
        let [(_, a), (_, b), (_, c)] = &service.endpoints;
        let name = path(service);
        objects.rule(
            TABLE,
            &format!("service-{name}"),
            format_args!(
                r#"{TCP}, {{"dnat": {{"family": "ip", "addr": {{"map": {{"key": {{"numgen": {{"mode": "random", "mod": 3, "offset": 0}}}}, "data": {{"set": [[0, {{"concat": ["{a}", 8080]}}], [1, {{"concat": ["{b}", 8080]}}], [2, {{"concat": ["{c}", 8080]}}]]}}}}}}}}}}"#
            ),
        );
        if service.node_port.is_some() {
            let external = format!("external-{name}");
            objects.rule(TABLE, &external, format_args!("{MARK}"));
            objects.rule(TABLE, &external, format_args!(r#"{{"goto": {{"target": "service-{name}"}}}}"#));
        }
    }
    objects.finish()
}
