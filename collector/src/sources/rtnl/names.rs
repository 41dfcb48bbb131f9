//! Names that iproute2 gives to numbers (lib/rt_names.c): built-in ones, and those of the node's /etc/iproute2.
//!
//! A file is read only when a number comes that has no built-in name, as the tool does it. That is to be seen in its output: realm 0
//! is `unknown` until another realm was asked for, and `cosmos` from then on.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::Read;

use crate::root::Root;

/// Where iproute2 keeps its names: since 6.7 the distribution's are elsewhere, and those of /etc go first.
const DIRS: &[&str] = &["/etc/iproute2", "/usr/share/iproute2", "/usr/lib/iproute2"];
/// No such file is longer.
const CAP: u64 = 256 << 10;

#[derive(Debug)]
struct Ids {
    builtin: &'static [(u32, &'static str)],
    file: &'static str,
    /// Whether the file is read before a built-in name is looked for.
    file_first: bool,
    read: OnceCell<BTreeMap<u32, String>>,
}

impl Ids {
    const fn new(file: &'static str, builtin: &'static [(u32, &'static str)]) -> Self {
        Self { builtin, file, file_first: false, read: OnceCell::new() }
    }

    fn get(&self, root: &Root, id: u32) -> Option<Cow<'_, str>> {
        let builtin = self.builtin.iter().find(|(n, _)| *n == id).map(|(_, name)| Cow::Borrowed(*name));
        if builtin.is_some() && !self.file_first && self.read.get().is_none() {
            return builtin;
        }
        let read = self.read.get_or_init(|| read(root, self.file));
        read.get(&id).map(|name| Cow::Borrowed(name.as_str())).or(builtin)
    }
}

/// The names on a node.
#[derive(Debug)]
pub(crate) struct Names<'r> {
    root: &'r Root,
    protocols: Ids,
    scopes: Ids,
    realms: Ids,
    tables: Ids,
    dsfields: Ids,
    groups: Ids,
    reasons: Ids,
    ip_protocols: OnceCell<BTreeMap<u32, String>>,
}

impl<'r> Names<'r> {
    pub(crate) fn new(root: &'r Root) -> Self {
        Self {
            root,
            protocols: Ids::new("rt_protos", PROTOCOLS),
            scopes: Ids::new("rt_scopes", SCOPES),
            realms: Ids::new("rt_realms", &[(0, "unknown")]),
            tables: Ids { file_first: true, ..Ids::new("rt_tables", &[(253, "default"), (254, "main"), (255, "local")]) },
            dsfields: Ids::new("rt_dsfield", &[(0, "0")]),
            groups: Ids { file_first: true, ..Ids::new("group", &[(0, "default")]) },
            reasons: Ids::new("protodown_reasons", &[]),
            ip_protocols: OnceCell::new(),
        }
    }

    fn or_number<'a>(&self, ids: &'a Ids, id: u32) -> Cow<'a, str> {
        ids.get(self.root, id).unwrap_or_else(|| Cow::Owned(id.to_string()))
    }

    /// Who made a route (RTPROT_*).
    pub(crate) fn protocol(&self, id: u8) -> Cow<'_, str> {
        self.or_number(&self.protocols, id.into())
    }

    /// RT_SCOPE_*.
    pub(crate) fn scope(&self, id: u8) -> Cow<'_, str> {
        self.or_number(&self.scopes, id.into())
    }

    pub(crate) fn realm(&self, id: u32) -> Cow<'_, str> {
        if id > 255 { Cow::Owned(id.to_string()) } else { self.or_number(&self.realms, id) }
    }

    /// A routing table.
    pub(crate) fn table(&self, id: u32) -> Cow<'_, str> {
        self.or_number(&self.tables, id)
    }

    /// The type of service: a name, or two hex digits.
    pub(crate) fn dsfield(&self, id: u8) -> Cow<'_, str> {
        self.dsfields.get(self.root, id.into()).unwrap_or_else(|| Cow::Owned(format!("0x{id:02x}")))
    }

    /// An interface group.
    pub(crate) fn group(&self, id: u32) -> Cow<'_, str> {
        self.groups.get(self.root, id).unwrap_or_else(|| Cow::Owned(id.cast_signed().to_string()))
    }

    /// Why an interface is held down.
    pub(crate) fn protodown_reason(&self, bit: u32) -> Cow<'_, str> {
        self.or_number(&self.reasons, bit)
    }

    /// The name of a user or a group, from the node's /etc/passwd or /etc/group: `NAME:x:NUMBER:…`.
    pub(crate) fn account(&self, file: &str, id: u32) -> Option<String> {
        let text = text(self.root, file)?;
        let named = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
        };
        text.lines().find_map(named)
    }

    /// An IP protocol, as the node's /etc/protocols has it.
    pub(crate) fn ip_protocol(&self, id: u8) -> Cow<'_, str> {
        let read = self.ip_protocols.get_or_init(|| {
            let mut names = BTreeMap::new();
            for line in text(self.root, "/etc/protocols").unwrap_or_default().lines() {
                let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
                if let (Some(name), Some(id)) = (words.next(), words.next().and_then(|n| n.parse().ok())) {
                    // getprotobynumber(3) gives the first.
                    names.entry(id).or_insert_with(|| name.to_owned());
                }
            }
            names
        });
        read.get(&id.into()).map_or_else(|| Cow::Owned(format!("ipproto-{id}")), |name| Cow::Borrowed(name.as_str()))
    }
}

