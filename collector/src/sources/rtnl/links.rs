//! Names and kinds of interfaces by their numbers (lib/ll_map.c).

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Instant;

use nix::libc;

use super::link::HEADER;
use crate::netlink::{NetlinkError, Protocol, Request, Socket, Table};
use crate::root::Root;

/// Without counters (RTEXT_FILTER_SKIP_STATS; since Linux 4.4).
const SKIP_STATS: u32 = 1 << 3;

#[derive(Debug)]
struct Link {
    name: String,
    /// ARPHRD_*.
    hardware: u16,
    /// IFF_*.
    flags: u32,
}

/// The interfaces of a namespace, asked for when the first one is.
#[derive(Debug)]
pub(crate) struct Links<'r> {
    root: &'r Root,
    deadline: Instant,
    known: Option<HashMap<u32, Link>>,
}

impl<'r> Links<'r> {
    pub(crate) fn new(root: &'r Root, deadline: Instant) -> Self {
        Self { root, deadline, known: None }
    }

    /// The interface's name; `if` and its number if there is none (any more).
    pub(crate) fn name(&mut self, index: u32) -> Cow<'_, str> {
        if index == 0 {
            return Cow::Borrowed("*");
        }
        self.get(index).map_or_else(|| Cow::Owned(format!("if{index}")), |link| Cow::Borrowed(link.name.as_str()))
    }

    /// What kind of hardware it is; 0xffff (ARPHRD_VOID) if it is not there.
    pub(crate) fn hardware(&mut self, index: u32) -> u16 {
        self.get(index).map_or(libc::ARPHRD_VOID, |link| link.hardware)
    }

    /// Its flags; none if it is not there.
    pub(crate) fn flags(&mut self, index: u32) -> u32 {
        self.get(index).map_or(0, |link| link.flags)
    }

    fn get(&mut self, index: u32) -> Option<&Link> {
        if self.known.is_none() {
            // Where they cannot be asked for, numbers have to do.
            self.known = Some(ask(self.root, self.deadline).unwrap_or_default());
        }
        self.known.as_ref()?.get(&index)
    }
}

fn ask(root: &Root, deadline: Instant) -> Result<HashMap<u32, Link>, NetlinkError> {
    let mut socket = Socket::open(Protocol::Route, root, deadline)?;
    let request = Request::new(libc::RTM_GETLINK).payload(&[0; HEADER]).attr(libc::IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes());
    let mut replies = socket.dump(&request)?;
    let mut links = HashMap::new();
    while let Some(message) = replies.next()? {
        let Some(h) = message.header::<HEADER>() else { continue };
        let table = Table::<4>::new(message.attrs(HEADER));
        let Some(name) = table.get(libc::IFLA_IFNAME) else { continue };
        let link = Link {
            name: name.text().into_owned(),
            hardware: u16::from_ne_bytes([h[2], h[3]]),
            flags: u32::from_ne_bytes([h[8], h[9], h[10], h[11]]),
        };
        links.insert(u32::from_ne_bytes([h[4], h[5], h[6], h[7]]), link);
    }
    Ok(links)
}
