//! `POST /v1/start`: a ticket to join with one of one's characters.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::subjects::Domain;
use schemas::wire::PROTOCOL;
use schemas::{CharacterId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::access::Caller;
use super::problem::Problem;
use crate::realm::Realm;

/// How long the lobby may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the websocket is, on this server.
pub(super) const WEBSOCKET: &str = "/v1/ws";

/// What is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Which character.
    character: CharacterId,
}

/// What is answered.
#[derive(Debug, Serialize)]
pub(super) struct Start {
    /// For `Identify`; good once.
    ticket: String,
    /// Path of the websocket.
    endpoint: &'static str,
    /// Milliseconds since 1970.
    expires_at: UnixMillis,
}

/// Gives out a ticket.
pub(super) async fn start(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Start>, Problem> {
    let Json(Asked { character }) = asked.map_err(|error| {
        Problem::bad_request(
            "bad_json",
            format!("Give a character: {}.", error.body_text()),
        )
    })?;
    let command = LobbyCommand::Start {
        character,
        account: caller.account,
        now: UnixMillis::now(),
        login: caller.login,
        protocol: PROTOCOL,
    };
    let key = character.to_string();
    let asked = realm.requester.ask(Domain::Lobby, &key, &command, PATIENCE);
    match asked.await?? {
        LobbyReply::Ticket {
            ticket, expires_at, ..
        } => Ok(Json(Start {
            ticket,
            endpoint: WEBSOCKET,
            expires_at,
        })),
        _ => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The lobby answers another question.",
        )),
    }
}
