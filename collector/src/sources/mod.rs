//! What the collector reads itself, one file a kind; each writes the form of the standard tool.

pub(crate) mod clock;
pub(crate) mod ethtool;
pub(crate) mod file;
pub(crate) mod json;
pub(crate) mod kmsg;
pub(crate) mod listeners;
pub(crate) mod native;
pub(crate) mod process;
pub(crate) mod rtnl;
pub(crate) mod sysctl;
