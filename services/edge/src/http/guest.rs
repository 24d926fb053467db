//! `POST /v1/guest`: become a guest with a name, or come back with a token.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use schemas::CharacterId;
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::subjects::Domain;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::client_address::ClientAddress;
use crate::realm::Realm;
use crate::{login, meters, names};

/// How long each of the services may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Asked {
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

/// What is answered.
#[derive(Debug, Serialize)]
pub(super) struct Guest {
    guest_token: Option<String>,
    access_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    character: String,
    name: String,
}

/// Logs a guest in.
pub(super) async fn guest(
    State(realm): State<Arc<Realm>>,
    client: ClientAddress,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Guest>, Problem> {
    let Json(asked) = asked.map_err(|error| {
        Problem::bad_request(
            "bad_json",
            format!("Give a name or a guest_token: {}.", error.body_text()),
        )
    })?;
    let tokens = match asked {
        Asked::New { name } => {
            let name = names::name(&name).map_err(|error| {
                meters::refused(error.label());
                Problem::bad_request("bad_name", format!("This name cannot be used: {error}."))
            })?;
            login::register_guest(&realm, CharacterId(rand::random()), name, &client).await?
        }
        Asked::Known { guest_token } => login::come_back(&realm, &guest_token, &client).await?,
    };
    let character = tokens
        .characters
        .first()
        .copied()
        .ok_or(Problem::INTERNAL)?;
    // The same again is no error, and a crash between the two is mended by the next login.
    let create = LobbyCommand::Create {
        character,
        account: tokens.account,
        name: tokens.name.clone(),
    };
    let key = character.to_string();
    let requester = &realm.requester;
    let created = requester.ask::<_, LobbyReply>(Domain::Lobby, &key, &create, PATIENCE);
    created.await??;
    Ok(Json(Guest {
        guest_token: tokens.guest_token,
        access_token: tokens.access_token,
        expires_in: tokens.expires_in,
        character: key,
        name: realm.keys.realm.open(&tokens.name).unwrap_or_default(),
    }))
}