/// `NUMBER NAME` lines of a file and of the `.conf` files in its folder; a later line wins.
fn read(root: &Root, file: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    if let Some(text) = DIRS.iter().find_map(|dir| text(root, &format!("{dir}/{file}"))) {
        parse(&text, &mut names);
    }
    for dir in DIRS {
        let dir = format!("{dir}/{file}.d");
        let Ok(entries) = root.resolve(&dir).and_then(std::fs::read_dir) else { continue };
        let mut confs: Vec<_> = entries.filter_map(Result::ok).filter_map(|e| e.file_name().into_string().ok()).collect();
        confs.retain(|n| !n.starts_with('.') && n.len() > 5 && n.ends_with(".conf"));
        confs.sort_unstable();
        for conf in confs {
            parse(&text(root, &format!("{dir}/{conf}")).unwrap_or_default(), &mut names);
        }
    }
    names
}

fn text(root: &Root, path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    root.open(path).ok()?.take(CAP).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The tool gives a file up at the first line that it does not understand.
fn parse(text: &str, names: &mut BTreeMap<u32, String>) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(number) = words.next().filter(|w| !w.starts_with('#')) else { continue };
        let id = match number.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok().map(i64::from),
            None => number.parse::<i64>().ok(),
        };
        let (Some(id), Some(name)) = (id, words.next()) else { return };
        if let Ok(id) = u32::try_from(id) {
            names.insert(id, name.to_owned());
        }
    }
}

const PROTOCOLS: &[(u32, &str)] = &[
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];
const SCOPES: &[(u32, &str)] = &[(0, "global"), (200, "site"), (253, "link"), (254, "host"), (255, "nowhere")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_what_has_no_name_and_are_read_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("etc/iproute2/rt_realms", "# comment\n0\tcosmos\n7 seven # why\n");
        write("etc/iproute2/rt_tables", "255 local\n0x64 vpn\n");
        write("etc/iproute2/rt_tables.d/a.conf", "100 other\n200 wg\nnonsense\n201 lost\n");
        write("etc/iproute2/rt_tables.d/README", "202 no\n");
        write("usr/share/iproute2/rt_protos", "2 mine\n99 openr\n");
        write("etc/protocols", "ip 0 IP # x\nhopopt 0\ntcp\t6\tTCP\n");
        let names = Names::new(&root);
        assert_eq!(names.realm(0), "unknown");
        assert_eq!(names.realm(7), "seven");
        assert_eq!(names.realm(0), "cosmos");
        let tables: Vec<_> = [254, 100, 200, 201, 202].iter().map(|&t| names.table(t)).collect();
        assert_eq!(tables, ["main", "other", "wg", "201", "202"]);
        assert_eq!((names.protocol(2), names.protocol(99)), ("kernel".into(), "openr".into()));
        assert_eq!((names.scope(253), names.scope(7)), ("link".into(), "7".into()));
        assert_eq!((names.dsfield(0), names.dsfield(8)), ("0".into(), "0x08".into()));
        assert_eq!(
            (names.ip_protocol(0), names.ip_protocol(6), names.ip_protocol(17)),
            ("ip".into(), "tcp".into(), "ipproto-17".into())
        );
    }
}
