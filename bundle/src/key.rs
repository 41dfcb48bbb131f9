//! Which text of a bundle is meant: a capture, in a network namespace, and which one of its family; and where that stands.
//!
//! A key and its path determine each other, so that a bundle whose manifest was lost can still be read.

use crate::capture::{Capture, Multiplicity, Scope};

/// A network namespace of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netns {
    /// The node's own (the namespace of process 1).
    Node,
    /// A pod's, by its number in the manifest's table of namespaces.
    Pod(u32),
}

/// Names one text of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace that it was taken in; [`Netns::Node`] for what exists once a machine.
    pub netns: Netns,
    /// What was captured.
    pub capture: Capture,
    /// Which one of a family (an interface's name, a file's path, a process), `None` where there is one only.
    pub instance: Option<String>,
}

/// Why a path in a bundle is not the path of a capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The path is absolute, climbs out with `..`, or holds a control character, a backslash, a colon or an empty part.
    #[error("unsafe name")]
    Unsafe,
    /// The path is harmless, but no capture of this version stands there.
    #[error("no capture of this version has that name")]
    Unknown,
}

impl Key {
    /// The key of a capture of the node's own namespace that exists once.
    #[must_use]
    pub fn node(capture: Capture) -> Self {
        Self { netns: Netns::Node, capture, instance: None }
    }

    /// The key of one of a family on the node.
    #[must_use]
    pub fn node_instance(capture: Capture, instance: impl Into<String>) -> Self {
        Self { netns: Netns::Node, capture, instance: Some(instance.into()) }
    }

    /// Where the text stands in the bundle, with `/` between parts.
    #[must_use]
    pub fn path(&self) -> String {
        let spec = self.capture.spec();
        let mut path = match self.netns {
            Netns::Node => "node/".to_owned(),
            Netns::Pod(n) => format!("pods/{n}/"),
        };
        path.push_str(spec.file);
        if let Some(instance) = &self.instance {
            path.push('/');
            // A file keeps its folders; everything else is one part.
            let instance = if spec.multiplicity == Multiplicity::PerFile { instance.trim_start_matches('/') } else { instance };
            encode(instance, spec.multiplicity == Multiplicity::PerFile, &mut path);
        }
        path
    }

    /// The key whose text stands at this path.
    ///
    /// # Errors
    /// [`KeyError::Unsafe`] for a name that no bundle of ours has and that may be an attack; [`KeyError::Unknown`] for the rest.
    pub fn from_path(path: &str) -> Result<Self, KeyError> {
        check_name(path)?;
        let (netns, rest) = if let Some(rest) = path.strip_prefix("node/") {
            (Netns::Node, rest)
        } else {
            let rest = path.strip_prefix("pods/").ok_or(KeyError::Unknown)?;
            let (number, rest) = rest.split_once('/').ok_or(KeyError::Unknown)?;
            (Netns::Pod(number.parse().map_err(|_| KeyError::Unknown)?), rest)
        };
        for &capture in Capture::ALL {
            let spec = capture.spec();
            if netns != Netns::Node && spec.scope == Scope::Machine {
                continue;
            }
            if spec.multiplicity == Multiplicity::One {
                if rest == spec.file {
                    return Ok(Self { netns, capture, instance: None });
                }
            } else if let Some(encoded) = rest.strip_prefix(spec.file).and_then(|r| r.strip_prefix('/')) {
                let decoded = decode(encoded).ok_or(KeyError::Unknown)?;
                let instance = if spec.multiplicity == Multiplicity::PerFile { format!("/{decoded}") } else { decoded };
                return Ok(Self { netns, capture, instance: Some(instance) });
            }
        }
        Err(KeyError::Unknown)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path())
    }
}

/// Refuses what no bundle of ours holds: absolute names, `..`, `.`, empty parts, backslashes, drive letters, control characters.
pub(crate) fn check_name(path: &str) -> Result<(), KeyError> {
    let bad_char = path.chars().any(|c| c == '\\' || c == ':' || c.is_control());
    let bad_part = path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if bad_char || bad_part { Err(KeyError::Unsafe) } else { Ok(()) }
}

/// Percent-encodes what could be misread as a path, on any system. `slash_is_separator` keeps `/`.
fn encode(text: &str, slash_is_separator: bool, out: &mut String) {
    let mut parts = text.split('/').peekable();
    while let Some(part) = parts.next() {
        // "." and ".." would climb; an empty part would vanish.
        let all_dots = !part.is_empty() && part.bytes().all(|b| b == b'.');
        for b in part.bytes() {
            let plain =
                b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'@' | b'+' | b'[' | b']') || (b == b'.' && !all_dots);
            if plain {
                out.push(char::from(b));
            } else {
                out.push_str(&format!("%{b:02X}"));
            }
        }
        if parts.peek().is_some() {
            out.push_str(if slash_is_separator { "/" } else { "%2F" });
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        if b == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(b);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_key_determine_each_other() {
        let mut keys = vec![
            Key { netns: Netns::Pod(3), capture: Capture::IpAddr, instance: None },
            Key::node_instance(Capture::EthtoolFeatures, "eth0.100"),
            Key::node_instance(Capture::EthtoolFeatures, "od d/%\u{e9}"),
            Key::node_instance(Capture::SysctlD, "/etc/sysctl.d/99-k8s.conf"),
            Key::node_instance(Capture::SysctlD, "/etc/sysctl.d/../x"),
            Key::node_instance(Capture::KubeCmdline, "kubelet[812]"),
        ];
        keys.extend(Capture::ALL.iter().filter(|c| c.spec().multiplicity == Multiplicity::One).map(|&c| Key::node(c)));
        for key in keys {
            let path = key.path();
            assert_eq!(check_name(&path), Ok(()), "{path}");
            assert_eq!(Key::from_path(&path), Ok(key), "{path}");
        }
    }

    #[test]
    fn names_that_climb_out_are_unsafe_and_strange_ones_unknown() {
        for name in ["../etc/passwd", "node/../x", "/node/sysctl.txt", "node//x", "C:/x", "node\\x", "node/\u{1b}[2J", ""] {
            assert_eq!(Key::from_path(name), Err(KeyError::Unsafe), "{name:?}");
        }
        for name in ["node/nothing.txt", "pods/x/ip-addr.json", "pods/1/os-release", "readme.txt"] {
            assert_eq!(Key::from_path(name), Err(KeyError::Unknown), "{name:?}");
        }
    }
}
