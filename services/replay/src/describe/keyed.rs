//! Lines of the keyed domains: accounts and what lets into them, characters in the lobby and their
//! names, areas being opened.

use std::fmt::Write as _;

use schemas::keyed::KeyedMessage;
use schemas::subjects::Domain;
use schemas::{CharacterId, Sequence, UnixMillis};
use serde::Serialize;
use serde_json::Value;

use super::Line;
use crate::readable::Reader;

/// Where and when.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) domain: Domain,
    pub(crate) key: &'a str,
    pub(crate) sequence: Sequence,
    pub(crate) at: UnixMillis,
    pub(crate) reader: &'a Reader,
}

impl At<'_> {
    fn line(&self, kind: String, text: String, detail: Value) -> Line {
        let character = match self.domain {
            Domain::Lobby => self.key.parse::<CharacterId>().ok(),
            Domain::Identity
            | Domain::Credential
            | Domain::Name
            | Domain::Control
            | Domain::Fleet => None,
        };
        let told = detail.get("character").and_then(Value::as_str);
        let characters = character.or_else(|| told?.parse().ok());
        Line {
            class: "event",
            kind,
            place: format!("{}.{}", self.domain.token(), self.key),
            stream: self.domain.event_stream(),
            sequence: self.sequence,
            tick: None,
            at: self.at,
            characters: characters.into_iter().collect(),
            text,
            detail,
            outcome: None,
        }
    }
}

/// Its `type`, or what it is called from outside.
fn kind(value: &Value, otherwise: &str) -> String {
    let named = value.get("type").and_then(Value::as_str);
    named.unwrap_or(otherwise).to_owned()
}

/// The plain fields, in one line.
fn words(value: &Value) -> String {
    let mut text = String::new();
    let fields = value.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| *name != "type") {
        let space = if text.is_empty() { "" } else { ", " };
        let written = match value {
            Value::String(plain) => write!(text, "{space}{name} {plain}"),
            Value::Object(_) | Value::Array(_) => write!(text, "{space}{name} …"),
            plain => write!(text, "{space}{name} {plain}"),
        };
        // Writing to a string does not fail.
        debug_assert!(written.is_ok());
    }
    text
}

/// A command that has been handled.
pub(crate) fn keyed_command<C: Serialize>(
    at: &At<'_>,
    message: &KeyedMessage<C>,
    outcome: String,
) -> Line {
    let (kind, detail) = match message {
        KeyedMessage::Command { body, .. } => {
            let detail = at.reader.json(body);
            (kind(&detail, "command"), detail)
        }
        KeyedMessage::Effect(effect) => {
            let detail = at.reader.json(effect);
            let payload = detail.pointer("/effect/payload").unwrap_or(&Value::Null);
            (kind(payload, "effect"), detail.clone())
        }
        KeyedMessage::Confirmation(receipt) => ("confirmation".to_owned(), at.reader.json(receipt)),
    };
    let text = match message {
        KeyedMessage::Effect(effect) => {
            format!("effect {} of {}", effect.effect.number, effect.source)
        }
        KeyedMessage::Command { .. } | KeyedMessage::Confirmation(_) => words(&detail),
    };
    Line {
        class: "command",
        stream: at.domain.command_stream(),
        outcome: Some(outcome),
        ..at.line(kind, text, detail)
    }
}

/// An event.
pub(crate) fn keyed_event<E: Serialize>(at: &At<'_>, event: &E) -> Line {
    let detail = at.reader.json(event);
    let text = words(&detail);
    at.line(kind(&detail, "event"), text, detail)
}
