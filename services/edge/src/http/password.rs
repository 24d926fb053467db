//! Login names and passwords: `POST /v1/register`, `/v1/login`, `/v1/upgrade`, `/v1/password`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::access::Caller;
use super::body::Body;
use super::problem::Problem;
use super::tokens::answer;
use crate::client_address::ClientAddress;
use crate::login::{self, NameAndPassword};
use crate::realm::Realm;
use crate::{meters, names};

/// A login name and its password.
#[derive(Deserialize, schemars::JsonSchema)]
pub(super) struct Credentials {
    /// The login name; upper and lower case are the same.
    name: String,
    /// The password.
    password: String,
}

/// Another password.
#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(rename = "NewPassword")]
pub(super) struct Change {
    /// The one in force.
    old: String,
    /// The one that shall be.
    new: String,
}

/// Begins an account with a login name.
pub(super) async fn register(
    State(realm): State<Arc<Realm>>,
    client: ClientAddress,
    headers: HeaderMap,
    Body(asked): Body<Credentials>,
) -> Result<Response, Problem> {
    let tokens = login::register(&realm, asked.to_register()?, None, &client).await?;
    Ok(answer(&realm, tokens, &headers, &client))
}

/// Logs in. A name that nobody could have is answered like one that nobody has.
pub(super) async fn log_in(
    State(realm): State<Arc<Realm>>,
    client: ClientAddress,
    headers: HeaderMap,
    Body(asked): Body<Credentials>,
) -> Result<Response, Problem> {
    let tokens = login::with_password(&realm, asked.as_typed(), &client).await?;
    Ok(answer(&realm, tokens, &headers, &client))
}

/// Gives a guest a login name.
pub(super) async fn upgrade(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    headers: HeaderMap,
    Body(asked): Body<Credentials>,
) -> Result<Response, Problem> {
    let (own, typed) = (Some((caller.account, caller.token)), asked.to_register()?);
    let tokens = login::register(&realm, typed, own, &caller.client).await?;
    Ok(answer(&realm, tokens, &headers, &caller.client))
}

/// Changes the password, and ends all login sessions but this one.
pub(super) async fn change(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    Body(asked): Body<Change>,
) -> Result<StatusCode, Problem> {
    let who = (caller.account, caller.login);
    login::change_password(&realm, who, &asked.old, &asked.new, &caller.client).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Credentials {
    fn as_typed(&self) -> NameAndPassword<'_> {
        NameAndPassword {
            name: &self.name,
            password: &self.password,
        }
    }

    fn to_register(&self) -> Result<NameAndPassword<'_>, Problem> {
        let name = names::login_name(&self.name).map_err(|error| {
            meters::refused(error.label());
            let detail = format!("This login name cannot be used: {error}.");
            Problem::bad_request("bad_name", detail)
        })?;
        Ok(NameAndPassword {
            name,
            password: &self.password,
        })
    }
}
