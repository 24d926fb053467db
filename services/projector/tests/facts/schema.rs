//! `schemas/json/event.json`: the payload of `FACTS`, made of the types.
//!
//! `UPDATE_CONTRACT=1 cargo test -p projector --test facts schema` writes it anew.

use past::event::{Accepted, ColumnType, Event, Metadata, Moved, Refused};
use schemars::{JsonSchema, schema_for};
use schemas::account::AccountEvent;
use schemas::control::ControlEvent;
use schemas::effect::Effect;
use schemas::fact::Fact;
use schemas::lobby::LobbyEvent;
use schemas::outcome::EffectOutcome;
use serde_json::{Map, Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/json/event.json");

/// The schema, being gathered: shared types, and one shape for each kind of event.
#[derive(Default)]
struct Gathered {
    types: Map<String, Value>,
    kinds: Vec<Value>,
}

impl Gathered {
    /// A type's schema; those that it uses go to the shared ones.
    fn schema<T: JsonSchema>(&mut self) -> Value {
        let mut schema = schema_for!(T).to_value();
        let fields = schema.as_object_mut().unwrap();
        fields.remove("$schema");
        if let Some(Value::Object(types)) = fields.remove("$defs") {
            self.types.extend(types);
        }
        schema
    }

    fn kind(&mut self, stream: &str, kind: &str, data: &Value) {
        let (event_type, version) = kind.rsplit_once('.').unwrap();
        self.kinds.push(json!({
            "title": format!("{event_type}, version {version}"),
            "properties": {
                "stream": { "const": stream },
                "event_type": { "const": event_type },
                "schema_version": { "const": version.parse::<u16>().unwrap() },
                "data": data,
            },
        }));
    }

    /// The variants of an enum of events, each named by its `type`.
    fn kinds<T: JsonSchema>(&mut self, stream: &str) {
        let schema = self.schema::<T>();
        for variant in schema["oneOf"].as_array().unwrap() {
            let mut data = variant.clone();
            let fields = data["properties"].as_object_mut().unwrap();
            let kind = fields.remove("type").unwrap();
            let kind = kind["const"].as_str().unwrap();
            // The name of what a newer build wrote has no version.
            if kind.contains('.') {
                if let Some(required) = data["required"].as_array_mut() {
                    required.retain(|name| name != "type");
                }
                self.kind(stream, kind, &data);
            }
        }
    }
}

fn event() -> Value {
    let mut all = Gathered::default();
    all.kinds::<Fact>("AREA_EVENTS");
    let area = "AREA_EVENTS";
    let data = all.schema::<Moved>();
    all.kind(area, "moved.1", &data);
    let data = all.schema::<Accepted>();
    all.kind(area, "accepted.1", &data);
    let data = all.schema::<Refused>();
    all.kind(area, "rejected.1", &data);
    let data = all.schema::<EffectOutcome>();
    all.kind(area, "effect_applied.1", &data);
    let data = all.schema::<Effect>();
    all.kind(area, "effect_sent.1", &data);
    all.kinds::<AccountEvent>("IDENTITY_EVENTS");
    all.kinds::<LobbyEvent>("LOBBY_EVENTS");
    all.kinds::<ControlEvent>("CONTROL_EVENTS");
    all.kinds.push(json!({
        "title": "what a newer build wrote",
        "properties": { "event_type": { "const": "unknown" }, "schema_version": { "const": 0 } },
    }));
    let metadata = all.schema::<Metadata>();
    // What stands for an address, a secret or a name is left out.
    if let Some(digest) = all.types.get_mut("Digest") {
        *digest = json!({ "anyOf": [digest.clone(), { "const": "withheld" }] });
    }
    // Bytes are hexadecimal text in JSON.
    for field in ["nonce", "bytes"] {
        if let Some(bytes) = all.types["Sealed"]["properties"].get_mut(field) {
            *bytes = json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" });
        }
    }
    let columns: Map<String, Value> = Event::COLUMNS
        .iter()
        .map(|column| {
            let holds = match (column.name, column.holds) {
                ("metadata", _) => metadata.clone(),
                (_, ColumnType::Json) => json!({ "type": "object" }),
                (_, ColumnType::Text) => json!({ "type": "string" }),
                (_, ColumnType::Int64 | ColumnType::Int32 | ColumnType::Timestamp) => {
                    json!({ "type": "integer" })
                }
            };
            let mut told = if column.nullable {
                json!({ "anyOf": [holds, { "type": "null" }] })
            } else {
                holds
            };
            // A pseudonym is only in exports.
            let about = column.about.split(';').next().unwrap_or_default();
            told["description"] = about.into();
            (column.name.to_owned(), told)
        })
        .collect();
    let names: Vec<&str> = Event::COLUMNS.iter().map(|column| column.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": "One thing that happened: a message of FACTS.",
        "type": "object",
        "required": names,
        "properties": columns,
        "oneOf": all.kinds,
        "$defs": all.types,
    })
}

#[test]
fn the_json_schema_of_an_event_says_what_the_types_say() {
    let mut made = serde_json::to_vec_pretty(&event()).unwrap();
    made.push(b'\n');
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(PATH, &made).unwrap();
    }
    assert!(
        std::fs::read(PATH).unwrap_or_default() == made,
        "schemas/json/event.json differs from what the types say; if the change is meant, run \
         `UPDATE_CONTRACT=1 cargo test -p projector --test facts schema` and commit the difference"
    );
}
