//! Choosing rules of the catalogue by id or family, and helping with ids that are misspelt.

use rules::{CATALOGUE, Rule};

use crate::exit::Stop;

/// All rules, by id.
pub(crate) fn all() -> Vec<&'static Rule> {
    let mut all: Vec<&'static Rule> = CATALOGUE.to_vec();
    all.sort_by_key(|rule| rule.id);
    all
}

/// The rule with this id.
pub(crate) fn by_id(id: &str) -> Result<&'static Rule, Stop> {
    all().into_iter().find(|rule| rule.id == id).ok_or_else(|| unknown(id, &all()))
}

/// The rules that `--select` and `--ignore` leave, by id. A name is a rule's id or a family's.
pub(crate) fn choose(all: &[&'static Rule], select: &[String], ignore: &[String]) -> Result<Vec<&'static Rule>, Stop> {
    if let Some(wrong) = select.iter().chain(ignore).find(|name| !all.iter().any(|rule| names(name, rule))) {
        return Err(unknown(wrong, all));
    }
    let wanted = |rule: &&Rule| select.is_empty() || select.iter().any(|name| names(name, rule));
    let chosen: Vec<_> = all.iter().copied().filter(wanted).filter(|rule| !ignore.iter().any(|name| names(name, rule))).collect();
    if chosen.is_empty() && !all.is_empty() {
        return Err(Stop::error("--select and --ignore leave no rule").help("coldpath rules lists them all"));
    }
    Ok(chosen)
}

/// Whether a name means this rule: by its id, or by its family.
fn names(name: &str, rule: &Rule) -> bool {
    rule.id == name || rule.id.split_once('/').is_some_and(|(family, _)| family == name.trim_end_matches('/'))
}

fn unknown(name: &str, all: &[&'static Rule]) -> Stop {
    let near = nearest(name, all.iter().map(|rule| rule.id));
    let stop = Stop::error(format_args!("no rule has the id '{}'", name.escape_debug()));
    if near.is_empty() {
        stop.help("coldpath rules lists them all")
    } else {
        stop.help(format!("did you mean {}?", near.join(" or ")))
    }
}

/// Up to three candidates that are like a name, the likest first: whole, or by what follows the family.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let tail = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let score = |candidate: &str| {
        let parts = strsim::jaro_winkler(&tail(name), &tail(candidate));
        strsim::jaro_winkler(name, candidate).max(parts)
    };
    let mut scored: Vec<(f64, &str)> = candidates.map(|c| (score(c), c)).filter(|(s, _)| *s > 0.82).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FORWARD, MTU, PANICS};

    #[test]
    fn rules_are_chosen_by_id_and_by_family() {
        let all = [&FORWARD, &MTU, &PANICS];
        let ids = |select: &[&str], ignore: &[&str]| {
            let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
            choose(&all, &own(select), &own(ignore)).map(|rules| rules.iter().map(|r| r.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["forwarding"], &[]).unwrap(), [FORWARD.id]);
        assert_eq!(ids(&[], &[MTU.id]).unwrap(), [FORWARD.id, PANICS.id]);
        assert!(ids(&["mtu"], &["mtu/"]).is_err(), "nothing is left to check");
        let Err(Stop::Error { message, help }) = ids(&["forwarding/ip-forwrad-off"], &[]) else { panic!("unknown id") };
        assert_eq!(message, "no rule has the id 'forwarding/ip-forwrad-off'");
        assert_eq!(help.unwrap(), "did you mean forwarding/ip-forward-off?");
    }

    #[test]
    fn ids_are_found_without_their_family() {
        assert_eq!(
            nearest("ip-forward-of", ["mtu/overlay", "forwarding/ip-forward-off"].into_iter()),
            ["forwarding/ip-forward-off"]
        );
        assert!(nearest("zzz", ["mtu/overlay"].into_iter()).is_empty());
    }
}
