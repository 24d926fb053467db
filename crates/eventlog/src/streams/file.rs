//! `nats/streams.toml`, and what it means to the broker.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::units;

const BUILT_IN: &str = include_str!("../../../../nats/streams.toml");
/// A bucket remembers dedupe ids for at most this long, and no longer than its values live.
const BUCKET_WINDOW: u64 = 20_000_000_000;
/// How long the marker stays where a value has expired.
const MARKER_TTL: u64 = 60_000_000_000;

/// What `nats/streams.toml` says.
#[derive(Debug, Clone)]
pub struct StreamsFile {
    text: Text,
    replicas: u8,
}

/// Why a streams file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("streams.toml: {0}")]
pub struct StreamsFileError(String);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    stream: BTreeMap<String, Stream>,
    #[serde(default)]
    bucket: BTreeMap<String, Bucket>,
    #[serde(default)]
    objects: BTreeMap<String, Objects>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stream {
    why: String,
    subjects: Vec<String>,
    max_age: Option<Nanos>,
    max_bytes: Option<Bytes>,
    discard: Discard,
    max_consumers: u32,
    duplicate_window: Nanos,
    #[serde(default)]
    republish: bool,
    #[serde(default)]
    batches: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    why: String,
    #[serde(default = "one")]
    history: u8,
    ttl: Option<Nanos>,
    max_bytes: Bytes,
    max_consumers: u32,
    /// Whether single values may be erased ([`crate::Bucket::erase`]).
    #[serde(default)]
    erasable: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    why: String,
    max_bytes: Bytes,
    max_consumers: u32,
}

fn one() -> u8 {
    1
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Discard {
    New,
    Old,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Nanos(u64);

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Bytes(u64);

impl TryFrom<String> for Nanos {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = units::nanos(&text).map(Self);
        read.ok_or_else(|| format!("{text:?} is no duration; write 500ms, 20s, 7d"))
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = units::bytes(&text).map(Self);
        read.ok_or_else(|| format!("{text:?} is no size; write 512MiB, 4GiB"))
    }
}

impl StreamsFile {
    /// The file that this build was made with.
    ///
    /// # Errors
    /// When it is not well formed, which a test excludes.
    pub fn built_in() -> Result<Self, StreamsFileError> {
        Self::parse(BUILT_IN)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is not well formed; the sentence names the place.
    pub fn parse(text: &str) -> Result<Self, StreamsFileError> {
        let text = toml::from_str(text).map_err(|error| StreamsFileError(error.to_string()))?;
        Ok(Self { text, replicas: 1 })
    }

    /// With so many replicas of every stream: 1 on a laptop, 3 in a cluster.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u8) -> Self {
        self.replicas = replicas;
        self
    }

    /// The streams' names, those behind buckets and object stores too.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let buckets = self.text.bucket.keys().map(|name| format!("KV_{name}"));
        let stores = self.text.objects.keys().map(|name| format!("OBJ_{name}"));
        let streams = self.text.stream.keys().cloned();
        streams.chain(buckets).chain(stores).collect()
    }

    /// The streams as the broker is told of them.
    pub(super) fn configs(&self) -> Vec<Value> {
        let streams = self.text.stream.iter();
        let streams = streams.map(|(name, stream)| stream.config(name, self.replicas));
        let buckets = self.text.bucket.iter();
        let buckets = buckets.map(|(name, bucket)| bucket.config(name, self.replicas));
        let stores = self.text.objects.iter();
        let stores = stores.map(|(name, store)| store.config(name, self.replicas));
        streams.chain(buckets).chain(stores).collect()
    }
}

impl Stream {
    fn config(&self, name: &str, replicas: u8) -> Value {
        let mut config = json!({
            "name": name,
            "description": self.why,
            "subjects": self.subjects,
            "storage": "file",
            "retention": "limits",
            "discard": match self.discard { Discard::New => "new", Discard::Old => "old" },
            "max_age": self.max_age.map_or(0, |age| age.0),
            "max_bytes": limit(self.max_bytes),
            "max_consumers": self.max_consumers,
            "duplicate_window": self.duplicate_window.0,
            "num_replicas": replicas,
            "allow_direct": true,
            // Purging is the archive's; deleting single messages is nobody's.
            "deny_delete": true,
            "deny_purge": false,
        });
        if self.batches {
            config["allow_atomic"] = true.into();
        }
        if let (true, [subjects]) = (self.republish, self.subjects.as_slice()) {
            config["republish"] = json!({ "src": subjects, "dest": format!("live.{subjects}") });
        }
        config
    }
}

