//! Who sends what and who receives it: the roles of `nats/users.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::channels::Channel;
use super::matches;

/// What a role may do; `nats/users.toml` explains the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Role {
    pub(super) does: String,
    pub(super) publish: Vec<String>,
    pub(super) subscribe: Vec<String>,
    reads: Vec<String>,
    works: Vec<String>,
    reads_buckets: Vec<String>,
    writes_buckets: Vec<String>,
    reads_objects: Vec<String>,
    writes_objects: Vec<String>,
}

pub(super) fn roles() -> BTreeMap<String, Role> {
    let text = std::fs::read_to_string(crate::root().join("nats/users.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

impl Role {
    fn sends(&self, channel: &Channel) -> bool {
        let mut publish = self.publish.iter();
        publish.any(|subject| matches(subject, &channel.address))
            || named("KV_", &self.writes_buckets, channel)
            || named("OBJ_", &self.writes_objects, channel)
    }

    fn receives(&self, channel: &Channel) -> bool {
        let mut subscribe = self.subscribe.iter();
        subscribe.any(|subject| matches(subject, &channel.address))
            || named("", &self.reads, channel)
            || named("", &self.works, channel)
            || named("KV_", &self.reads_buckets, channel)
            || named("KV_", &self.writes_buckets, channel)
            || named("OBJ_", &self.reads_objects, channel)
            || named("OBJ_", &self.writes_objects, channel)
    }
}

fn named(prefix: &str, names: &[String], channel: &Channel) -> bool {
    let stream = channel
        .stream
        .and_then(|stream| stream.strip_prefix(prefix));
    stream.is_some_and(|stream| names.iter().any(|name| name == stream))
}

/// One for each role and each channel that it sends to or receives from.
pub(super) fn operations(channels: &[Channel]) -> Map<String, Value> {
    let mut all = Map::new();
    for (role, rights) in roles() {
        for channel in channels {
            let operation = |action: &str| {
                json!({
                    "action": action,
                    "channel": { "$ref": format!("#/channels/{}", channel.name) },
                    "summary": format!("`{role}`: {}", rights.does),
                    "tags": [{ "name": role }],
                })
            };
            if rights.sends(channel) {
                all.insert(format!("{role}.sends.{}", channel.name), operation("send"));
            }
            if rights.receives(channel) {
                let name = format!("{role}.receives.{}", channel.name);
                all.insert(name, operation("receive"));
            }
        }
    }
    all
}
