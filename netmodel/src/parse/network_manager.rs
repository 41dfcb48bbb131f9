//! `NetworkManager.conf` and its `conf.d`: which devices NetworkManager leaves alone.
//!
//! ```text
//! [keyfile]
//! unmanaged-devices=interface-name:cali*;interface-name:tunl*;except:interface-name:eth0
//!
//! [device-cni]
//! match-device=interface-name:cni*
//! managed=0
//! ```
//!
//! A device that NetworkManager manages may lose the addresses and routes that a CNI gave it. Device lists are those of
//! NetworkManager.conf(5), "Device List Format". Left out: connection profiles.

use std::collections::HashMap;

use serde::Serialize;

use super::text::slice;
use super::{Parsed, glob, ini};
use crate::source::At;

/// A list of devices and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceList {
    /// The line.
    pub at: At,
    /// The list as written.
    pub list: At,
    /// Whether these devices are managed; `unmanaged-devices` says no.
    pub managed: bool,
}

/// What the file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetworkManagerConf {
    /// The lists, in order. Those of `[device*]` sections stand in the order in which NetworkManager asks them.
    pub lists: Vec<DeviceList>,
    /// `[main] dns` (`default`, `none`, `systemd-resolved`, …): who writes resolv.conf.
    pub dns: Option<At>,
    /// `[main] rc-manager`.
    pub rc_manager: Option<At>,
}

impl NetworkManagerConf {
    /// Whether this file has NetworkManager manage a device of that name. `None`: the file says nothing of it, or it says so by
    /// something other than the name (a MAC address, a driver, a type), which may or may not be this device's.
    #[must_use]
    pub fn manages(&self, text: &str, device: &str) -> Option<(bool, At)> {
        for entry in &self.lists {
            match in_list(slice(text, entry.list), device) {
                Some(true) => return Some((entry.managed, entry.at)),
                Some(false) => {}
                None => return None,
            }
        }
        None
    }
}

/// Whether a device is in a list; `None` where that depends on more than its name.
fn in_list(list: &str, device: &str) -> Option<bool> {
    let (mut found, mut unsure) = (false, false);
    for spec in list.split([';', ',']).map(str::trim_ascii).filter(|s| !s.is_empty()) {
        let (except, spec) = spec.strip_prefix("except:").map_or((false, spec), |rest| (true, rest));
        let hit = match spec.split_once(':') {
            None if spec == "*" => Some(true),
            Some(("interface-name", name)) => Some(match name.strip_prefix('=') {
                Some(exact) => exact == device,
                None => glob::matches(name.strip_prefix('~').unwrap_or(name), device),
            }),
            _ => None,
        };
        match (hit, except) {
            // An exception is final.
            (Some(true), true) => return Some(false),
            (Some(true), false) => found = true,
            (None, _) => unsure = true,
            (Some(false), _) => {}
        }
    }
    if unsure { None } else { Some(found) }
}

fn plain_key(key: &str) -> &str {
    key.trim_end_matches('+').trim_ascii_end()
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<NetworkManagerConf> {
    let file = ini::parse(text);
    let mut value = NetworkManagerConf {
        dns: file.value.get(text, "main", "dns").map(|s| s.value),
        rc_manager: file.value.get(text, "main", "rc-manager").map(|s| s.value),
        lists: Vec::new(),
    };
    let section = |s: &ini::Setting| s.section.map_or("", |at| slice(text, at));
    // The same key again replaces what stands before it, `+=` adds.
    let devices = |s: &ini::Setting| section(s) == "keyfile" && plain_key(slice(text, s.key)) == "unmanaged-devices";
    let replaces = |s: &ini::Setting| devices(s) && !slice(text, s.key).ends_with('+');
    let first = file.value.settings.iter().rposition(replaces).unwrap_or(0);
    let matched: HashMap<u32, At> = file
        .value
        .settings
        .iter()
        .filter(|s| section(s).starts_with("device") && slice(text, s.key) == "match-device")
        .map(|s| (s.section_number, s.value))
        .collect();
    for (i, s) in file.value.settings.iter().enumerate() {
        if i >= first && devices(s) {
            value.lists.push(DeviceList { at: s.at, list: s.value, managed: false });
        }
        if section(s).starts_with("device")
            && slice(text, s.key) == "managed"
            && let Some(&list) = matched.get(&s.section_number)
        {
            let managed = matches!(slice(text, s.value), "1" | "yes" | "true" | "on");
            value.lists.push(DeviceList { at: s.at, list, managed });
        }
    }
    Parsed { value, problems: file.problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name_pattern_and_exception() {
        let text = "[main]\ndns=none\n[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:=tunl0;except:interface-name:cali-keep\n\
                    [device-cni]\nmatch-device=interface-name:cni?\nmanaged=0\n";
        let got = parse(text);
        assert_eq!(got.problems, []);
        let manages = |name| got.value.manages(text, name).map(|(on, at)| (on, at.line));
        assert_eq!(manages("cali12"), Some((false, 4)));
        assert_eq!((manages("tunl0"), manages("tunl01")), (Some((false, 4)), None));
        assert_eq!((manages("cali-keep"), manages("cni0"), manages("eth0")), (None, Some((false, 7)), None));
        assert_eq!(got.value.dns.map(|d| slice(text, d)), Some("none"));
    }

    #[test]
    fn what_a_name_cannot_tell_is_unknown() {
        let text = "[keyfile]\nunmanaged-devices=mac:66:77:88:99:00:aa\n";
        assert_eq!(parse(text).value.manages(text, "cni0"), None);
        let replaced = "[keyfile]\nunmanaged-devices=interface-name:a*\nunmanaged-devices=interface-name:b*\nunmanaged-devices+=interface-name:c*\n";
        let conf = parse(replaced).value;
        let manages = |name| conf.manages(replaced, name).map(|(on, _)| on);
        assert_eq!((manages("a1"), manages("b1"), manages("c1")), (None, Some(false), Some(false)));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\[keyfile\\]\n|\\[device\\]\n|unmanaged-devices\\+?=|match-device=|managed=0|interface-name:|except:|[a-z*;]{1,4}|\n|\u{e9}){0,20}") {
            let _ = parse(&text).value.manages(&text, "cni0");
        }
    }
}
