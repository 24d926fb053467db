//! `POST /v1/start`: a ticket to join with one of one's characters.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::subjects::Domain;
use schemas::wire::PROTOCOL;
use schemas::{AreaId, CharacterId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::access::Caller;
use super::body::Body;
use super::problem::Problem;
use crate::characters::company;
use crate::realm::Realm;

/// How long the lobby may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the websocket is, on this server.
pub(crate) const WEBSOCKET: &str = "/v1/ws";

/// What is asked.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "StartWith")]
pub(super) struct Asked {
    /// Which character.
    character: CharacterId,
    /// The websocket protocol that the client speaks; that of today when it says nothing.
    #[serde(default = "todays")]
    protocol: u32,
    /// The name of a character whose party it joins: it enters where that one is, and from then on
    /// they come into the same instance wherever they go.
    #[serde(default)]
    with: Option<String>,
}

const fn todays() -> u32 {
    PROTOCOL
}

/// What is answered.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Start {
    /// For `Identify`; good once.
    ticket: String,
    /// Address of the websocket, or its path on this server.
    endpoint: String,
    /// That one, then other edges', any of which takes the ticket.
    endpoints: Vec<String>,
    /// Where the character is, or will appear.
    area: AreaId,
    /// Milliseconds since 1970.
    expires_at: UnixMillis,
}

/// Gives out a ticket.
pub(super) async fn start(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    Body(asked): Body<Asked>,
) -> Result<Json<Start>, Problem> {
    let Asked {
        character,
        protocol,
        with,
    } = asked;
    if protocol != PROTOCOL {
        let why = format!("This server speaks protocol {PROTOCOL}; update the client.");
        return Err(Problem::outdated(why));
    }
    let company = match with.filter(|name| !name.trim().is_empty()) {
        Some(name) => Some(company(&realm, &name).await?),
        None => None,
    };
    let command = LobbyCommand::Start {
        character,
        account: caller.account,
        now: UnixMillis::now(),
        login: caller.login,
        protocol,
        company,
    };
    let key = character.to_string();
    let asked = realm.requester.ask(Domain::Lobby, &key, &command, PATIENCE);
    let LobbyReply::Ticket {
        ticket,
        expires_at,
        area,
    } = asked.await??
    else {
        tracing::error!("the lobby answers another question");
        return Err(Problem::INTERNAL);
    };
    let endpoint = realm.config.websocket_url();
    let endpoint = endpoint.unwrap_or_else(|| WEBSOCKET.to_owned());
    Ok(Json(Start {
        ticket,
        endpoints: realm.edges.beginning_with(endpoint.clone()),
        endpoint,
        area,
        expires_at,
    }))
}
