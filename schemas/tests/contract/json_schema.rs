//! JSON Schemas: of what is stored, derived from the types; of the wire, from its tables.

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use schemas::account::{Account, AccountCommand, AccountEvent, AccountReply};
use schemas::control::{
    AreaControl, ControlCommand, ControlEvent, DutySet, EdgeMember, FleetCommand, FleetEvent,
    Heartbeat, Member, Opened, Placement, WorkerControl,
};
use schemas::credential::{Credential, CredentialCommand, CredentialEvent, CredentialReply};
use schemas::keyed::{KeyedEntry, KeyedMessage, Reply};
use schemas::lobby::{Character, LobbyCommand, LobbyEvent, LobbyReply, Ranking};
use schemas::name::{Name, NameCommand, NameEvent, NameReply};
use schemas::online::OnlineEntry;
use schemas::person::PersonKeyEntry;
use schemas::public_keys::{BoxKeyEntry, CurrentKeys, SignKeyEntry};
use schemas::wire::{Chunk, ClientMessage, Fields, ServerMessage};
use schemas::{command::AreaMessage, frame::Frame};

fn stored<T: JsonSchema>(name: &str) {
    let mut text = serde_json::to_vec_pretty(&schema_for!(T)).unwrap();
    text.push(b'\n');
    super::check(&format!("schemas/json/{name}.json"), &text);
}

fn wire_type(rust: &str) -> Value {
    let rust = rust.replace(' ', "");
    match rust.as_str() {
        "u8" | "u16" | "u32" | "u64" => json!({ "type": "integer", "minimum": 0 }),
        "i64" => json!({ "type": "integer" }),
        "String" => json!({ "type": "string" }),
        "bool" => json!({ "type": "boolean" }),
        "Own" | "Body" | "Chunk" => json!({ "$ref": format!("#/$defs/{rust}") }),
        _ => {
            if let Some(inner) = rust.strip_prefix("Vec<").and_then(|r| r.strip_suffix('>')) {
                json!({ "type": "array", "items": wire_type(inner) })
            } else if let Some(inner) = rust
                .strip_prefix("Option<")
                .and_then(|r| r.strip_suffix('>'))
            {
                json!({ "anyOf": [wire_type(inner), { "type": "null" }] })
            } else if let Some(inner) = rust.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
                let items: Vec<Value> = inner.split(',').map(wire_type).collect();
                json!({ "type": "array", "minItems": items.len(), "prefixItems": items })
            } else {
                panic!("no JSON Schema for the Rust type {rust}")
            }
        }
    }
}

fn message(op: u64, name: &str, fields: Fields) -> Value {
    let mut items = vec![json!({ "const": op, "title": "op" })];
    for (field, rust) in fields {
        let mut of_field = wire_type(rust);
        of_field["title"] = json!(field);
        items.push(of_field);
    }
    // No `maxItems`: a newer peer may send more.
    json!({ "title": name, "type": "array", "minItems": items.len(), "prefixItems": items })
}

fn family(table: &[(u64, &'static str, Fields)]) -> Vec<Value> {
    table
        .iter()
        .map(|(op, name, fields)| message(*op, name, fields))
        .collect()
}

fn wire() -> Value {
    let numbers = |count: usize| {
        let items: Vec<Value> = (0..count)
            .map(|_| json!({ "type": "integer", "minimum": 0 }))
            .collect();
        json!({ "type": "array", "minItems": count, "prefixItems": items })
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "worldline.v1",
        "anyOf": [{ "$ref": "#/$defs/Client" }, { "$ref": "#/$defs/Server" }],
        "$defs": {
            "Client": { "oneOf": family(ClientMessage::TABLE) },
            "Server": { "oneOf": family(ServerMessage::TABLE) },
            "Chunk": { "oneOf": family(Chunk::TABLE) },
            "Own": numbers(9),
            "Body": {
                "type": "array", "minItems": 4,
                "prefixItems": [wire_type("u16"), wire_type("String"), wire_type("String"), wire_type("Vec<i64>")],
            },
        },
    })
}

#[test]
fn the_json_schemas_say_what_the_types_say() {
    stored::<Frame>("frame");
    stored::<AreaMessage>("area-message");
    stored::<KeyedMessage<AccountCommand>>("account-message");
    stored::<KeyedEntry<AccountEvent, Account>>("account-entry");
    stored::<KeyedMessage<CredentialCommand>>("credential-message");
    stored::<KeyedEntry<CredentialEvent, Credential>>("credential-entry");
    stored::<BoxKeyEntry>("public-box-key");
    stored::<SignKeyEntry>("public-signing-key");
    stored::<PersonKeyEntry>("person-key");
    stored::<CurrentKeys>("current-keys");
    stored::<KeyedMessage<LobbyCommand>>("lobby-message");
    stored::<KeyedEntry<LobbyEvent, Character>>("lobby-entry");
    stored::<KeyedMessage<ControlCommand>>("control-message");
    stored::<KeyedEntry<ControlEvent, AreaControl>>("control-entry");
    stored::<KeyedMessage<FleetCommand>>("fleet-message");
    stored::<KeyedEntry<FleetEvent, WorkerControl>>("fleet-entry");
    stored::<KeyedMessage<NameCommand>>("name-message");
    stored::<KeyedEntry<NameEvent, Name>>("name-entry");
    stored::<Ranking>("ranking");
    stored::<EdgeMember>("edge-member");
    stored::<Member>("member");
    stored::<Heartbeat>("heartbeat");
    stored::<Placement>("placement");
    stored::<OnlineEntry>("online-entry");
    stored::<Reply<AccountReply>>("account-reply");
    stored::<Reply<CredentialReply>>("credential-reply");
    stored::<Reply<LobbyReply>>("lobby-reply");
    stored::<Reply<NameReply>>("name-reply");
    stored::<Reply<Opened>>("control-reply");
    stored::<Reply<DutySet>>("fleet-reply");
    let mut text = serde_json::to_vec_pretty(&wire()).unwrap();
    text.push(b'\n');
    super::check("schemas/json/wire.json", &text);
}
