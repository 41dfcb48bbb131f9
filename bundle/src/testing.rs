//! Manifests and texts for this crate's own tests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use time::macros::datetime;

use crate::{Capture, CollectorInfo, Exit, FORMAT, How, Key, Manifest, Netns, NetnsInfo, NodeIdentity, Outcome, Record, Span};

/// A manifest without records.
pub(crate) fn begin() -> Manifest {
    Manifest {
        format: FORMAT,
        collector: CollectorInfo { name: "coldpath-collect".to_owned(), version: "0.1.0".to_owned(), root: true },
        node: NodeIdentity {
            name: "node-a".to_owned(),
            kernel: "6.1.0-28-amd64".to_owned(),
            arch: "x86_64".to_owned(),
            boot_id: None,
            machine_id_sha256: None,
        },
        started_at: datetime!(2026-03-01 03:04:05 +01:00),
        finished_at: None,
        cut_short: None,
        netns: vec![NetnsInfo {
            number: 1,
            inode: 4_026_532_001,
            pod: Some("default/web".to_owned()),
            found_by: "test".to_owned(),
        }],
        captures: Vec::new(),
    }
}

/// Captures of all sorts: short, empty, long, of a pod, of a family, in the order of their keys.
pub(crate) fn keys_and_texts() -> Vec<(Key, String)> {
    let long: String = (0..3000_u64).map(|n| format!("net.test.key{n} = {}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    vec![
        (Key::node(Capture::Sysctl), long),
        (Key::node(Capture::IpAddr), "[]\n".to_owned()),
        (Key::node_instance(Capture::EthtoolFeatures, "eth0"), "tx-checksumming: on\n".to_owned()),
        (Key::node(Capture::ResolvConf), String::new()),
        (Key::node_instance(Capture::SysctlD, "/etc/sysctl.d/99-k8s.conf"), "net.ipv4.ip_forward = 1\n".to_owned()),
        (Key { netns: Netns::Pod(1), capture: Capture::IpAddr, instance: None }, "[{}]\n".to_owned()),
    ]
}

/// A record with this outcome.
pub(crate) fn record(key: &Key, outcome: Outcome) -> Record {
    Record {
        capture: key.capture.into(),
        pod: if let Netns::Pod(number) = key.netns { Some(number) } else { None },
        instance: key.instance.clone(),
        how: How::Command(vec!["/usr/sbin/tool".to_owned()]),
        span: Span { start_ms: 1, duration_ms: 2 },
        outcome,
    }
}

/// The outcome of a text that was taken whole.
pub(crate) fn taken(text: &[u8]) -> Outcome {
    use sha2::Digest;
    Outcome::Taken {
        bytes: text.len() as u64,
        sha256: crate::writer::hex(&sha2::Sha256::digest(text)),
        truncated: false,
        timed_out: false,
        exit: Some(Exit::Status(0)),
        stderr: String::new(),
    }
}

/// A stream whose bytes can be had afterwards.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
