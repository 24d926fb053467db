//! All persons' keys at once, for readers with the right who look at everything: replay, tools.

use schemas::person::{BUCKET, PersonKeyEntry};
use schemas::sealed::RealmKey;
use schemas::{AccountId, decode};

use crate::EventLog;
use crate::error::ReadError;

impl EventLog {
    /// Has `keys` learn the key of every person; how many. In a log from before persons had keys there
    /// are none. What cannot be read is passed over with a warning: it stays sealed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn learn_persons(&self, keys: &RealmKey) -> Result<usize, ReadError> {
        let bucket = match self.bucket(BUCKET).await {
            Err(ReadError::NoStream { .. }) => return Ok(0),
            bucket => bucket?,
        };
        let mut learned = 0;
        for entry in bucket.entries().await? {
            let account: Option<AccountId> = entry.key.parse().ok();
            let value = entry
                .value
                .and_then(|value| decode::<PersonKeyEntry>(&value).ok());
            match (account, value) {
                (Some(account), Some(value)) if keys.learn(account, &value).is_ok() => learned += 1,
                _ => tracing::warn!(key = entry.key, "what lies there is no person's key"),
            }
        }
        Ok(learned)
    }
}
