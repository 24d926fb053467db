//! Which of several directors writes placements.
//!
//! The leader writes one key again and again, each time on condition of the revision it wrote
//! before. The others watch the key; when its revision has not moved for a whole [`TERM`] by their
//! own clock, they try to write it on condition of what they saw, and the bucket lets one through.
//! No clocks are compared. A leader that cannot renew stops believing in itself before anybody else
//! may begin; and should two ever overlap, each placement is itself conditioned on its revision.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{Bucket, Entry, UpdateError};
use schemas::Sequence;
use tokio::time::Instant;

/// The lease's key in the bucket `placements`; the dot keeps it apart from areas.
pub const KEY: &str = "director.lease";
/// How long a lease must have stood still before another director may take it.
pub const TERM: Duration = Duration::from_secs(3);
/// How often the leader writes it again, and for how long it believes in a renewal.
const RENEW: Duration = Duration::from_millis(1000);
const BELIEF: Duration = Duration::from_millis(2500);

/// One director's view of the lease.
#[derive(Debug)]
pub struct Lease {
    me: String,
    /// The revision last seen, and when it was first seen.
    seen: Sequence,
    seen_at: Instant,
    /// Whether that revision says that nobody leads.
    vacant: bool,
    /// When my last successful write was begun.
    held_since: Option<Instant>,
    /// A write is on its way.
    writing: bool,
}

/// How writing the key went.
#[derive(Debug)]
pub struct Written {
    begun: Instant,
    outcome: Result<Sequence, UpdateError>,
}

impl Lease {
    /// That of the director called `me`, which has not seen anything yet.
    #[must_use]
    pub const fn new(me: String, now: Instant) -> Self {
        Self {
            me,
            seen: Sequence(0),
            seen_at: now,
            vacant: true,
            held_since: None,
            writing: false,
        }
    }

    /// Takes note of the key's state.
    pub fn observe(&mut self, entry: &Entry, now: Instant) {
        if entry.revision <= self.seen {
            return;
        }
        let holder = entry.value.as_deref().unwrap_or_default();
        if holder != self.me.as_bytes() && self.held_since.take().is_some() {
            tracing::info!(holder = %String::from_utf8_lossy(holder), "another director leads now");
        }
        self.vacant = holder.is_empty();
        self.seen = entry.revision;
        self.seen_at = now;
    }

    /// Whether this director leads.
    #[must_use]
    pub fn leads(&self, now: Instant) -> bool {
        let held = |since| now.saturating_duration_since(since) < BELIEF;
        self.held_since.is_some_and(held)
    }

    /// Whether it is time to write the key.
    #[must_use]
    pub fn wants_to_write(&self, now: Instant) -> bool {
        !self.writing && self.is_due(now)
    }

    fn is_due(&self, now: Instant) -> bool {
        match self.held_since {
            Some(since) if self.leads(now) => now.saturating_duration_since(since) >= RENEW,
            _ => self.vacant || now.saturating_duration_since(self.seen_at) >= TERM,
        }
    }

    /// Writes the key as it was seen; [`Lease::written`] takes how it went.
    pub fn write(&mut self, bucket: &Bucket) -> impl Future<Output = Written> + Send + use<> {
        let (bucket, seen) = (bucket.clone(), self.seen);
        let name = Bytes::copy_from_slice(self.me.as_bytes());
        let begun = Instant::now();
        self.writing = true;
        async move {
            Written {
                begun,
                outcome: bucket.update(KEY, name, seen).await,
            }
        }
    }

    /// Takes note of how a write went.
    pub fn written(&mut self, Written { begun, outcome }: Written) {
        let led = self.leads(begun);
        self.writing = false;
        match outcome {
            Ok(revision) => {
                // A watch that was faster has seen this very write, or one that came after it.
                if revision >= self.seen {
                    self.seen = revision;
                    self.seen_at = begun;
                    self.vacant = false;
                    self.held_since = Some(begun);
                }
                if !led && self.held_since.is_some() {
                    tracing::info!(director = %self.me, "this director leads");
                }
            }
            // Somebody was faster; the watch will say who.
            Err(UpdateError::Conflict { .. }) => {
                self.held_since = None;
                self.vacant = false;
                self.seen_at = Instant::now();
            }
            Err(error) => tracing::warn!(%error, "the director's lease could not be written"),
        }
    }

    /// Leaves the lease to the next, if it is held.
    pub async fn resign(&mut self, bucket: &Bucket) {
        if self.held_since.take().is_some()
            && let Err(error) = bucket.update(KEY, Bytes::new(), self.seen).await
        {
            tracing::debug!(%error, "the lease was not given back; it will run out");
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::UnixMillis;

    use super::*;

    fn written(by: &'static str, revision: u64) -> Entry {
        Entry {
            key: KEY.into(),
            value: Some(Bytes::from_static(by.as_bytes())),
            revision: Sequence(revision),
            at: UnixMillis(0),
        }
    }

    #[test]
    fn a_lease_is_taken_only_when_it_has_stood_still_for_a_term() {
        let start = Instant::now();
        let mut lease = Lease::new("me".into(), start);
        assert!(lease.wants_to_write(start), "nobody holds it");
        lease.observe(&written("other", 5), start);
        assert!(!lease.wants_to_write(start));
        lease.observe(&written("other", 6), start + TERM / 2);
        assert!(!lease.wants_to_write(start + TERM));
        assert!(lease.wants_to_write(start + TERM / 2 + TERM));
        lease.observe(&written("", 7), start + TERM);
        assert!(lease.wants_to_write(start + TERM), "it was given back");
    }

    #[test]
    fn a_leader_believes_in_itself_for_less_than_the_term() {
        let start = Instant::now();
        let mut lease = Lease::new("me".into(), start);
        lease.observe(&written("me", 5), start);
        lease.held_since = Some(start);
        assert!(lease.leads(start + RENEW) && lease.wants_to_write(start + RENEW));
        assert!(!lease.leads(start + BELIEF));
        assert!(BELIEF < TERM);
        lease.held_since = Some(start);
        lease.observe(&written("other", 6), start);
        assert!(!lease.leads(start));
    }

    #[tokio::test]
    async fn of_two_directors_one_leads() {
        let (log, _) = eventlog::EventLog::in_memory();
        let bucket = log.bucket("placements").await.unwrap();
        let now = Instant::now();
        let (mut ann, mut ben) = (Lease::new("ann".into(), now), Lease::new("ben".into(), now));
        let (anns, bens) = (ann.write(&bucket).await, ben.write(&bucket).await);
        ann.written(anns);
        ben.written(bens);
        assert!(ann.leads(now) && !ben.leads(now));
        ann.resign(&bucket).await;
        ben.observe(&bucket.get(KEY).await.unwrap().unwrap(), now);
        let bens = ben.write(&bucket).await;
        ben.written(bens);
        assert!(ben.leads(now) && !ann.leads(now));
    }
}
