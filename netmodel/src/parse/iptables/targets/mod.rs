//! The target extensions by table: a target's name, its options and how their values are written.
//!
//! Left out: ACCEPT, DROP, RETURN, QUEUE and jumps, which have no options.

mod mangle;
mod nat;
mod report;
mod track;

use super::option::Module;

/// All targets, by group.
const GROUPS: [&[Module]; 4] = [nat::TARGETS, mangle::TARGETS, report::TARGETS, track::TARGETS];

/// The target of a name.
pub(super) fn find(name: &str) -> Option<&'static Module> {
    if name.len() > LONGEST {
        return None;
    }
    GROUPS.iter().flat_map(|group| group.iter()).find(|m| m.name == name)
}

/// The length of the longest name of a target: what is longer, as most names of chains are, need not be looked for.
const LONGEST: usize = 11;

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
        assert_eq!(names.iter().map(|name| name.len()).max(), Some(LONGEST));
        assert!(find("MARK").is_some() && find("mark").is_none());
    }
}
