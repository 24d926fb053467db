//! Identity's public keys as this edge knows them: watched, and looked up when something comes
//! that was made with a key this edge has not heard of yet.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{Bucket, EventLog, ReadError};
use jsonwebtoken::DecodingKey;
use schemas::public_keys::{BUCKET, CURRENT, CurrentKeys, box_key, sign_key};
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{ACCESS, AccessClaims, PublicKeys, SealingKey, verify};
use crate::watching::keep_up;

/// How long a login waits for identity's first key.
const FIRST_KEY: Duration = Duration::from_secs(5);
/// Unknown keys are looked up no more often than this, so that forged tokens ask nobody much.
const LOOK_UP: Duration = Duration::from_millis(500);
/// The longest name of a key.
const LONGEST_KID: usize = 64;

/// Why nothing can be sealed to identity now; try again shortly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKeyError {
    /// Identity has not published one: it has not started yet.
    #[error("identity has published no key to seal to; is it running?")]
    Unpublished,
    /// The broker does not answer.
    #[error("reading identity's keys")]
    Read(#[from] ReadError),
}

/// The keys, kept up to date.
pub(crate) struct IdentityKeys {
    bucket: Bucket,
    known: Arc<watch::Sender<PublicKeys>>,
    looked_up: Mutex<Option<Instant>>,
    _watching: AbortOnDropHandle<()>,
}

impl IdentityKeys {
    /// Begins to watch them.
    ///
    /// # Errors
    /// When the bucket is not there or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog) -> Result<Self, ReadError> {
        let bucket = log.bucket(BUCKET).await?;
        let known = Arc::new(watch::Sender::new(PublicKeys::default()));
        let shared = Arc::clone(&known);
        let watching = keep_up(bucket.clone(), move |entry| {
            shared.send_modify(|keys| keys.apply(&entry.key, entry.value.as_deref()));
        });
        Ok(Self {
            bucket,
            known,
            looked_up: Mutex::const_new(None),
            _watching: AbortOnDropHandle::new(tokio::spawn(watching)),
        })
    }

    /// What to seal to.
    ///
    /// # Errors
    /// When identity publishes none within a few seconds.
    pub(crate) async fn sealing(&self) -> Result<SealingKey, NoKeyError> {
        let mut known = self.known.subscribe();
        let published = known.wait_for(|keys| keys.sealing().is_some());
        match timeout(FIRST_KEY, published).await {
            Ok(Ok(keys)) => keys.sealing().ok_or(NoKeyError::Unpublished),
            Ok(Err(_)) | Err(_) => Err(NoKeyError::Unpublished),
        }
    }

    /// What to seal to according to the broker's leader: the known one was refused as old.
    ///
    /// # Errors
    /// When the broker does not answer or holds none.
    pub(crate) async fn sealing_now(&self) -> Result<SealingKey, NoKeyError> {
        let current = self.learn(CURRENT).await?;
        let current = current.and_then(|value| schemas::decode::<CurrentKeys>(&value).ok());
        if let Some(current) = current {
            self.learn(&box_key(&current.box_kid)).await?;
        }
        let known = self.known.borrow().sealing();
        known.ok_or(NoKeyError::Unpublished)
    }

    /// What a valid access token says; `None` when it is forged, expired or no token.
    pub(crate) async fn access(&self, token: &str) -> Option<AccessClaims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.verifying(&kid).await?;
        verify(token, &key, ACCESS)
    }

    /// As a JSON Web Key Set.
    pub(crate) fn json_web_keys(&self) -> Value {
        self.known.borrow().json_web_keys()
    }

    async fn verifying(&self, kid: &str) -> Option<DecodingKey> {
        if let Some(known) = self.known.borrow().verifying(kid) {
            return Some(known);
        }
        if kid.len() > LONGEST_KID {
            return None;
        }
        // A token may be here sooner than the news of its key.
        let mut looked_up = self.looked_up.lock().await;
        if let Some(known) = self.known.borrow().verifying(kid) {
            return Some(known);
        }
        if looked_up.is_some_and(|at| at.elapsed() < LOOK_UP) {
            return None;
        }
        *looked_up = Some(Instant::now());
        if let Err(error) = self.learn(&sign_key(kid)).await {
            tracing::debug!(%error, "an unknown key cannot be looked up");
        }
        self.known.borrow().verifying(kid)
    }

    /// Reads one key from the leader.
    async fn learn(&self, key: &str) -> Result<Option<bytes::Bytes>, ReadError> {
        let value = self.bucket.get(key).await?.and_then(|entry| entry.value);
        if let Some(value) = &value {
            self.known.send_modify(|keys| keys.apply(key, Some(value)));
        }
        Ok(value)
    }
}
