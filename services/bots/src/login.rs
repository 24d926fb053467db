//! From nobody to a ticket: the two HTTP requests before a websocket is opened.

use serde::Deserialize;
use serde_json::json;

use crate::http::{Address, HttpError};

/// A guest who is logged in.
#[derive(Debug, Clone, Deserialize)]
pub struct Guest {
    /// Lets the guest come back; kept as one keeps a password.
    pub guest_token: String,
    /// For ten minutes, as `Bearer`.
    pub access_token: String,
    /// The character's id.
    pub character: String,
    /// Its name.
    pub name: String,
}

/// The right to join once, for 30 s.
#[derive(Debug, Clone, Deserialize)]
pub struct Ticket {
    /// What `Identify` carries.
    pub ticket: String,
    /// Path or address of the websocket.
    pub endpoint: String,
}

/// Becomes a new guest.
///
/// # Errors
/// See [`HttpError`].
pub async fn new_guest(server: &Address, name: &str) -> Result<Guest, HttpError> {
    server
        .post("/v1/guest", None, &json!({ "name": name }))
        .await
}

/// Comes back as the guest who holds `token`.
///
/// # Errors
/// See [`HttpError`].
pub async fn known_guest(server: &Address, token: &str) -> Result<Guest, HttpError> {
    server
        .post("/v1/guest", None, &json!({ "guest_token": token }))
        .await
}

/// Asks for a ticket.
///
/// # Errors
/// See [`HttpError`].
pub async fn ticket(server: &Address, guest: &Guest) -> Result<Ticket, HttpError> {
    let body = json!({ "character": guest.character });
    server
        .post("/v1/start", Some(&guest.access_token), &body)
        .await
}
