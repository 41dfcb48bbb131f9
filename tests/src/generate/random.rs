//! Numbers that look random and are the same for the same seed on every machine: xorshift64*, which is no cryptography.

use std::net::Ipv4Addr;

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source that a seed gives.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero for ever.
        Self(seed.max(1))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to below `n`, which must not be 0. The small bias of the remainder does not matter here.
    pub fn below(&mut self, n: u32) -> u32 {
        u32::try_from((self.bits() >> 32) % u64::from(n)).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(u32::try_from(all.len()).unwrap_or(u32::MAX)) as usize]
    }

    /// An address of a pod: in 10.244.0.0/16, on one of 200 nodes.
    pub fn pod(&mut self) -> Ipv4Addr {
        let (node, host) = (self.below(200), self.below(250));
        Ipv4Addr::from(0x0af4_0000 | (node << 8) | (host + 2))
    }

    /// An ephemeral port.
    pub fn port(&mut self) -> u32 {
        32_768 + self.below(28_232)
    }

    /// The 16 characters that kube-proxy makes of a hash (base32).
    pub fn hash(&mut self) -> String {
        let mut bits = self.bits();
        let mut more = self.bits();
        (0..16)
            .map(|i| {
                let from = if i < 8 { &mut bits } else { &mut more };
                let digit = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(*from >> 59) as usize];
                *from <<= 5;
                char::from(digit)
            })
            .collect()
    }
}
