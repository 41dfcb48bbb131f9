//! The bundle itself: what it lacks and what was not understood of it.

pub(crate) mod capture_missing;
pub(crate) mod capture_not_understood;
pub(crate) mod captures_disagree;
