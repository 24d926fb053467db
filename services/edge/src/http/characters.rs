//! `/v1/characters`: the account's characters, one more, one less, and one back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemas::{CharacterId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::access::Caller;
use super::body::Body;
use super::in_path::InPath;
use super::problem::Problem;
use crate::character_name::CharacterName;
use crate::characters::{self, Listed};
use crate::meters;
use crate::realm::Realm;

/// All of them.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Characters {
    characters: Vec<Listed>,
}

/// What a new one needs.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "NewCharacter")]
pub(super) struct Asked {
    /// Its name.
    name: String,
}

/// A deleted one.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "DeletedCharacter")]
pub(super) struct Deleted {
    id: CharacterId,
    /// It can be restored until then, ms since 1970.
    deleted_until: UnixMillis,
}

/// `GET /v1/characters`.
pub(super) async fn list(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
) -> Result<Json<Characters>, Problem> {
    let characters = characters::list(&realm, caller.account).await?;
    Ok(Json(Characters { characters }))
}

/// `POST /v1/characters`.
pub(super) async fn create(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    Body(asked): Body<Asked>,
) -> Result<(StatusCode, Json<Listed>), Problem> {
    let name = typed(&asked.name)?;
    let character = characters::create(&realm, caller.account, &name).await?;
    let created = characters::one(&realm, caller.account, character).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// `DELETE /v1/characters/{id}`.
pub(super) async fn delete(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    InPath(id): InPath,
) -> Result<Json<Deleted>, Problem> {
    let id = character(&id)?;
    let deleted_until = characters::delete(&realm, caller.account, id).await?;
    Ok(Json(Deleted { id, deleted_until }))
}

/// `POST /v1/characters/{id}/restore`.
pub(super) async fn restore(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    InPath(id): InPath,
) -> Result<Json<Listed>, Problem> {
    let id = character(&id)?;
    characters::restore(&realm, caller.account, id).await?;
    let restored = characters::one(&realm, caller.account, id).await?;
    Ok(Json(restored))
}

/// A name that somebody has typed.
///
/// # Errors
/// When nobody may be called so.
pub(super) fn typed(name: &str) -> Result<CharacterName, Problem> {
    CharacterName::typed(name).map_err(|error| {
        meters::refused(error.code());
        let why = format!("This name cannot be used: {error}.");
        Problem::bad_request(error.code(), why)
    })
}

fn character(id: &str) -> Result<CharacterId, Problem> {
    id.parse().map_err(|_| Problem::NO_SUCH_CHARACTER)
}
