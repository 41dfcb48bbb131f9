//! What is set at the next boot: sysctl.d(5) as systemd-sysctl and as procps' `sysctl --system` replay it, and modules-load.d(5).

use std::collections::BTreeMap;

use bundle::{AbsentWhy, Capture, Key, Netns, Outcome};

use super::{Doc, Node};
use crate::parse::sysctl_d::{self, Setting, SysctlFile};
use crate::parse::{modules_load, sysctl};
use crate::source::{Evidence, Missing};

/// All files that set sysctls at boot.
#[derive(Debug)]
pub struct SysctlFiles {
    /// The files, in order of their path.
    pub files: Vec<Doc<SysctlFile>>,
}

/// A line that sets a sysctl at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootValue {
    /// The value.
    pub value: String,
    /// The file's path on the node.
    pub file: String,
    /// The line. The capture's path holds the file's.
    pub evidence: Evidence,
}

/// What a tool makes of the files for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The line that counts; `None` when no file sets the key: it keeps the kernel's default.
    pub winner: Option<BootValue>,
    /// Lines that set it too and do not count, in the order in which they are read: overridden later, in a file that another one
    /// masks, or in one that the tool does not read.
    pub losers: Vec<BootValue>,
}

/// What a sysctl is set to at the next boot, for each tool that may do it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtBoot {
    /// systemd-sysctl, which runs at boot on systemd's distributions.
    pub systemd: Replay,
    /// `sysctl --system` of procps, which other init systems and administrators run.
    pub procps: Replay,
}

impl AtBoot {
    /// The winner's value, where both tools agree (or neither finds one: `Some(None)`); `None` where they do not.
    #[must_use]
    pub fn agreed(&self) -> Option<Option<&BootValue>> {
        let (a, b) = (self.systemd.winner.as_ref(), self.procps.winner.as_ref());
        (a.map(|w| &w.value) == b.map(|w| &w.value)).then_some(a)
    }
}

/// A module that is loaded at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootModule {
    /// Its name, as written.
    pub name: String,
    /// The file's path on the node.
    pub file: String,
    /// The line.
    pub evidence: Evidence,
}

impl Node {
    /// What a sysctl is set to at the next boot. The key may be in either form, see [`Node::sysctl`].
    ///
    /// Both tools read the folders of sysctl.d(5), sort files by their base name, and of the same base name take the file of the first
    /// folder only; an empty one (or a link to /dev/null) so masks the others. Then the last line counts, and a line with the key itself
    /// beats one with a glob. procps reads `/etc/sysctl.conf` last; systemd only where a link `99-sysctl.conf` leads to it.
    ///
    /// # Errors
    /// [`Missing`] when a file or folder was not read: the one that counts may be among them.
    pub fn sysctl_at_boot(&self, key: &str) -> Result<AtBoot, Missing> {
        let files = self.cells.sysctl_files.get(|| {
            self.family_complete(Capture::SysctlD)?;
            let files = self.docs(Capture::SysctlD, sysctl_d::parse);
            files.iter().try_for_each(|doc| doc.source.whole())?;
            Ok(SysctlFiles { files })
        })?;
        Ok(AtBoot { systemd: files.replay(key, Tool::Systemd), procps: files.replay(key, Tool::Procps) })
    }

    /// The modules that are loaded at boot by modules-load.d and `/etc/modules`.
    ///
    /// # Errors
    /// [`Missing`] when a file or folder was not read.
    pub fn boot_modules(&self) -> Result<&[BootModule], Missing> {
        let modules = self.cells.boot_modules.get(|| {
            self.family_complete(Capture::ModulesLoadD)?;
            let docs = self.docs(Capture::ModulesLoadD, modules_load::parse);
            docs.iter().try_for_each(|doc| doc.source.whole())?;
            let paths: Vec<&str> = docs.iter().map(path_of).collect();
            let read = in_force(&paths, MODULES_FOLDERS);
            let modules = read.into_iter().flat_map(|i| docs[i].iter().map(move |at| (i, at)));
            Ok(modules
                .map(|(i, &at)| BootModule {
                    name: docs[i].text(at).to_owned(),
                    file: paths[i].to_owned(),
                    evidence: docs[i].source.evidence(at),
                })
                .collect())
        })?;
        Ok(modules)
    }

    /// Whether the collector looked at all folders of a family and could read what it found: its records say so. A folder that is not
    /// there has no files, which is a fact.
    fn family_complete(&self, capture: Capture) -> Result<(), Missing> {
        let mut looked = false;
        for record in self.bundle().records(Netns::Node, capture) {
            looked = true;
            if let Outcome::Absent { why, detail } = &record.outcome
                && *why != AbsentWhy::NotFound
            {
                let key = Key { netns: Netns::Node, capture, instance: record.instance.clone() };
                return Err(Missing::new(&key, capture.spec().purpose, format!("{why}: {detail}")));
            }
        }
        let why = "the bundle does not say that the folders were looked at";
        if looked { Ok(()) } else { Err(Missing::new(&Key::node(capture), capture.spec().purpose, why)) }
    }
}

