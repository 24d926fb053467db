//! An account as a program sees it: the HTTP requests between a name and a ticket.

use bots::login::{Guest, Ticket};
use bots::{Address, HttpError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Player;

/// What a login answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Tokens {
    /// The account's id.
    pub account: String,
    /// The login session's id.
    pub session: String,
    /// For ten minutes, as `Bearer`.
    pub access_token: String,
    /// Gets the next tokens, once.
    pub refresh_token: String,
    /// The account's characters.
    pub characters: Vec<String>,
}

/// Somebody with a name, a password and an edge.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where it asks.
    pub edge: Address,
    /// The login name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// The newest tokens.
    pub tokens: Tokens,
}

impl Account {
    /// A new account.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn register(edge: &Address, name: &str, password: &str) -> Result<Self, HttpError> {
        Self::by("/v1/register", edge, name, password).await
    }

    /// An account that exists.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn log_in(edge: &Address, name: &str, password: &str) -> Result<Self, HttpError> {
        Self::by("/v1/login", edge, name, password).await
    }

    async fn by(path: &str, edge: &Address, name: &str, password: &str) -> Result<Self, HttpError> {
        let body = json!({ "name": name, "password": password });
        Ok(Self {
            edge: edge.clone(),
            name: name.to_owned(),
            password: password.to_owned(),
            tokens: edge.post(path, None, &body).await?,
        })
    }

    /// New tokens for the refresh token.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn refresh(&mut self) -> Result<(), HttpError> {
        let body = json!({ "refresh_token": self.tokens.refresh_token });
        self.tokens = self.edge.post("/v1/refresh", None, &body).await?;
        Ok(())
    }

    /// Any request with the access token; the answer's body, `null` when there is none.
    ///
    /// # Errors
    /// When there is no answer, or it is not JSON.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body)?
        };
        let bearer = Some(self.tokens.access_token.as_str());
        let (status, answer) = self.edge.exchange(method, path, bearer, &body).await?;
        let answer = if answer.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer)?
        };
        Ok((status, answer))
    }

    /// A new character; its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn create_character(&self, name: &str) -> anyhow::Result<String> {
        let (status, answer) = self
            .ask("POST", "/v1/characters", &json!({ "name": name }))
            .await?;
        let id = answer.get("character").or_else(|| answer.get("id"));
        match id.and_then(Value::as_str) {
            Some(id) if (200..300).contains(&status) => Ok(id.to_owned()),
            _ => anyhow::bail!("creating {name}: {status} {answer}"),
        }
    }

    /// A ticket for a character.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn ticket(&self, character: &str) -> Result<Ticket, HttpError> {
        let bearer = Some(self.tokens.access_token.as_str());
        let body = json!({ "character": character });
        self.edge.post("/v1/start", bearer, &body).await
    }

    /// A player with one of the account's characters, on `edge`, not in the world yet.
    #[must_use]
    pub fn player(&self, edge: &Address, character: &str) -> Player {
        Player::of(
            edge,
            Guest {
                guest_token: String::new(),
                access_token: self.tokens.access_token.clone(),
                character: character.to_owned(),
                name: self.name.clone(),
            },
        )
    }
}
