//! The hash of names of chains and sets: every rule asks for one or two, so it is faster than the standard library's, and seeded as that
//! is, so that no text can be made whose names all collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers with the seed of one parser's run.
#[derive(Clone, Debug)]
pub(super) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { state: self.0, seed: self.0 | 1 }
    }
}

/// Folds eight bytes at a time by a wide multiplication.
pub(super) struct Folded {
    state: u64,
    seed: u64,
}

impl Folded {
    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word) * u128::from(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        let [low, high] = [wide & u128::from(u64::MAX), wide >> 64].map(|half| u64::try_from(half).unwrap_or(0));
        self.state = (low ^ high).rotate_left(23).wrapping_add(self.seed);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(tail) {
            *to = *from;
        }
        // The length tells a short tail from one with zeros behind it.
        self.fold(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(56));
    }

    fn write_u8(&mut self, _: u8) {
        // The mark that ends a string: the length is folded in already.
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_in_their_hashes() {
        let seed = Seeded::default();
        let mut all: Vec<u64> = (0..20_000).map(|i| seed.hash_one(format!("KUBE-SEP-{i:016}").as_str())).collect();
        all.push(seed.hash_one(""));
        all.push(seed.hash_one("\0"));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_ne!(seed.hash_one("a"), Seeded::default().hash_one("a"), "two seeds are alike");
    }
}
