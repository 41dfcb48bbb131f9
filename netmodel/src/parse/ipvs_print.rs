//! Prints services and destinations back in the form of `ipvsadm -Sn`, as its `print_service_entry` and `print_conn_entry` order them.
//! Left out: lines that the parser did not understand.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};

use super::ipvs::{Destination, Forwarding, Ipvs, Proto, VirtualAddr, VirtualService};

impl Ipvs {
    /// The table as `ipvsadm -Sn` prints it: each service with its destinations behind it.
    #[must_use]
    pub fn to_save(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for service in &self.services {
            writeln!(out, "{}", Add(service)).expect("writing to a String does not fail");
            for destination in &service.destinations {
                writeln!(out, "{}", AddTo(service, destination)).expect("writing to a String does not fail");
            }
        }
        out
    }
}

/// What a service takes, as an option.
struct Name<'s>(&'s VirtualService);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.virt {
            VirtualAddr::Addr { proto, addr, port } => {
                let option = match proto {
                    Proto::Tcp => "-t",
                    Proto::Udp => "-u",
                    Proto::Sctp => "--sctp-service",
                };
                write!(f, "{option} {}", socket(addr, port))
            }
            VirtualAddr::FwMark(mark) if self.0.inet6 => write!(f, "-f {mark} -6"),
            VirtualAddr::FwMark(mark) => write!(f, "-f {mark}"),
        }
    }
}

/// An address and a port, the port written out where it is 0, too.
fn socket(addr: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(addr, port)
}

struct Add<'s>(&'s VirtualService);

impl Display for Add<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let service = self.0;
        write!(f, "-A {} -s {}", Name(service), service.scheduler)?;
        if let Some(seconds) = service.persistent {
            write!(f, " -p {seconds}")?;
        }
        if let Some(mask) = &service.netmask {
            write!(f, " -M {mask}")?;
        }
        if let Some(engine) = &service.engine {
            write!(f, " --pe {engine}")?;
        }
        if service.one_packet {
            f.write_str(" -o")?;
        }
        if let Some(flags) = &service.scheduler_flags {
            write!(f, " -b {flags}")?;
        }
        service.unknown.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

struct AddTo<'s>(&'s VirtualService, &'s Destination);

impl Display for AddTo<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(service, destination) = self;
        let how = match destination.forwarding {
            Forwarding::Masquerade => "-m",
            Forwarding::DirectRoute => "-g",
            Forwarding::Tunnel => "-i",
        };
        let server = socket(destination.addr, destination.port);
        write!(f, "-a {} -r {server} {how} -w {}", Name(service), destination.weight)?;
        if let Some(tunnel) = destination.tunnel.as_deref() {
            if let Some(kind) = &tunnel.kind {
                write!(f, " --tun-type {kind}")?;
            }
            if let Some(port) = tunnel.port {
                write!(f, " --tun-port {port}")?;
            }
            if let Some(checksum) = &tunnel.checksum {
                write!(f, " --tun-{checksum}")?;
            }
        }
        if let Some(n) = destination.upper_threshold {
            write!(f, " -x {n}")?;
        }
        if let Some(n) = destination.lower_threshold {
            write!(f, " -y {n}")?;
        }
        destination.unknown.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::testing::fixture;
    use crate::parse::{ipvs, ipvs_list};

    #[test]
    fn every_option_is_printed_again() {
        let text = "-A -t 10.96.0.10:53 -s sh -p 360 -M 255.255.255.0 --pe sip -b sh-fallback,sh-port\n\
                    -a -t 10.96.0.10:53 -r 10.244.2.2:53 -m -w 0 -x 100 -y 50\n-A -u [fd00::a]:53 -s lc -o\n\
                    -a -u [fd00::a]:53 -r [fd01::2]:5353 -i -w 3 --tun-type gue --tun-port 6080 --tun-csum\n\
                    -A -f 7 -s wlc\n-A -f 7 -6 -s rr -p 10800 -M 64\n-a -f 7 -6 -r [fd01::3]:0 -g -w 1 --novel\n\
                    -A --sctp-service 10.0.0.9:132 -s rr\n";
        let read = ipvs::parse(text);
        assert_eq!(read.value.to_save(), text);
        assert_eq!(read.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [7]);
        let long = "--add-service --tcp-service 10.0.0.1:80 --persistent --scheduler rr\n";
        assert_eq!(ipvs::parse(long).value.to_save(), "-A -t 10.0.0.1:80 -s rr -p 300\n");
    }

    #[test]
    fn captures_are_printed_again() {
        for name in ["ipvs-rules/plain.txt", "ipvs/node.txt"] {
            let text = fixture(name);
            assert_eq!(ipvs::parse(&text).value.to_save(), text, "{name}");
        }
    }

    #[test]
    fn a_listing_is_printed_as_rules() {
        let text = "TCP  [fd00::a]:443 sh persistent 360 mask 64 pe sip (sh-fallback,sh-port)\n  -> [fd00:1::2]:8443   Tunnel  0 1 2\n\
                    FWM  9 IPv6 wlc ops\n";
        let listed = ipvs_list::parse(text).value.to_ipvs(text).expect("all is shown");
        let expected = "-A -t [fd00::a]:443 -s sh -p 360 -M 64 --pe sip -b sh-fallback,sh-port\n-a -t [fd00::a]:443 -r [fd00:1::2]:8443 -i -w 0\n\
                        -A -f 9 -6 -s wlc -o\n";
        assert_eq!(listed.to_save(), expected);
    }
}
