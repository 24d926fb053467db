//! Questions to an account whose answer is tokens, sealed to this question's key.

use schemas::account::{AccountCommand, AccountReply, Asker};
use schemas::keyed::Refusal;
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, LoginId};

use super::reply_key::ReplyKey;
use super::{PATIENCE, Tokens};
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::realm::Realm;

/// Asks `account` for tokens, in login session `session` or a new one.
///
/// # Errors
/// When identity refuses or does not answer.
pub(super) async fn ask_for_tokens(
    realm: &Realm,
    account: AccountId,
    session: Option<LoginId>,
    client: &ClientAddress,
    command: impl FnOnce(Asker) -> AccountCommand,
) -> Result<Tokens, Problem> {
    let key = account_key(account);
    let reply_key = ReplyKey::about(&key);
    let command = command(asker(realm, account, &reply_key, session, client).await);
    Ok(tokens(realm, &key, &reply_key, &command).await??)
}

/// Who asks.
pub(super) async fn asker(
    realm: &Realm,
    account: AccountId,
    reply_key: &ReplyKey,
    session: Option<LoginId>,
    client: &ClientAddress,
) -> Asker {
    // Whether it is their account is yet to be proven: no key is made here.
    realm.persons.meet([account]).await;
    let device = client.device.as_deref();
    Asker {
        reply_key: reply_key.public(),
        session: session.unwrap_or_else(|| LoginId(rand::random())),
        address: client.tag,
        device: device.and_then(|device| realm.keys.realm.seal_for(account, device).ok()),
    }
}

/// Sends `command` and opens the answer.
pub(super) async fn tokens(
    realm: &Realm,
    key: &str,
    reply_key: &ReplyKey,
    command: &AccountCommand,
) -> Result<Result<Tokens, Refusal>, Problem> {
    let asked = realm
        .requester
        .ask(Domain::Identity, key, command, PATIENCE);
    match asked.await? {
        Ok(AccountReply::LoggedIn { tokens }) => {
            let tokens: Tokens = reply_key.open(&tokens).map_err(Problem::unopened)?;
            realm
                .persons
                .meet(realm.keys.realm.lacks(&tokens.name))
                .await;
            Ok(Ok(tokens))
        }
        Ok(AccountReply::Done | AccountReply::Described { .. }) => {
            tracing::error!("identity answers another question");
            Err(Problem::INTERNAL)
        }
        Err(refusal) => Ok(Err(refusal)),
    }
}
