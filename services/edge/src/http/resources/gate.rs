//! `GET /v1/resources?version=…`: whether a client has what it shall have, before it logs in.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemas::resources::{FILES, File, Manifest, version};
use serde::{Deserialize, Serialize};

use crate::http::Problem;
use crate::meters;
use crate::realm::Realm;

/// What is asked.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Asked {
    /// What the client has; absent: nothing.
    version: Option<String>,
}

/// What is answered.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
#[schemars(rename = "Resources")]
pub(in crate::http) enum Answer {
    /// Nothing to do: log in.
    Current,
    /// There is a newer version; a client that stays may still log in.
    Update {
        version: String,
        minimum: String,
        files: Vec<Fetch>,
    },
}

/// A file, and where to get it: any of `urls`, the first one preferred.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(in crate::http) struct Fetch {
    #[serde(flatten)]
    file: File,
    urls: Vec<String>,
}

/// Tells a client what it lacks, or that it is too old.
pub(in crate::http) async fn gate(
    State(realm): State<Arc<Realm>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let bad = |detail: String| Problem::bad_request("bad_version", detail);
    let Query(asked) = asked.map_err(|error| bad(format!("{}.", error.body_text())))?;
    let has = match asked.version.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(version(text).ok_or_else(|| {
            bad("Give a version such as 1.2.3, with %2B for a plus sign.".to_owned())
        })?),
        None => None,
    };
    let published = realm.resources.published();
    let answer = match (&published.current, has) {
        (None, _) => Answer::Current,
        (Some(manifest), Some(has)) if manifest.refuses(&has) => {
            meters::refused("outdated");
            return Ok(outdated(manifest));
        }
        (Some(manifest), Some(has)) if manifest.is_current(&has) => Answer::Current,
        (Some(manifest), _) => update(manifest, &realm.config.endpoints),
    };
    let fresh = [(header::CACHE_CONTROL, "no-store")];
    Ok((fresh, Json(answer)).into_response())
}

fn update(manifest: &Manifest, endpoints: &[String]) -> Answer {
    let files = manifest.files.iter().map(|file| {
        let path = format!("{FILES}{}", file.sha256);
        let elsewhere = endpoints.iter().map(|base| format!("{base}{path}"));
        Fetch {
            file: file.clone(),
            urls: std::iter::once(path.clone()).chain(elsewhere).collect(),
        }
    });
    Answer::Update {
        version: manifest.version.to_string(),
        minimum: manifest.minimum.to_string(),
        files: files.collect(),
    }
}

fn outdated(manifest: &Manifest) -> Response {
    let detail = format!(
        "This client is too old: at least version {} is needed. Reload the page, or install version {}.",
        manifest.minimum, manifest.version
    );
    let mut response = Problem::outdated(detail).into_response();
    // RFC 9110 wants to be told to what one should upgrade.
    if let Ok(wanted) = HeaderValue::try_from(format!("worldline/{}", manifest.minimum)) {
        response.headers_mut().insert(header::UPGRADE, wanted);
    }
    response
}
