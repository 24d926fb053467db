//! What a login answers, and `POST /v1/refresh`: the next tokens for the last.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemas::{AccountId, CharacterId, LoginId};
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::cookies;
use super::problem::Problem;
use crate::client_address::ClientAddress;
use crate::login::{self, Tokens};
use crate::realm::Realm;

/// Somebody is logged in.
#[derive(Serialize, schemars::JsonSchema)]
pub(super) struct LoggedIn {
    /// As whom.
    account: AccountId,
    /// In which login session.
    session: LoginId,
    /// Goes along with every request: `Authorization: Bearer …`.
    access_token: String,
    /// Its lifetime in seconds.
    expires_in: u64,
    /// Gets the next tokens, once; absent where it was asked for as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Lets a guest come back; for guests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_token: Option<String>,
    /// The account's characters.
    characters: Vec<CharacterId>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    character: Option<CharacterId>,
    /// The name that a guest has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What is asked of a refresh.
#[derive(Deserialize, schemars::JsonSchema)]
pub(super) struct Refresh {
    /// The last refresh token; absent where it is a cookie.
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Gives the next tokens.
pub(super) async fn refresh(
    State(realm): State<Arc<Realm>>,
    client: ClientAddress,
    headers: HeaderMap,
    Body(asked): Body<Refresh>,
) -> Result<Response, Problem> {
    let cookie = cookies::refresh_of(&headers);
    let token = match (&asked.refresh_token, cookie) {
        (Some(token), _) => token,
        // Another site's page can have the cookie sent, but not the header.
        (None, Some(_)) if !cookies::wanted(&headers) => return Err(Problem::NOT_FROM_OUR_PAGE),
        (None, Some(token)) => token,
        (None, None) => return Err(Problem::SESSION_UNKNOWN),
    };
    let tokens = login::refresh(&realm, token, &client).await?;
    Ok(answer(&realm, tokens, &headers, &client))
}

/// Tells somebody that they are logged in.
pub(super) fn answer(
    realm: &Realm,
    tokens: Tokens,
    headers: &HeaderMap,
    client: &ClientAddress,
) -> Response {
    let secure = realm.config.secure_cookies || client.encrypted;
    let wanted = cookies::wanted(headers);
    let cookie = wanted.then(|| cookies::set_refresh(&tokens.refresh_token, secure));
    let cookie = cookie.flatten();
    let name = realm.keys.realm.open(&tokens.name).ok();
    let logged_in = LoggedIn {
        account: tokens.account,
        session: tokens.session,
        access_token: tokens.access_token,
        expires_in: tokens.expires_in,
        refresh_token: cookie.is_none().then_some(tokens.refresh_token),
        guest_token: tokens.guest_token,
        character: tokens.characters.first().copied(),
        characters: tokens.characters,
        name: name.filter(|name| !name.is_empty()),
    };
    let mut response = unkept(Json(logged_in).into_response());
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Nobody on the way keeps a copy.
pub(super) fn unkept(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
