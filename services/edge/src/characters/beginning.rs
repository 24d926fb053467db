//! A character begins: its name is reserved, the account gets it, the lobby creates it, and with
//! that the name is its own.

use schemas::account::AccountCommand;
use schemas::keyed::Refusal;
use schemas::lobby::LobbyCommand;
use schemas::name::NameCommand;
use schemas::sealed::Sealed;
use schemas::{AccountId, CharacterId, UnixMillis};

use super::{listing, services};
use crate::character_name::CharacterName;
use crate::http::Problem;
use crate::realm::Realm;

/// The account's refusal of one character too many.
const TOO_MANY: &str = "too_many_characters";

/// One more character of `account`.
///
/// # Errors
/// When the name is somebody's, the account has as many as it may, or a service does not answer.
pub(crate) async fn create(
    realm: &Realm,
    account: AccountId,
    name: &CharacterName,
) -> Result<CharacterId, Problem> {
    let character = CharacterId(rand::random());
    reserve(realm, account, character, name).await?;
    if let Err(refusal) = add(realm, account, character).await? {
        release(realm, character, name, UnixMillis::now()).await?;
        return Err(refusal.into());
    }
    let sealed = realm.persons.seal(account, name.as_str()).await?;
    begin(realm, account, character, sealed, name).await?;
    Ok(character)
}

/// Holds a name for a character that is about to be.
///
/// # Errors
/// When it is somebody else's, or the lobby does not answer.
pub(crate) async fn reserve(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
    name: &CharacterName,
) -> Result<(), Problem> {
    let command = NameCommand::Reserve { character, account };
    services::name(realm, name, &command).await??;
    Ok(())
}

/// The account has it: now it comes to be, and keeps its name. The same again is no error.
///
/// # Errors
/// When the lobby refuses or does not answer.
pub(crate) async fn begin(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
    sealed: Sealed,
    name: &CharacterName,
) -> Result<(), Problem> {
    let command = LobbyCommand::Create {
        character,
        account,
        name: sealed,
    };
    services::lobby(realm, character, &command).await??;
    services::name(realm, name, &NameCommand::Keep { character }).await??;
    Ok(())
}

/// Begins a character that its account has and the lobby has never heard of. Where its name is
/// somebody else's by now, it stays unborn, and the account may have another.
///
/// # Errors
/// When a service does not answer.
pub(crate) async fn mend(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
    sealed: &Sealed,
    name: &CharacterName,
) -> Result<(), Problem> {
    if services::of(realm, character).await?.is_some() {
        return Ok(());
    }
    let command = NameCommand::Reserve { character, account };
    match services::name(realm, name, &command).await? {
        Ok(_) => begin(realm, account, character, sealed.clone(), name).await,
        Err(refusal) => {
            tracing::info!(character.id = %character, code = refusal.code, "it stays unborn");
            Ok(())
        }
    }
}

/// From `at` on others may have the name.
pub(super) async fn release(
    realm: &Realm,
    character: CharacterId,
    name: &CharacterName,
    at: UnixMillis,
) -> Result<(), Problem> {
    let command = NameCommand::Release { character, at };
    services::name(realm, name, &command).await??;
    Ok(())
}

/// Where the account has as many as it may, those behind whom there is nobody make room.
async fn add(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
) -> Result<Result<(), Refusal>, Problem> {
    let command = AccountCommand::AddCharacter { account, character };
    match services::account(realm, account, &command).await? {
        Err(refusal) if refusal.code == TOO_MANY => {
            if listing::tidy(realm, account).await? == 0 {
                return Ok(Err(refusal));
            }
            let added = services::account(realm, account, &command).await?;
            Ok(added.map(drop))
        }
        added => Ok(added.map(drop)),
    }
}
