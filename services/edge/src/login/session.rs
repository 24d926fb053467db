//! The second step of a login: the grant that a credential gave is taken to its account, which
//! begins a session. An account that does not exist begins with it, so a crash between the two
//! steps is mended by the next login.

use schemas::LoginId;
use schemas::account::AccountCommand;
use schemas::credential::{Grant, Secret};
use schemas::subjects::account_key;

use super::Tokens;
use super::account::{asker, tokens};
use super::credential::{Sealing, sealed};
use super::reply_key::ReplyKey;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::http::access::AccessToken;
use crate::realm::Realm;

/// On whose behalf a grant is taken.
#[derive(Debug, Default)]
pub(super) struct Behalf {
    /// The login session that goes on (after a changed password), instead of a new one.
    pub(super) session: Option<LoginId>,
    /// The proof of somebody who is logged in and wants to be let in by this credential, too.
    pub(super) warrant: Option<AccessToken>,
}

/// Takes `grant` for a session.
///
/// # Errors
/// When identity refuses or does not answer.
pub(super) async fn open(
    realm: &Realm,
    grant: Grant,
    behalf: Behalf,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let account = grant.account;
    let key = account_key(account);
    let secret = Secret::Grant {
        token: grant.token,
        warrant: behalf.warrant.map(|AccessToken(token)| token),
    };
    let mut sealing = Sealing::known(realm).await?;
    let owned = realm.persons.own(account).await;
    owned.map_err(|error| Problem::unavailable(&error))?;
    loop {
        let reply_key = ReplyKey::about(&key);
        let command = AccountCommand::OpenSession {
            account,
            grant: sealed(&sealing.key, &reply_key, &secret)?,
            asker: asker(realm, account, &reply_key, behalf.session, client).await,
        };
        match tokens(realm, &key, &reply_key, &command).await? {
            Ok(tokens) => return Ok(tokens),
            Err(refusal) => sealing = sealing.after(realm, refusal).await?,
        }
    }
}
