//! `docs/data-dictionary.md`: what every column and every field of every event means, said once, in the types.
//!
//! `UPDATE_GOLDEN=1 cargo test -p past --test data_dictionary` writes it anew.

use std::collections::BTreeMap;

use past::event::{Accepted, ColumnType, Event, Metadata, Moved, Refused};
use schemars::{JsonSchema, schema_for};
use schemas::account::AccountEvent;
use schemas::control::{ControlEvent, FleetEvent};
use schemas::credential::CredentialEvent;
use schemas::effect::Effect;
use schemas::fact::Fact;
use schemas::lobby::LobbyEvent;
use schemas::name::NameEvent;
use schemas::outcome::EffectOutcome;
use schemas::subjects::{AREA_EVENTS, Domain};
use serde_json::Value;

const INTRODUCTION: &str = "# Data dictionary

<!-- Made from the types by `UPDATE_GOLDEN=1 cargo test -p past --test data_dictionary`; do not edit. -->

What `worldline replay export` writes, row for row, and what the stream `FACTS` carries, message for message. One row is
one *event*: one thing that happened. How to get at it: [analysts.md](analysts.md).

- Rows of one stream are in the order of `(log_position, event_index)`. With `stream` that is an event's identity: the
  same in every export, and the id of its message in `FACTS`.
- Files lie under `stream=…/day=…/area=…/` (days are of `created_at`, in UTC; events of no area are in
  `area=__HIVE_DEFAULT_PARTITION__`). `_manifest.json` lists each with its rows, bytes, SHA-256 and range, and how far
  the export has come in each stream. A file that is not in it is not part of the export.
- In exports, ids of characters, accounts and login sessions, and the digests that stand for addresses, names and
  secrets, are **pseudonyms**, wherever they occur: the first 128 bits, in hexadecimal digits, of HMAC-SHA-256 under a
  key over (kind, id), each preceded by its length as 8 bytes, big-endian; kinds are `character`, `account`, `login` and
  `digest`. The same person has the same pseudonym in all exports under one key. `--real-ids` leaves ids as they are, as
  `FACTS` does. Ids of zeros stand for nobody and stay.
- What people wrote (`Sealed`) stays sealed: readable by who holds the key, and by nobody once it is destroyed.
- Bytes are hexadecimal text. Positions are of 1/256 px, y grows downwards. A tick is 40 ms, a step 20 ms; `until` of
  18446744073709551615 means: without end.
- A frame in which nothing happened but that time went on has no rows. Names of columns, types and fields never change
  their meaning: what changes gets a new `schema_version`, and rows of older versions are told in the newest shape.
";

/// One kind of event: its name and version, and its schema.
struct Kind {
    name: String,
    schema: Value,
}

struct Dictionary {
    text: String,
    /// Types that fields refer to.
    types: BTreeMap<String, Value>,
}

fn of<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

fn one_line(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}

fn list(schemas: &[Value], between: &str) -> String {
    let words: Vec<String> = schemas.iter().map(holds).collect();
    words.join(between)
}

