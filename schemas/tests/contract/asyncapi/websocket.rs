//! The websocket: one channel, one message an op, from the tables of `wire.rs` and the comments over its messages.

use schemas::wire::{ClientMessage, CloseCode, Fields, PROTOCOL, SUBPROTOCOLS, ServerMessage};
use serde_json::{Map, Value, json};

const SOURCE: &str = include_str!("../../../src/wire.rs");

type Table = &'static [(u64, &'static str, Fields)];

/// Both directions, with the name of their half in `wire.json`.
const HALVES: [(&str, &str, Table); 2] = [
    ("Client", "send", ClientMessage::TABLE),
    ("Server", "receive", ServerMessage::TABLE),
];

fn name(half: &str, message: &str) -> String {
    format!("{half}{message}")
}

/// The comment over the item that begins with `start`, in one line.
fn comment(start: &str) -> String {
    let lines: Vec<&str> = SOURCE.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with(start));
    let at = at.unwrap_or_else(|| panic!("{start} is not in wire.rs"));
    let over = lines[..at].iter().rev();
    let mut words: Vec<&str> = over
        .take_while(|line| line.starts_with("///"))
        .map(|line| line.trim_start_matches('/').trim())
        .collect();
    words.reverse();
    assert!(!words.is_empty(), "{start} has no comment");
    words.join(" ")
}

pub(super) fn channel() -> Value {
    let messages: Map<String, Value> = HALVES
        .iter()
        .flat_map(|(half, _, table)| table.iter().map(move |(_, message, _)| name(half, message)))
        .map(|name| {
            let reference = format!("#/components/messages/{name}");
            (name, json!({ "$ref": reference }))
        })
        .collect();
    let codes: Map<String, Value> = CloseCode::ALL
        .iter()
        .map(|code| {
            let what = comment(&format!("{code:?} = {},", code.code()));
            (code.code().to_string(), format!("{code:?}: {what}").into())
        })
        .collect();
    json!({
        "address": "/v1/ws",
        "title": "The websocket of the game",
        "description": format!(
            "One websocket message is one protocol message: an array that opens with an integer op; readers accept longer \
             arrays than they know. Subprotocols, in the order of preference: {}. docs/protocol.md tells the story.",
            SUBPROTOCOLS.map(|name| format!("`{name}`")).join(", ")
        ),
        "servers": [{ "$ref": "#/servers/edge" }],
        "messages": messages,
        "bindings": { "ws": { "method": "GET", "headers": {
            "type": "object",
            "properties": { "Sec-WebSocket-Protocol": { "type": "string", "enum": SUBPROTOCOLS } },
        } } },
        "x-protocol": PROTOCOL,
        "x-close-codes": codes,
    })
}

pub(super) fn messages() -> Map<String, Value> {
    let mut all = Map::new();
    for (half, _, table) in HALVES {
        for (at, (op, message, fields)) in table.iter().enumerate() {
            let array: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
            let array = array.join(", ");
            let told = json!({
                "name": message,
                "title": format!("{op} {message}"),
                "summary": comment(&format!("{op} => {message} {{")),
                "description": format!("`[{op}, {array}]`").replace(", ]", "]"),
                "contentType": "application/json",
                "payload": super::document::payload(&format!("wire.json#/$defs/{half}/oneOf/{at}")),
            });
            all.insert(name(half, message), told);
        }
    }
    all
}

/// Seen from a client.
pub(super) fn operations() -> Map<String, Value> {
    HALVES
        .iter()
        .map(|(half, action, table)| {
            let messages: Vec<Value> = table
                .iter()
                .map(|(_, message, _)| {
                    let name = name(half, message);
                    json!({ "$ref": format!("#/channels/websocket/messages/{name}") })
                })
                .collect();
            let told = json!({
                "action": action,
                "channel": { "$ref": "#/channels/websocket" },
                "summary": format!("player: what a client may {action}"),
                "tags": [{ "name": "player" }],
                "messages": messages,
            });
            (format!("player.{action}s.websocket"), told)
        })
        .collect()
}
