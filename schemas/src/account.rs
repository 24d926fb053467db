//! Identity: accounts and their login sessions. No secret is readable in any of these messages.
//!
//! A **login session** is a device that is logged in: it holds a refresh token, which changes at
//! every use. (A play session, by contrast, is a hold on a character: [`crate::lobby`].)

use serde::{Deserialize, Serialize};

use crate::control::Order;
use crate::credential::Method;
use crate::ids::{AccountId, CharacterId, Digest, LoginId, UnixMillis};
use crate::sealed::Sealed;
use crate::sealed_to::{BoxKey, SealedTo};

/// Who asks for tokens: an edge on behalf of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Asker {
    /// What the answer is sealed to; a fresh key for each command.
    pub reply_key: BoxKey,
    /// The login session that begins with it, drawn by the edge; where one goes on, that one.
    pub session: LoginId,
    /// Stands for the address ([`crate::locate::Locator::address`]).
    pub address: Digest,
    /// What the device calls itself, for the person's own list of sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Sealed>,
}

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
        /// Who asks.
        #[serde(default)]
        asker: Asker,
    },
    /// Log in again as a guest.
    #[serde(rename = "login_guest.1")]
    LoginGuest {
        /// Which account.
        account: AccountId,
        /// Digest of the guest token; the token itself (256 bits, derived) never enters the log.
        proof: Digest,
        /// Who asks.
        #[serde(default)]
        asker: Asker,
    },
    /// Take a credential's grant for a login session; begins the account if it does not exist.
    #[serde(rename = "open_session.1")]
    OpenSession {
        /// Which account.
        account: AccountId,
        /// [`crate::credential::Secret::Grant`].
        grant: SealedTo,
        /// Who asks.
        asker: Asker,
    },
    /// Go on with a login session: new tokens for a refresh token.
    #[serde(rename = "refresh.1")]
    Refresh {
        /// Which account.
        account: AccountId,
        /// Digest of the refresh token; the token itself (256 bits, derived) never enters the log.
        proof: Digest,
        /// Which generation of the session's tokens it is.
        generation: u32,
        /// Who asks, and for which session.
        asker: Asker,
    },
    /// End one login session.
    #[serde(rename = "log_out.1")]
    LogOut {
        /// Which account.
        account: AccountId,
        /// Which session.
        session: LoginId,
    },
    /// End all login sessions, or all but one.
    #[serde(rename = "log_out_everywhere.1")]
    LogOutEverywhere {
        /// Which account.
        account: AccountId,
        /// The one that stays.
        #[serde(default)]
        except: Option<LoginId>,
    },
    /// What the account is and where it is logged in.
    #[serde(rename = "describe.1")]
    Describe {
        /// Which account.
        account: AccountId,
    },
    /// One more character belongs to the account. The same twice is no error.
    #[serde(rename = "add_character.1")]
    AddCharacter {
        /// Which account.
        account: AccountId,
        /// Which character.
        character: CharacterId,
    },
    /// A character does not belong to the account any more. The same twice is no error.
    #[serde(rename = "remove_character.1")]
    RemoveCharacter {
        /// Which account.
        account: AccountId,
        /// Which character.
        character: CharacterId,
    },
    /// Erase the person: nobody gets in any more, and nothing but the bare ids is kept. The same
    /// twice is no error. Only who holds identity's secret can order it.
    #[serde(rename = "erase.1")]
    Erase {
        /// Which account.
        account: AccountId,
        /// Who wants it, and why; without anything personal.
        order: Order,
        /// [`crate::erasure::ErasureKey::seal`].
        seal: Digest,
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
    /// An account began with a credential.
    #[serde(rename = "registered.1")]
    Registered {
        /// Which.
        account: AccountId,
        /// By what.
        method: Method,
    },
    /// A further credential lets into the account.
    #[serde(rename = "credential_linked.1")]
    CredentialLinked {
        /// Of what kind.
        method: Method,
        /// Where it is.
        credential: Digest,
    },
    /// A login session began.
    #[serde(rename = "session_opened.1")]
    SessionOpened {
        /// The session.
        session: LoginSession,
        /// Digest of the grant that was taken for it; a grant is taken once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<Digest>,
    },
    /// A login session has new tokens.
    #[serde(rename = "refreshed.1")]
    Refreshed {
        /// Which.
        session: LoginId,
        /// The generation of its refresh token now.
        generation: u32,
        /// When.
        at: UnixMillis,
        /// From which address.
        address: Digest,
    },
    /// A login session ended.
    #[serde(rename = "session_ended.1")]
    SessionEnded {
        /// Which.
        session: LoginId,
        /// Why.
        why: SessionEnd,
    },
    /// A character was added.
    #[serde(rename = "character_added.1")]
    CharacterAdded {
        /// Which.
        character: CharacterId,
    },
    /// A character was removed.
    #[serde(rename = "character_removed.1")]
    CharacterRemoved {
        /// Which.
        character: CharacterId,
    },
    /// Something that the account's owner and the operators should know.
    #[serde(rename = "security.1")]
    Security {
        /// What.
        what: SecurityNotice,
        /// In which session.
        session: LoginId,
        /// When.
        at: UnixMillis,
        /// Digest of the grant that brought it about; a grant is taken once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<Digest>,
    },
    /// The person was erased: the key of what they wrote is destroyed, and this is what is left.
    #[serde(rename = "erased.1")]
    Erased {
        /// Which.
        account: AccountId,
        /// Who ordered it, and why.
        order: Order,
        /// When.
        at: UnixMillis,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// Why a login session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Its owner logged out there.
    LoggedOut,
    /// Its owner logged out everywhere, or changed the password.
    LoggedOutEverywhere,
    /// A refresh token came that had been used: somebody else may have had it.
    Reused,
    /// It was not used for too long.
    Expired,
    /// There were too many; the one unused for longest went.
    Displaced,
}

/// What happened that should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityNotice {
    /// A used refresh token came again.
    RefreshReused,
    /// A session went on from another address.
    AddressChanged,
    /// The password was changed.
    PasswordChanged,
}

