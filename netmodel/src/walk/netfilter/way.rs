//! The ways that a packet may take through chains: what had to be assumed for each, its share, and how those that became equal are joined.
//!
//! Where a line's effect is not known, or is a matter of chance, a way forks into numbered sides. Two ways that differ in the side of one
//! line alone and end up with the same packet are one, and once all its sides are together the line did not matter.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::walk::netfilter::engine::Line;
use crate::walk::packet::Packet;
use crate::walk::tri::Why;

/// The end of a trail.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Some sides, nobody knows which.
const SOME: u64 = u64::MAX;

/// A line at which ways forked.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) line: Line,
    pub(super) why: Why,
    /// Whether it is a matter of chance, and so nothing that is not known.
    pub(super) chance: bool,
    /// All its sides, a bit each; 0 where they are too many to be told apart.
    all: u64,
}

impl Block {
    pub(super) fn new(line: Line, why: Why, chance: bool, sides: usize) -> Self {
        let all = if sides < 63 { (1u64 << sides) - 1 } else { 0 };
        Self { line, why, chance, all }
    }
}

/// That a line did what one of some sides says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assumed {
    pub(super) block: u32,
    sides: u64,
}

/// A packet on its way.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) packet: Packet,
    /// The share of the packets that goes this way by chance.
    pub(super) share: f64,
    pub(super) assumed: Vec<Assumed>,
    /// The last line that mattered, in the engine's trail.
    pub(super) head: u32,
    /// How many of the jumps that led here stand in the trail already.
    pub(super) shown: usize,
}

impl Way {
    pub(super) fn new(packet: Packet) -> Self {
        Self { packet, share: 1.0, assumed: Vec::new(), head: NOWHERE, shown: 0 }
    }

    /// The same with another packet.
    pub(super) fn with(&self, packet: Packet) -> Self {
        Self { packet, share: self.share, assumed: self.assumed.clone(), head: self.head, shown: self.shown }
    }

    pub(super) fn assume(&mut self, block: u32, side: usize) {
        self.assumed.push(Assumed { block, sides: if side < 63 { 1 << side } else { SOME } });
    }

    pub(super) fn assumes(&self, block: u32) -> bool {
        self.assumed.iter().any(|a| a.block == block)
    }

    /// Takes in a way with an equal packet. The lines that led here stay those of the first.
    fn absorb(&mut self, other: Self, blocks: &[Block]) {
        let is_chance = |a: &Assumed| blocks.get(a.block as usize).is_some_and(|b| b.chance);
        let of = |list: &[Assumed], block: u32| list.iter().position(|a| a.block == block);
        let exclude = self
            .assumed
            .iter()
            .any(|a| !is_chance(a) && of(&other.assumed, a.block).is_some_and(|at| other.assumed[at].sides & a.sides == 0));
        // Only one of two ways that exclude each other is there; else both are.
        self.share = if exclude { self.share.max(other.share) } else { (self.share + other.share).min(1.0) };
        let within = |few: &[Assumed], many: &[Assumed]| few.iter().all(|a| many.contains(a));
        if within(&self.assumed, &other.assumed) {
            return;
        }
        if within(&other.assumed, &self.assumed) {
            self.assumed = other.assumed;
            return;
        }
        let alike =
            self.assumed.len() == other.assumed.len() && self.assumed.iter().all(|a| of(&other.assumed, a.block).is_some());
        let differ = self.assumed.iter().filter(|a| !other.assumed.contains(a)).count();
        if alike && differ == 1 {
            let all = |block: u32| blocks.get(block as usize).map_or(0, |b| b.all);
            for a in &mut self.assumed {
                a.sides |= of(&other.assumed, a.block).map_or(0, |at| other.assumed[at].sides);
            }
            self.assumed.retain(|a| a.sides != all(a.block));
            return;
        }
        for a in &mut self.assumed {
            if !other.assumed.contains(a) {
                a.sides = SOME;
            }
        }
        for a in other.assumed {
            if of(&self.assumed, a.block).is_none() {
                self.assumed.push(Assumed { sides: SOME, ..a });
            }
        }
    }
}

