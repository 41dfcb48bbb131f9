//! Takes a snapshot of a node into a bundle.
