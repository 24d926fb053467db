//! `POST /v1/guest`: become a guest with a name, or come back with a token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::{AccountId, CharacterId};
use serde::Deserialize;

use super::body::Body;
use super::characters::typed;
use super::problem::Problem;
use super::tokens::answer;
use crate::character_name::CharacterName;
use crate::client_address::ClientAddress;
use crate::login::Tokens;
use crate::realm::Realm;
use crate::{characters, login};

/// What is asked.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "give a name or a guest_token")]
pub(super) enum Guest {
    /// To come back.
    Known {
        /// What the guest was given.
        guest_token: String,
    },
    /// To begin.
    New {
        /// The chosen name.
        name: String,
    },
}

/// Logs a guest in.
pub(super) async fn guest(
    State(realm): State<Arc<Realm>>,
    client: ClientAddress,
    headers: HeaderMap,
    Body(asked): Body<Guest>,
) -> Result<Response, Problem> {
    let tokens = match asked {
        Guest::New { name } => begin(&realm, &name, &client).await?,
        Guest::Known { guest_token } => {
            let tokens = login::come_back(&realm, &guest_token, &client).await?;
            mend(&realm, &tokens).await?;
            tokens
        }
    };
    Ok(answer(&realm, tokens, &headers, &client))
}

async fn begin(realm: &Realm, name: &str, client: &ClientAddress) -> Result<Tokens, Problem> {
    let name = typed(name)?;
    let account = AccountId(rand::random());
    let character = CharacterId(rand::random());
    let tokens = login::register_guest(realm, account, character, &name, client).await?;
    characters::begin(realm, account, character, tokens.name.clone(), &name).await?;
    Ok(tokens)
}

/// A crash may have come between the account and its character.
async fn mend(realm: &Realm, tokens: &Tokens) -> Result<(), Problem> {
    let (&[character], Ok(name)) = (&*tokens.characters, realm.keys.realm.open(&tokens.name))
    else {
        return Ok(());
    };
    let name = CharacterName::given(&name);
    characters::mend(realm, tokens.account, character, &tokens.name, &name).await
}
