//! Sizes of packets along the way.

pub(crate) mod overlay_above_underlay;
