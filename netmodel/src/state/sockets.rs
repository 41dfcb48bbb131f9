//! Which sockets wait for packets in a namespace.

use std::net::IpAddr;

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::ss::{self, Socket};
use crate::source::{Evidence, Missing};

impl Node {
    /// The listening sockets.
    ///
    /// # Errors
    /// [`Missing`] when they were not captured.
    pub fn listeners(&self) -> Result<&Doc<Vec<Socket>>, Missing> {
        self.cells.listeners.get(|| self.doc(Capture::Listeners, ss::parse))
    }

    /// The socket that takes a TCP (else UDP) packet to an address and port; `None` where it is proven that there is none.
    ///
    /// A socket of `[::]` counts for IPv4 as well: versions of `ss` before 4.14 print no difference between one that takes both families
    /// (`*` in later ones) and one that does not.
    ///
    /// # Errors
    /// [`Missing`] when the sockets were not captured, or not all of them.
    pub fn listens(&self, tcp: bool, addr: IpAddr, port: u16) -> Result<Option<Evidence>, Missing> {
        let doc = self.listeners()?;
        let netid = if tcp { "tcp" } else { "udp" };
        let takes = |socket: &&Socket| {
            let own = socket.netid.is_none_or(|at| doc.text(at) == netid);
            let local = &socket.local;
            let there = match local.addr {
                Some(bound) if !local.any => bound.to_canonical() == addr,
                Some(IpAddr::V4(_)) => addr.is_ipv4(),
                _ => true,
            };
            own && there && local.port == Some(port)
        };
        match doc.iter().find(takes) {
            Some(socket) => Ok(Some(doc.source.evidence(socket.at))),
            None => doc.complete().map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing;

    #[test]
    fn a_socket_takes_what_is_for_its_protocol_address_and_port() {
        let text =
            "tcp LISTEN 0 4096 127.0.0.1:10248 0.0.0.0:*\ntcp LISTEN 0 4096 *:10250 *:*\nudp UNCONN 0 0 0.0.0.0:8472 0.0.0.0:*\n";
        let node = testing::node(&[(Capture::Listeners, text)]);
        let line = |tcp, addr: &str, port| {
            let found = node.listens(tcp, addr.parse().expect("an address"), port).expect("captured");
            found.map(|evidence| evidence.line)
        };
        assert_eq!(line(true, "127.0.0.1", 10248), Some(1));
        assert_eq!(line(true, "192.0.2.1", 10248), None);
        assert_eq!(line(true, "2001:db8::1", 10250), Some(2));
        assert_eq!(line(false, "192.0.2.1", 8472), Some(3));
        assert_eq!(line(false, "2001:db8::1", 8472), None);
        assert_eq!(line(true, "192.0.2.1", 8472), None);
        assert!(testing::node(&[]).listens(true, "192.0.2.1".parse().expect("an address"), 80).is_err());
    }
}
