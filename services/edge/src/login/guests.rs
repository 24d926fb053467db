//! Guests: an account with a name and a token instead of a credential.

use schemas::account::{AccountCommand, guest_proof};
use schemas::{AccountId, CharacterId};

use super::account::ask_for_tokens;
use super::{Tokens, guarded, registering};
use crate::character_name::CharacterName;
use crate::characters;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::meters::LoginMethod;
use crate::realm::Realm;

/// Begins a guest account with a character of this name.
///
/// # Errors
/// When the name is somebody else's, identity refuses, or a service does not answer.
pub(crate) async fn register_guest(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
    name: &CharacterName,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let asked = async {
        characters::reserve(realm, account, character, name).await?;
        let name = realm.persons.seal(account, name.as_str()).await?;
        let command = |asker| AccountCommand::RegisterGuest {
            account,
            character,
            name,
            asker,
        };
        ask_for_tokens(realm, account, None, client, command).await
    };
    registering(realm, LoginMethod::Guest, client, asked).await
}

/// Logs a guest in who comes back with a token.
///
/// # Errors
/// When the token is none, identity refuses it or does not answer.
pub(crate) async fn come_back(
    realm: &Realm,
    token: &str,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let asked = async {
        // A guess like any other, though identity need not be asked.
        let (account, proof) = guest_proof(token).ok_or(Problem::BAD_GUEST_TOKEN)?;
        let command = |asker| AccountCommand::LoginGuest {
            account,
            proof,
            asker,
        };
        ask_for_tokens(realm, account, None, client, command).await
    };
    guarded(realm, LoginMethod::Guest, client, asked).await
}
