//! A netlink socket: one request at a time, its answers one message at a time out of one buffer, each wait within a deadline.
//!
//! ```text
//! let mut socket = Socket::open(Protocol::Route, deadline)?;
//! let mut replies = socket.dump(&Request::new(RTM_GETLINK).payload(&[0; 16]))?;
//! while let Some(message) = replies.next()? { … }
//! ```
//! Opening a socket of a protocol that the kernel does not have would load the module for it
//! (net-pf-16-proto-N, net/netlink/af_netlink.c), so [`Socket::open`] looks first whether it is there.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::attrs::align;
use super::message::{HEADER, Header, Message, NetlinkError, Request, flag, verdict};
use crate::root::Root;
use crate::sockopt;

/// The kernel answers in messages of at most 32 KiB, unless one link alone needs more (many virtual functions).
const BUFFER: usize = 64 << 10;
/// A single datagram that is larger than this is no answer of the kernel's.
const LARGEST: usize = 16 << 20;
/// How often a dump is begun anew that changed under our hands.
const ATTEMPTS: u32 = 4;

/// What a socket is for (NETLINK_*, include/uapi/linux/netlink.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Protocol {
    Route = 0,
    SockDiag = 4,
    Xfrm = 6,
    Netfilter = 12,
    Generic = 16,
}

/// A netlink socket of the calling thread's network namespace.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    seq: u32,
    buffer: Vec<u8>,
    filled: usize,
    at: usize,
    /// Whether an answer has not been read to its end.
    open: bool,
    deadline: Instant,
}

