//! One's account and where it is logged in: `GET /v1/account`, `GET /v1/sessions`, `DELETE
//! /v1/sessions/{id}`, `POST /v1/logout`, `POST /v1/logout-everywhere`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::account::{AccountCommand, AccountReply, LoginSession};
use schemas::credential::Method;
use schemas::sealed::Sealed;
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, CharacterId, LoginId, UnixMillis};
use serde::Serialize;

use super::access::Caller;
use super::cookies::clear_refresh;
use super::in_path::InPath;
use super::problem::Problem;
use super::tokens::unkept;
use crate::realm::Realm;

/// How long identity may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who somebody is.
#[derive(Serialize, schemars::JsonSchema)]
pub(super) struct Account {
    /// The account.
    account: AccountId,
    /// The login session that asks.
    session: LoginId,
    /// What lets into the account, besides a guest's token.
    methods: Vec<Method>,
    /// Its characters.
    characters: Vec<CharacterId>,
    /// The name that a guest has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A device that is logged in.
#[derive(Serialize, schemars::JsonSchema)]
pub(super) struct Session {
    /// The login session.
    id: LoginId,
    /// How it was begun.
    method: Method,
    /// When it was begun, ms since 1970.
    opened_at: UnixMillis,
    /// When its tokens were last changed, ms since 1970.
    used_at: UnixMillis,
    /// What the device calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// All of them.
#[derive(Serialize, schemars::JsonSchema)]
pub(super) struct Sessions {
    /// Oldest first.
    sessions: Vec<Session>,
}

/// What identity knows of the caller.
struct Described {
    characters: Vec<CharacterId>,
    methods: Vec<Method>,
    sessions: Vec<LoginSession>,
    name: Sealed,
}

/// Tells who one is.
pub(super) async fn account(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
) -> Result<Response, Problem> {
    let described = describe(&realm, &caller).await?;
    realm.persons.meet([caller.account]).await;
    let name = realm.keys.realm.open(&described.name).ok();
    let account = Account {
        account: caller.account,
        session: caller.login,
        methods: described.methods,
        characters: described.characters,
        name: name.filter(|name| !name.is_empty()),
    };
    Ok(unkept(Json(account).into_response()))
}

/// Lists where one is logged in.
pub(super) async fn sessions(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
) -> Result<Response, Problem> {
    let described = describe(&realm, &caller).await?;
    realm.persons.meet([caller.account]).await;
    let sessions = described.sessions.into_iter().map(|session| Session {
        id: session.id,
        method: session.method,
        opened_at: session.opened_at,
        used_at: session.used_at,
        device: session
            .device
            .and_then(|device| realm.keys.realm.open(&device).ok()),
        current: session.id == caller.login,
    });
    let sessions = sessions.collect();
    Ok(unkept(Json(Sessions { sessions }).into_response()))
}

/// Ends one login session.
pub(super) async fn end_session(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
    InPath(session): InPath,
) -> Result<StatusCode, Problem> {
    let session = session.parse().map_err(|_| Problem::NOT_FOUND)?;
    let account = caller.account;
    done(&realm, &caller, AccountCommand::LogOut { account, session }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the login session that asks.
pub(super) async fn log_out(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
) -> Result<Response, Problem> {
    let (account, session) = (caller.account, caller.login);
    done(&realm, &caller, AccountCommand::LogOut { account, session }).await?;
    Ok(without_cookie(&realm, &caller))
}

/// Ends all login sessions.
pub(super) async fn log_out_everywhere(
    State(realm): State<Arc<Realm>>,
    caller: Caller,
) -> Result<Response, Problem> {
    let command = AccountCommand::LogOutEverywhere {
        account: caller.account,
        except: None,
    };
    done(&realm, &caller, command).await?;
    Ok(without_cookie(&realm, &caller))
}

fn without_cookie(realm: &Realm, caller: &Caller) -> Response {
    let secure = realm.config.secure_cookies || caller.client.encrypted;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = clear_refresh(secure) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn describe(realm: &Realm, caller: &Caller) -> Result<Described, Problem> {
    let account = caller.account;
    match ask(realm, caller, &AccountCommand::Describe { account }).await? {
        AccountReply::Described {
            characters,
            methods,
            sessions,
            name,
        } => Ok(Described {
            characters,
            methods,
            sessions,
            name,
        }),
        AccountReply::Done | AccountReply::LoggedIn { .. } => Err(Problem::INTERNAL),
    }
}

async fn done(realm: &Realm, caller: &Caller, command: AccountCommand) -> Result<(), Problem> {
    match ask(realm, caller, &command).await? {
        AccountReply::Done => Ok(()),
        AccountReply::Described { .. } | AccountReply::LoggedIn { .. } => Err(Problem::INTERNAL),
    }
}

async fn ask(
    realm: &Realm,
    caller: &Caller,
    command: &AccountCommand,
) -> Result<AccountReply, Problem> {
    let key = account_key(caller.account);
    let requester = &realm.requester;
    let asked = requester.ask(Domain::Identity, &key, command, PATIENCE);
    Ok(asked.await??)
}
