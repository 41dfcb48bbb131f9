//! `coldpath-collect`: the command line of the collector.

fn main() {}
