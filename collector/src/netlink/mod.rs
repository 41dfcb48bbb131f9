//! Asks the kernel itself over netlink: a socket, its messages and their attributes, and who answers to which name.
//!
//! What the answers mean, and how a tool prints them, stands beside the captures in `sources/`.

pub(crate) mod attrs;
pub(crate) mod family;
pub(crate) mod message;
pub(crate) mod rta;
pub(crate) mod socket;

pub(crate) use attrs::{Attr, Attrs, Table};
pub(crate) use message::{Message, NetlinkError, Request};
pub(crate) use socket::{Protocol, Socket};