/// A device that is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoginSession {
    /// Which.
    pub id: LoginId,
    /// How it was begun.
    pub method: Method,
    /// When it was begun.
    pub opened_at: UnixMillis,
    /// When its tokens were last changed.
    pub used_at: UnixMillis,
    /// The generation of its refresh token, from 1.
    pub generation: u32,
    /// From which address it was last used.
    pub address: Digest,
    /// What the device calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Sealed>,
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
    /// When it began; 0 while it does not exist.
    #[serde(default)]
    pub since: UnixMillis,
    /// What lets into it, besides the guest's token.
    #[serde(default)]
    pub credentials: Vec<(Method, Digest)>,
    /// Where it is logged in, oldest first; at most 20.
    #[serde(default)]
    pub sessions: Vec<LoginSession>,
    /// Digests of the last grants taken, newest last; at most 8.
    #[serde(default)]
    pub grants: Vec<Digest>,
    /// When the person was erased. What lets into it and its characters are still named, until they
    /// are erased too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<UnixMillis>,
}

/// Answers of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AccountReply {
    /// Logged in: [`LoggedIn`], sealed to the one-time key of who asked.
    LoggedIn {
        /// The sealed tokens.
        tokens: SealedTo,
    },
    /// It is so now.
    Done,
    /// What the account is.
    Described {
        /// Its characters.
        characters: Vec<CharacterId>,
        /// What lets into it.
        methods: Vec<Method>,
        /// Where it is logged in.
        sessions: Vec<LoginSession>,
        /// The name that a guest chose, sealed.
        name: Sealed,
    },
}

/// What a login gives: inside an [`AccountReply::LoggedIn`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoggedIn {
    /// As whom.
    pub account: AccountId,
    /// The login session.
    pub session: LoginId,
    /// A signed access token (JWT, EdDSA).
    pub access_token: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// What gets the next tokens, once: `<account>.<session>.<generation>.<secret>`.
    pub refresh_token: String,
    /// What lets a guest come back without a session; for guests only.
    #[serde(default)]
    pub guest_token: Option<String>,
    /// The account's characters.
    pub characters: Vec<CharacterId>,
    /// The name that a guest chose, sealed.
    pub name: Sealed,
}

impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoggedIn({} in session {})", self.account, self.session)
    }
}

/// The account that a guest token names and the proof of holding it: what an edge sends instead
/// of the token. `None` when the text cannot be one (`<account>.<43 characters of base64url>`).
#[must_use]
pub fn guest_proof(token: &str) -> Option<(AccountId, Digest)> {
    let (account, secret) = token.split_once('.')?;
    Some((
        is_secret(secret).then_some(account)?.parse().ok()?,
        Digest::of(token.as_bytes()),
    ))
}

/// The account, session and generation that a refresh token names and the proof of holding it: what
/// an edge sends instead of the token. `None` when the text cannot be one.
#[must_use]
pub fn refresh_proof(token: &str) -> Option<(AccountId, LoginId, u32, Digest)> {
    let mut parts = token.split('.');
    let (account, session) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let generation = parts
        .next()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let generation = generation.parse().ok()?;
    let secret = parts.next()?;
    (parts.next().is_none() && is_secret(secret)).then_some(())?;
    Some((account, session, generation, Digest::of(token.as_bytes())))
}

/// 256 bits in base64url.
fn is_secret(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