/// What a field holds, in words.
fn holds(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let quoted = |value: &Value| match value.as_str() {
        Some(text) => format!("`{text}`"),
        None => format!("`{value}`"),
    };
    if let Some(fixed) = schema.get("const") {
        return quoted(fixed);
    }
    if let Some(any) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return list(any, " or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(quoted).collect::<Vec<_>>().join(" or ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    let words = names.iter().map(|name| match *name {
        "string" => "text".to_owned(),
        "array" if schema["items"]["format"] == "uint8" => "bytes".to_owned(),
        "array" => match schema["prefixItems"].as_array() {
            Some(items) => format!("[{}]", list(items, ", ")),
            None => format!("list of {}", holds(&schema["items"])),
        },
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

impl Dictionary {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Remembers the types that `schema` brings along.
    fn learn(&mut self, schema: &Value) {
        for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
            self.types.insert(name.clone(), definition.clone());
        }
    }

    fn fields(&mut self, schema: &Value) {
        let Some(fields) = schema["properties"].as_object() else {
            return;
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let told: Vec<_> = fields.iter().filter(|(name, _)| *name != "type").collect();
        if told.is_empty() {
            return self.line("No fields of its own.");
        }
        self.line("| field | holds | |\n|---|---|---|");
        for (name, field) in told {
            let holds = holds(field);
            let always = required.iter().any(|r| r == name) || holds.contains("null");
            let optional = if always { "" } else { ", may be left out" };
            self.line(&format!(
                "| `{name}` | {holds}{optional} | {} |",
                one_line(field)
            ));
        }
    }

    fn kinds(&mut self, stream: &str, about: &str, kinds: Vec<Kind>) {
        self.line(&format!("\n## {stream}\n\n{about}"));
        for Kind { name, schema } in kinds {
            let (name, version) = name.rsplit_once('.').unwrap_or((&name, "0"));
            let about = one_line(&schema);
            self.line(&format!(
                "\n### {stream} `{name}`, version {version}\n\n{about}\n"
            ));
            self.fields(&schema);
        }
    }

    /// A type that fields refer to.
    fn definition(&mut self, name: &str, schema: &Value) {
        self.line(&format!("\n### {name}\n\n{}\n", one_line(schema)));
        if schema["properties"].is_object() {
            return self.fields(schema);
        }
        let Some(variants) = schema["oneOf"].as_array() else {
            return self.line(&format!("Holds: {}.", holds(schema)));
        };
        for variant in variants {
            self.variant(variant);
        }
    }

    fn variant(&mut self, variant: &Value) {
        let about = one_line(variant);
        let fields = variant["properties"].as_object();
        if let Some(kind) = variant["properties"]["type"]["const"].as_str() {
            self.line(&format!("With `type` `{kind}`: {about}\n"));
            self.fields(variant);
            self.line("");
        } else if let Some((key, inner)) = fields.and_then(|fields| fields.iter().next()) {
            let inner = match inner["properties"].as_object() {
                Some(fields) => {
                    let field = |(name, field): (&String, &Value)| {
                        format!("`{name}` {} ({})", holds(field), one_line(field))
                    };
                    fields.iter().map(field).collect::<Vec<_>>().join(", ")
                }
                None => holds(inner),
            };
            self.line(&format!("- an object `{key}`, with {inner}: {about}"));
        } else {
            self.line(&format!("- {}: {about}", holds(variant)));
        }
    }

    /// The kinds of a tagged union.
    fn tagged<T: JsonSchema>(&mut self) -> Vec<Kind> {
        let schema = of::<T>();
        self.learn(&schema);
        let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
        let kinds = variants.into_iter().filter_map(|schema| {
            let name = schema["properties"]["type"]["const"].as_str()?.to_owned();
            name.contains('.').then_some(Kind { name, schema })
        });
        kinds.collect()
    }

    fn plain<T: JsonSchema>(&mut self, name: &str) -> Kind {
        let schema = of::<T>();
        self.learn(&schema);
        Kind {
            name: name.to_owned(),
            schema,
        }
    }

    fn columns(&mut self) {
        self.line("\n## Columns\n\n| column | holds | |\n|---|---|---|");
        for column in Event::COLUMNS {
            let holds = match column.holds {
                ColumnType::Int64 => "64-bit integer",
                ColumnType::Int32 => "32-bit integer",
                ColumnType::Text => "text",
                ColumnType::Timestamp => "timestamp in ms (NDJSON, CSV, `FACTS`: an integer)",
                ColumnType::Json => "JSON (Parquet, CSV: as text)",
            };
            let null = if column.nullable { " or null" } else { "" };
            self.line(&format!(
                "| `{}` | {holds}{null} | {} |",
                column.name, column.about
            ));
        }
        let metadata = self.plain::<Metadata>("metadata").schema;
        self.line(&format!("\n## Metadata\n\n{}\n", one_line(&metadata)));
        self.fields(&metadata);
    }
}

fn whole() -> String {
    let mut dictionary = Dictionary {
        text: INTRODUCTION.to_owned(),
        types: BTreeMap::new(),
    };
    let d = &mut dictionary;
    d.columns();
    let mut kinds = d.tagged::<Fact>();
    kinds.extend([
        d.plain::<Moved>("moved.1"),
        d.plain::<Accepted>("accepted.1"),
        d.plain::<Refused>("rejected.1"),
        d.plain::<EffectOutcome>("effect_applied.1"),
        d.plain::<Effect>("effect_sent.1"),
    ]);
    d.kinds(AREA_EVENTS, "What happened in areas.", kinds);
    for domain in Domain::ALL {
        let (about, kinds) = match domain {
            Domain::Identity => (
                "Accounts; `account` is the key.",
                d.tagged::<AccountEvent>(),
            ),
            Domain::Credential => (
                "What lets into accounts; `metadata.key` is where it is.",
                d.tagged::<CredentialEvent>(),
            ),
            Domain::Name => (
                "Characters' names; `metadata.key` is where one is reserved.",
                d.tagged::<NameEvent>(),
            ),
            Domain::Lobby => (
                "Characters and their sessions; `player` is the key.",
                d.tagged::<LobbyEvent>(),
            ),
            Domain::Control => (
                "Which areas there are and how they are led; `area` is the key.",
                d.tagged::<ControlEvent>(),
            ),
            Domain::Fleet => (
                "What operators want of workers; `metadata.key` is the worker.",
                d.tagged::<FleetEvent>(),
            ),
        };
        d.kinds(domain.event_stream(), about, kinds);
    }
    d.line("\n## Types");
    for (name, schema) in d.types.clone() {
        d.definition(&name, &schema);
    }
    dictionary.text
}

#[test]
fn the_data_dictionary_says_what_the_types_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/data-dictionary.md");
    let text = whole();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    for (number, (here, there)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(
            here,
            there,
            "line {} of docs/data-dictionary.md",
            number + 1
        );
    }
    assert_eq!(text.lines().count(), golden.lines().count());
}

#[test]
fn every_field_says_what_it_is() {
    let text = whole();
    let is_silent = |line: &&str| line.starts_with('|') && line.ends_with("|  |");
    let silent: Vec<&str> = text.lines().filter(is_silent).collect();
    assert!(
        silent.is_empty(),
        "fields without a doc comment: {silent:#?}"
    );
    for kind in [
        "`spoken`",
        "`moved`",
        "`created`",
        "`registered`",
        "`area_opened`",
        "`duty_set`",
    ] {
        assert!(text.contains(kind), "{kind} is missing");
    }
}
