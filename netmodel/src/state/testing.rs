//! Nodes made of a few texts, for unit tests.

use bundle::{Bundle, Capture, CollectorInfo, FORMAT, Key, Manifest, NetnsInfo, NodeIdentity, Record};

use super::Node;

/// A node with these captures, each whole.
pub(crate) fn node(captures: &[(Capture, &str)]) -> Node {
    keyed(captures.iter().map(|&(capture, text)| (Key::node(capture), text.to_owned())).collect(), Vec::new())
}

/// A node with these texts and these records.
pub(crate) fn keyed(texts: Vec<(Key, String)>, records: Vec<Record>) -> Node {
    with_pods(texts, records, &[])
}

/// A node with these texts and pods of these numbers.
pub(crate) fn with_pods(texts: Vec<(Key, String)>, records: Vec<Record>, pods: &[u32]) -> Node {
    let pod = |&number| NetnsInfo { number, inode: 0, pod: None, found_by: "test".to_owned() };
    let manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo { name: "test".to_owned(), version: "0".to_owned(), root: true },
        node: NodeIdentity { name: "node-a".to_owned(), ..NodeIdentity::default() },
        started_at: time::OffsetDateTime::UNIX_EPOCH,
        finished_at: None,
        cut_short: None,
        netns: pods.iter().map(pod).collect(),
        captures: records,
    };
    Node::new(Bundle::from_texts("test", manifest, texts))
}

/// Routes of the table `main`: destination, device, metric.
pub(crate) fn route_json(routes: &[(&str, &str, u32)]) -> String {
    let routes: Vec<String> = routes
        .iter()
        .map(|(dst, dev, metric)| {
            format!(r#"{{"type":"unicast","dst":"{dst}","dev":"{dev}","table":"main","metric":{metric},"flags":["onlink"]}}"#)
        })
        .collect();
    format!("[{}]", routes.join(","))
}
