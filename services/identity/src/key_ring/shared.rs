//! The two buckets: taking a turn, tidying up, reading all there is.

use std::collections::HashMap;
use std::sync::Arc;

use eventlog::{Bucket, Entry, EventLog, UpdateError, Watch};
use schemas::public_keys::{self, BoxKeyEntry, CurrentKeys, SignKeyEntry};
use schemas::sealed::Sealed;
use schemas::{Sequence, UnixMillis, decode, encode};
use zeroize::Zeroizing;

use super::KeyRingError;
use super::made::{Made, Ring};
use super::turn::{Rotation, Turn, Use};
use crate::secrets::Vault;

/// The private halves and the turns.
const PRIVATE: &str = "identity_keys";

/// The buckets and what opens them.
pub(super) struct Shared {
    private: Bucket,
    public: Bucket,
    vault: Vault,
    pub(super) rotation: Rotation,
}

impl Shared {
    pub(super) async fn open(
        log: &EventLog,
        vault: Vault,
        rotation: Rotation,
    ) -> Result<Self, KeyRingError> {
        Ok(Self {
            private: log.bucket(PRIVATE).await?,
            public: log.bucket(public_keys::BUCKET).await?,
            vault,
            rotation,
        })
    }

    /// Every change of the turns and the private keys.
    pub(super) async fn watch(&self) -> Result<Watch, KeyRingError> {
        Ok(self.private.watch().await?)
    }

    /// Begins the turns that are due, says which keys are in use, and destroys what has no more use.
    pub(super) async fn rotate(&self, now: UnixMillis) -> Result<(), KeyRingError> {
        let boxes = self.turn(Use::Box, now).await?;
        let signing = self.turn(Use::Sign, now).await?;
        self.announce(&boxes, &signing).await?;
        for (usage, turn) in [(Use::Box, &boxes), (Use::Sign, &signing)] {
            self.tidy(usage, turn, now).await?;
        }
        Ok(())
    }

    /// The turn at `now`; a new one if it is due.
    async fn turn(&self, usage: Use, now: UnixMillis) -> Result<Turn, KeyRingError> {
        loop {
            let (last, revision) = self.read_turn(usage).await?;
            match last {
                Some(turn) if self.is_on(usage, &turn, now).await? => return Ok(turn),
                last => match self.begin(usage, last.as_ref(), revision, now).await {
                    Err(KeyRingError::Update(UpdateError::Conflict { .. })) => {
                        tracing::debug!(usage = usage.token(), "another instance made the key");
                    }
                    begun => return begun,
                },
            }
        }
    }

    /// Whether a turn is not over and its key has not been taken away.
    async fn is_on(&self, usage: Use, turn: &Turn, now: UnixMillis) -> Result<bool, KeyRingError> {
        let key = usage.key(&turn.kid);
        Ok(now < turn.ends(usage, self.rotation) && self.private.get(&key).await?.is_some())
    }

    async fn read_turn(&self, usage: Use) -> Result<(Option<Turn>, Sequence), KeyRingError> {
        let entry = self.private.get(&usage.turn()).await?;
        let revision = entry.as_ref().map_or(Sequence(0), |entry| entry.revision);
        let turn = entry.and_then(|entry| decode(&entry.value?).ok());
        Ok((turn, revision))
    }

    /// Makes a key and puts it to use, unless somebody else was faster.
    async fn begin(
        &self,
        usage: Use,
        last: Option<&Turn>,
        revision: Sequence,
        now: UnixMillis,
    ) -> Result<Turn, KeyRingError> {
        let made = Made::fresh();
        let key = usage.key(&made.kid);
        let sealed = self.vault.seal(made.private.as_ref(), &key);
        self.private.put(&key, encode(&sealed).into()).await?;
        let public = self.public_half(usage, &made, now);
        self.public.put(&key, public.into()).await?;
        let turn = Turn::next(last, made.kid, now);
        let place = usage.turn();
        let written = self.private.update(&place, encode(&turn).into(), revision);
        if let Err(error) = written.await {
            self.private.delete(&key).await?;
            self.public.delete(&key).await?;
            return Err(error.into());
        }
        tracing::info!(
            usage = usage.token(),
            key.id = turn.kid,
            "a new key is in use"
        );
        Ok(turn)
    }

