//! `ethtool IF`, `-i`, `-g`, `-l`, `-a`, `-c`: settings of an interface as `key: value` in sections.
//!
//! ```text
//! Settings for eth0:
//!     Supported link modes:   10baseT/Half 10baseT/Full
//!                             1000baseT/Full
//!     Speed: 1000Mb/s
//!     Duplex: Full
//!     Link detected: yes
//! ```
//! ```text
//! Ring parameters for eth0:
//! Pre-set maximums:
//! RX:             4096
//! Current hardware settings:
//! RX:             512
//! ```

use serde::Serialize;

use super::Parsed;
use super::text::{slice, trimmed};
use crate::source::{At, Problem, lines, position};

/// A setting.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceSetting {
    /// The interface; `None` for `-i`, which does not print it.
    pub device: Option<At>,
    /// The section (`Pre-set maximums`), in outputs that have some.
    pub section: Option<At>,
    /// The key.
    pub key: At,
    /// The value, from its first line to its last; `None` if it is empty.
    pub value: Option<At>,
}

/// Settings, in the text's order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeviceSettings {
    /// The settings.
    pub settings: Vec<DeviceSetting>,
}

impl DeviceSettings {
    /// The value of a key of an interface (`None`: whichever) in a section (`None`: in any). `text` is what was parsed.
    #[must_use]
    pub fn get<'t>(&self, text: &'t str, device: Option<&str>, section: Option<&str>, key: &str) -> Option<&'t str> {
        let is = |at: Option<At>, wanted: Option<&str>| wanted.is_none_or(|w| at.is_some_and(|at| slice(text, at) == w));
        let found = self.settings.iter().find(|s| slice(text, s.key) == key && is(s.device, device) && is(s.section, section))?;
        Some(slice(text, found.value?))
    }
}

/// Reads any of the outputs, several one behind the other too.
#[must_use]
pub fn parse(text: &str) -> Parsed<DeviceSettings> {
    let mut out = Parsed::<DeviceSettings>::default();
    let (mut device, mut section) = (None, None);
    for (at, line) in lines(text) {
        let inner = line.trim_ascii();
        if inner.is_empty() {
            section = None;
            continue;
        }
        if let Some((_, name)) = inner.strip_suffix(':').and_then(|title| title.rsplit_once(" for ")) {
            (device, section) = (trimmed(text, name, at.line), None);
            continue;
        }
        let spot = |part: &str| position(text, part, at.line);
        // A value may hold a colon (an address of the bus), a key does not.
        if let Some((key, value)) = inner.split_once(':') {
            if value.is_empty() && !line.starts_with(['\t', ' ']) && !is_value_less(key) {
                section = Some(spot(key));
            } else {
                out.value.settings.push(DeviceSetting { device, section, key: spot(key), value: trimmed(text, value, at.line) });
            }
            continue;
        }
        // Link modes and message levels go on in the next lines.
        match out.value.settings.last_mut() {
            Some(last) if line.starts_with(['\t', ' ']) => {
                let end = spot(inner).end;
                last.value = Some(last.value.map_or_else(|| spot(inner), |value| At { end, ..value }));
            }
            _ => out.problems.push(Problem { at, what: "not a key and a value".to_owned() }),
        }
    }
    out
}

/// Keys of `-i` that may stand alone.
fn is_value_less(key: &str) -> bool {
    matches!(key, "version" | "firmware-version" | "expansion-rom-version" | "bus-info" | "driver")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn values_over_several_lines_and_sections() {
        let text = fixture("ethtool-settings/eth0.txt");
        let got = parse(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let get = |section, key| got.value.get(&text, Some("eth0"), section, key);
        assert_eq!(get(None, "Speed"), Some("1000Mb/s"));
        assert!(
            get(None, "Supported link modes").is_some_and(|v| v.starts_with("10baseT/Half") && v.ends_with("1000baseT/Full"))
        );
        assert_eq!(get(Some("Pre-set maximums"), "RX"), Some("4096"));
        assert_eq!(get(Some("Current hardware settings"), "RX"), Some("512"));
        assert_eq!(got.value.get(&text, None, None, "bus-info"), Some("0000:00:1f.6"));
        assert_eq!(got.value.get(&text, None, None, "expansion-rom-version"), None);
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("netlink error\nhello\n").problems.len(), 2);
    }

    #[test]
    fn snapshots_of_settings() {
        snapshots("ethtool-settings", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-zA-Z]{1,3}|: ?| for |\n|\t|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
