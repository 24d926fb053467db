//! `GET /v1/files/<sha256>`: a file of a published version. What is behind a hash never changes, so whoever has it once
//! need not ask again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemas::resources::ContentHash;

use super::range::{Wanted, has_it, wanted};
use crate::http::Problem;
use crate::http::in_path::InPath;
use crate::meters;
use crate::realm::Realm;
use crate::resources::FileError;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Serves a file, or the part of it that was asked for.
pub(in crate::http) async fn file(
    State(realm): State<Arc<Realm>>,
    InPath(name): InPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let hash: ContentHash = name.parse().map_err(|_| Problem::NOT_FOUND)?;
    let file = realm.resources.file(hash).await.map_err(|error| {
        match &error {
            FileError::Unknown => return Problem::NOT_FOUND,
            FileError::Unreadable(cause) => {
                tracing::error!(error = %cause, file = %hash, "a published file cannot be read");
            }
        }
        Problem::UNREADABLE
    })?;
    let tag = format!("\"{hash}\"");
    let size = file.bytes.len() as u64;
    let (outcome, (mut response, sent)) = if has_it(&headers, &tag) {
        let nothing = StatusCode::NOT_MODIFIED.into_response();
        ("not_modified", (nothing, 0))
    } else {
        let part = wanted(&headers, &tag, size);
        let outcome = if file.was_read { "read" } else { "hit" };
        (outcome, answer(&file.bytes, part))
    };
    meters::file_served(outcome, sent);
    let head = response.headers_mut();
    let text = |text: &str| HeaderValue::try_from(text);
    if let (Ok(tag), Ok(kind)) = (text(&tag), text(&file.content_type)) {
        head.insert(header::ETAG, tag);
        head.insert(header::CONTENT_TYPE, kind);
    }
    head.insert(header::CACHE_CONTROL, FOR_EVER);
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Pages of another edge fetch it too; there is nothing secret in it.
    head.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    Ok(response)
}

/// The answer, and how many bytes of the file are in it.
fn answer(bytes: &Bytes, part: Wanted) -> (Response, usize) {
    let size = bytes.len();
    match part {
        Wanted::Whole => (bytes.clone().into_response(), size),
        Wanted::Nothing => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            let refused = (StatusCode::RANGE_NOT_SATISFIABLE, range);
            (refused.into_response(), 0)
        }
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let at = |place: u64| usize::try_from(place).unwrap_or(size).min(size);
            let part = bytes.slice(at(range.start)..at(range.end));
            let place = [(header::CONTENT_RANGE, place)];
            let sent = part.len();
            let answer = (StatusCode::PARTIAL_CONTENT, place, part);
            (answer.into_response(), sent)
        }
    }
}
