//! `/etc/os-release` and `uptime`: which distribution, how long it runs.
//!
//! ```text
//! ID=debian
//! VERSION_ID="12"
//! PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
//! ```
//! ```text
//!  03:04:19 up 12 days, 51 min,  2 users,  load average: 1.93, 1.79, 1.14
//! 3108.30 4963.06
//! ```

use serde::Serialize;

use super::text::{slice, word};
use super::{Parsed, ini};
use crate::source::{At, Problem, lines, position};

/// A value of os-release, without its quotes.
pub type Value = (String, At);

/// What names the distribution.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OsRelease {
    /// `ID` (`debian`, `rhel`); os-release(5): `linux` where it is missing.
    pub id: Option<Value>,
    /// `ID_LIKE`: what it is made from, nearest first.
    pub id_like: Vec<Value>,
    /// `VERSION_ID`.
    pub version_id: Option<Value>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<Value>,
    /// `VARIANT_ID` (`coreos`).
    pub variant_id: Option<Value>,
}

/// Reads `/etc/os-release`.
#[must_use]
pub fn parse(text: &str) -> Parsed<OsRelease> {
    let file = ini::parse(text);
    let get = |key: &str| {
        let found = file.value.get(text, "", key)?;
        // Within double quotes the shell's four escapes hold.
        let value = slice(text, found.value);
        Some((value.replace("\\\"", "\"").replace("\\$", "$").replace("\\`", "`").replace("\\\\", "\\"), found.at))
    };
    let like = get("ID_LIKE").map(|(all, at)| all.split_ascii_whitespace().map(|id| (id.to_owned(), at)).collect());
    let value = OsRelease {
        id: get("ID"),
        id_like: like.unwrap_or_default(),
        version_id: get("VERSION_ID"),
        pretty_name: get("PRETTY_NAME"),
        variant_id: get("VARIANT_ID"),
    };
    Parsed { value, problems: file.problems }
}

/// How long the node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Uptime {
    /// The line.
    pub at: At,
    /// Seconds; `uptime` itself prints whole minutes.
    pub seconds: u64,
}

/// Reads `uptime` or `/proc/uptime`.
#[must_use]
pub fn parse_uptime(text: &str) -> Parsed<Option<Uptime>> {
    let mut out = Parsed::<Option<Uptime>>::default();
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match seconds(line) {
            Some(seconds) => out.value = Some(Uptime { at, seconds }),
            None => out.problems.push(Problem { at: position(text, line, at.line), what: "not an uptime".to_owned() }),
        }
    }
    out
}

fn seconds(line: &str) -> Option<u64> {
    let Some((_, rest)) = line.split_once(" up ") else {
        // /proc/uptime: up and idle, in seconds with two decimals.
        let (up, rest) = word(line);
        let _: f64 = rest.trim_ascii().parse().ok()?;
        return up.split_once('.')?.0.parse().ok();
    };
    let mut total: u64 = 0;
    let mut found = false;
    for part in rest.split(',').map(str::trim_ascii) {
        let (number, unit) = word(part);
        let unit = match (unit.trim_ascii(), number.split_once(':')) {
            ("", Some((hours, minutes))) => {
                total = total.checked_add(hours.parse::<u64>().ok()?.checked_mul(3600)?)?;
                total = total.checked_add(minutes.parse::<u64>().ok()?.checked_mul(60)?)?;
                found = true;
                continue;
            }
            ("day" | "days", _) => 86_400,
            ("min" | "mins" | "minutes", _) => 60,
            ("sec" | "secs" | "seconds", _) => 1,
            // Users and load.
            _ => break,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        found = true;
    }
    found.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::snapshots;

    #[test]
    fn distributions() {
        let text = "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"Rocky \\\"Linux\\\" 9\"\n";
        let got = parse(text).value;
        assert_eq!((got.id.unwrap().0, got.version_id.unwrap().1.line), ("rocky".to_owned(), 4));
        assert_eq!(got.id_like.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["rhel", "centos", "fedora"]);
        assert_eq!((got.pretty_name.unwrap().0.as_str(), got.variant_id), ("Rocky \"Linux\" 9", None));
    }

    #[test]
    fn uptimes() {
        let read = |text: &str| parse_uptime(text).value.map(|u| u.seconds);
        assert_eq!(read(" 03:04:19 up 51 min,  0 user,  load average: 1.93, 1.79, 1.14"), Some(51 * 60));
        assert_eq!(
            read(" 10:00:00 up 12 days,  3:07,  1 user,  load average: 0.0, 0.0, 0.0"),
            Some(12 * 86_400 + 3 * 3600 + 7 * 60)
        );
        assert_eq!(read("10:00:00 up 1 day, 5 min, 2 users, load average: 0"), Some(86_700));
        assert_eq!(read("3108.30 4963.06\n"), Some(3108));
        assert_eq!((read("hello"), read("10:00:00 up 2 users"), parse_uptime("hello\n").problems.len()), (None, None, 1));
    }

    #[test]
    fn snapshots_of_distributions() {
        snapshots("os-release", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(ID=|\"| up |[0-9]{1,22}| days|,|:|\\.|\n|\u{e9}){0,30}") {
            let _ = (parse(&text), parse_uptime(&text));
        }
    }
}
