//! Credentials: what proves who somebody is. One aggregate for each login name and each person
//! known to an OpenID provider, found under a keyed hash ([`crate::locate::Locator`]).
//!
//! A login is two commands: the credential is checked here and answers with a *grant*, which the
//! account then takes for a session ([`crate::account`]). Both secrets travel sealed to identity's
//! current public key, and both answers come back sealed to the edge's one-time key, so that no
//! stream holds anything that lets anybody in.

use serde::{Deserialize, Serialize};

use crate::control::Order;
use crate::ids::{AccountId, Digest, UnixMillis};
use crate::sealed::Sealed;
use crate::sealed_to::{BoxKey, SealedTo};

/// What is inside a sealed credential. Never stored in the clear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Secret {
    /// A password.
    Password {
        /// As it was typed, in Unicode normal form C.
        password: String,
    },
    /// A password that shall take another's place.
    NewPassword {
        /// The one in force.
        old: String,
        /// The one that shall be.
        new: String,
    },
    /// A provider's word.
    IdToken {
        /// The provider's name in the configuration.
        provider: String,
        /// The ID token (JWT).
        token: String,
        /// The nonce that the edge had it bound to.
        nonce: String,
    },
    /// A credential's word to the account (a JWT of identity's own, good for 30 s, once).
    Grant {
        /// The token.
        token: String,
        /// An access token of the account itself: only with it may a further credential be linked
        /// to an account that exists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warrant: Option<String>,
    },
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// What a sealed credential is bound to: it opens only in a command of this key whose answer goes
/// to this one-time key, so that nobody can send it once more on their own behalf.
#[must_use]
pub fn bound_to(key: &str, reply_key: BoxKey) -> Vec<u8> {
    [key.as_bytes(), b"|", &reply_key.0].concat()
}

/// Commands to a credential (`cmd.credential.…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum CredentialCommand {
    /// Begin a login name with a password.
    #[serde(rename = "register.1")]
    Register {
        /// The account it lets into: a fresh one, or (`upgrade`) that of who asks.
        account: AccountId,
        /// Whether the account exists: a guest gets a password.
        upgrade: bool,
        /// [`Secret::Password`].
        secret: SealedTo,
        /// What the answer is sealed to.
        reply_key: BoxKey,
    },
    /// Log in.
    #[serde(rename = "log_in.1")]
    LogIn {
        /// The account that a person whom a provider vouches for for the first time gets: a fresh
        /// one, or that of the guest who asks.
        account: AccountId,
        /// [`Secret::Password`] or [`Secret::IdToken`].
        secret: SealedTo,
        /// What the answer is sealed to.
        reply_key: BoxKey,
    },
    /// Another password.
    #[serde(rename = "change_password.1")]
    ChangePassword {
        /// Who asks, as proven by the access token.
        account: AccountId,
        /// [`Secret::NewPassword`].
        secret: SealedTo,
        /// What the answer is sealed to.
        reply_key: BoxKey,
    },
    /// It lets into no account any more, and nothing of it is kept. The same twice is no error. Only
    /// who holds identity's secret can order it.
    #[serde(rename = "erase.1")]
    Erase {
        /// The account that is erased.
        account: AccountId,
        /// Who wants it, and why.
        order: Order,
        /// [`crate::erasure::ErasureKey::seal`].
        seal: Digest,
    },
}

/// Events of a credential (`evt.credential.<digest>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum CredentialEvent {
    /// It lets into this account from now on.
    #[serde(rename = "registered.1")]
    Registered {
        /// Which account.
        account: AccountId,
        /// What kind it is.
        method: Method,
        /// The password's hash (PHC string), sealed with a key that identity alone holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<Sealed>,
    },
    /// It was proven; a grant was given out.
    #[serde(rename = "granted.1")]
    Granted {
        /// Digest of the grant's id.
        grant: Digest,
    },
    /// Somebody tried and failed.
    #[serde(rename = "failed.1")]
    Failed {
        /// When.
        at: UnixMillis,
    },
    /// Another password, or the same one hashed by today's parameters.
    #[serde(rename = "hash_changed.1")]
    HashChanged {
        /// The new hash, sealed.
        hash: Sealed,
        /// Whether the password is the same as before.
        rehashed: bool,
    },
    /// Its person was erased: it lets into no account any more.
    #[serde(rename = "erased.1")]
    Erased {
        /// When.
        at: UnixMillis,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// How somebody proves who they are.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By the token that a guest was given.
    Guest,
    /// By a login name and its password.
    Password,
    /// By an OpenID provider's word.
    Openid,
}

/// The state of a credential. One that does not exist counts failures too, so that nobody can tell
/// a missing account from a wrong password.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Credential {
    /// The account it lets into; `None` while it does not exist.
    pub account: Option<AccountId>,
    /// What kind it is.
    #[serde(default)]
    pub method: Option<Method>,
    /// The password's hash, sealed.
    #[serde(default)]
    pub hash: Option<Sealed>,
    /// Failures since the last success.
    #[serde(default)]
    pub failures: u32,
    /// When the last one was.
    #[serde(default)]
    pub failed_at: UnixMillis,
    /// Grants given out so far.
    #[serde(default)]
    pub grants: u64,
}

/// Answers of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CredentialReply {
    /// Proven: a [`Grant`], sealed to the one-time key of who asked.
    Granted {
        /// The sealed grant.
        grant: SealedTo,
    },
    /// It is so now.
    Done,
}

/// What lets an edge open a session of an account: inside a [`CredentialReply::Granted`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Grant {
    /// Which account.
    pub account: AccountId,
    /// For [`Secret::Grant`].
    pub token: String,
    /// Whether the credential was made by this command.
    pub fresh: bool,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant(for {})", self.account)
    }
}
