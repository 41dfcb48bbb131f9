//! `sysctl -a`: every sysctl of a namespace, one a line.
//!
//! ```text
//! net.ipv4.conf.all.rp_filter = 2
//! net.ipv4.conf.flannel/1.rp_filter = 0
//! net.ipv4.ip_forward = 1
//! net.ipv4.tcp_rmem = 4096 131072 6291456
//! ```
//!
//! Also read: `key=value`, keys as paths (`/proc/sys/net/ipv4/ip_forward = 1`), the `* Applying FILE ...` lines of
//! `sysctl --system`. Not read here: `sysctl.d` files, see [`super::sysctl_d`].

use super::Parsed;
use crate::source::At;

/// One sysctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole line.
    pub at: At,
    /// The key as written.
    pub key: At,
    /// The value, trimmed; empty where the kernel gives an empty one.
    pub value: At,
}

/// All sysctls of a text, in its order, with an index by key.
#[derive(Clone, Debug, Default)]
pub struct Sysctls {
    entries: Vec<Entry>,
    /// Indices into `entries`, sorted by the key's path form, then by position.
    sorted: Vec<u32>,
}

/// Reads `sysctl -a`.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Sysctls> {
    Parsed::default()
}

impl Sysctls {
    /// The entries, in the text's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last entry with this key, which is the one that counts. `text` is what was parsed; the key may be in either form.
    #[must_use]
    pub fn get(&self, _text: &str, _key: &str) -> Option<&Entry> {
        None
    }
}

/// The line of a collector's stderr that says that a key, or a folder above it, could not be read.
#[must_use]
pub fn unreadable<'t>(_stderr: &'t str, _key: &str) -> Option<&'t str> {
    None
}
