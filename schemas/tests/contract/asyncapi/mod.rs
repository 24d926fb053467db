//! `schemas/asyncapi.yaml`: every subject of the broker and every message of the websocket, made of the types.
//!
//! What each channel is stands in `channels.rs`, built by the functions that build subjects; who sends and who receives is
//! read from `nats/users.toml`, what is stored from `nats/streams.toml`, the websocket's messages from the tables of
//! `wire.rs`. Payloads are the JSON Schemas beside it. The tests here hold the whole against all of these, so that nothing
//! that is stored, allowed or sent is missing from the document.

mod channels;
mod document;
mod operations;
mod websocket;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use channels::{Channel, channels};

/// `nats/streams.toml` as far as it is needed: names of streams and their subjects.
fn streams() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(super::root().join("nats/streams.toml")).unwrap();
    let file: toml::Value = toml::from_str(&text).unwrap();
    let names = |kind: &str| -> Vec<String> {
        let table = file[kind].as_table().unwrap();
        table.keys().cloned().collect()
    };
    let mut all = BTreeMap::new();
    for (name, stream) in file["stream"].as_table().unwrap() {
        let subjects = stream["subjects"].as_array().unwrap().iter();
        let subjects = subjects.map(|subject| subject.as_str().unwrap().to_owned());
        all.insert(name.clone(), subjects.collect());
    }
    for name in names("bucket") {
        all.insert(format!("KV_{name}"), vec![format!("$KV.{name}.>")]);
    }
    for name in names("objects") {
        let subjects = ["C", "M"].map(|part| format!("$O.{name}.{part}.>"));
        all.insert(format!("OBJ_{name}"), subjects.to_vec());
    }
    all
}

/// Whether `pattern` matches an address, whose parameters stand for one token each.
fn matches(pattern: &str, address: &str) -> bool {
    let mut address = address.split('.');
    let mut pattern = pattern.split('.');
    loop {
        match (pattern.next(), address.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(_), Some(token)) if token.starts_with('{') => {}
            (Some(wanted), Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
}

#[test]
fn the_document_says_what_the_types_say() {
    let document = document::document();
    let mut text = "# Made of the types by `cargo test -p schemas`; do not edit.\n".to_owned();
    let order = [
        "asyncapi",
        "info",
        "defaultContentType",
        "servers",
        "channels",
        "operations",
        "components",
    ];
    assert_eq!(document.as_object().unwrap().len(), order.len());
    for section in order {
        let part = json!({ section: document[section] });
        text += &serde_yaml_ng::to_string(&part).unwrap();
    }
    assert_eq!(serde_yaml_ng::from_str::<Value>(&text).unwrap(), document);
    super::check("schemas/asyncapi.yaml", text.as_bytes());
}

#[test]
fn every_stored_subject_has_its_channel_and_its_stream() {
    let all = channels();
    for (stream, subjects) in streams() {
        for subject in subjects {
            let mut of_it = all.iter().filter(|channel| channel.stream == Some(&stream));
            assert!(
                of_it.any(|channel| matches(&subject, &channel.address)),
                "{stream} stores {subject}, of which asyncapi/channels.rs tells nothing"
            );
        }
    }
    let streams = streams();
    for Channel {
        address, stream, ..
    } in &all
    {
        let storing = |(_, subjects): &(&String, &Vec<String>)| {
            subjects.iter().any(|subject| matches(subject, address))
        };
        let found = streams.iter().find(storing).map(|(name, _)| name.as_str());
        assert_eq!(found, *stream, "the stream of {address}");
    }
}

#[test]
fn every_right_is_about_a_channel() {
    let all = channels();
    for (role, rights) in operations::roles() {
        for subject in rights.publish.iter().chain(&rights.subscribe) {
            if subject.starts_with("$JS") {
                continue;
            }
            assert!(
                all.iter().any(|channel| matches(subject, &channel.address)),
                "{role} may use {subject}, of which asyncapi/channels.rs tells nothing"
            );
        }
    }
}

/// Every built subject fits the address that is told of it.
#[test]
fn addresses_are_what_is_built() {
    for Channel {
        address, example, ..
    } in channels()
    {
        assert!(
            matches(&example, &example) && !example.contains(['{', '*', '>']),
            "{example}"
        );
        let tokens = |text: &str| text.split('.').map(ToOwned::to_owned).collect::<Vec<_>>();
        let (told, built) = (tokens(&address), tokens(&example));
        assert_eq!(told.len(), built.len(), "{address} and {example}");
        for (told, built) in told.iter().zip(&built) {
            assert!(
                told == built || (told.starts_with('{') && told.ends_with('}')),
                "{address} and {example}"
            );
        }
    }
}

/// A payload's file is there, and every file is some message's payload.
#[test]
fn every_json_schema_is_a_payload() {
    let mut referred = BTreeSet::new();
    references(&document::document(), &mut referred);
    let files: BTreeSet<String> = std::fs::read_dir(super::root().join("schemas/json"))
        .unwrap()
        .map(|entry| entry.unwrap())
        // Shapes that nobody writes any more lie in a folder of their own.
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| format!("./json/{}", entry.file_name().to_string_lossy()))
        .collect();
    let told: BTreeSet<String> = referred
        .iter()
        .filter_map(|reference| reference.split('#').next())
        .filter(|file| !file.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(files, told);
}

/// Whatever is referred to within the document, and in the files beside it, exists.
#[test]
fn no_reference_leads_nowhere() {
    let document = document::document();
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    for reference in referred {
        let (file, pointer) = reference.split_once('#').unwrap_or((&reference, ""));
        let found = if file.is_empty() {
            document.pointer(pointer).is_some()
        } else {
            let path = super::root().join("schemas").join(file);
            let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            schema.pointer(pointer).is_some()
        };
        assert!(found, "{reference} leads nowhere");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
