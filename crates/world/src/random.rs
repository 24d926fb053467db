//! Random numbers that replay can draw again: a counter-based generator without a state.
//!
//! A number is a function of the area's seed, the tick, the entity it is drawn for and the
//! purpose; drawing one never shifts another.

use schemas::Tick;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a number is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Which of several spawn points of one name.
    SpawnPoint = 1,
}

/// The number for (`seed`, `tick`, `entity`, `purpose`): 64 evenly spread bits.
#[must_use]
pub fn draw(seed: u64, tick: Tick, entity: u64, purpose: Purpose) -> u64 {
    let mut key = [0; 20];
    key[..8].copy_from_slice(&tick.0.to_le_bytes());
    key[8..16].copy_from_slice(&entity.to_le_bytes());
    key[16..].copy_from_slice(&(purpose as u32).to_le_bytes());
    xxh3_64_with_seed(&key, seed)
}

/// A number below `bound` (0 when `bound` is 0), from 64 drawn bits.
#[must_use]
pub fn below(bits: u64, bound: usize) -> usize {
    let wide = u128::from(bits) * (bound as u128);
    usize::try_from(wide >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_depends_on_all_that_names_it_and_never_moves() {
        let one = draw(1, Tick(2), 3, Purpose::SpawnPoint);
        assert_eq!(one, draw(1, Tick(2), 3, Purpose::SpawnPoint));
        assert_ne!(one, draw(2, Tick(2), 3, Purpose::SpawnPoint));
        assert_ne!(one, draw(1, Tick(3), 3, Purpose::SpawnPoint));
        assert_ne!(one, draw(1, Tick(2), 4, Purpose::SpawnPoint));
        for bound in 1..20 {
            assert!(below(one, bound) < bound);
        }
        assert_eq!(below(u64::MAX, 7), 6);
        assert_eq!(below(one, 0), 0);
    }
}
