//! What goes over a netlink socket: requests, messages, and the verdict at the end of an answer.

use std::io;

use nix::libc;

use super::attrs::{Attr, Attrs, align};
use super::socket::Protocol;

/// `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// Why the kernel gave no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetlinkError {
    /// The protocol is not there, and to open a socket would load it.
    #[error("the kernel has no netlink protocol {0:?} loaded")]
    NotLoaded(Protocol),
    /// The kernel refused, with its own words where it has some (extended acknowledgement).
    #[error("{}{}", io::Error::from_raw_os_error(*.errno), .message.as_ref().map(|m| format!(": {m}")).unwrap_or_default())]
    Refused { errno: i32, message: Option<String> },
    /// No answer before the deadline.
    #[error("the kernel did not answer in time")]
    TimedOut,
    /// What came is no netlink message.
    #[error("the kernel's answer cannot be read: {0}")]
    Garbled(&'static str),
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl NetlinkError {
    /// The number of the error that the kernel gave, if it gave one.
    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Io(e) => e.raw_os_error(),
            Self::NotLoaded(_) | Self::TimedOut | Self::Garbled(_) => None,
        }
    }
}

impl From<rustix::io::Errno> for NetlinkError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A request, without the flags and numbers that the socket adds.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Request {
    /// A request of this type (RTM_GETLINK and its like).
    pub(crate) fn new(kind: u16) -> Self {
        Self { kind, flags: 0, body: Vec::new() }
    }

    /// More flags of `struct nlmsghdr`.
    pub(crate) fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    /// The fixed header that the type has (`struct ifinfomsg`, `struct genlmsghdr`, `struct nfgenmsg`, …); padded.
    pub(crate) fn payload(mut self, bytes: &[u8]) -> Self {
        self.body.extend_from_slice(bytes);
        self.body.resize(align(self.body.len()), 0);
        self
    }

    /// An attribute.
    pub(crate) fn attr(mut self, kind: u16, value: &[u8]) -> Self {
        let len = u16::try_from(4 + value.len()).expect("our requests carry names and numbers, no long texts");
        self.body.extend_from_slice(&len.to_ne_bytes());
        self.body.extend_from_slice(&kind.to_ne_bytes());
        self.body.extend_from_slice(value);
        self.body.resize(align(self.body.len()), 0);
        self
    }

    pub(super) fn bytes(&self, flags: u16, seq: u32) -> Vec<u8> {
        let len = u32::try_from(HEADER + self.body.len()).expect("our requests are short");
        let mut bytes = Vec::with_capacity(HEADER + self.body.len());
        bytes.extend_from_slice(&len.to_ne_bytes());
        bytes.extend_from_slice(&self.kind.to_ne_bytes());
        bytes.extend_from_slice(&(self.flags | flags).to_ne_bytes());
        bytes.extend_from_slice(&seq.to_ne_bytes());
        // The kernel fills in our port.
        bytes.extend_from_slice(&0u32.to_ne_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A message of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    /// What follows `struct nlmsghdr`.
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The attributes behind a fixed header of this length.
    pub(crate) fn attrs(&self, header: usize) -> Attrs<'a> {
        Attrs::after(self.payload, header)
    }

    /// The first bytes of the payload, if there are as many.
    pub(crate) fn header<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.payload.first_chunk()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) len: usize,
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) seq: u32,
}

impl Header {
    /// The header at this place, if the message that it begins is there in whole.
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<(usize, Self)> {
        let h = bytes.get(at..)?.first_chunk::<HEADER>()?;
        let len = usize::try_from(u32::from_ne_bytes([h[0], h[1], h[2], h[3]])).ok()?;
        if len < HEADER || bytes.len().checked_sub(at)? < len {
            return None;
        }
        let kind = u16::from_ne_bytes([h[4], h[5]]);
        let flags = u16::from_ne_bytes([h[6], h[7]]);
        Some((at, Self { len, kind, flags, seq: u32::from_ne_bytes([h[8], h[9], h[10], h[11]]) }))
    }
}

/// The flags and types of libc are ints; they all fit.
pub(super) fn flag(value: i32) -> u16 {
    u16::try_from(value).expect("flags of nlmsghdr have 16 bits")
}

/// What NLMSG_ERROR or NLMSG_DONE say: a negative error number, and perhaps why (netlink_ack, netlink_dump_done).
pub(super) fn verdict(kind: u16, flags: u16, payload: &[u8]) -> Result<(), NetlinkError> {
    // Documentation/userspace-api/netlink/intro.rst: NLMSGERR_ATTR_MSG.
    const MESSAGE: u16 = 1;
    let code = Attr(payload).i32().unwrap_or(0);
    if code >= 0 {
        return Ok(());
    }
    let mut header = 4;
    if i32::from(kind) == libc::NLMSG_ERROR {
        // The header of the request stands in between, and the rest of the request unless it says that it was left out.
        let capped = flags & flag(libc::NLM_F_CAPPED) != 0;
        let request = payload.get(4..).and_then(|p| Attr(p).u32()).and_then(|len| usize::try_from(len).ok()).unwrap_or(HEADER);
        header += if capped { HEADER } else { request };
    }
    let message = if flags & flag(libc::NLM_F_ACK_TLVS) != 0 {
        Attrs::after(payload, header).find(|(kind, _)| *kind == MESSAGE).map(|(_, text)| text.text().into_owned())
    } else {
        None
    };
    Err(NetlinkError::Refused { errno: code.saturating_neg(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_finds_its_words_behind_the_request() {
        let words = [9, 0, 1, 0, b'n', b'o', b'p', b'e', 0];
        let head = [20u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4]].concat();
        let capped = [&(-22i32).to_ne_bytes()[..], &head, &words].concat();
        let full = [&(-22i32).to_ne_bytes()[..], &head, &[0; 4], &words].concat();
        for (flags, payload) in [(0x300, capped), (0x200, full)] {
            let error = verdict(2, flags, &payload).unwrap_err();
            assert_eq!(error.to_string(), "Invalid argument (os error 22): nope");
        }
        assert!(verdict(3, 0, &0i32.to_ne_bytes()).is_ok());
        assert!(verdict(2, 0, &[]).is_ok());
    }

    #[test]
    fn messages_that_are_cut_off_are_refused() {
        assert!(Header::read(&[16, 0, 0, 0], 0).is_none());
        let mut bytes = [0; 20];
        bytes[0] = 24;
        assert!(Header::read(&bytes, 0).is_none());
        bytes[0] = 8;
        assert!(Header::read(&bytes, 0).is_none());
        bytes[0] = 20;
        assert!(Header::read(&bytes, 0).is_some());
        assert!(Header::read(&bytes, 4).is_none() && Header::read(&bytes, 99).is_none());
    }
}
