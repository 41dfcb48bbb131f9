//! Finds generic netlink families by their names, without loading any.
//!
//! To ask for a family by its name loads the module that has it (ctrl_getfamily in net/netlink/genetlink.c asks for
//! `net-pf-16-proto-16-family-NAME`), so all are listed and looked through.

use nix::libc;

use super::attrs::Table;
use super::message::{NetlinkError, Request};
use super::socket::Socket;

/// `struct genlmsghdr`.
pub(crate) const GENL_HEADER: usize = 4;

/// A generic netlink family that the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The type of its messages.
    pub(crate) id: u16,
    pub(crate) version: u32,
}

impl Family {
    /// A request to this family.
    pub(crate) fn request(self, command: u8) -> Request {
        let version = u8::try_from(self.version).unwrap_or(1);
        Request::new(self.id).payload(&[command, version, 0, 0])
    }
}

/// The family of this name, if it is there already.
///
/// # Errors
/// What the kernel or the system say.
pub(crate) fn find(socket: &mut Socket, name: &str) -> Result<Option<Family>, NetlinkError> {
    // include/uapi/linux/genetlink.h
    const CTRL_ATTR_FAMILY_ID: u16 = 1;
    const CTRL_ATTR_FAMILY_NAME: u16 = 2;
    const CTRL_ATTR_VERSION: u16 = 3;
    let command = u8::try_from(libc::CTRL_CMD_GETFAMILY).expect("a small number");
    let controller = Family { id: u16::try_from(libc::GENL_ID_CTRL).expect("a small number"), version: 2 };
    let mut replies = socket.dump(&controller.request(command))?;
    let mut found = None;
    while let Some(message) = replies.next()? {
        let table = Table::<4>::new(message.attrs(GENL_HEADER));
        if table.get(CTRL_ATTR_FAMILY_NAME).is_some_and(|n| n.text() == name)
            && let Some(id) = table.u16(CTRL_ATTR_FAMILY_ID)
        {
            found = Some(Family { id, version: table.u32(CTRL_ATTR_VERSION).unwrap_or(1) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Protocol;
    use crate::root::Root;
    use std::path::Path;
    use std::time::{Duration, Instant};

    #[test]
    fn the_controller_finds_itself_and_nothing_that_is_not_there() {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut socket = Socket::open(Protocol::Generic, &Root::new(Path::new("/")), deadline).unwrap();
        assert_eq!(find(&mut socket, "nlctrl").unwrap().map(|f| f.id), Some(16));
        assert_eq!(find(&mut socket, "no-such-family").unwrap(), None);
    }
}