    fn public_half(&self, usage: Use, made: &Made, now: UnixMillis) -> Vec<u8> {
        let not_after = self.rotation.not_after(usage, now);
        let kid = made.kid.clone();
        match usage {
            Use::Box => encode(&BoxKeyEntry {
                kid,
                public: made.boxed().public(),
                not_after,
            }),
            Use::Sign => encode(&SignKeyEntry {
                kid,
                x: made.verifying(),
                not_after,
            }),
        }
    }

    /// Tells the edges which keys are in use, if they have not been told.
    async fn announce(&self, boxes: &Turn, signing: &Turn) -> Result<(), KeyRingError> {
        let current = CurrentKeys {
            box_kid: boxes.kid.clone(),
            sign_kid: signing.kid.clone(),
        };
        let told = self.public.get(public_keys::CURRENT).await?;
        let value = encode(&current);
        if told.and_then(|entry| entry.value).as_deref() != Some(&value) {
            self.public.put(public_keys::CURRENT, value.into()).await?;
        }
        Ok(())
    }

    /// Destroys what has no more use. The buckets keep one value of each key, so that the deletion
    /// takes the value's place.
    async fn tidy(&self, usage: Use, turn: &Turn, now: UnixMillis) -> Result<(), KeyRingError> {
        for entry in self.private.entries().await? {
            if let Some(kid) = kid(usage, &entry)
                && turn.spent_private(usage, kid, entry.at)
            {
                self.private.delete(&entry.key).await?;
            }
        }
        for entry in self.public.entries().await? {
            if let Some(kid) = kid(usage, &entry)
                && turn.spent_public(usage, kid, entry.at, now)
            {
                self.public.delete(&entry.key).await?;
            }
        }
        Ok(())
    }

    /// All that is there, opened.
    pub(super) async fn load(&self) -> Result<Ring, KeyRingError> {
        loop {
            let mut boxes = HashMap::new();
            let mut signers = HashMap::new();
            for entry in self.private.entries().await? {
                if let Some(kid) = kid(Use::Box, &entry) {
                    boxes.insert(kid.to_owned(), Arc::new(self.opened(&entry, kid)?.boxed()));
                } else if let Some(kid) = kid(Use::Sign, &entry) {
                    signers.insert(kid.to_owned(), self.opened(&entry, kid)?.signer());
                }
            }
            let (box_turn, _) = self.read_turn(Use::Box).await?;
            let (sign_turn, _) = self.read_turn(Use::Sign).await?;
            if let (Some(box_turn), Some(sign_turn)) = (box_turn, sign_turn)
                && boxes.contains_key(&box_turn.kid)
                && let Some(current) = signers.get(&sign_turn.kid).cloned()
            {
                return Ok(Ring {
                    boxes,
                    signers,
                    box_turn,
                    sign_turn,
                    current,
                });
            }
            // A turn began between the two reads, or the bucket was emptied: what is due is made.
            self.rotate(UnixMillis::now()).await?;
        }
    }

    fn opened(&self, entry: &Entry, kid: &str) -> Result<Made, KeyRingError> {
        let other = || KeyRingError::OtherSecret {
            kid: entry.key.clone(),
        };
        let value = entry.value.as_deref().unwrap_or_default();
        let sealed: Sealed = decode(value).map_err(|_| other())?;
        let bytes = self.vault.open(&sealed, &entry.key).ok_or_else(other)?;
        let private = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| other())?;
        Ok(Made {
            kid: kid.to_owned(),
            private: Zeroizing::new(private),
        })
    }
}

/// The name of the key that an entry holds, if it is one of this use.
fn kid(usage: Use, entry: &Entry) -> Option<&str> {
    let kid = entry.key.strip_prefix(usage.token())?;
    kid.strip_prefix('.')
}
