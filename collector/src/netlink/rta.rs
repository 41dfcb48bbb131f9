//! Attributes of routes that libc names for glibc only (include/uapi/linux/rtnetlink.h).

/// A router of the other family.
pub(crate) const RTA_VIA: u16 = 18;
/// The label that replaces another one (MPLS).
pub(crate) const RTA_NEWDST: u16 = 19;
/// The preference of an IPv6 router.
pub(crate) const RTA_PREF: u16 = 20;
/// How the route encapsulates.
pub(crate) const RTA_ENCAP_TYPE: u16 = 21;
/// The encapsulation's own attributes.
pub(crate) const RTA_ENCAP: u16 = 22;
