//! Logins and tickets, so many a second for each address; refused ones count more, so that
//! nobody guesses in a hurry.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::ws::{Bucket, Rate};

/// Addresses remembered; beyond, those that have rested longest are forgotten.
const MOST_ADDRESSES: usize = 10_000;

/// A refused request counts as so many.
const REFUSED_COUNTS: u32 = 10;

/// Buckets by address.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, (Instant, Bucket)>>,
}

impl Throttle {
    pub(crate) fn new(per_second: u32) -> Self {
        let rate = Rate {
            per_second,
            burst: per_second.saturating_mul(4),
        };
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Whether one more request of `address` may pass.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_ADDRESSES && !buckets.contains_key(&address) {
            let mut times: Vec<_> = buckets.values().map(|(at, _)| *at).collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            buckets.retain(|_, (at, _)| *at > median);
        }
        let fresh = || (now, Bucket::full(self.rate, now));
        let (at, bucket) = buckets.entry(address).or_insert_with(fresh);
        *at = now;
        bucket.take(now)
    }

    /// A request of `address` was refused.
    pub(crate) fn refused(&self, address: IpAddr) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bucket)) = buckets.get_mut(&address) {
            bucket.charge(REFUSED_COUNTS - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[test]
    fn one_address_in_a_hurry_disturbs_no_other_and_memory_is_bounded() {
        let throttle = Throttle::new(1);
        let now = Instant::now() + Duration::from_secs(60);
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from(n));
        assert!((0..4).all(|_| throttle.admit(address(1), now)));
        assert!(!throttle.admit(address(1), now));
        assert!(throttle.admit(address(2), now));
        throttle.refused(address(2));
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!throttle.admit(address(2), later(6)));
        assert!(
            throttle.admit(address(2), later(8)),
            "after its nine seconds"
        );
        for n in 0..30_000_u32 {
            throttle.admit(address(n), now + Duration::from_millis(n.into()));
        }
        assert!(throttle.buckets.lock().expect("whole").len() <= MOST_ADDRESSES);
    }
}
