//! What is asked of the kernel itself, in place of a tool; the tool remains for where that fails.

use std::time::Instant;

use bundle::AbsentWhy;

use super::{ethtool, rtnl};
use crate::netlink::NetlinkError;
use crate::queue::{End, Out};
use crate::root::Root;
use crate::tool;

/// What is asked for, and of which of the kernel's interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    Rtnl(rtnl::What),
    /// The offloads of this interface.
    EthtoolFeatures(String),
}

impl Native {
    /// By which interface, as the manifest says it.
    pub(crate) fn how(&self) -> &'static str {
        match self {
            Self::Rtnl(what) => what.how(),
            Self::EthtoolFeatures(_) => "generic netlink, ethtool's features, as ethtool -k",
        }
    }

    /// Takes it, in the calling thread's network namespace.
    pub(crate) fn take(&self, root: &Root, out: &mut Out) -> End {
        let deadline = Instant::now() + out.time_left();
        let read = match self {
            Self::Rtnl(what) => rtnl::read(*what, root, deadline, out),
            Self::EthtoolFeatures(name) => ethtool::read(name, root, deadline, out),
        };
        match read {
            Ok(stderr) => End { stderr, ..End::default() },
            Err(e) => End::failed(why_of(&e), e.to_string()),
        }
    }
}

/// Which kind of absence it is when the kernel does not answer.
fn why_of(error: &NetlinkError) -> AbsentWhy {
    match error {
        NetlinkError::NotLoaded(_) => AbsentWhy::NotLoaded,
        NetlinkError::TimedOut => AbsentWhy::TimedOut,
        NetlinkError::Refused { errno, .. } => tool::why_of(&std::io::Error::from_raw_os_error(*errno)),
        NetlinkError::Io(e) => tool::why_of(e),
        NetlinkError::Garbled(_) => AbsentWhy::Failed,
    }
}