/// The folders of sysctl.d(5), the first one first.
const SYSCTL_FOLDERS: &[&str] =
    &["/etc/sysctl.d/", "/run/sysctl.d/", "/usr/local/lib/sysctl.d/", "/usr/lib/sysctl.d/", "/lib/sysctl.d/"];
/// The folders of modules-load.d(5).
const MODULES_FOLDERS: &[&str] = &[
    "/etc/modules-load.d/",
    "/run/modules-load.d/",
    "/usr/local/lib/modules-load.d/",
    "/usr/lib/modules-load.d/",
    "/lib/modules-load.d/",
];
const SYSCTL_CONF: &str = "/etc/sysctl.conf";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Systemd,
    Procps,
}

fn path_of<T>(doc: &Doc<T>) -> &str {
    doc.source.key.instance.as_deref().unwrap_or_default()
}

/// Indices of the files that are read, in the order in which they are: sorted by base name over all folders, of the same base name only
/// the one of the first folder. Files in none of the folders come last.
fn in_force(paths: &[&str], folders: &[&str]) -> Vec<usize> {
    let mut by_name: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut others = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        let place =
            folders.iter().enumerate().find_map(|(rank, f)| Some((rank, path.strip_prefix(f).filter(|n| !n.contains('/'))?)));
        let Some((rank, name)) = place else {
            others.push(i);
            continue;
        };
        by_name.entry(name).and_modify(|kept| *kept = (*kept).min((rank, i))).or_insert((rank, i));
    }
    by_name.into_values().map(|(_, i)| i).chain(others).collect()
}

impl SysctlFiles {
    fn replay(&self, key: &str, tool: Tool) -> Replay {
        let paths: Vec<&str> = self.files.iter().map(path_of).collect();
        let mut order = in_force(&paths, SYSCTL_FOLDERS);
        // systemd does not read sysctl.conf itself; a link to it in a folder is a file of its own here.
        order.retain(|&i| paths[i] != SYSCTL_CONF || tool == Tool::Procps);
        let wanted = sysctl::key_path(key);
        let mut masked: Vec<usize> = (0..paths.len()).filter(|i| !order.contains(i)).collect();
        masked.sort_unstable();
        let mut set: Vec<(bool, BootValue)> = Vec::new();
        let mut losers: Vec<BootValue> = Vec::new();
        // An exclusion keeps globs away from the key, wherever it stands.
        let excluded = order.iter().any(|&i| self.settings(i, &wanted).any(|s| s.value.is_none()));
        for (i, counts) in masked.into_iter().map(|i| (i, false)).chain(order.iter().map(|&i| (i, true))) {
            let doc = &self.files[i];
            for setting in self.settings(i, &wanted) {
                let Some(value) = setting.value else { continue };
                let exact = sysctl::key_path(doc.text(setting.key)) == wanted;
                let evidence = doc.source.evidence(setting.at);
                let found = BootValue { value: doc.text(value).to_owned(), file: paths[i].to_owned(), evidence };
                if counts && (exact || !excluded) {
                    set.push((exact, found));
                } else {
                    losers.push(found);
                }
            }
        }
        // A key that is named itself is not subject to globs; among equals the last counts.
        let winner = set.iter().rposition(|(exact, _)| *exact).or_else(|| set.len().checked_sub(1));
        let winner = winner.map(|i| set.remove(i).1);
        losers.extend(set.into_iter().map(|(_, v)| v));
        Replay { winner, losers }
    }

    /// The lines of a file that are about a key: by its name or by a glob.
    fn settings<'a>(&'a self, file: usize, wanted: &'a str) -> impl Iterator<Item = &'a Setting> {
        let doc = &self.files[file];
        doc.settings.iter().filter(move |s| glob(sysctl::key_path(doc.text(s.key)).as_bytes(), wanted.as_bytes()))
    }
}

