//! `POST /v1/guest`: become a guest with a name, or come back with a token.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use schemas::account::{AccountCommand, LoggedIn, guest_proof};
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, CharacterId};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::realm::Realm;
use crate::{meters, names};

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
    guest_token: String,
    access_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    character: String,
    name: String,
}

/// Logs a guest in.
pub(super) async fn guest(
    State(realm): State<Arc<Realm>>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Guest>, Problem> {
    let Json(asked) = asked.map_err(|error| {
        Problem::bad_request(
            "bad_json",
            format!("Give a name or a guest_token: {}.", error.body_text()),
        )
    })?;
    let logged_in = match asked {
        Asked::New { name } => register(&realm, &name).await?,
        Asked::Known { guest_token } => log_in(&realm, &guest_token).await?,
    };
    // The same again is no error, and a crash between the two is mended by the next login.
    let create = LobbyCommand::Create {
        character: logged_in.character,
        account: logged_in.account,
        name: logged_in.name.clone(),
    };
    let key = logged_in.character.to_string();
    let requester = &realm.requester;
    let created = requester.ask::<_, LobbyReply>(Domain::Lobby, &key, &create, PATIENCE);
    created.await??;
    Ok(Json(Guest {
        guest_token: logged_in.guest_token,
        access_token: logged_in.access_token,
        expires_in: logged_in.expires_in,
        character: key,
        name: realm.keys.realm.open(&logged_in.name).unwrap_or_default(),
    }))
}

async fn register(realm: &Realm, name: &str) -> Result<LoggedIn, Problem> {
    let name = names::name(name).map_err(|error| {
        meters::refused(error.label());
        Problem::bad_request("bad_name", format!("This name cannot be used: {error}."))
    })?;
    let account = AccountId(rand::random());
    let command = AccountCommand::RegisterGuest {
        account,
        character: CharacterId(rand::random()),
        name: realm.keys.realm.seal(name),
    };
    ask(realm, account, &command).await
}

async fn log_in(realm: &Realm, token: &str) -> Result<LoggedIn, Problem> {
    let Some((account, proof)) = guest_proof(token) else {
        meters::refused("guest_token");
        return Err(Problem::BAD_GUEST_TOKEN);
    };
    ask(
        realm,
        account,
        &AccountCommand::LoginGuest { account, proof },
    )
    .await
}

async fn ask(
    realm: &Realm,
    account: AccountId,
    command: &AccountCommand,
) -> Result<LoggedIn, Problem> {
    let key = account_key(account);
    let asked = realm
        .requester
        .ask(Domain::Identity, &key, command, PATIENCE);
    Ok(asked.await??)
}
