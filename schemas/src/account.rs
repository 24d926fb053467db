//! Identity: accounts and how they log in. No secret is readable in any of these messages.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CharacterId, Digest};
use crate::sealed::Sealed;

/// Commands to an account (`cmd.identity.…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum AccountCommand {
    /// Become a guest. Both ids are drawn by the edge.
    #[serde(rename = "register_guest.1")]
    RegisterGuest {
        /// The new account; the key of the subject.
        account: AccountId,
        /// Its one character.
        character: CharacterId,
        /// The chosen name.
        name: Sealed,
    },
    /// Log in again as a guest.
    #[serde(rename = "login_guest.1")]
    LoginGuest {
        /// Which account.
        account: AccountId,
        /// Digest of the guest token; the token itself (256 bits, derived) never enters the log.
        proof: Digest,
    },
}

/// Events of an account (`evt.identity.<account>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum AccountEvent {
    /// A guest account began.
    #[serde(rename = "guest_registered.1")]
    GuestRegistered {
        /// Which.
        account: AccountId,
        /// Its one character.
        character: CharacterId,
        /// The chosen name.
        name: Sealed,
        /// Digest of the guest token.
        proof: Digest,
    },
    /// Somebody logged in.
    #[serde(rename = "logged_in.1")]
    LoggedIn {
        /// As whom.
        account: AccountId,
    },
    /// Somebody tried and failed.
    #[serde(rename = "login_failed.1")]
    LoginFailed {
        /// As whom.
        account: AccountId,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// The state of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Account {
    /// Digest of the guest token; `None` while the account does not exist.
    pub proof: Option<Digest>,
    /// Its characters.
    pub characters: Vec<CharacterId>,
    /// The chosen name.
    pub name: Sealed,
    /// Logins so far.
    pub logins: u64,
}

/// The answer to a login. Holds secrets: goes over core NATS only, is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoggedIn {
    /// As whom.
    pub account: AccountId,
    /// The account's character.
    pub character: CharacterId,
    /// What lets the guest come back.
    pub guest_token: String,
    /// A signed access token (JWT, EdDSA).
    pub access_token: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// The chosen name, sealed.
    pub name: Sealed,
}

/// The account that a guest token names and the proof of holding it: what an edge sends instead
/// of the token. `None` when the text cannot be one (`<account>.<43 characters of base64url>`).
#[must_use]
pub fn guest_proof(token: &str) -> Option<(AccountId, Digest)> {
    let (account, secret) = token.split_once('.')?;
    let fits = secret.len() == 43
        && secret
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    Some((
        fits.then_some(account)?.parse().ok()?,
        Digest::of(token.as_bytes()),
    ))
}
