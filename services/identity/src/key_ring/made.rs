//! The keys of one instance, opened: what it signs with and what it opens with.

use std::collections::HashMap;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use schemas::UnixMillis;
use schemas::sealed_to::{BoxKey, BoxSecret};
use zeroize::Zeroizing;

use super::turn::{Rotation, Turn, Use};
use crate::access_token::Signer;
use crate::keys::KeyPair;

/// A signing key is used when everybody has had this long to hear of it, ms; until then the one
/// before it is.
const HEARD: u64 = 2_000;

/// A private key: 32 random bytes, whatever it is for.
pub(super) struct Made {
    pub(super) kid: String,
    pub(super) private: Zeroizing<[u8; 32]>,
}

impl Made {
    /// A fresh one, from the operating system's randomness.
    pub(super) fn fresh() -> Self {
        Self {
            kid: format!("{:016x}", rand::random::<u64>()),
            private: Zeroizing::new(rand::random()),
        }
    }

    /// As a box key.
    pub(super) fn boxed(&self) -> BoxSecret {
        BoxSecret::from_bytes(*self.private)
    }

    /// The public half of it as a signing key.
    pub(super) fn verifying(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.private)
            .verifying_key()
            .to_bytes()
    }

    /// As a signing key.
    pub(super) fn signer(&self) -> Signer {
        match Signer::new(&self.kid, &KeyPair::from_seed(*self.private)) {
            Ok(signer) => signer,
            Err(error) => unreachable!("any 32 bytes are an Ed25519 key: {error}"),
        }
    }
}

/// All keys that are good for something.
pub(super) struct Ring {
    /// Private box keys by name: the one in use and the one before it.
    pub(super) boxes: HashMap<String, Arc<BoxSecret>>,
    /// Signing keys by name.
    pub(super) signers: HashMap<String, Signer>,
    /// The box key in use.
    pub(super) box_turn: Turn,
    /// The signing key in use.
    pub(super) sign_turn: Turn,
    /// The newest signer, kept apart so that there always is one.
    pub(super) current: Signer,
}

impl Ring {
    /// One box key and one signing key that nobody else knows.
    pub(super) fn fresh() -> Self {
        let (boxed, signing) = (Made::fresh(), Made::fresh());
        let since = UnixMillis(0);
        let opens = Arc::new(boxed.boxed());
        let current = signing.signer();
        Self {
            boxes: HashMap::from([(boxed.kid.clone(), opens)]),
            signers: HashMap::new(),
            box_turn: Turn::next(None, boxed.kid, since),
            sign_turn: Turn::next(None, signing.kid, since),
            current,
        }
    }

    /// What signs at `now`.
    pub(super) fn signer(&self, now: UnixMillis) -> &Signer {
        let turn = &self.sign_turn;
        let heard = now.0 >= turn.since.0.saturating_add(HEARD);
        let previous = turn.previous.as_ref().filter(|_| !heard);
        let previous = previous.and_then(|kid| self.signers.get(kid));
        previous.unwrap_or(&self.current)
    }

    /// The name and the public half of the box key in use.
    pub(super) fn current_box(&self) -> (String, BoxKey) {
        let kid = &self.box_turn.kid;
        let public = self.boxes.get(kid).map(|key| key.public());
        (kid.clone(), public.unwrap_or_default())
    }

    /// When the next turn of either use begins.
    pub(super) fn due(&self, rotation: Rotation) -> UnixMillis {
        let boxes = self.box_turn.ends(Use::Box, rotation);
        boxes.min(self.sign_turn.ends(Use::Sign, rotation))
    }
}
