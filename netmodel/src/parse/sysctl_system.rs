//! `sysctl --system` and `sysctl -p`: what was set, by which file, and what could not be.
//!
//! ```text
//! * Applying /usr/lib/sysctl.d/50-default.conf ...
//! net.ipv4.conf.default.rp_filter = 2
//! sysctl: setting key "net.ipv4.conf.all.promote_secondaries": Invalid argument
//! * Applying /etc/sysctl.d/99-kubernetes.conf ...
//! net.ipv4.ip_forward = 1
//! sysctl: cannot stat /proc/sys/net/bridge/bridge-nf-call-iptables: No such file or directory
//! ```
//!
//! The settings are those of [`super::sysctl`], whose last one counts; here stand the files and the complaints beside them.
//! stderr comes unbuffered, so in a pasted text a complaint may stand under the wrong file.

use serde::Serialize;

use super::Parsed;
use super::sysctl::{self, Sysctls};
use super::text::{slice, trimmed};
use crate::source::{At, lines};

/// A file that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedFile {
    /// Its line.
    pub at: At,
    /// Its path.
    pub path: At,
}

/// Why a key could not be read or set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ComplaintKind {
    /// `cannot stat …: No such file or directory`: there is no such sysctl, often since its module is not loaded.
    NoSuchKey,
    /// `permission denied on key …`: not root, or a namespace where it is read-only.
    PermissionDenied,
    /// `setting key …: Invalid argument` and other errors of the kernel.
    Refused,
    /// Any other word of sysctl's.
    Other,
}

/// A line that sysctl wrote to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// Its line.
    pub at: At,
    /// Its kind.
    pub kind: ComplaintKind,
    /// The key or path that it names.
    pub key: Option<At>,
}

/// The output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SysctlSystem {
    /// The settings that were printed.
    pub settings: Sysctls,
    /// The files, in the order in which they were applied.
    pub files: Vec<AppliedFile>,
    /// The complaints.
    pub complaints: Vec<Complaint>,
}

impl SysctlSystem {
    /// The file under whose heading a setting stands; `None` before the first heading (`sysctl -p`, `sysctl -a`).
    #[must_use]
    pub fn file_of(&self, setting: &sysctl::Entry) -> Option<&AppliedFile> {
        let behind = self.files.partition_point(|f| f.at.line <= setting.at.line);
        behind.checked_sub(1).and_then(|i| self.files.get(i))
    }
}

/// Reads the output.
#[must_use]
pub fn parse(text: &str) -> Parsed<SysctlSystem> {
    let settings = sysctl::parse(text);
    let mut out = Parsed { value: SysctlSystem { settings: settings.value, ..SysctlSystem::default() }, problems: Vec::new() };
    for (at, line) in lines(text) {
        let line = line.trim_ascii();
        if let Some(path) = line.strip_prefix("* Applying ") {
            let path = path.trim_end_matches('.').trim_ascii_end();
            if let Some(path) = trimmed(text, path, at.line) {
                out.value.files.push(AppliedFile { at, path });
            }
        } else if let Some(complaint) = line.strip_prefix("sysctl: ").and_then(|message| complaint(text, at, message)) {
            out.value.complaints.push(complaint);
        }
    }
    // Both are in the order of lines.
    let mut complaints = out.value.complaints.iter().peekable();
    out.problems = settings.problems;
    out.problems.retain(|p| {
        while complaints.next_if(|c| c.at.line < p.at.line).is_some() {}
        complaints.peek().is_none_or(|c| c.at.line != p.at.line)
    });
    out
}

fn complaint(text: &str, at: At, message: &str) -> Option<Complaint> {
    use ComplaintKind as K;
    let quoted = |rest: &str| {
        let rest = rest.trim_ascii().trim_start_matches(['"', '\'']);
        let end = rest.find(['"', '\'', ':', ',']).unwrap_or(rest.len());
        trimmed(text, &rest[..end], at.line)
    };
    let (kind, key) = match () {
        () if message.starts_with("cannot stat ") => (K::NoSuchKey, quoted(&message["cannot stat ".len()..])),
        () if message.starts_with("permission denied on key") => {
            (K::PermissionDenied, quoted(&message["permission denied on key".len()..]))
        }
        () if message.starts_with("setting key") => (K::Refused, quoted(&message["setting key".len()..])),
        () if message.starts_with("reading key") => (K::Refused, quoted(&message["reading key".len()..])),
        () => (K::Other, None),
    };
    let ignored = key.is_some_and(|k| slice(text, k).is_empty());
    (!ignored).then_some(Complaint { at, kind, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn the_last_setting_counts_and_knows_its_file() {
        let text = fixture("sysctl-system/kubernetes.txt");
        let got = parse(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let last = |key: &str| {
            let entry = got.value.settings.get(&text, key).unwrap();
            (slice(&text, entry.value), got.value.file_of(entry).map(|f| slice(&text, f.path)))
        };
        assert_eq!(last("net.ipv4.ip_forward"), ("0", Some("/etc/sysctl.conf")), "set to 1 before, by another file");
        assert_eq!(last("net.ipv4.conf.lxc*.rp_filter"), ("0", Some("/etc/sysctl.d/99-zzz-override_cilium.conf")));
        assert_eq!(last("net.netfilter.nf_conntrack_max").0, "262144");
        let kinds: Vec<_> = got.value.complaints.iter().map(|c| (c.kind, c.key.map(|k| slice(&text, k)))).collect();
        assert_eq!(
            kinds,
            [
                (ComplaintKind::Refused, Some("net.ipv4.conf.all.promote_secondaries")),
                (ComplaintKind::NoSuchKey, Some("/proc/sys/net/bridge/bridge-nf-call-iptables")),
                (ComplaintKind::PermissionDenied, Some("net.core.bpf_jit_harden")),
            ]
        );
    }

    #[test]
    fn prose_is_a_problem_and_a_setting_without_a_heading_has_no_file() {
        let text =
            "/proc/sys/net/ipv4/ip_forward = 1\nnet.ipv4.conf.all.rp_filter=2\nroot@node:~# uptime\nsysctl: something new\n";
        let got = parse(text);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [3]);
        let entry = got.value.settings.get(text, "net.ipv4.ip_forward").unwrap();
        assert_eq!((slice(text, entry.value), got.value.file_of(entry)), ("1", None));
        assert_eq!(got.value.complaints[0].kind, ComplaintKind::Other);
    }

    #[test]
    fn snapshots_of_outputs() {
        // The index of settings is sorted and the same each time.
        snapshots("sysctl-system", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\* Applying |sysctl: |cannot stat |setting key |[\"':]|[a-c./=]{1,5}| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