impl Socket {
    /// Opens a socket, if the kernel has the protocol: it is never loaded by looking.
    ///
    /// # Errors
    /// [`NetlinkError::NotLoaded`], or what the system says.
    pub(crate) fn open(protocol: Protocol, root: &Root, deadline: Instant) -> Result<Self, NetlinkError> {
        if !is_there(protocol, root) {
            return Err(NetlinkError::NotLoaded(protocol));
        }
        let number = std::num::NonZeroU32::new(protocol as u32).map(net::Protocol::from_raw);
        let fd = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, number)?;
        // Both are since Linux 4.12 and 4.20: an older kernel says less in its errors, and takes headers it does not check.
        let _ = sockopt::set_int(fd.as_fd(), libc::SOL_NETLINK, libc::NETLINK_EXT_ACK, 1);
        let _ = sockopt::set_int(fd.as_fd(), libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, 1);
        Ok(Self { fd, seq: 0, buffer: vec![0; BUFFER], filled: 0, at: 0, open: false, deadline })
    }

    /// Asks for everything.
    ///
    /// # Errors
    /// If it cannot be asked; what the kernel answers comes with the replies.
    pub(crate) fn dump(&mut self, request: &Request) -> Result<Replies<'_>, NetlinkError> {
        self.send(request, flag(libc::NLM_F_DUMP))
    }

    /// Asks for one thing, or a few.
    ///
    /// # Errors
    /// If it cannot be asked; what the kernel answers comes with the replies.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Replies<'_>, NetlinkError> {
        self.send(request, flag(libc::NLM_F_ACK))
    }

    /// Asks for everything, and hands out the messages of an answer that nothing changed meanwhile, if one of a few attempts gives
    /// such a one. What is longer than `hold` bytes is handed out as it comes, since it would not be the same twice anyway.
    /// Returns whether the answer was interrupted by a change: something may be missing in it, or be there twice.
    ///
    /// # Errors
    /// What the kernel, the system or `each` say.
    pub(crate) fn dump_consistent(
        &mut self,
        request: &Request,
        hold: usize,
        mut each: impl FnMut(Message<'_>) -> io::Result<()>,
    ) -> Result<bool, NetlinkError> {
        let mut held = Vec::new();
        for attempt in 1..=ATTEMPTS {
            held.clear();
            let mut streaming = false;
            let mut replies = self.dump(request)?;
            while let Some(message) = replies.next()? {
                if !streaming && held.len() + HEADER + message.payload.len() > hold {
                    hand_out(&held, &mut each)?;
                    held = Vec::new();
                    streaming = true;
                }
                if streaming {
                    each(message)?;
                } else {
                    keep(&mut held, message);
                }
            }
            let interrupted = replies.interrupted;
            if streaming {
                return Ok(interrupted);
            }
            if !interrupted || attempt == ATTEMPTS {
                hand_out(&held, &mut each)?;
                return Ok(interrupted);
            }
        }
        Ok(true)
    }

    fn send(&mut self, request: &Request, flags: u16) -> Result<Replies<'_>, NetlinkError> {
        // Of an answer that was not read to its end the rest is in the way: the kernel begins no second dump on a socket.
        while self.open {
            let mut rest = Replies { socket: self, interrupted: false };
            match rest.next() {
                Ok(_) | Err(NetlinkError::Refused { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        self.seq = self.seq.wrapping_add(1);
        let bytes = request.bytes(flags | flag(libc::NLM_F_REQUEST), self.seq);
        loop {
            match net::send(&self.fd, &bytes, SendFlags::empty()) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        (self.filled, self.at, self.open) = (0, 0, true);
        Ok(Replies { socket: self, interrupted: false })
    }

    /// Fills the buffer with the next datagram.
    fn receive(&mut self) -> Result<(), NetlinkError> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let wait = PollTimeout::try_from(left.min(Duration::from_secs(60))).unwrap_or(PollTimeout::ZERO);
            let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, wait) {
                Ok(0) if self.deadline <= Instant::now() => return Err(NetlinkError::TimedOut),
                Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(NetlinkError::Io(e.into())),
            }
            // Looked at first: what does not fit would be lost.
            let look = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
            let len = match net::recv(&self.fd, &mut [0u8; 1][..], look) {
                Ok((_, len)) => len,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Err(e) => return Err(e.into()),
            };
            if len > LARGEST {
                return Err(NetlinkError::Garbled("a datagram of more than 16 MiB"));
            }
            if len > self.buffer.len() {
                self.buffer.resize(len, 0);
            }
            match net::recvfrom(&self.fd, &mut self.buffer[..], RecvFlags::DONTWAIT) {
                Ok((len, _, from)) => {
                    // The kernel's port is 0. Whatever a process sends to us is no answer. (To be connected to the kernel would keep
                    // it away, but a collector forbids itself to connect to anything.)
                    if from.and_then(|a| SocketAddrNetlink::try_from(a).ok()).is_some_and(|a| a.pid() == 0) {
                        (self.filled, self.at) = (len, 0);
                        return Ok(());
                    }
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// The answers to a request.
#[derive(Debug)]
pub(crate) struct Replies<'s> {
    socket: &'s mut Socket,
    /// Whether something changed while the kernel answered (NLM_F_DUMP_INTR): known only after the last message.
    pub(crate) interrupted: bool,
}

impl Replies<'_> {
    /// The next message; none after the last. It is gone when the next one is asked for.
    ///
    /// # Errors
    /// What the kernel answers, or the system.
    pub(crate) fn next(&mut self) -> Result<Option<Message<'_>>, NetlinkError> {
        let (start, end, kind, flags) = loop {
            if !self.socket.open {
                return Ok(None);
            }
            if self.socket.at >= self.socket.filled {
                self.socket.receive()?;
            }
            let filled = self.socket.buffer.get(..self.socket.filled).unwrap_or_default();
            let Some((at, header)) = Header::read(filled, self.socket.at) else {
                self.socket.at = self.socket.filled;
                return Err(NetlinkError::Garbled("a message that is cut off"));
            };
            self.socket.at = at.saturating_add(align(header.len));
            if header.seq != self.socket.seq {
                continue;
            }
            self.interrupted |= header.flags & flag(libc::NLM_F_DUMP_INTR) != 0;
            let payload = (at + HEADER, at + header.len);
            match i32::from(header.kind) {
                libc::NLMSG_NOOP => {}
                libc::NLMSG_OVERRUN => return Err(NetlinkError::Garbled("the kernel lost data")),
                libc::NLMSG_ERROR | libc::NLMSG_DONE => {
                    self.socket.open = false;
                    let payload = filled.get(payload.0..payload.1).unwrap_or_default();
                    verdict(header.kind, header.flags, payload)?;
                }
                _ => break (payload.0, payload.1, header.kind, header.flags),
            }
        };
        let payload = self.socket.buffer.get(start..end).unwrap_or_default();
        Ok(Some(Message { kind, flags, payload }))
    }
}

fn keep(held: &mut Vec<u8>, message: Message<'_>) {
    let len = u32::try_from(message.payload.len()).expect("a datagram is far smaller");
    held.extend_from_slice(&len.to_ne_bytes());
    held.extend_from_slice(&message.kind.to_ne_bytes());
    held.extend_from_slice(&message.flags.to_ne_bytes());
    held.extend_from_slice(message.payload);
}

fn hand_out(mut held: &[u8], each: &mut impl FnMut(Message<'_>) -> io::Result<()>) -> io::Result<()> {
    while let Some((h, rest)) = held.split_first_chunk::<8>() {
        let len = u32::from_ne_bytes([h[0], h[1], h[2], h[3]]) as usize;
        let (payload, rest) = rest.split_at(len.min(rest.len()));
        let (kind, flags) = (u16::from_ne_bytes([h[4], h[5]]), u16::from_ne_bytes([h[6], h[7]]));
        each(Message { kind, flags, payload })?;
        held = rest;
    }
    Ok(())
}

/// Whether the kernel has this protocol: each has a socket of the kernel's own in every namespace, which /proc/net/netlink lists
/// (`sk Eth Pid …`, Eth being the protocol). Routing and generic netlink are part of every kernel with a network.
fn is_there(protocol: Protocol, root: &Root) -> bool {
    if matches!(protocol, Protocol::Route | Protocol::Generic) {
        return true;
    }
    // Somebody may have 10,000 sockets; the kernel's own are not in any order.
    let mut text = String::new();
    let Ok(file) = crate::root::open_regular(&root.net("netlink")) else { return false };
    if file.take(4 << 20).read_to_string(&mut text).is_err() {
        return false;
    }
    lists(&text, protocol as u32)
}

fn lists(text: &str, protocol: u32) -> bool {
    text.lines().skip(1).filter_map(|l| l.split_whitespace().nth(1)).any(|eth| eth.parse() == Ok(protocol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const GETLINK: u16 = 18;

    fn socket() -> Socket {
        let deadline = Instant::now() + Duration::from_secs(10);
        Socket::open(Protocol::Route, &Root::new(Path::new("/")), deadline).unwrap()
    }

    fn dump_links(socket: &mut Socket, hold: usize) -> usize {
        let mut count = 0;
        socket
            .dump_consistent(&Request::new(GETLINK).payload(&[0; 16]), hold, |message| {
                assert_eq!((message.kind, message.payload.len() > 16), (16, true));
                count += 1;
                Ok(())
            })
            .unwrap();
        count
    }

    #[test]
    fn a_dump_is_the_same_held_and_streamed_and_the_socket_is_used_again() {
        let mut socket = socket();
        let count = dump_links(&mut socket, 1 << 20);
        assert!(count >= 1, "there is a loopback interface");
        assert_eq!(dump_links(&mut socket, 0), count);
        // One that is left in the middle is not in the way of the next.
        let _ = socket.dump(&Request::new(GETLINK).payload(&[0; 16])).unwrap();
        assert_eq!(dump_links(&mut socket, 1 << 20), count);
    }

    #[test]
    fn one_thing_is_asked_for_and_a_refusal_has_its_number_and_words() {
        let mut socket = socket();
        let mut header = [0; 16];
        header[4] = 1;
        let request = Request::new(GETLINK).payload(&header);
        let mut replies = socket.ask(&request).unwrap();
        assert_eq!(replies.next().unwrap().unwrap().kind, 16);
        assert!(replies.next().unwrap().is_none());
        assert!(replies.next().unwrap().is_none());
        header[4..8].copy_from_slice(&i32::MAX.to_ne_bytes());
        let request = Request::new(GETLINK).payload(&header);
        assert_eq!(socket.ask(&request).unwrap().next().unwrap_err().errno(), Some(libc::ENODEV));
        // A strict kernel says why a dump with such a header is refused; an older one gives all.
        header[8] = 1;
        if let Err(e) = socket.dump(&Request::new(GETLINK).payload(&header)).unwrap().next() {
            assert!(e.to_string().starts_with("Invalid argument (os error 22): "), "{e}");
        }
    }

    #[test]
    fn a_protocol_is_there_if_the_kernel_lists_its_socket() {
        let text = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
                    0000000000000000 0   1          00000111 0        0        0     2        0        3\n\
                    0000000000000000 12  0          00000000 0        0        0     2        0        4\n";
        assert!(lists(text, 0) && lists(text, 12) && !lists(text, 6) && !lists("", 0));
    }
}
