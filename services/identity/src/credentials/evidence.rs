//! What is found out about a command before it is decided: opening the secret, hashing, asking the
//! provider.

use std::time::Duration;

use eventlog::keyed::Context;
use schemas::UnixMillis;
use schemas::credential::{Credential, CredentialCommand, Secret, bound_to};
use schemas::keyed::Refusal;
use schemas::locate::Locator;
use schemas::sealed::Sealed;
use zeroize::Zeroizing;

use super::vouched::Vouching;
use super::{reply_key_of, secret_of};
use crate::key_ring::{KeyRing, OpenError};
use crate::password::{self, Busy, HashPool, PasswordHash, Verified, Weakness};
use crate::refusals::{BAD_REQUEST, BUSY, OLD_KEY, WEAK_PASSWORD, refusal};
use crate::secrets::Vault;

/// What was found out. Never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It is to be refused, and nothing is to be noted.
    Refused(Refusal),
    /// The password is not that of this credential, or there is none.
    Wrong,
    /// The password is right.
    Right {
        /// Its hash by today's parameters, sealed, when the old one was made by others.
        rehashed: Option<Sealed>,
    },
    /// A new password is good, and proven where it had to be.
    New {
        /// Its hash, sealed.
        hash: Sealed,
    },
    /// The provider vouches for this very person.
    Vouched,
}

impl Evidence {
    /// Whether it is about an OpenID provider's word.
    pub(super) fn is_of_openid(&self) -> bool {
        match self {
            Self::Vouched => true,
            Self::Refused(why) => why.code.starts_with("oidc_"),
            _ => false,
        }
    }

    fn refused(code: &str) -> Self {
        Self::Refused(refusal(code))
    }
}

impl From<Busy> for Evidence {
    fn from(_: Busy) -> Self {
        Self::Refused(refusal(BUSY).after(2))
    }
}

impl From<Weakness> for Evidence {
    fn from(weakness: Weakness) -> Self {
        Self::Refused(Refusal::new(WEAK_PASSWORD, weakness.to_string()))
    }
}

/// All that finding out needs.
#[derive(Debug)]
pub struct Checks {
    /// Opens secrets.
    pub keys: KeyRing,
    /// Hashes passwords.
    pub pool: HashPool,
    /// Seals hashes.
    pub vault: Vault,
    /// Knows where a name's credential is.
    pub locator: Locator,
    /// Checks providers' words.
    pub vouching: Vouching,
    /// A login that has waited longer is refused as busy.
    pub patience: Duration,
    /// Since when this instance serves: what waited for it before has not waited for the hashes.
    pub serving_since: UnixMillis,
}

impl Checks {
    /// What `command` for `key` amounts to.
    pub(super) async fn gather(
        &self,
        key: &str,
        state: &Credential,
        command: &CredentialCommand,
        ctx: &Context,
    ) -> Evidence {
        let (Some(secret), Some(reply_key)) = (secret_of(command), reply_key_of(command)) else {
            return Evidence::refused(BAD_REQUEST);
        };
        let bound_to = bound_to(key, reply_key);
        let secret = match self.keys.open_sealed(secret, &bound_to).await {
            Ok(secret) => secret,
            Err(OpenError::OldKey) => return Evidence::refused(OLD_KEY),
            Err(OpenError::Closed) => return Evidence::refused(BAD_REQUEST),
        };
        let found = match (command, secret) {
            (
                CredentialCommand::LogIn { .. },
                Secret::IdToken {
                    provider,
                    token,
                    nonce,
                },
            ) => {
                let token = Zeroizing::new(token);
                let key = (key, &self.locator);
                self.vouching
                    .check(key, &provider, &token, &nonce, ctx)
                    .await
            }
            _ if self.has_waited(ctx.stored_at) => Err(Busy.into()),
            (CredentialCommand::LogIn { .. }, Secret::Password { password }) => {
                self.log_in(key, state, Zeroizing::new(password)).await
            }
            (CredentialCommand::Register { .. }, Secret::Password { password }) => {
                self.register(key, state, Zeroizing::new(password)).await
            }
            (CredentialCommand::ChangePassword { .. }, Secret::NewPassword { old, new }) => {
                let (old, new) = (Zeroizing::new(old), Zeroizing::new(new));
                self.change(key, state, old, &new).await
            }
            _ => Err(Evidence::refused(BAD_REQUEST)),
        };
        found.unwrap_or_else(|refused| refused)
    }

    async fn log_in(
        &self,
        key: &str,
        state: &Credential,
        password: Zeroizing<String>,
    ) -> Result<Evidence, Evidence> {
        let hash = self.hash_of(key, state);
        Ok(
            match self.pool.verify(password::normal(&password), hash).await? {
                Verified::Wrong => Evidence::Wrong,
                Verified::Right { rehashed } => Evidence::Right {
                    rehashed: rehashed.map(|hash| self.sealed(key, &hash)),
                },
            },
        )
    }

    async fn register(
        &self,
        key: &str,
        state: &Credential,
        password: Zeroizing<String>,
    ) -> Result<Evidence, Evidence> {
        if state.account.is_some() {
            // The same registration once more is a login.
            return self.log_in(key, state, password).await;
        }
        self.new_hash(key, &password).await
    }

    async fn change(
        &self,
        key: &str,
        state: &Credential,
        old: Zeroizing<String>,
        new: &str,
    ) -> Result<Evidence, Evidence> {
        match self.log_in(key, state, old).await? {
            Evidence::Right { .. } => self.new_hash(key, new).await,
            other => Ok(other),
        }
    }

    async fn new_hash(&self, key: &str, password: &str) -> Result<Evidence, Evidence> {
        let password = password::normal(password);
        password::check(&password, key, &self.locator)?;
        let hash = self.pool.hash(password).await?;
        Ok(Evidence::New {
            hash: self.sealed(key, &hash),
        })
    }

    fn hash_of(&self, key: &str, state: &Credential) -> Option<PasswordHash> {
        let opened = self.vault.open(state.hash.as_ref()?, key);
        let text = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let hash = text
            .map(Zeroizing::new)
            .and_then(|text| PasswordHash::parse(&text));
        if hash.is_none() {
            tracing::error!(
                credential = key,
                "a password's hash does not open: was `identity.secret` changed? its owner cannot log in"
            );
        }
        hash
    }

    fn sealed(&self, key: &str, hash: &PasswordHash) -> Sealed {
        let text = Zeroizing::new(hash.to_string());
        self.vault.seal(text.as_bytes(), key)
    }

    fn has_waited(&self, stored_at: UnixMillis) -> bool {
        let since = stored_at.max(self.serving_since);
        let waited = UnixMillis::now().0.saturating_sub(since.0);
        u128::from(waited) > self.patience.as_millis()
    }
}
