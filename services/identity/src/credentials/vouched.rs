//! A provider's word about a person: good, about the person whose credential this is, and used once.

use eventlog::keyed::Context;
use eventlog::{Bucket, EventLog, ReadError, UpdateError};
use schemas::keyed::Refusal;
use schemas::locate::Locator;
use schemas::{Digest, Sequence};

use super::Evidence;
use crate::oidc::{OidcError, Verifier};
use crate::refusals::{BUSY, NONCE_USED, OIDC_OTHER_PERSON, refusal};

/// Where the nonces are that have been used.
const NONCES: &str = "nonces";

/// Checks providers' words.
pub struct Vouching {
    verifier: Verifier,
    nonces: Option<Bucket>,
}

impl Vouching {
    /// With this verifier, and the nonces of the realm.
    ///
    /// # Errors
    /// When the bucket of nonces is not there.
    pub async fn open(log: &EventLog, verifier: Verifier) -> Result<Self, ReadError> {
        Ok(Self {
            verifier,
            nonces: Some(log.bucket(NONCES).await?),
        })
    }

    /// With this verifier, for rules that are tried without a broker: no nonce is good.
    #[must_use]
    pub const fn alone(verifier: Verifier) -> Self {
        Self {
            verifier,
            nonces: None,
        }
    }

    /// Whether the word is good for the credential at `key`.
    pub(super) async fn check(
        &self,
        (key, locator): (&str, &Locator),
        provider: &str,
        token: &str,
        nonce: &str,
        ctx: &Context,
    ) -> Result<Evidence, Evidence> {
        let verified = self.verifier.verify(provider, token, nonce, ctx.stored_at);
        let claims = verified.await.map_err(not_good)?;
        let place = locator.openid(&claims.issuer, &claims.subject);
        if key.parse() != Ok(place) {
            return Err(Evidence::Refused(refusal(OIDC_OTHER_PERSON)));
        }
        self.take(nonce, ctx.sequence).await?;
        Ok(Evidence::Vouched)
    }

    /// Takes the nonce for the command at `sequence`; the same command may have taken it before.
    async fn take(&self, nonce: &str, sequence: Sequence) -> Result<(), Evidence> {
        let used = || Evidence::Refused(refusal(NONCE_USED));
        let nonces = self.nonces.as_ref().ok_or_else(used)?;
        let key = Digest::of(nonce.as_bytes()).to_string();
        let ours = sequence.0.to_string();
        let taken = nonces.update(&key, ours.clone().into(), Sequence(0)).await;
        match taken {
            Ok(_) => Ok(()),
            Err(UpdateError::Conflict { .. }) => {
                let known = nonces.get(&key).await.map_err(|error| later(&error))?;
                let same = known.and_then(|entry| entry.value).as_deref() == Some(ours.as_bytes());
                same.then_some(()).ok_or_else(used)
            }
            Err(error) => Err(later(&error)),
        }
    }
}

impl std::fmt::Debug for Vouching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vouching")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

fn not_good(error: OidcError) -> Evidence {
    tracing::info!(oidc.check = error.code(), %error, "a provider's word is refused");
    let refusal = Refusal::new(error.code(), error.to_string());
    Evidence::Refused(if error.is_temporary() {
        refusal.after(5)
    } else {
        refusal
    })
}

fn later(error: &dyn std::fmt::Display) -> Evidence {
    tracing::warn!(%error, "the nonces cannot be reached; the login is put off");
    Evidence::Refused(refusal(BUSY).after(2))
}
