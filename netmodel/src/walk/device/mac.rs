//! Hardware addresses of Ethernet.

/// An address of six bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// `00:00:00:00:00:00`, under which a VXLAN device keeps its default destinations.
    pub const ZERO: Self = Self([0; 6]);

    /// As the tools print it; `None` for an address of another length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            *byte = u8::from_str_radix(parts.next().filter(|p| p.len() <= 2)?, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }

    /// Broadcast and multicast: the group bit is set.
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_bytes_and_nothing_else() {
        let mac = Mac::parse("aa:c1:9b:4c:43:09").unwrap();
        assert_eq!(mac.to_string(), "aa:c1:9b:4c:43:09");
        assert!(!mac.is_group() && Mac::parse("33:33:00:00:00:01").unwrap().is_group() && Mac::BROADCAST.is_group());
        assert_eq!([Mac::parse("0.0.0.0"), Mac::parse("aa:bb:cc:dd:ee"), Mac::parse("aa:bb:cc:dd:ee:ff:00")], [None; 3]);
    }
}