/// glob(7) within a path: `*` and `?` do not match `/`, as with FNM_PATHNAME; `[…]` is a class.
fn glob(pattern: &[u8], path: &[u8]) -> bool {
    // Where the last `*` stood, and how much of the path it has taken: enough, since `*` never has to give back more than that.
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < path.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'?') if path[t] != b'/' => Some(1),
            Some(b'[') => class(&pattern[p..], path[t]),
            Some(c) if *c == path[t] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(len), _) => (p, t) = (p + len, t + 1),
            // The star takes one more byte, unless that is a separator.
            (None, Some((at, taken))) if path[taken] != b'/' => {
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// The length of a class at the begin of a pattern, if it takes a byte; a `[` without its end is itself.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let end = pattern.iter().skip(2).position(|c| *c == b']').map(|i| i + 2);
    let Some(end) = end else { return (byte == b'[').then_some(1) };
    let (negated, body) = match &pattern[1..end] {
        [b'!' | b'^', rest @ ..] => (true, rest),
        body => (false, body),
    };
    let mut found = false;
    let mut i = 0;
    while let Some(low) = body.get(i) {
        let high = if body.get(i + 1) == Some(&b'-') { body.get(i + 2) } else { None };
        found |= (*low..=*high.unwrap_or(low)).contains(&byte);
        i += if high.is_some() { 3 } else { 1 };
    }
    (found != negated && byte != b'/').then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::keyed;
    use bundle::{How, Record, Span};

    fn record(instance: Option<&str>, outcome: Outcome) -> Record {
        let instance = instance.map(str::to_owned);
        Record { capture: Capture::SysctlD.into(), pod: None, instance, how: How::None, span: Span::default(), outcome }
    }

    fn with(files: &[(&str, &str)]) -> Node {
        let taken = || Outcome::Taken {
            bytes: 0,
            sha256: String::new(),
            truncated: false,
            timed_out: false,
            exit: None,
            stderr: String::new(),
        };
        let records = files.iter().map(|(path, _)| record(Some(path), taken())).collect();
        keyed(files.iter().map(|(p, t)| (Key::node_instance(Capture::SysctlD, *p), (*t).to_owned())).collect(), records)
    }

    fn values(replay: &Replay) -> (Option<&str>, Vec<&str>) {
        (replay.winner.as_ref().map(|w| w.value.as_str()), replay.losers.iter().map(|l| l.value.as_str()).collect())
    }

    #[test]
    fn files_are_sorted_by_base_name_and_mask_each_other() {
        let node = with(&[
            ("/etc/sysctl.d/50-a.conf", "net.ipv4.ip_forward = 1\n"),
            ("/usr/lib/sysctl.d/50-a.conf", "net.ipv4.ip_forward = masked\n"),
            ("/usr/lib/sysctl.d/90-b.conf", "# c\nnet/ipv4/ip_forward = 0\n"),
        ]);
        let got = node.sysctl_at_boot("net.ipv4.ip_forward").unwrap();
        assert_eq!(values(&got.systemd), (Some("0"), vec!["masked", "1"]));
        assert_eq!(got.systemd.winner.as_ref().unwrap().evidence.line, 2);
        assert_eq!(got.agreed().unwrap().unwrap().file, "/usr/lib/sysctl.d/90-b.conf");
        let masked = with(&[("/etc/sysctl.d/90-b.conf", ""), ("/usr/lib/sysctl.d/90-b.conf", "net.ipv4.ip_forward = 0\n")]);
        assert_eq!(values(&masked.sysctl_at_boot("net.ipv4.ip_forward").unwrap().systemd), (None, vec!["0"]));
    }

    #[test]
    fn sysctl_conf_is_the_last_word_of_procps_alone() {
        let node =
            with(&[("/etc/sysctl.conf", "net.ipv4.ip_forward=1\n"), ("/etc/sysctl.d/99-z.conf", "net.ipv4.ip_forward=0\n")]);
        let got = node.sysctl_at_boot("net.ipv4.ip_forward").unwrap();
        assert_eq!((values(&got.systemd).0, values(&got.procps).0), (Some("0"), Some("1")));
        assert_eq!(got.agreed(), None);
    }

    #[test]
    fn a_key_beats_a_glob_and_an_exclusion_keeps_globs_away() {
        let node = with(&[(
            "/etc/sysctl.d/a.conf",
            "net.ipv4.conf.eth0.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.lo.rp_filter\n",
        )]);
        let at_boot = |name: &str| node.sysctl_at_boot(&format!("net.ipv4.conf.{name}.rp_filter")).unwrap();
        assert_eq!(values(&at_boot("eth0").systemd), (Some("1"), vec!["2"]));
        assert_eq!(values(&at_boot("flannel/1").systemd).0, Some("2"));
        assert_eq!(values(&at_boot("lo").systemd), (None, vec!["2"]));
    }

    #[test]
    fn a_folder_that_was_not_read_leaves_the_answer_open() {
        let refused = Outcome::Absent { why: AbsentWhy::PermissionDenied, detail: "cannot list".to_owned() };
        let node = keyed(Vec::new(), vec![record(Some("/etc/sysctl.d"), refused)]);
        assert!(node.sysctl_at_boot("net.ipv4.ip_forward").is_err());
        assert!(keyed(Vec::new(), Vec::new()).sysctl_at_boot("net.ipv4.ip_forward").is_err());
        let none = Outcome::Absent { why: AbsentWhy::NotFound, detail: String::new() };
        let node = keyed(Vec::new(), vec![record(None, none)]);
        assert_eq!(node.sysctl_at_boot("net.ipv4.ip_forward").unwrap(), AtBoot::default());
    }

    #[test]
    fn globs_stay_within_a_part() {
        assert!(glob(b"net/*/conf/[e-f]*/rp?filter", b"net/ipv4/conf/eth0.1/rp_filter"));
        assert!(!glob(b"net/*/rp_filter", b"net/ipv4/conf/all/rp_filter"));
        assert!(!glob(b"net/[!a]", b"net/a"));
        assert!(glob(b"a*b*c", b"aXbYbZc"));
    }

    proptest::proptest! {
        #[test]
        fn no_glob_panics(pattern in "[a*?/\\[\\]!-]{0,10}", path in "[a/\\[]{0,10}") {
            let _ = glob(pattern.as_bytes(), path.as_bytes());
        }
    }
}
