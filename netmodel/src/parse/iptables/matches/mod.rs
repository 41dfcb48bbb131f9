//! The match extensions that are read by table: a module's name, its options and how their values are written.
//!
//! Left out: what has records of its own (see [`MatchKind`](super::MatchKind)); of those modules only the rarer options stand here.

mod connection;
mod header;
mod ipv6;
mod local;
mod payload;
mod rate;

pub(super) use header::DSCP_CLASSES;

use super::option::{Module, Spec};

/// All modules, by group.
const GROUPS: [&[Module]; 6] =
    [connection::MODULES, header::MODULES, ipv6::MODULES, local::MODULES, payload::MODULES, rate::MODULES];

/// The module of a name.
pub(super) fn find(name: &str) -> Option<&'static Module> {
    GROUPS.iter().flat_map(|group| group.iter()).find(|m| m.name == name)
}

/// The module that has an option of this name, for options that stand behind another module or without any (`-p sctp --chunk-types …`).
pub(super) fn find_option(name: &str) -> Option<(&'static Module, &'static Spec)> {
    GROUPS.iter().flat_map(|group| group.iter()).find_map(|m| m.option(name).map(|o| (m, o)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once() {
        let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group.iter()).map(|m| m.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for module in GROUPS.iter().flat_map(|group| group.iter()) {
            let mut options: Vec<_> = module.options.iter().map(|o| o.name).collect();
            options.sort_unstable();
            options.dedup();
            assert_eq!(options.len(), module.options.len(), "{}", module.name);
        }
    }
}
