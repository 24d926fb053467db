//! Identity's own keys, which change by themselves: box keys, to which credentials are sealed, and
//! signing keys, which sign access tokens.
//!
//! Any number of instances share them through two buckets. `identity_keys` holds the private halves,
//! each sealed with a key of the service's secret, and the **turns**: which key is in use since when,
//! written under a condition, so that of two instances that make a key at once one wins. `keys` holds
//! the public halves for everybody ([`schemas::public_keys`]).
//!
//! An old box key is destroyed when the next one has been replaced too: what was sealed to it and was
//! kept by somebody opens for nobody any more. An old signing key is destroyed at once, its public
//! half when no token of it can be alive.

mod made;
mod shared;
mod turn;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use eventlog::{EventLog, ReadError, UpdateError};
use schemas::credential::Secret;
use schemas::sealed_to::{CREDENTIAL, SealedTo};
use schemas::{UnixMillis, decode};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::access_token::AccessClaims;
use crate::secrets::{Secrets, Vault};
use made::Ring;
use shared::Shared;
pub use turn::Rotation;

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two looks at what is due.
const LONGEST_BEAT: Duration = Duration::from_secs(30);

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The broker does not answer, or lacks a bucket; the message says what to do.
    #[error("reading identity's keys")]
    Read(#[from] ReadError),
    /// The broker does not take them; the message says what to do.
    #[error("writing identity's keys")]
    Update(#[from] UpdateError),
    /// The private keys in the bucket do not open: all instances need the same `identity.secret`.
    #[error(
        "identity's key {kid} does not open with this secret: give all instances the same `identity.secret`, or \
         delete the bucket `identity_keys` if the secret was changed on purpose"
    )]
    OtherSecret {
        /// Which key.
        kid: String,
    },
}

/// Why a sealed secret stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its key has been destroyed, or never was: seal it to the current one.
    #[error("it was sealed to a key that is gone")]
    OldKey,
    /// It was meant for something else, or is nothing.
    #[error("it does not open, or holds no secret")]
    Closed,
}

/// The keys as this instance knows them.
#[derive(Clone)]
pub struct KeyRing {
    /// `None`: shared with nobody.
    shared: Option<Arc<Shared>>,
    ring: Arc<RwLock<Arc<Ring>>>,
}

impl KeyRing {
    /// Takes part in the keys, and makes the first ones if there are none.
    ///
    /// # Errors
    /// When the buckets are not there, or hold keys of another secret.
    pub async fn open(
        log: &EventLog,
        secrets: &Secrets,
        rotation: Rotation,
    ) -> Result<Self, KeyRingError> {
        let vault: Vault = secrets.vault("worldline private keys 1");
        let shared = Shared::open(log, vault, rotation).await?;
        shared.rotate(UnixMillis::now()).await?;
        let ring = shared.load().await?;
        Ok(Self {
            shared: Some(Arc::new(shared)),
            ring: Arc::new(RwLock::new(Arc::new(ring))),
        })
    }

    /// Fresh keys that are shared with nobody, for rules that are tried without a broker.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            shared: None,
            ring: Arc::new(RwLock::new(Arc::new(Ring::fresh()))),
        }
    }

    /// Rotates what is due and follows what others have rotated, until the shutdown.
    ///
    /// # Errors
    /// When the keys in the bucket turn out to be of another secret. What passes is tried again.
    pub async fn keep(self, shutdown: CancellationToken) -> Result<(), KeyRingError> {
        let Some(shared) = self.shared.clone() else {
            shutdown.cancelled().await;
            return Ok(());
        };
        let mut changes = shared.watch().await?;
        loop {
            let done = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                change = changes.next() => match change {
                    Ok(_) => self.reload().await,
                    Err(error) => Err(error.into()),
                },
                () = tokio::time::sleep(self.beat(shared.rotation)) => self.rotate(&shared).await,
            };
            match done {
                Ok(()) => {}
                Err(error @ KeyRingError::OtherSecret { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "identity's keys could not be looked after; trying again");
                    shutdown
                        .run_until_cancelled(tokio::time::sleep(PAUSE))
                        .await;
                }
            }
        }
    }

    /// A token that says this, signed with the key in use.
    #[must_use]
    pub fn token(&self, claims: &AccessClaims) -> String {
        self.now().signer(UnixMillis::now()).token(claims)
    }

    /// What an access token says that one of the keys has signed. Whether it is over is for the
    /// reader's clock to say.
    #[must_use]
    pub fn access(&self, token: &str) -> Option<AccessClaims> {
        let ring = self.now();
        let mut signers = ring.signers.values().chain([&ring.current]);
        signers.find_map(|signer| signer.read(token))
    }

    /// The secret that was sealed to one of the keys, bound to `bound_to`. A key that this instance
    /// has not heard of yet is looked for.
    ///
    /// # Errors
    /// See [`OpenError`]; the broker's silence counts as an old key.
    pub async fn open_sealed(
        &self,
        sealed: &SealedTo,
        bound_to: &[u8],
    ) -> Result<Secret, OpenError> {
        if !self.now().boxes.contains_key(&sealed.key)
            && let Err(error) = self.reload().await
        {
            tracing::warn!(%error, "identity's keys could not be read");
        }
        let ring = self.now();
        let key = ring.boxes.get(&sealed.key).ok_or(OpenError::OldKey)?;
        let opened = key.open(sealed, CREDENTIAL, bound_to);
        let opened = Zeroizing::new(opened.map_err(|_| OpenError::Closed)?);
        decode(&opened).map_err(|_| OpenError::Closed)
    }

    /// The box key in use, for tests that seal.
    #[must_use]
    pub fn box_key(&self) -> (String, schemas::sealed_to::BoxKey) {
        self.now().current_box()
    }

    async fn rotate(&self, shared: &Shared) -> Result<(), KeyRingError> {
        shared.rotate(UnixMillis::now()).await?;
        self.reload().await
    }

    async fn reload(&self) -> Result<(), KeyRingError> {
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        let ring = Arc::new(shared.load().await?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    fn now(&self) -> Arc<Ring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }

    /// How long until something may be due.
    fn beat(&self, rotation: Rotation) -> Duration {
        let due = self.now().due(rotation);
        Duration::from_millis(due.0.saturating_sub(UnixMillis::now().0))
            .clamp(Duration::from_millis(20), LONGEST_BEAT)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing([redacted])")
    }
}
