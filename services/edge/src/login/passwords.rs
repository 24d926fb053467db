//! Login names and passwords: begin one, log in, give a guest one, change it.

use schemas::AccountId;
use schemas::account::{Account, AccountEvent};
use schemas::credential::{CredentialCommand, Method, Secret};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, account_key, keyed_events};
use schemas::{Digest, LoginId, decode};
use tokio::sync::SemaphorePermit;

use super::credential::prove;
use super::session::{self, Behalf};
use super::{Tokens, guarded, registering};
use crate::attempts::Limit;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::http::access::AccessToken;
use crate::meters::{self, LoginMethod};
use crate::realm::Realm;

/// A login name with its password, as typed.
pub(crate) struct NameAndPassword<'a> {
    /// The name.
    pub(crate) name: &'a str,
    /// The password.
    pub(crate) password: &'a str,
}

/// Begins a login name: of a new account, or of `upgrade`, a guest's, whose proof comes along.
///
/// # Errors
/// When identity refuses (the name is taken, the password weak) or does not answer.
pub(crate) async fn register(
    realm: &Realm,
    typed: NameAndPassword<'_>,
    upgrade: Option<(AccountId, AccessToken)>,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let _hashing = may_hash(realm)?;
    let (account, warrant) = upgrade.map_or_else(
        || (AccountId(rand::random()), None),
        |(account, token)| (account, Some(token)),
    );
    let upgrade = warrant.is_some();
    let place = realm.keys.locator.login_name(typed.name);
    let secret = Secret::Password {
        password: normal_form(typed.password),
    };
    let granted = prove(realm, place, &secret, |secret, reply_key| {
        CredentialCommand::Register {
            account,
            upgrade,
            secret,
            reply_key,
        }
    });
    let behalf = Behalf {
        warrant,
        ..Behalf::default()
    };
    let asked = async { session::open(realm, granted.await?, behalf, client).await };
    registering(realm, LoginMethod::Register, client, asked).await
}

/// Logs in.
///
/// # Errors
/// When identity refuses or does not answer.
pub(crate) async fn with_password(
    realm: &Realm,
    typed: NameAndPassword<'_>,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let _hashing = may_hash(realm)?;
    let place = realm.keys.locator.login_name(typed.name);
    let secret = Secret::Password {
        password: normal_form(typed.password),
    };
    let granted = prove(realm, place, &secret, |secret, reply_key| {
        CredentialCommand::LogIn {
            account: AccountId(rand::random()),
            secret,
            reply_key,
        }
    });
    let asked = async { session::open(realm, granted.await?, Behalf::default(), client).await };
    guarded(realm, LoginMethod::Password, client, asked).await
}

/// Gives an account another password; of its login sessions `session` alone goes on. Should the
/// second step fail, the password is changed and the others still stand: the caller is told that
/// it failed, and may log out everywhere.
///
/// # Errors
/// When the account has none, identity refuses or does not answer.
pub(crate) async fn change_password(
    realm: &Realm,
    (account, session): (AccountId, LoginId),
    old: &str,
    new: &str,
    client: &ClientAddress,
) -> Result<(), Problem> {
    let _hashing = may_hash(realm)?;
    let place = password_of(realm, account).await?;
    let secret = Secret::NewPassword {
        old: normal_form(old),
        new: normal_form(new),
    };
    let changed = prove(realm, place, &secret, |secret, reply_key| {
        CredentialCommand::ChangePassword {
            account,
            secret,
            reply_key,
        }
    });
    let behalf = Behalf {
        session: Some(session),
        ..Behalf::default()
    };
    let changed = async { session::open(realm, changed.await?, behalf, client).await };
    let limit = Limit::failed_logins(realm.config.failed_logins_per_address);
    let counts = |done: &Result<_, Problem>| done.as_ref().is_err_and(Problem::is_failed_guess);
    let changed = realm.attempts.within(limit, client, counts, changed);
    changed.await.map(drop)
}

/// A place among the passwords that are being hashed on this edge's behalf: identity's pool is not
/// filled by one edge alone.
fn may_hash(realm: &Realm) -> Result<SemaphorePermit<'_>, Problem> {
    realm.hashing.try_acquire().map_err(|_| {
        meters::refused("passwords_in_flight");
        Problem::BUSY
    })
}

/// Where the account's login name is, as its own log says.
async fn password_of(realm: &Realm, account: AccountId) -> Result<Digest, Problem> {
    let subject = keyed_events(Domain::Identity, &account_key(account));
    let last = realm.log.last(&subject).await;
    let last = last.map_err(|error| Problem::unavailable(&error))?;
    let entry = last.map(|record| decode::<KeyedEntry<AccountEvent, Account>>(&record.payload));
    let entry = entry.transpose().map_err(|error| {
        tracing::error!(%account, %error, "an account's entry cannot be read");
        Problem::INTERNAL
    })?;
    let credentials = entry.map(|entry| entry.state.credentials);
    let mut passwords = credentials.into_iter().flatten();
    let found = passwords.find(|(method, _)| *method == Method::Password);
    found.map(|(_, place)| place).ok_or(Problem::NO_PASSWORD)
}

/// Keyboards write one letter in more than one way.
fn normal_form(password: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    password.nfc().collect()
}
