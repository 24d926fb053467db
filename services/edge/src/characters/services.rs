//! One question each to the services that have a part in a character.

use std::time::Duration;

use schemas::account::{AccountCommand, AccountReply};
use schemas::keyed::{KeyedEntry, Refusal};
use schemas::lobby::{Character, LobbyCommand, LobbyEvent, LobbyReply};
use schemas::name::{NameCommand, NameReply};
use schemas::subjects::{Domain, account_key, keyed_events};
use schemas::{AccountId, CharacterId};

use crate::character_name::CharacterName;
use crate::http::Problem;
use crate::realm::Realm;

/// How long each of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks an account.
pub(super) async fn account(
    realm: &Realm,
    account: AccountId,
    command: &AccountCommand,
) -> Result<Result<AccountReply, Refusal>, Problem> {
    let key = account_key(account);
    let asked = realm
        .requester
        .ask(Domain::Identity, &key, command, PATIENCE);
    Ok(asked.await?)
}

/// Asks the lobby about a character.
pub(super) async fn lobby(
    realm: &Realm,
    character: CharacterId,
    command: &LobbyCommand,
) -> Result<Result<LobbyReply, Refusal>, Problem> {
    let key = character.to_string();
    let asked = realm.requester.ask(Domain::Lobby, &key, command, PATIENCE);
    Ok(asked.await?)
}

/// Asks about a name.
pub(super) async fn name(
    realm: &Realm,
    name: &CharacterName,
    command: &NameCommand,
) -> Result<Result<NameReply, Refusal>, Problem> {
    let key = name.place(&realm.keys.locator).to_string();
    let asked = realm.requester.ask(Domain::Name, &key, command, PATIENCE);
    Ok(asked.await?)
}

/// What the lobby last wrote of a character; `None`: nothing yet.
pub(super) async fn of(
    realm: &Realm,
    character: CharacterId,
) -> Result<Option<Character>, Problem> {
    let subject = keyed_events(Domain::Lobby, &character.to_string());
    let last = realm.log.last(&subject).await;
    let Some(record) = last.map_err(|error| Problem::unavailable(&error))? else {
        return Ok(None);
    };
    let entry = schemas::decode::<KeyedEntry<LobbyEvent, Character>>(&record.payload);
    entry.map(|entry| Some(entry.state)).map_err(|error| {
        tracing::error!(character.id = %character, %error, "what the lobby wrote cannot be read");
        Problem::INTERNAL
    })
}

/// What the lobby last wrote of a character that is `account`'s.
pub(super) async fn own(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
) -> Result<Character, Problem> {
    match of(realm, character).await? {
        Some(state) if state.erased || state.account.is_none() => Err(Problem::NO_SUCH_CHARACTER),
        Some(state) if state.account != Some(account) => Err(Problem::NOT_YOURS),
        Some(state) => Ok(state),
        None => Err(Problem::NO_SUCH_CHARACTER),
    }
}
