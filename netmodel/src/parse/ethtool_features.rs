//! `ethtool -k`: offloads of an interface.
//!
//! ```text
//! Features for eth0:
//! tx-checksumming: on
//!     tx-checksum-ip-generic: on
//! tcp-segmentation-offload: off
//!     tx-tcp-segmentation: off [requested on]
//! large-receive-offload: off [fixed]
//! ```
//!
//! Groups such as `tx-checksumming` are made by ethtool out of the features below them.

use serde::Serialize;

use super::Parsed;
use super::text::{slice, trimmed};
use crate::source::{At, Problem, lines, position};

/// A feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// Its line.
    pub at: At,
    /// Its name.
    pub name: At,
    /// Whether it is on.
    pub on: bool,
    /// `[fixed]`: the driver does not let it change.
    pub fixed: bool,
    /// `[requested on]` or `[requested off]`: what was asked for; something else that is missing keeps it from being so.
    pub requested: Option<bool>,
}

/// Features of an interface.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceFeatures {
    /// The interface; `None` if the line with its name is missing.
    pub device: Option<At>,
    /// Its features, in the text's order.
    pub features: Vec<Feature>,
}

impl DeviceFeatures {
    /// The feature of that name. `text` is what was parsed.
    #[must_use]
    pub fn get(&self, text: &str, name: &str) -> Option<&Feature> {
        self.features.iter().find(|f| slice(text, f.name) == name)
    }
}

/// Reads one or several outputs of `ethtool -k`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<DeviceFeatures>> {
    let mut out = Parsed::<Vec<DeviceFeatures>>::default();
    for (at, line) in lines(text) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with("Offload parameters for") && line.ends_with(':') {
            continue;
        }
        if let Some(device) = line.strip_prefix("Features for ") {
            let device = trimmed(text, device.trim_end_matches(':'), at.line);
            out.value.push(DeviceFeatures { device, features: Vec::new() });
            continue;
        }
        match feature(text, at, line) {
            Some(feature) => {
                if out.value.is_empty() {
                    out.value.push(DeviceFeatures { device: None, features: Vec::new() });
                }
                if let Some(device) = out.value.last_mut() {
                    device.features.push(feature);
                }
            }
            None => out.problems.push(Problem { at, what: "not a feature".to_owned() }),
        }
    }
    out
}

fn feature(text: &str, at: At, line: &str) -> Option<Feature> {
    let (name, value) = line.split_once(':')?;
    let (state, notes) = super::text::word(value);
    let on = match state {
        "on" => true,
        "off" => false,
        _ => return None,
    };
    let (mut fixed, mut requested) = (false, None);
    match notes.trim_ascii() {
        "" => {}
        "[fixed]" => fixed = true,
        "[requested on]" => requested = Some(true),
        "[requested off]" => requested = Some(false),
        // Old versions.
        "[not requested]" => requested = Some(false),
        _ => return None,
    }
    (!name.is_empty()).then(|| Feature { at, name: position(text, name, at.line), on, fixed, requested })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn states_and_notes() {
        let text = "Features for eth0:\ntx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n\ttx-tcp-segmentation: off [requested on]\n\n\
                    Features for flannel.1:\ntx-checksumming: off\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let eth = &got.value[0];
        assert!(eth.get(text, "tx-checksum-ipv4").is_some_and(|f| !f.on && f.fixed));
        assert_eq!(eth.get(text, "tx-tcp-segmentation").map(|f| (f.on, f.requested)), Some((false, Some(true))));
        assert!(got.value[1].get(text, "tx-checksumming").is_some_and(|f| !f.on && !f.fixed));
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("Cannot get device feature names: No such device\ntso: maybe\nlro: off [so-so]\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_features() {
        snapshots("ethtool-features", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Features for |[a-z]{1,3}: |on|off| \\[fixed\\]|:|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
