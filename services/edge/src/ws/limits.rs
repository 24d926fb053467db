//! How much a client may ask of each kind: token buckets.

use std::time::{Duration, Instant};

use schemas::wire::ClientMessage;

use crate::config::Rates;

/// So many a second on average, so many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// A second.
    pub(crate) per_second: u32,
    /// At once.
    pub(crate) burst: u32,
}

/// A bucket of tokens; every message takes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    rate: Rate,
    /// When the bucket would have been empty had it never overflowed: full is `burst` ago.
    empty_at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        let full = Self::cost(rate) * rate.burst;
        Self {
            rate,
            empty_at: now.checked_sub(full).unwrap_or(now),
        }
    }

    fn cost(rate: Rate) -> Duration {
        Duration::from_secs(1) / rate.per_second.max(1)
    }

    /// Takes so many more, there or not.
    pub(crate) fn charge(&mut self, tokens: u32) {
        self.empty_at += Self::cost(self.rate) * tokens;
    }

    /// Takes one if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let cost = Self::cost(self.rate);
        let fullest = now.checked_sub(cost * self.rate.burst).unwrap_or(now);
        let after = self.empty_at.max(fullest) + cost;
        let fits = after <= now;
        if fits {
            self.empty_at = after;
        }
        fits
    }
}

/// One connection's buckets.
#[derive(Debug)]
pub(crate) struct Limits {
    inputs: Bucket,
    says: Bucket,
    others: Bucket,
}

impl Limits {
    /// All full.
    pub(crate) fn new(rates: &Rates, now: Instant) -> Self {
        Self {
            inputs: Bucket::full(rates.inputs(), now),
            says: Bucket::full(rates.says(), now),
            others: Bucket::full(rates.others(), now),
        }
    }

    /// Whether `message` may pass; it has taken its token then.
    pub(crate) fn admit(&mut self, message: &ClientMessage, now: Instant) -> bool {
        match message {
            // A camera is moved as one moves a body.
            ClientMessage::Input { .. } | ClientMessage::Look { .. } => self.inputs.take(now),
            ClientMessage::Say { .. } => self.says.take(now),
            _ => self.others.take(now),
        }
    }

    /// Whether a ping or pong may pass.
    pub(crate) fn admit_control(&mut self, now: Instant) -> bool {
        self.others.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate() {
        let start = Instant::now() + Duration::from_secs(100);
        let mut bucket = Bucket::full(
            Rate {
                per_second: 10,
                burst: 5,
            },
            start,
        );
        assert!((0..5).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        assert!(!bucket.take(start + Duration::from_millis(101)));
        let later = start + Duration::from_secs(60);
        assert_eq!(
            (0..20).filter(|_| bucket.take(later)).count(),
            5,
            "no more than full"
        );
    }
}
