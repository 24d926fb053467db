//! Persons' keys, as far as this edge has met the persons.
//!
//! What somebody writes is sealed with a key of their own, which lies in the bucket `person_keys`.
//! The edge fetches a key when it first meets something of that person and keeps it; who logs in and has
//! none gets one. That somebody was erased it hears with identity's events: from then on
//! nothing of them is opened or sealed here.

use std::collections::BTreeSet;
use std::time::Duration;

use eventlog::{Bucket, EventLog, ReadError, UpdateError};
use futures_util::StreamExt;
use schemas::person::{BUCKET, PersonKeyEntry};
use schemas::sealed::{RealmKey, SealError, Sealed};
use schemas::{AccountId, DecodeError, Sequence, decode, encode};
use tokio::time::timeout;

use crate::http::Problem;

/// How long the screens of an area wait for keys of persons who are new here; those that have not come
/// by then are shown as unreadable until something of the person comes again.
const PATIENCE: Duration = Duration::from_millis(500);
/// Keys that are asked for at once.
const AT_ONCE: usize = 64;

/// Fetches keys, and makes those that there are not.
pub(crate) struct Persons {
    bucket: Bucket,
    keys: RealmKey,
}

/// Why a person's key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The bucket cannot be read now.
    #[error("reading a person's key")]
    Read(#[from] ReadError),
    /// It cannot be written now.
    #[error("making a person's key")]
    Update(#[from] UpdateError),
    /// What lies there is no key of this realm.
    #[error("what the bucket holds for account {0} is no key of this realm")]
    Wrong(AccountId),
    /// Nor a message of this build.
    #[error("what the bucket holds for account {0} cannot be read")]
    Unreadable(AccountId, #[source] DecodeError),
}

impl Persons {
    /// Opens the bucket; what is fetched is learned by `keys`.
    ///
    /// # Errors
    /// When it is not there, or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog, keys: RealmKey) -> Result<Self, ReadError> {
        Ok(Self {
            bucket: log.bucket(BUCKET).await?,
            keys,
        })
    }

    /// Fetches the keys that are not known here yet. Those that do not come in time, and those
    /// that there are not, stay unknown.
    pub(crate) async fn meet(&self, accounts: impl IntoIterator<Item = AccountId>) {
        let accounts = accounts.into_iter();
        let strangers: BTreeSet<AccountId> =
            accounts.filter(|who| !self.keys.knows(*who)).collect();
        if strangers.is_empty() {
            return;
        }
        let count = strangers.len();
        let asked = futures_util::stream::iter(strangers).map(|account| self.fetch(account));
        let learned = asked
            .buffer_unordered(AT_ONCE)
            .for_each(async |fetched| match fetched {
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a person stays unreadable");
                }
            });
        if timeout(PATIENCE, learned).await.is_err() {
            tracing::warn!(
                count,
                "persons' keys do not come; some stay unreadable for now"
            );
        }
    }

    /// Whether there is a key, or a word that there was one.
    async fn fetch(&self, account: AccountId) -> Result<bool, KeyError> {
        let Some(entry) = self.bucket.get(&account.to_string()).await? else {
            return Ok(false);
        };
        let value = entry.value.unwrap_or_default();
        let entry: PersonKeyEntry =
            decode(&value).map_err(|why| KeyError::Unreadable(account, why))?;
        self.learn(account, &entry)?;
        Ok(true)
    }

    fn learn(&self, account: AccountId, entry: &PersonKeyEntry) -> Result<(), KeyError> {
        let learned = self.keys.learn(account, entry);
        learned.map_err(|_| KeyError::Wrong(account))
    }

    /// Makes sure that something can be sealed for `account`, unless it was erased.
    pub(crate) async fn own(&self, account: AccountId) -> Result<(), KeyError> {
        if self.keys.knows(account) || self.fetch(account).await? {
            return Ok(());
        }
        let drawn = self.keys.draw(account);
        let value = encode(&drawn).into();
        match self
            .bucket
            .update(&account.to_string(), value, Sequence(0))
            .await
        {
            Ok(_) => self.learn(account, &drawn),
            // Another edge was quicker.
            Err(UpdateError::Conflict { .. }) => self.fetch(account).await.map(drop),
            Err(error) => Err(error.into()),
        }
    }

    /// Seals what `account` writes.
    ///
    /// # Errors
    /// When the key can be neither had nor made now, or the person was erased.
    pub(crate) async fn seal(&self, account: AccountId, text: &str) -> Result<Sealed, Problem> {
        let owned = self.own(account).await;
        owned.map_err(|error| Problem::unavailable(&error))?;
        self.keys
            .seal_for(account, text)
            .map_err(|error| match error {
                SealError::Erased(_) => Problem::SESSION_ENDED,
                SealError::NotFetched(_) => Problem::unavailable(&error),
            })
    }
}

#[cfg(test)]
mod tests {
    use schemas::UnixMillis;
    use schemas::sealed::OpenError;

    use super::*;

    const ANN: AccountId = AccountId(1);

    fn keys() -> RealmKey {
        RealmKey::from_bytes([7; 32])
    }

    async fn edge(log: &EventLog) -> Persons {
        Persons::begin(log, keys())
            .await
            .expect("the bucket is there")
    }

    #[tokio::test]
    async fn who_has_no_key_gets_one_and_every_edge_opens_what_was_sealed_with_it() {
        let (log, _) = EventLog::in_memory();
        let (here, there) = (edge(&log).await, edge(&log).await);
        here.meet([ANN]).await;
        assert!(
            !here.keys.knows(ANN),
            "nobody makes a key by looking for one"
        );
        let sealed = here.seal(ANN, "hé").await.expect("sealed");
        assert_eq!(there.keys.lacks(&sealed), Some(ANN));
        there.meet(there.keys.lacks(&sealed)).await;
        assert_eq!(there.keys.open(&sealed).as_deref(), Ok("hé"));
        let answer = there.seal(ANN, "hm").await.expect("sealed");
        assert_eq!(here.keys.open(&answer).as_deref(), Ok("hm"), "one key");
    }

    #[tokio::test]
    async fn two_edges_that_begin_the_same_person_agree() {
        let (log, _) = EventLog::in_memory();
        let (here, there) = (edge(&log).await, edge(&log).await);
        let (one, other) = tokio::join!(here.seal(ANN, "one"), there.seal(ANN, "other"));
        let (one, other) = (one.expect("sealed"), other.expect("sealed"));
        assert_eq!(here.keys.open(&other).as_deref(), Ok("other"));
        assert_eq!(there.keys.open(&one).as_deref(), Ok("one"));
    }

    #[tokio::test]
    async fn nothing_is_sealed_or_opened_for_who_was_erased() {
        let (log, _) = EventLog::in_memory();
        let here = edge(&log).await;
        let sealed = here.seal(ANN, "here I was").await.expect("sealed");
        let gone = PersonKeyEntry::Erased { at: UnixMillis(1) };
        here.bucket
            .erase(&ANN.to_string(), encode(&gone).into())
            .await
            .expect("erased");
        here.keys.forget(ANN);
        let erased = Err(OpenError::Erased { account: ANN });
        assert_eq!(here.keys.open(&sealed), erased);
        let later = edge(&log).await;
        later.meet([ANN]).await;
        assert_eq!(later.keys.open(&sealed), erased);
        let refused = later.seal(ANN, "again").await.expect_err("refused");
        assert_eq!(refused, Problem::SESSION_ENDED);
    }
}
