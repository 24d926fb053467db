//! An object's description, as `nats object` writes it, with two additions of ours in its metadata: the content type,
//! and the places of the chunks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use schemas::{Sequence, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::backend::Raw;

const CONTENT_TYPE: &str = "content-type";
/// Where the chunks stand in the stream: `17-20 25`.
const CHUNKS: &str = "worldline.chunks";
const SHA_256: &str = "SHA-256=";
/// A time nobody reads: the message has its own.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// What it is, if that was said.
    pub content_type: Option<String>,
    /// When it was put, by the broker's clock.
    pub put_at: UnixMillis,
    /// Which change of the store made it so.
    pub revision: Sequence,
    pub(super) stored: Stored,
}

/// As it stands in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    options: Options,
    bucket: String,
    nuid: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mtime: String,
    #[serde(default)]
    pub(super) chunks: u64,
    #[serde(default)]
    digest: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Options {
    #[serde(default)]
    max_chunk_size: u64,
}

/// What [`ObjectInfo::describe`] tells.
pub(super) struct Content<'a> {
    pub(super) store: &'a str,
    pub(super) name: &'a str,
    pub(super) content_type: Option<&'a str>,
    pub(super) id: &'a str,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    pub(super) chunk_size: usize,
    pub(super) places: &'a [RangeInclusive<u64>],
}

/// A name as a token of a subject.
pub(super) fn encode_name(name: &str) -> String {
    URL_SAFE.encode(name)
}

impl ObjectInfo {
    pub(super) fn describe(content: &Content<'_>) -> Stored {
        let places = content
            .places
            .iter()
            .map(|run| match run.end() - run.start() {
                0 => run.start().to_string(),
                _ => format!("{}-{}", run.start(), run.end()),
            });
        let places = places.collect::<Vec<_>>().join(" ");
        let mut metadata = BTreeMap::from([(CHUNKS.to_owned(), places)]);
        if let Some(kind) = content.content_type {
            metadata.insert(CONTENT_TYPE.to_owned(), kind.to_owned());
        }
        Stored {
            name: content.name.to_owned(),
            metadata,
            options: Options {
                max_chunk_size: content.chunk_size as u64,
            },
            bucket: content.store.to_owned(),
            nuid: content.id.to_owned(),
            size: content.size,
            mtime: NO_TIME.to_owned(),
            chunks: content
                .places
                .iter()
                .map(|run| run.end() - run.start() + 1)
                .sum(),
            digest: format!("{SHA_256}{}", URL_SAFE.encode(content.sha256)),
            deleted: false,
        }
    }

    pub(super) fn read(raw: &Raw) -> Result<Self, String> {
        let stored: Stored =
            serde_json::from_slice(&raw.payload).map_err(|error| error.to_string())?;
        let digest = stored.digest.strip_prefix(SHA_256);
        let digest = digest.and_then(|digest| URL_SAFE.decode(digest).ok());
        let sha256 = digest.and_then(|digest| <[u8; 32]>::try_from(digest).ok());
        if sha256.is_none() && !stored.deleted {
            return Err(format!("{:?} is no SHA-256", stored.digest));
        }
        Ok(Self {
            name: stored.name.clone(),
            size: stored.size,
            sha256: sha256.unwrap_or_default(),
            content_type: stored.metadata.get(CONTENT_TYPE).cloned(),
            put_at: raw.stored_at,
            revision: raw.sequence,
            stored,
        })
    }

    /// The description that says that this object was deleted.
    pub(super) fn deleted(&self, store: &str) -> Vec<u8> {
        Stored {
            name: self.name.clone(),
            metadata: BTreeMap::new(),
            options: Options::default(),
            bucket: store.to_owned(),
            nuid: self.stored.nuid.clone(),
            size: 0,
            mtime: NO_TIME.to_owned(),
            chunks: 0,
            digest: String::new(),
            deleted: true,
        }
        .encode()
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.stored.deleted
    }

    /// Under which its chunks stand.
    pub(super) fn id(&self) -> &str {
        &self.stored.nuid
    }

    /// All chunks but the last have this size, in bytes.
    pub(super) fn chunk_size(&self) -> u64 {
        self.stored.options.max_chunk_size.max(1)
    }

    /// The chunks' places in the stream, in order; `None` when another tool has put it.
    pub(super) fn places(&self) -> Option<Vec<Sequence>> {
        let runs = self.stored.metadata.get(CHUNKS)?;
        let mut places = Vec::new();
        for run in runs.split_whitespace() {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            // A damaged description must not ask for more memory than its object has chunks.
            if last.checked_sub(first)? >= self.stored.chunks {
                return None;
            }
            places.extend((first..=last).map(Sequence));
        }
        (places.len() as u64 == self.stored.chunks).then_some(places)
    }
}

impl Stored {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
