//! `/etc/nsswitch.conf`: where names are looked up, in which order.
//!
//! ```text
//! passwd:         files systemd
//! hosts:          files mymachines resolve [!UNAVAIL=return] dns myhostname
//! ```

use serde::Serialize;

use super::Parsed;
use super::text::slice;
use crate::source::{At, Problem, lines, position};

/// A service or an action in a database's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A service (`files`, `dns`, `resolve`, `mdns4_minimal`, …).
    Service(At),
    /// What to do after the service before it, with its brackets (`[NOTFOUND=return]`).
    Action(At),
}

/// A database.
#[derive(Clone, Debug, Serialize)]
pub struct Database {
    /// Its line.
    pub at: At,
    /// Its name (`hosts`).
    pub name: At,
    /// Its list.
    pub sources: Vec<Source>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Database>> {
    let mut out = Parsed::<Vec<Database>>::default();
    for (at, line) in lines(text) {
        let content = line.split('#').next().unwrap_or_default();
        if content.trim_ascii().is_empty() {
            continue;
        }
        let Some((name, mut rest)) = content.split_once(':') else {
            out.problems.push(Problem { at, what: "not `database: services`".to_owned() });
            continue;
        };
        let mut sources = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            let bracket = rest.starts_with('[');
            // An action may hold blanks: `[ NOTFOUND = return ]`.
            let end = match (bracket, rest.find(']')) {
                (true, Some(i)) => i + 1,
                (true, None) => {
                    out.problems
                        .push(Problem { at: position(text, rest, at.line), what: "an action without its end".to_owned() });
                    break;
                }
                (false, _) => rest.find(|c: char| c.is_ascii_whitespace() || c == '[').unwrap_or(rest.len()),
            };
            if end == 0 {
                break;
            }
            let (word, behind) = rest.split_at(end);
            let place = position(text, word, at.line);
            sources.push(if bracket { Source::Action(place) } else { Source::Service(place) });
            rest = behind;
        }
        out.value.push(Database { at, name: position(text, name.trim_ascii(), at.line), sources });
    }
    out
}

/// The services of a database, in order. `text` is what was parsed.
#[must_use]
pub fn services<'t>(text: &'t str, databases: &[Database], name: &str) -> Option<Vec<&'t str>> {
    let database = databases.iter().find(|d| slice(text, d.name) == name)?;
    let service = |s: &Source| match s {
        Source::Service(at) => Some(slice(text, *at)),
        Source::Action(_) => None,
    };
    Some(database.sources.iter().filter_map(service).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn services_and_actions() {
        let text = "hosts:  files resolve [!UNAVAIL=return] dns[ NOTFOUND = return ] # c\npasswd: files\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(services(text, &got.value, "hosts").unwrap(), ["files", "resolve", "dns"]);
        assert_eq!(got.value[0].sources.len(), 5);
        assert_eq!(services(text, &got.value, "networks"), None);
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("hello\nhosts: files [NOTFOUND\n").problems.len(), 2);
    }

    #[test]
    fn snapshots_of_files() {
        snapshots("nsswitch", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(hosts: ?|[a-z#]{1,3}|\\[|\\]| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
