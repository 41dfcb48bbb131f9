//! JSON among other text: how far a document goes, and by its keys what it is.

/// A document that begins at a line.
pub(super) struct Extent {
    /// How many lines it takes.
    pub(super) lines: usize,
    /// Whether its last bracket closes the first one.
    pub(super) closed: bool,
}

/// Whether a JSON document begins on a line: `[1.5] text` of a log and `[0:0] -A INPUT` are none.
pub(super) fn begins(line: &str) -> bool {
    let line = line.trim_start();
    let mut rest = line.bytes();
    match rest.next() {
        Some(b'{') => matches!(rest.find(|b| !b.is_ascii_whitespace()), None | Some(b'"' | b'}')),
        Some(b'[') => matches!(rest.find(|b| !b.is_ascii_whitespace()), None | Some(b'{' | b']')),
        _ => false,
    }
}

/// Counts brackets outside strings, from the first line on. Every line is looked at once; whoever calls takes all of them.
pub(super) fn extent<'t>(lines: impl Iterator<Item = &'t str>) -> Extent {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut count = 0;
    for line in lines {
        count += 1;
        for b in line.bytes() {
            match b {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => depth += 1,
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Extent { lines: count, closed: true };
                    }
                }
                _ => {}
            }
        }
        // No tool breaks a line within a string.
        (in_string, escaped) = (false, false);
    }
    Extent { lines: count, closed: false }
}

/// How much of a document is looked at to find out what it is.
const HEAD: usize = 64 << 10;

/// The keys of the outermost object, or of the first object of the outermost array, with the text of scalar values.
pub(super) fn keys(text: &str) -> Vec<(&str, &str)> {
    let head = &text[..text.floor_char_boundary(HEAD)];
    let bytes = head.as_bytes();
    let mut keys = Vec::new();
    let mut depth = 0usize;
    // The depth of the object whose keys are meant.
    let mut wanted = None;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'{' | b'[' => {
                depth += 1;
                if bytes[i] == b'{' && wanted.is_none() {
                    wanted = Some(depth);
                }
            }
            b'}' | b']' => {
                if bytes[i] == b'}' && wanted == Some(depth) {
                    if !keys.is_empty() {
                        return keys;
                    }
                    // `[{},{…}]`: old iproute2 prints empty objects for what a filter left out.
                    wanted = None;
                }
                depth = depth.saturating_sub(1);
            }
            b'"' => {
                let end = string_end(bytes, i + 1);
                let behind =
                    bytes[(end + 1).min(bytes.len())..].iter().position(|b| !b.is_ascii_whitespace()).map(|n| end + 1 + n);
                if let Some(colon) = behind.filter(|at| bytes[*at] == b':' && wanted == Some(depth)) {
                    keys.push((head.get(i + 1..end).unwrap_or_default(), scalar(head, colon + 1)));
                    if keys.len() >= 64 {
                        return keys;
                    }
                }
                i = end;
            }
            _ => {}
        }
        i += 1;
    }
    keys
}

/// Where a string ends that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut i = from;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 1,
            b'"' => return i,
            _ => {}
        }
        i += 1;
    }
    bytes.len()
}

/// A string or a number at a place; empty for anything else.
fn scalar(text: &str, from: usize) -> &str {
    let rest = text.get(from..).unwrap_or_default().trim_start();
    match rest.strip_prefix('"') {
        Some(rest) => rest.get(..string_end(rest.as_bytes(), 0)).unwrap_or_default(),
        None => rest.split([',', '}', ']', '\n', '{', '[']).next().unwrap_or_default().trim(),
    }
}

/// The kind of a document, by name; `None` when its keys tell nothing.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    let keys = keys(text);
    let has = |key: &str| keys.iter().any(|(k, _)| *k == key);
    let value = |key: &str| keys.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| v);
    Some(match () {
        () if has("nftables") => "nft -j list ruleset",
        () if has("ifname") && has("addr_info") => "ip -j addr",
        () if has("ifname") && has("vlans") => "bridge -j vlan",
        () if has("ifname") && has("mac") => "bridge -j fdb",
        () if has("ifname") && has("master") && has("state") && has("priority") && !has("txqlen") && !has("qdisc") => {
            "bridge -j link"
        }
        () if has("ifindex") && has("ifname") => "ip -j link",
        () if has("kind") && has("handle") && has("dev") => "tc -j qdisc",
        () if has("priority") && (has("src") || has("table")) && !has("dst") || has("priority") && has("src") && has("table") => {
            "ip -j rule"
        }
        () if has("id") && !has("dst") && (has("dev") || has("gateway") || has("group") || has("blackhole")) => "ip -j nexthop",
        () if has("dst") && (has("lladdr") || has("state")) => "ip -j neigh",
        () if has("dst") && (has("dev") || has("gateway") || has("type") || has("nexthops") || has("flags")) => "ip -j route",
        () if has("cniVersion") || has("plugins") && has("name") => "CNI configuration",
        () if has("Network") && has("Backend") => "flannel's net-conf.json",
        () if value("kind") == "KubeProxyConfiguration" => "kube-proxy configuration in JSON",
        () if value("kind") == "KubeletConfiguration" => "kubelet configuration in JSON",
        () if has("apiVersion") && has("kind") => "a Kubernetes object in JSON",
        () if has("log") && has("stream") => "container log in JSON",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_the_keys_of_its_first_object() {
        for (text, expected) in [
            (r#"{"nftables": [{"metainfo": {}}]}"#, "nft -j list ruleset"),
            (r#"[{},{"ifindex":1,"ifname":"lo","addr_info":[{"local":"x"}]}]"#, "ip -j addr"),
            (r#"[{"ifindex":1,"ifname":"lo","flags":["UP"],"mtu":1,"qdisc":"noqueue"}]"#, "ip -j link"),
            (r#"[{"priority":0,"src":"all","table":"local"}]"#, "ip -j rule"),
            (r#"[{"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]}]"#, "ip -j route"),
            (r#"[{"dst":"10.0.0.2","dev":"eth0","lladdr":"x","state":["STALE"]}]"#, "ip -j neigh"),
            (r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[]}"#, "CNI configuration"),
            (r#"{"kind": "KubeProxyConfiguration"}"#, "kube-proxy configuration in JSON"),
        ] {
            assert_eq!(kind(text), Some(expected), "{text}");
        }
        assert_eq!(kind("[]"), None);
        assert_eq!(kind(r#"[{"ifname":"cut"#), None);
    }

    #[test]
    fn the_extent_ends_with_the_bracket_that_closes() {
        let of = |text: &str| {
            let e = extent(text.lines());
            (e.lines, e.closed)
        };
        assert_eq!(of("[{\"a\":\"]}\\\"\"},\n{}]\nnext"), (2, true));
        assert_eq!(of("[{\n{"), (2, false));
        assert!(begins(" [ {") && begins("{\"a\"") && begins("[]") && begins("["));
        assert!(!begins("[0:0] -A INPUT") && !begins("[ 1.5] x") && !begins("{ print $1 }"));
    }
}
