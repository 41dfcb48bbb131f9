//! What the CNI set up, against what it says.

pub(crate) mod masquerade_missing;
