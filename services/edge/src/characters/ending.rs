//! A character ends: deleted with a grace, restored within it, or gone.

use schemas::account::AccountCommand;
use schemas::lobby::{Character, LobbyCommand, LobbyReply};
use schemas::name::NameCommand;
use schemas::{AccountId, CharacterId, UnixMillis};

use super::beginning::release;
use super::services;
use crate::character_name::CharacterName;
use crate::http::Problem;
use crate::realm::Realm;

/// Deletes a character; until when it can be restored. The same again is no error.
///
/// # Errors
/// When it is not the account's, or a service does not answer.
pub(crate) async fn delete(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
) -> Result<UnixMillis, Problem> {
    let state = services::own(realm, account, character).await?;
    let command = LobbyCommand::Delete { character, account };
    let until = match services::lobby(realm, character, &command).await?? {
        LobbyReply::Deleted { until } => until,
        _ => return Err(Problem::INTERNAL),
    };
    // Its name is its own until then. Should this be lost, the end of the grace makes up for it.
    release(realm, character, &name_of(realm, &state).await?, until).await?;
    Ok(until)
}

/// Undoes a deletion. The same again is no error.
///
/// # Errors
/// When it is not the account's, the grace is over, or a service does not answer.
pub(crate) async fn restore(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
) -> Result<(), Problem> {
    let state = services::own(realm, account, character).await?;
    let name = name_of(realm, &state).await?;
    // First the name: who is back must not meet somebody of the same name.
    services::name(realm, &name, &NameCommand::Keep { character }).await??;
    let command = LobbyCommand::Restore { character, account };
    if let Err(refusal) = services::lobby(realm, character, &command).await? {
        if let Some(until) = state.deleted_until {
            release(realm, character, &name, until).await?;
        }
        return Err(refusal.into());
    }
    Ok(())
}

/// The grace is over: the name goes, the character, and its place in the account's list.
pub(super) async fn end(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
    state: Option<&Character>,
) -> Result<(), Problem> {
    if let Some((state, until)) = state.and_then(|s| Some((s, s.deleted_until?))) {
        release(realm, character, &name_of(realm, state).await?, until).await?;
    }
    let erase = LobbyCommand::Erase {
        character,
        account,
        ordered: None,
    };
    services::lobby(realm, character, &erase).await??;
    let remove = AccountCommand::RemoveCharacter { account, character };
    services::account(realm, account, &remove).await??;
    Ok(())
}

async fn name_of(realm: &Realm, state: &Character) -> Result<CharacterName, Problem> {
    realm
        .persons
        .meet(realm.keys.realm.lacks(&state.name))
        .await;
    let text = realm.keys.realm.open(&state.name);
    let text = text.map_err(Problem::unopened)?;
    Ok(CharacterName::given(&text))
}