impl Bucket {
    /// As `nats kv add` would make it, so that `nats kv` can read it.
    fn config(&self, name: &str, replicas: u8) -> Value {
        let ttl = self.ttl.map_or(0, |ttl| ttl.0);
        let window = if ttl == 0 {
            BUCKET_WINDOW
        } else {
            BUCKET_WINDOW.min(ttl)
        };
        let mut config = json!({
            "name": format!("KV_{name}"),
            "description": self.why,
            "subjects": [format!("$KV.{name}.>")],
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "max_msgs_per_subject": self.history,
            "max_age": ttl,
            "max_bytes": limit(Some(self.max_bytes)),
            "max_consumers": self.max_consumers,
            "duplicate_window": window,
            "num_replicas": replicas,
            "allow_direct": true,
            "allow_rollup_hdrs": true,
            "deny_delete": !self.erasable,
            "deny_purge": false,
        });
        if ttl > 0 {
            // Whoever watches is told when a value expires.
            config["allow_msg_ttl"] = true.into();
            config["subject_delete_marker_ttl"] = MARKER_TTL.into();
        }
        config
    }
}

impl Objects {
    /// As `nats object add` would make it, so that `nats object` can read it.
    fn config(&self, name: &str, replicas: u8) -> Value {
        json!({
            "name": format!("OBJ_{name}"),
            "description": self.why,
            "subjects": [format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "max_age": 0,
            "max_bytes": limit(Some(self.max_bytes)),
            "max_consumers": self.max_consumers,
            "duplicate_window": BUCKET_WINDOW,
            "num_replicas": replicas,
            "allow_direct": true,
            // A description replaces the one before it.
            "allow_rollup_hdrs": true,
            "deny_delete": true,
            // The chunks of what is deleted go.
            "deny_purge": false,
        })
    }
}

fn limit(bytes: Option<Bytes>) -> Value {
    bytes.map_or_else(|| json!(-1), |bytes| bytes.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};

    #[test]
    fn the_built_in_file_holds_every_stream_that_the_subjects_name() {
        let names = StreamsFile::built_in().unwrap().names();
        let domains = Domain::ALL.into_iter();
        let domains = domains.flat_map(|domain| [domain.command_stream(), domain.event_stream()]);
        for stream in domains.chain([AREA_COMMANDS, AREA_EVENTS]) {
            assert!(names.iter().any(|name| name == stream), "{stream}");
        }
    }

    #[test]
    fn event_streams_forget_nothing_and_command_streams_refuse_when_full() {
        for config in StreamsFile::built_in().unwrap().configs() {
            let name = config["name"].as_str().unwrap();
            assert!(config["max_consumers"].as_u64().unwrap() > 0, "{name}");
            if name.ends_with("_EVENTS") {
                assert_eq!(config["max_age"], 0, "{name}");
                assert_eq!(config["max_bytes"], -1, "{name}");
                assert!(
                    config["republish"]["dest"]
                        .as_str()
                        .unwrap()
                        .starts_with("live.evt.")
                );
            }
            if name.ends_with("_COMMANDS") {
                assert_eq!(config["discard"], "new", "{name}");
            }
        }
    }

    #[test]
    fn a_wrong_file_ends_in_a_sentence() {
        let wrong =
            "[bucket.members]\nwhy = 'x'\nttl = 'soon'\nmax_bytes = '1MiB'\nmax_consumers = 1";
        let error = StreamsFile::parse(wrong).unwrap_err().to_string();
        assert!(error.contains("\"soon\" is no duration"), "{error}");
        assert!(StreamsFile::parse("[stream.X]\nsubject = 1").is_err());
    }
}
