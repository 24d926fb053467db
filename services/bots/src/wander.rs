//! Where a bot feels like going: keys, drawn from a seed, of which each input flips at least one.

use schemas::segment::InputBits;

/// One bot's fingers.
pub(crate) struct Wander {
    random: u64,
    held: u8,
    only_turns: bool,
}

const LEFT: u8 = InputBits::LEFT.0;
const RIGHT: u8 = InputBits::RIGHT.0;
const JUMP: u8 = InputBits::JUMP.0;
const RUN: u8 = InputBits::RUN.0;
const DOWN: u8 = InputBits::DOWN.0;

impl Wander {
    pub(crate) fn new(seed: u64, bot: u32, only_turns: bool) -> Self {
        let mut wander = Self {
            random: seed ^ (u64::from(bot) << 32 | 0x9e37),
            held: 0,
            only_turns,
        };
        // The first numbers of neighbouring seeds resemble each other.
        for _ in 0..4 {
            wander.draw();
        }
        wander
    }

    /// `SplitMix64`: small, and the same everywhere.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.draw() % bound }
    }

    /// Somebody else decides the keys; whether that changes them.
    pub(crate) fn hold(&mut self, keys: u8) -> bool {
        std::mem::replace(&mut self.held, keys) != keys
    }

    /// The keys held from now on; never those held before.
    pub(crate) fn next_keys(&mut self) -> u8 {
        let direction = self.held & (LEFT | RIGHT);
        self.held = if direction == 0 {
            let way = if self.below(2) == 0 { LEFT } else { RIGHT };
            self.held | way
        } else if self.only_turns {
            self.held ^ (LEFT | RIGHT)
        } else {
            match self.below(16) {
                // Mostly go on the same way, hopping and changing pace.
                0 => self.held ^ (LEFT | RIGHT),
                1 => self.held & !(LEFT | RIGHT),
                2 => self.held ^ DOWN,
                3..=6 => self.held ^ RUN,
                _ => self.held ^ JUMP,
            }
        };
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_flips_a_key_and_uses_known_ones_only() {
        for only_turns in [false, true] {
            let mut wander = Wander::new(7, 3, only_turns);
            let mut held = 0;
            for _ in 0..10_000 {
                let next = wander.next_keys();
                assert_ne!(next, held);
                assert_eq!(next & !InputBits::ALL.0, 0);
                held = next;
            }
        }
    }

    #[test]
    fn the_same_seed_wanders_the_same_way_and_another_does_not() {
        let way = |seed, bot| {
            let mut wander = Wander::new(seed, bot, false);
            (0..50).map(|_| wander.next_keys()).collect::<Vec<_>>()
        };
        assert_eq!(way(1, 1), way(1, 1));
        assert_ne!(way(1, 1), way(1, 2));
        assert_ne!(way(1, 1), way(2, 1));
    }
}
