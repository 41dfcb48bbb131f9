//! What translates Services: what kube-proxy was told, held against what is there.

use bundle::{AbsentWhy, Capture, Content, Key};

use super::{Conflict, Part, ProxyMode, Shown};
use crate::source::{Evidence, Missing, lines};
use crate::state::Node;
use crate::state::kube::flag_values;
use crate::state::links::Links;

pub(super) fn mode(node: &Node, links: &Links, conflicts: &mut Vec<Conflict>) -> Part<ProxyMode> {
    let stated = stated(node);
    let traces = traces(node, links);
    let unlike = |mode: ProxyMode| traces.0.iter().filter(move |(m, _)| *m != mode).map(|(_, e)| e.clone());
    if let Some((mode, evidence)) = stated {
        let own: Vec<Evidence> = traces.0.iter().filter(|(m, _)| *m == mode).map(|(_, e)| e.clone()).collect();
        if own.is_empty() && traces.1.is_ok() {
            let what = format!("kube-proxy is set to {mode:?}, and nothing of that is there");
            conflicts.push(Conflict { what, evidence: std::iter::once(evidence.clone()).chain(unlike(mode)).collect() });
        } else if unlike(mode).next().is_some() {
            let what = format!("kube-proxy is set to {mode:?}, and rules of another mode are there too");
            conflicts.push(Conflict { what, evidence: std::iter::once(evidence.clone()).chain(unlike(mode)).collect() });
        }
        return Ok(Shown { value: mode, evidence: std::iter::once(evidence).chain(own).collect() });
    }
    match &traces.0[..] {
        [(mode, evidence)] => Ok(Shown { value: *mode, evidence: vec![evidence.clone()] }),
        [] => traces.1.map(|()| Shown { value: ProxyMode::None, evidence: Vec::new() }),
        several => {
            let evidence: Vec<_> = several.iter().map(|(_, e)| e.clone()).collect();
            let why = "rules of several modes are there, and no configuration says which one is in use";
            conflicts.push(Conflict { what: why.to_owned(), evidence });
            Err(Missing::new(&Key::node(Capture::KubeProxyConfig), "the mode of kube-proxy", why))
        }
    }
}

/// What kube-proxy was told. A flag is stronger than a file only where there is no file: with `--config` it is ignored. An empty mode
/// is the default of kube-proxy's version and says nothing here.
fn stated(node: &Node) -> Option<(ProxyMode, Evidence)> {
    let files = node.kube_proxy_configs().iter().filter_map(|doc| {
        let (mode, at) = doc.mode.as_ref()?;
        Some((word(mode)?, doc.source.evidence(*at)))
    });
    let flags = flag_values(node.kube_cmdlines(), "kube-proxy", "proxy-mode");
    let flags = flags.into_iter().filter_map(|fact| Some((word(fact.value)?, fact.evidence())));
    files.chain(flags).next()
}

fn word(mode: &str) -> Option<ProxyMode> {
    match mode {
        "iptables" => Some(ProxyMode::Iptables),
        "ipvs" => Some(ProxyMode::Ipvs),
        "nftables" => Some(ProxyMode::Nftables),
        _ => None,
    }
}

/// What is there of each mode; and whether everything was looked at, so that what was not found is not there.
///
/// This looks at raw text: it needs to know only that kube-proxy's own chains and tables are there, not what they do.
fn traces(node: &Node, links: &Links) -> (Vec<(ProxyMode, Evidence)>, Result<(), Missing>) {
    let mut found = Vec::new();
    let mut complete = Ok(());
    let mut services_chain = None;
    for capture in [Capture::IptablesNftSave, Capture::IptablesLegacySave] {
        let Some(source) = source(node, capture, &mut complete) else { continue };
        // ipvs mode has KUBE-SERVICES as well; a chain for each Service only iptables mode has.
        let line = |prefix: &str| lines(&source.text).find(|(_, l)| l.starts_with(prefix)).map(|(at, _)| source.evidence(at));
        match line(":KUBE-SVC-").or_else(|| line(":KUBE-SEP-")) {
            Some(evidence) if found.is_empty() => found.push((ProxyMode::Iptables, evidence)),
            Some(_) => {}
            None => services_chain = services_chain.or_else(|| line(":KUBE-SERVICES ")),
        }
    }
    match node.ipvs() {
        Ok(ipvs) => {
            let of_proxy = links.by_name("kube-ipvs0").and(ipvs.services.first());
            found.extend(of_proxy.map(|service| (ProxyMode::Ipvs, ipvs.source.evidence(service.at))));
        }
        Err(_) => {
            let _ = source(node, Capture::IpvsSave, &mut complete);
        }
    }
    if let Some(source) = source(node, Capture::NftRuleset, &mut complete)
        && let Some(start) = [r#""name": "kube-proxy""#, r#""name":"kube-proxy""#].iter().find_map(|t| source.text.find(t))
    {
        let end = start + r#""name": "kube-proxy""#.len();
        let part = source.text.get(start..end).unwrap_or_default().trim_end_matches(',');
        let at = crate::parse::json::place(&source.text, part);
        found.push((ProxyMode::Nftables, source.evidence(at)));
    }
    if found.is_empty() {
        found.extend(services_chain.map(|evidence| (ProxyMode::Iptables, evidence)));
    }
    (found, complete)
}

/// A capture's text; where there is none, whether that leaves a gap: what is not loaded has no rules.
fn source(node: &Node, capture: Capture, complete: &mut Result<(), Missing>) -> Option<crate::source::Source> {
    let key = Key::node(capture);
    match node.source(capture) {
        Ok(source) => {
            if complete.is_ok() {
                *complete = source.whole();
            }
            Some(source)
        }
        Err(missing) => {
            let not_there = matches!(node.bundle().get(&key), Content::Absent(a) if a.why == AbsentWhy::NotLoaded);
            if complete.is_ok() && !not_there {
                *complete = Err(missing);
            }
            None
        }
    }
}
