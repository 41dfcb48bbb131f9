//! Errors of a question in words, with what the user can do: what there is, and which name is the closest.

use netmodel::walk::endpoint::EndpointError;

use crate::exit::Stop;
use crate::sanitize::line;

/// How many names are listed.
const MOST: usize = 12;

/// The one line, and its help.
pub(super) fn stop(error: &EndpointError) -> Stop {
    let stop = Stop::error(line(&error.to_string()));
    match help(error) {
        Some(help) => stop.help(line(&help).into_owned()),
        None => stop,
    }
}

fn help(error: &EndpointError) -> Option<String> {
    Some(match error {
        EndpointError::NoSuch { kind, known, .. } if known.is_empty() => match *kind {
            "pod" => "no pod's name is known in these bundles: name it by its address".to_owned(),
            "Service" => "no Service's name is known in these bundles: name it by its address and port".to_owned(),
            _ => return None,
        },
        EndpointError::NoSuch { kind, name, known } => match closest(name, known) {
            Some(close) => format!("did you mean `{close}`? there are {}", listed(known)),
            None => format!("{kind}s that there are: {}", listed(known)),
        },
        EndpointError::Ambiguous { kind: "namespace", .. } => {
            "say which one sends it: --from pod:NAME or --from node:NAME".to_owned()
        }
        EndpointError::Ambiguous { .. } => "name it in full".to_owned(),
        EndpointError::PortNeeded { known, .. } if known.is_empty() => {
            "put it behind a colon, as in --to 10.96.0.10:53; --proto icmp needs none".to_owned()
        }
        EndpointError::PortNeeded { known, .. } => format!("put one behind a colon; known there: {}", listed(known)),
        EndpointError::NoPorts => "leave the port away".to_owned(),
        EndpointError::Entry { nodes, .. } => {
            format!("say where it comes in: --from NODE%INTERFACE; nodes: {}", listed(nodes))
        }
        EndpointError::EntryDevice { devices, .. } if !devices.is_empty() => {
            format!("say it with --iif; devices: {}", listed(devices))
        }
        EndpointError::Families { .. } => "name one of them by an address of the other's family".to_owned(),
        EndpointError::ServiceSends
        | EndpointError::NoAddress { .. }
        | EndpointError::EntryDevice { .. }
        | EndpointError::TooSmall { .. }
        | EndpointError::Missing(_) => return None,
    })
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The name that was probably meant. Pods end in letters that nobody remembers, so a common beginning counts.
fn closest<'k>(name: &str, known: &'k [String]) -> Option<&'k String> {
    let short = |full: &str| full.rsplit_once('/').map_or(full, |(_, short)| short).to_owned();
    let likeness = |full: &String| strsim::jaro_winkler(name, full).max(strsim::jaro_winkler(&short(name), &short(full)));
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.8).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &EndpointError) -> String {
        match stop(error) {
            Stop::Error { message, help } => format!("{message}\nhelp: {}", help.unwrap_or_default()),
            Stop::BrokenPipe => String::new(),
        }
    }

    #[test]
    fn a_slip_is_pointed_out() {
        let known = ["default/web-7d4b9", "kube-system/coredns-5d78c"].map(str::to_owned).to_vec();
        let error = EndpointError::NoSuch { kind: "pod", name: "corends-5d78c".to_owned(), known };
        assert_eq!(
            text(&error),
            "there is no pod `corends-5d78c` in what was given\nhelp: did you mean `kube-system/coredns-5d78c`? there are \
             default/web-7d4b9, kube-system/coredns-5d78c"
        );
    }

    #[test]
    fn long_lists_are_cut_and_escapes_are_shown() {
        let known: Vec<String> = (0..20).map(|i| format!("n{i}\u{1b}[2J")).collect();
        let text = text(&EndpointError::NoSuch { kind: "node", name: "zzz".to_owned(), known });
        assert!(text.contains("n11\\u{1b}[2J and 8 more") && !text.contains('\u{1b}'), "{text}");
    }
}
