//! What all parts of one issuer share, its description and its key set.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::authorize::authorize;
use crate::codes::{Codes, Grant, Shown};
use crate::faults::{Counts, Faults};
use crate::id_token;
use crate::keys::{KeyType, SigningKey};
use crate::token::token;

/// Keys in the key set: the one in use and those before.
const MOST_KEYS: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// One issuer.
pub(crate) struct Provider {
    /// Its identifier and address.
    pub(crate) issuer: String,
    kind: KeyType,
    state: Mutex<Inner>,
}

struct Inner {
    /// The newest, which signs, is the last.
    keys: Vec<Arc<SigningKey>>,
    codes: Codes,
    faults: Faults,
    counts: Counts,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Provider {
    pub(crate) fn new(issuer: String, kind: KeyType) -> anyhow::Result<Self> {
        let state = Inner {
            keys: vec![Arc::new(SigningKey::generate(kind)?)],
            codes: Codes::default(),
            faults: Faults::default(),
            counts: Counts::default(),
        };
        Ok(Self {
            issuer,
            kind,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> Faults {
        self.state().faults.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Replaces the faults in force; fresh keys are made at once.
    pub(crate) fn order(&self, mut faults: Faults) {
        let fresh = if faults.rotate_keys || faults.forget_keys {
            match SigningKey::generate(self.kind) {
                Ok(key) => Some(Arc::new(key)),
                Err(error) => {
                    tracing::error!("no fresh key: {error:#}");
                    None
                }
            }
        } else {
            None
        };
        let mut state = self.state();
        if let Some(key) = fresh {
            if faults.forget_keys {
                state.keys.clear();
            }
            state.keys.push(key);
            let excess = state.keys.len().saturating_sub(MOST_KEYS);
            state.keys.drain(..excess);
        }
        // Done, not lasting.
        (faults.rotate_keys, faults.forget_keys) = (false, false);
        state.faults = faults;
    }

    /// Remembers a grant under a fresh code.
    pub(crate) fn give_code(&self, grant: Grant) -> String {
        let mut state = self.state();
        state.counts.codes += 1;
        state.codes.give(grant, Instant::now())
    }

    /// The faults of one exchange.
    pub(crate) fn begin_exchange(&self) -> Faults {
        let mut state = self.state();
        state.counts.exchanges += 1;
        let faults = state.faults.clone();
        if faults.once && faults.spoil_tokens() {
            state.faults = Faults::default();
        }
        faults
    }

    /// The token that a code is good for.
    pub(crate) fn exchange(&self, shown: &Shown<'_>, faults: &Faults) -> Option<String> {
        let (grant, key) = {
            let mut state = self.state();
            let grant = state.codes.take(shown, Instant::now())?;
            (grant, state.keys.last()?.clone())
        };
        match id_token::write(&self.issuer, &grant, &key, faults) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::error!("no token could be written: {error:#}");
                None
            }
        }
    }
}

/// Makes an answer slow, if that was ordered.
pub(crate) async fn wait(faults: &Faults) {
    if faults.slow_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.slow_ms).min(LONGEST_WAIT)).await;
    }
}

/// The first port.
pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(described))
        .route("/jwks", get(key_set))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .with_state(provider)
}

async fn described(State(provider): State<Arc<Provider>>) -> Response {
    let faults = {
        let mut state = provider.state();
        state.counts.discovery += 1;
        state.faults.clone()
    };
    wait(&faults).await;
    let issuer = &provider.issuer;
    let told = if faults.discovery_of_other {
        id_token::WRONG_ISSUER
    } else {
        issuer
    };
    Json(json!({
        "issuer": told,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "scopes_supported": ["openid", "email", "profile"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn key_set(State(provider): State<Arc<Provider>>) -> Response {
    let (faults, keys) = {
        let mut state = provider.state();
        state.counts.jwks += 1;
        let faults = state.faults.clone();
        if faults.once && faults.spoil_keys() {
            state.faults = Faults::default();
        }
        let keys: Vec<_> = state.keys.iter().map(|key| key.public.clone()).collect();
        (faults, keys)
    };
    wait(&faults).await;
    if faults.jwks_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if faults.jwks_garbage {
        return "<html>sorry</html>".into_response();
    }
    Json(json!({ "keys": keys })).into_response()
}
