//! The whole document.

use serde_json::{Map, Value, json};

use super::channels::{Channel, capital, channels};
use super::{operations, websocket};

/// What stands between braces in addresses.
const PARAMETERS: [(&str, &str); 20] = [
    ("account", "An account's id: 13 characters of base 32"),
    (
        "area",
        "Map and instance: `harbor-1`; in facts `-` when there is none",
    ),
    ("character", "A character's id: 13 characters of base 32"),
    ("control", "The area whose control sends"),
    ("digest", "A digest in hexadecimal"),
    ("edge", "An edge's id: 13 characters of base 32"),
    ("id", "A random id"),
    ("key", "`box.<kid>`, `sign.<kid>`, `current`"),
    ("locator", "Keyed hash of a name: 32 hexadecimal characters"),
    ("member", "A worker's name or an edge's id"),
    ("name", "The name, encoded as `nats object` does"),
    ("partition", "0–15, from a fixed hash of the key"),
    ("player", "A character's id; `-` when there is none"),
    ("ranking", "Which ranking: `played`"),
    ("request", "The asker's number for the request"),
    ("source", "An aggregate: `area-forest-1`, `character-<id>`"),
    ("stream", "A stream's name"),
    ("tag", "`failed.<tag>`, `registered.<tag>` of an address"),
    ("type", "An event's type without its version: `spoken`"),
    ("worker", "A worker's name"),
];

/// A payload: a JSON Schema beside the document.
pub(super) fn payload(file: &str) -> Value {
    json!({
        "schemaFormat": "application/schema+json;version=draft-2020-12",
        "schema": { "$ref": format!("./json/{file}") },
    })
}

/// `lobby-entry` → `LobbyEntry`.
fn message_name(file: &str) -> String {
    capital(file)
}

fn parameters(address: &str) -> Map<String, Value> {
    address
        .split('.')
        .filter_map(|token| token.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let reference = format!("#/components/parameters/{name}");
            (name.to_owned(), json!({ "$ref": reference }))
        })
        .collect()
}

fn channel(channel: &Channel) -> Value {
    let messages: Map<String, Value> = messages_of(channel)
        .into_iter()
        .map(|name| {
            let reference = format!("#/components/messages/{name}");
            (name, json!({ "$ref": reference }))
        })
        .collect();
    let mut told = json!({
        "address": channel.address,
        "title": channel.title,
        "servers": [{ "$ref": "#/servers/broker" }],
        "messages": messages,
    });
    let parameters = parameters(&channel.address);
    if !parameters.is_empty() {
        told["parameters"] = parameters.into();
    }
    if let Some(stream) = channel.stream {
        told["x-stream"] = stream.into();
    }
    told
}

fn messages_of(channel: &Channel) -> Vec<String> {
    if channel.payloads.is_empty() {
        return vec![capital(&channel.name)];
    }
    channel
        .payloads
        .iter()
        .map(|file| message_name(file))
        .collect()
}

fn messages(channels: &[Channel]) -> Map<String, Value> {
    let mut all = Map::new();
    for channel in channels {
        for (name, file) in messages_of(channel).into_iter().zip(
            channel
                .payloads
                .iter()
                .map(Some)
                .chain(std::iter::once(None)),
        ) {
            let mut told = json!({ "name": name, "contentType": channel.content });
            match file {
                Some(file) => told["payload"] = payload(&format!("{file}.json")),
                // No contract: whoever writes it reads it.
                None => told["summary"] = channel.title.clone().into(),
            }
            all.insert(name, told);
        }
    }
    all
}

pub(super) fn document() -> Value {
    let channels = channels();
    let mut told: Map<String, Value> = channels
        .iter()
        .map(|of| (of.name.clone(), channel(of)))
        .collect();
    told.insert("websocket".into(), websocket::channel());
    let mut operations = operations::operations(&channels);
    operations.extend(websocket::operations());
    let mut messages = messages(&channels);
    messages.extend(websocket::messages());
    let parameters: Map<String, Value> = PARAMETERS
        .iter()
        .map(|(name, what)| ((*name).to_owned(), json!({ "description": what })))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Worldline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every subject of the broker and every message of the websocket. HTTP is in docs/openapi.json.",
        },
        "defaultContentType": super::channels::MSGPACK,
        "servers": {
            "broker": {
                "host": "127.0.0.1:4222",
                "protocol": "nats",
                "description": "NATS JetStream; one user for each role (nats/users.toml), streams as in nats/streams.toml",
                "security": [{ "$ref": "#/components/securitySchemes/role" }],
            },
            "edge": {
                "host": "127.0.0.1:7777",
                "protocol": "ws",
                "description": "The edge: what players connect to",
            },
        },
        "channels": told,
        "operations": operations,
        "components": {
            "messages": messages,
            "parameters": parameters,
            "securitySchemes": { "role": {
                "type": "userPassword",
                "description": "The broker's user, named like its role",
            } },
        },
    })
}
