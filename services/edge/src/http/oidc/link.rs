//! `POST /v1/oidc/{provider}/link`: somebody who is logged in, a guest above all, will be let in by the
//! provider's word from now on.
//!
//! A link of a page carries no access token, so the page asks for the address first, and then goes there. Who
//! asks is sealed into the attempt: the callback knows whose account it is about, and nobody can change it.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::attempt::LinkAsker;
use super::begin::{Begun, begun, return_path};
use super::flow::Flow;
use crate::http::Problem;
use crate::http::access::Caller;
use crate::http::body::Body;
use crate::http::in_path::InPath;

/// What is asked.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Link")]
pub(in crate::http) struct Link {
    /// Where to go afterwards: a path of this server. Default `/`.
    #[serde(default, rename = "return")]
    return_to: Option<String>,
}

/// Where to go.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "LinkBegun")]
pub(in crate::http) struct Linking {
    /// The address at the provider to which the page takes the browser.
    url: String,
}

/// Begins a login whose word counts for the account that asks.
pub(super) async fn link(
    Extension(flow): Extension<Arc<Flow>>,
    InPath(provider): InPath,
    caller: Caller,
    headers: HeaderMap,
    Body(asked): Body<Link>,
) -> Result<Response, Problem> {
    let provider = flow.provider(&provider).ok_or(Problem::NOT_FOUND)?;
    let return_to = return_path(asked.return_to.as_deref())?;
    let asker = LinkAsker {
        account: caller.account,
        login: caller.login,
        token: caller.token.clone(),
    };
    let from = (&headers, &caller.client);
    let Begun { location, cookie } = begun(&flow, provider, from, return_to, Some(asker)).await?;
    let kept = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((kept, Json(Linking { url: location })).into_response())
}
