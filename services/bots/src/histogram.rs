//! Times from many tasks, counted in buckets of less than 1 % width.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Values below this have a bucket each; above, each power of two has [`PER_OCTAVE`].
const EXACT: u64 = 256;
const PER_OCTAVE: u64 = 128;
const LAST_OCTAVE: u32 = 35;
const BUCKETS: usize = (EXACT + (LAST_OCTAVE as u64 - 7) * PER_OCTAVE) as usize;

/// Counts of durations, in microseconds; longer than half a day counts as that.
pub(crate) struct Histogram {
    buckets: Box<[AtomicU64]>,
    longest: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            longest: AtomicU64::new(0),
        }
    }
}

fn bucket_of(micros: u64) -> usize {
    let index = if micros < EXACT {
        micros
    } else {
        let octave = micros.ilog2().min(LAST_OCTAVE);
        let within = if micros.ilog2() > LAST_OCTAVE {
            PER_OCTAVE - 1
        } else {
            (micros >> (octave - 7)) & (PER_OCTAVE - 1)
        };
        EXACT + u64::from(octave - 8) * PER_OCTAVE + within
    };
    usize::try_from(index).unwrap_or(BUCKETS - 1)
}

/// The largest value that falls into the bucket.
fn top_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let octave = 8 + (bucket - EXACT) / PER_OCTAVE;
    let within = (bucket - EXACT) % PER_OCTAVE;
    ((PER_OCTAVE + within + 1) << (octave - 7)) - 1
}

impl Histogram {
    pub(crate) fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(micros)].fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(micros, Ordering::Relaxed);
    }

    pub(crate) fn longest_micros(&self) -> u64 {
        self.longest.load(Ordering::Relaxed)
    }

    /// No more than `1 - share` of all were longer than this; 0 when there were none.
    pub(crate) fn quantile_micros(&self, share: f64) -> u64 {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let all: u64 = counts.iter().sum();
        let wanted = ((all as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in counts.into_iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return top_of(bucket).min(self.longest_micros());
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_less_than_one_percent_wide() {
        let mut micros = 0_u64;
        while micros < 1 << 36 {
            let top = top_of(bucket_of(micros));
            assert!(top >= micros, "{micros} in a bucket that ends at {top}");
            assert!((top - micros) as f64 <= micros as f64 / 100.0, "{micros}");
            micros += 1 + micros / 50;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let times = Histogram::default();
        assert_eq!(times.quantile_micros(0.5), 0);
        for ms in 1..=100 {
            times.record(Duration::from_millis(ms));
        }
        let close = |share: f64, ms: u64| {
            let micros = times.quantile_micros(share);
            assert!(micros.abs_diff(ms * 1000) <= ms * 10, "{share}: {micros}");
        };
        close(0.5, 50);
        close(0.99, 99);
        assert_eq!(times.quantile_micros(1.0), 100_000);
    }
}
