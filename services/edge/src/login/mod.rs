//! Logging in, as the edge sees it: sealed questions to identity, sealed answers back.
//!
//! A secret that somebody typed is sealed to identity's current key before it becomes part of a
//! command; what identity answers is sealed to a key made for this one question. So the streams
//! and the wires hold nothing that lets anybody in.
//!
//! A login with a credential is two questions: the credential gives a grant ([`credential`]), and the
//! account takes it for a session ([`session`]).

mod account;
mod credential;
mod guests;
mod openid;
mod passwords;
mod refreshing;
mod reply_key;
mod session;

pub(crate) use guests::{come_back, register_guest};
pub(crate) use openid::{ProvidersWord, with_id_token};
pub(crate) use passwords::{NameAndPassword, change_password, register, with_password};
pub(crate) use refreshing::refresh;

use std::time::Duration;

use crate::attempts::Limit;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::meters::{self, LoginMethod};
use crate::realm::Realm;

/// The code of a registration for a name that somebody has.
const NAME_TAKEN: &str = "name_taken";

/// What a login gives.
pub(crate) type Tokens = schemas::account::LoggedIn;

/// How long identity may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does a login if its address may try still, and counts how it went.
async fn guarded(
    realm: &Realm,
    method: LoginMethod,
    client: &ClientAddress,
    doing: impl Future<Output = Result<Tokens, Problem>>,
) -> Result<Tokens, Problem> {
    let limit = Limit::failed_logins(realm.config.failed_logins_per_address);
    let counts = |done: &Result<_, Problem>| done.as_ref().is_err_and(Problem::is_failed_guess);
    let done = realm.attempts.within(limit, client, counts, doing).await;
    meters::login(method, done)
}

/// Begins an account if its address may begin more, and counts how it went. A name that is taken
/// counts like a new account: nobody shall try out which names there are.
async fn registering(
    realm: &Realm,
    method: LoginMethod,
    client: &ClientAddress,
    doing: impl Future<Output = Result<Tokens, Problem>>,
) -> Result<Tokens, Problem> {
    let exempt = realm.config.loopback_unlimited && client.local;
    let most = if exempt {
        0
    } else {
        realm.config.registrations_per_hour
    };
    let limit = Limit::registrations(most);
    let counts = |done: &Result<Tokens, Problem>| match done {
        Ok(_) => true,
        Err(problem) => problem.code() == NAME_TAKEN,
    };
    let done = realm.attempts.within(limit, client, counts, doing);
    meters::login(method, done.await)
}
