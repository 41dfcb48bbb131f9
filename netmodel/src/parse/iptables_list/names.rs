//! Names that `iptables -L` prints without `-n` where the rule has a number.
//!
//! The names are of the node's own /etc/services. Only those that every distribution gives the same number are known here; another
//! name is not guessed at. Host names are never resolved: what a name meant then and there, no table can say.

use crate::parse::iptables::PortRange;

/// A port, as a number or by its name in /etc/services (names as IANA has them, the same for TCP and UDP).
fn port(text: &str) -> Option<u16> {
    Some(match text {
        "ftp-data" => 20,
        "ftp" => 21,
        "ssh" => 22,
        "telnet" => 23,
        "smtp" => 25,
        "domain" => 53,
        "bootps" => 67,
        "bootpc" => 68,
        "tftp" => 69,
        "http" => 80,
        "kerberos" => 88,
        "pop3" => 110,
        "sunrpc" => 111,
        "ntp" => 123,
        "netbios-ns" => 137,
        "netbios-dgm" => 138,
        "netbios-ssn" => 139,
        "imap2" => 143,
        "snmp" => 161,
        "snmp-trap" | "snmptrap" => 162,
        "bgp" => 179,
        "ldap" => 389,
        "https" => 443,
        "microsoft-ds" => 445,
        "isakmp" => 500,
        "syslog" => 514,
        "submission" => 587,
        "ldaps" => 636,
        "imaps" => 993,
        "pop3s" => 995,
        "openvpn" => 1194,
        "ms-sql-s" => 1433,
        "radius" => 1812,
        "nfs" => 2049,
        "mysql" => 3306,
        "postgresql" => 5432,
        "mdns" => 5353,
        "http-alt" => 8080,
        number => number.parse().ok()?,
    })
}

/// `80`, `http`, `30000:32767`.
pub(super) fn ports(text: &str) -> Option<PortRange> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    Some(PortRange { first: port(first)?, last: port(last)? })
}
