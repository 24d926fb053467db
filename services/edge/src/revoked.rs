//! Login sessions that have ended: their access tokens are good for nothing any more, and whoever
//! plays in one is logged out. And persons who were erased: nothing of theirs is opened any more.
//!
//! The edge follows identity's events. An access token lives ten minutes and a resume token five,
//! so what ended longer ago need not be remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventlog::{EventLog, Follow, ReadError, Record};
use runtime::Backoff;
use schemas::account::{Account, AccountEvent};
use schemas::keyed::KeyedEntry;
use schemas::sealed::RealmKey;
use schemas::subjects::{Domain, keyed_events};
use schemas::{LoginId, Sequence, UnixMillis};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::online::Online;

/// For so long it is remembered that a session has ended, ms.
const REMEMBERED_MILLIS: u64 = 15 * 60 * 1000;
/// How long an edge that begins waits for the past; longer, and it begins without.
const CATCH_UP: Duration = Duration::from_secs(20);
/// The memory is tidied when it holds so many, and again at twice as many.
const TIDY_AT: usize = 1024;

/// What has ended lately.
pub(crate) struct Revoked {
    ended: Arc<Ended>,
    _following: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Ended(Mutex<HashMap<LoginId, UnixMillis>>);

impl Revoked {
    /// Learns what has ended lately, and logs out whoever is `online` in what ends from now on.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) async fn begin(
        log: &EventLog,
        online: Arc<Online>,
        texts: RealmKey,
    ) -> Result<Self, ReadError> {
        let ended = Arc::new(Ended::default());
        let all = keyed_events(Domain::Identity, ">");
        let newest = log.last(&all).await?;
        let newest = newest.filter(|newest| !is_old(newest));
        let head = newest.map_or(Sequence(0), |newest| newest.sequence);
        let current = watch::Sender::new(Sequence(0));
        let mut caught_up = current.subscribe();
        let following = follow(log.clone(), Arc::clone(&ended), (online, texts), current);
        let following = AbortOnDropHandle::new(tokio::spawn(following));
        let waited = timeout(CATCH_UP, caught_up.wait_for(|current| *current >= head)).await;
        if waited.is_err() {
            tracing::warn!("beginning before all sessions that ended lately are known");
        }
        Ok(Self {
            ended,
            _following: following,
        })
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self, login: LoginId) -> bool {
        self.ended.lock().contains_key(&login)
    }
}

impl Ended {
    /// The map is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<LoginId, UnixMillis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, login: LoginId, at: UnixMillis) {
        let mut ended = self.lock();
        ended.insert(login, at);
        if ended.len() >= TIDY_AT && ended.len().is_power_of_two() {
            ended.retain(|_, ended_at| ended_at.0 + REMEMBERED_MILLIS > at.0);
        }
    }
}

fn is_old(record: &Record) -> bool {
    record.stored_at.0 + REMEMBERED_MILLIS < UnixMillis::now().0
}

/// Never ends.
async fn follow(
    log: EventLog,
    ended: Arc<Ended>,
    (online, texts): (Arc<Online>, RealmKey),
    current: watch::Sender<Sequence>,
) {
    let stream = Domain::Identity.event_stream();
    let mut pauses = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        let since = UnixMillis(UnixMillis::now().0.saturating_sub(REMEMBERED_MILLIS));
        let mut reader = log.read_from_time(stream, Vec::new(), since, Follow::Tail);
        let failed = loop {
            match reader.next().await {
                Ok(Some(record)) => {
                    pauses.reset();
                    learn(&record, &ended, &online, &texts);
                    current.send_replace(record.sequence);
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let error = failed.map(|error| error.to_string());
        tracing::warn!(error, "ended sessions are not noticed for a moment");
        pauses.wait().await;
    }
}

fn learn(record: &Record, ended: &Ended, online: &Online, texts: &RealmKey) {
    let entry = match schemas::decode::<KeyedEntry<AccountEvent, Account>>(&record.payload) {
        Ok(entry) => entry,
        Err(error) => {
            tracing::error!(event.seq = record.sequence.0, %error, "an account's entry cannot be read");
            return;
        }
    };
    for event in entry.events {
        match event {
            AccountEvent::SessionEnded { session, .. } => {
                ended.add(session, record.stored_at);
                online.end_login(session);
            }
            AccountEvent::Erased { account, .. } => texts.forget(account),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_long_ago_is_forgotten() {
        let ended = Ended::default();
        for n in 0..TIDY_AT as u64 - 1 {
            ended.add(LoginId(n), UnixMillis(n));
        }
        assert!(ended.lock().contains_key(&LoginId(0)));
        let late = UnixMillis(REMEMBERED_MILLIS + 500);
        ended.add(LoginId(9999), late);
        let kept = ended.lock();
        assert!(kept.contains_key(&LoginId(9999)) && kept.contains_key(&LoginId(501)));
        assert!(!kept.contains_key(&LoginId(500)));
    }
}
