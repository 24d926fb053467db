//! Asking a credential: the secret goes sealed to identity's current key, and the grant comes back
//! sealed to a key of this question's own.

use schemas::credential::{CredentialCommand, CredentialReply, Grant, Secret};
use schemas::keyed::Refusal;
use schemas::sealed_to::{BoxKey, CREDENTIAL, SealedTo};
use schemas::subjects::Domain;
use schemas::{Digest, encode};

use super::PATIENCE;
use super::reply_key::ReplyKey;
use crate::http::Problem;
use crate::keys::SealingKey;
use crate::realm::Realm;

/// Identity's word that a key has been changed since; it is asked once more with the new one.
const OLD_KEY: &str = "sealed_to_an_old_key";

/// Proves `secret` to the credential at `place`.
///
/// # Errors
/// When identity refuses or does not answer.
pub(super) async fn prove(
    realm: &Realm,
    place: Digest,
    secret: &Secret,
    command: impl Fn(SealedTo, BoxKey) -> CredentialCommand,
) -> Result<Grant, Problem> {
    let key = place.to_string();
    let mut sealing = Sealing::known(realm).await?;
    loop {
        let reply_key = ReplyKey::about(&key);
        let sealed = sealed(&sealing.key, &reply_key, secret)?;
        let command = command(sealed, reply_key.public());
        let requester = &realm.requester;
        let asked = requester.ask(Domain::Credential, &key, &command, PATIENCE);
        match asked.await? {
            Ok(CredentialReply::Granted { grant }) => {
                return reply_key.open(&grant).map_err(Problem::unopened);
            }
            Ok(CredentialReply::Done) => {
                tracing::error!("identity answers another question");
                return Err(Problem::INTERNAL);
            }
            Err(refusal) => sealing = sealing.after(realm, refusal).await?,
        }
    }
}

/// Which of identity's keys a question is sealed to: the one that is known, and if that turns out
/// to be old, once, the one that is in force.
pub(super) struct Sealing {
    pub(super) key: SealingKey,
    is_newest: bool,
}

impl Sealing {
    /// The one that is known.
    ///
    /// # Errors
    /// When identity publishes none.
    pub(super) async fn known(realm: &Realm) -> Result<Self, Problem> {
        let key = realm.identity_keys.sealing().await;
        Ok(Self {
            key: key.map_err(|error| Problem::unavailable(&error))?,
            is_newest: false,
        })
    }

    /// What to ask with after a refusal.
    ///
    /// # Errors
    /// The refusal, unless it is about the key and that may be an old one.
    pub(super) async fn after(self, realm: &Realm, refusal: Refusal) -> Result<Self, Problem> {
        if self.is_newest || refusal.code != OLD_KEY {
            return Err(refusal.into());
        }
        let key = realm.identity_keys.sealing_now().await;
        Ok(Self {
            key: key.map_err(|error| Problem::unavailable(&error))?,
            is_newest: true,
        })
    }
}

/// Seals a secret so that it opens in this question only.
///
/// # Errors
/// When identity's key is none.
pub(super) fn sealed(
    to: &SealingKey,
    reply_key: &ReplyKey,
    secret: &Secret,
) -> Result<SealedTo, Problem> {
    let (bond, plain) = (reply_key.bond(), encode(secret));
    SealedTo::seal(to.public, &to.kid, CREDENTIAL, &bond, &plain).map_err(|error| {
        tracing::error!(kid = to.kid, %error, "identity's key cannot be sealed to");
        Problem::INTERNAL
    })
}