/// Joins the ways that are equal: same packet, and same `key` of what else makes them differ.
pub(super) fn join<T>(items: Vec<T>, blocks: &[Block], way: impl Fn(&mut T) -> &mut Way, same: impl Fn(&T, &T) -> bool) -> Vec<T>
where
    T: Takes,
{
    if items.len() < 2 {
        return items;
    }
    let mut out: Vec<T> = Vec::with_capacity(items.len());
    // Few ways are compared one by one, many by a hash of the packet.
    let hashed = items.len() > 8;
    let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
    for mut item in items {
        let found = if hashed {
            let mut hasher = DefaultHasher::new();
            way(&mut item).packet.hash(&mut hasher);
            let bucket = by_hash.entry(hasher.finish()).or_default();
            let found = bucket.iter().copied().find(|&i| same(&out[i], &item));
            if found.is_none() {
                bucket.push(out.len());
            }
            found
        } else {
            out.iter().position(|known| same(known, &item))
        };
        match found {
            Some(at) => way(&mut out[at]).absorb(item.take(), blocks),
            None => out.push(item),
        }
    }
    out
}

/// Something that holds a way.
pub(super) trait Takes {
    /// The way.
    fn take(self) -> Way;
}

impl Takes for Way {
    fn take(self) -> Way {
        self
    }
}

impl<C> Takes for (Way, C) {
    fn take(self) -> Way {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Family;
    use crate::parse::nft::RuleId;

    fn blocks() -> Vec<Block> {
        let of = |rule, chance| Block::new(Line::NftRule(RuleId(rule)), "x".into(), chance, 2);
        vec![of(0, false), of(1, false), of(2, true)]
    }

    fn way(share: f64, assumed: &[(u32, usize)]) -> Way {
        let mut way = Way::new(Packet::new(Family::V4));
        way.share = share;
        assumed.iter().for_each(|&(block, side)| way.assume(block, side));
        way
    }

    fn joined(ways: Vec<Way>) -> Way {
        let mut all = join(ways, &blocks(), |w| w, |a, b| a.packet == b.packet);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn both_sides_of_a_line_together_assume_nothing() {
        let one = joined(vec![way(1.0, &[(0, 0)]), way(1.0, &[(0, 1)])]);
        assert_eq!((one.assumed.len(), one.share), (0, 1.0));
        // The other line still matters.
        let one = joined(vec![way(1.0, &[(1, 0), (0, 0)]), way(1.0, &[(1, 0), (0, 1)])]);
        assert_eq!(one.assumed, way(1.0, &[(1, 0)]).assumed);
        // One side of the first and half of the other: both matter.
        let one = joined(vec![way(1.0, &[(0, 0), (1, 0)]), way(1.0, &[(0, 1)])]);
        assert!(one.assumes(0) && one.assumes(1));
        assert_eq!(one.share, 1.0);
    }

    #[test]
    fn shares_of_chance_are_added_and_of_what_excludes_itself_not() {
        let one = joined(vec![way(0.25, &[(2, 0)]), way(0.5, &[(2, 1)])]);
        assert_eq!((one.assumed.len(), one.share), (0, 0.75));
        let one = joined(vec![way(0.25, &[(0, 0)]), way(0.5, &[(0, 1)])]);
        assert_eq!(one.share, 0.5);
    }

    #[test]
    fn many_ways_are_joined_by_hash_alike() {
        let mut all: Vec<Way> = (0..40u16)
            .map(|i| {
                let mut way = way(1.0 / 40.0, &[]);
                way.packet.dport = Some(i % 4);
                way
            })
            .collect();
        all = join(all, &[], |w| w, |a, b| a.packet == b.packet);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|w| (w.share - 0.25).abs() < 1e-9));
    }
}
