//! Logging in through an OpenID provider: authorization code with PKCE, all of it on this side.
//!
//! - `begin`: sends the browser to the provider, with a *state*; what belongs to it (the verifier, the nonce,
//!   where to go afterwards) stays in a cookie, sealed so that only the realm's edges can read it.
//! - `link`: the same for somebody who is logged in, whose account the provider's word then counts for.
//! - `attempt`: that cookie. Any edge can go on with an attempt that another began.
//! - `callback`: the browser is back with a code: the cookie is opened, the code exchanged, identity asked.
//! - `providers`: who can be asked, and where.
//!
//! The browser is given no token that a script could read: the refresh token is a cookie of this server, and
//! the page gets its access token with `POST /v1/refresh`. The ID token is checked by identity.

mod attempt;
mod begin;
mod callback;
mod cookies;
mod exchange;
mod failure;
mod flow;
mod link;
mod providers;
mod return_path;

pub(super) use link::{Link, Linking};
pub(super) use providers::List as Providers;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::realm::Realm;
use flow::Flow;

/// The routes, for which many requests of one address are slowed down like logins.
pub(super) fn routes(realm: &Realm) -> Router<Arc<Realm>> {
    Router::new()
        .route("/v1/oidc/providers", get(providers::list))
        .route("/v1/oidc/{provider}/authorize", get(begin::begin))
        .route("/v1/oidc/{provider}/link", post(link::link))
        .route("/v1/oidc/{provider}/callback", get(callback::callback))
        .layer(Extension(Arc::new(Flow::new(&realm.config))))
}
