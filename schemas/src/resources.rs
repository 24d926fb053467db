//! Versions of what clients fetch: the page, the maps, pictures.
//!
//! A **version** is a list of files, the *manifest*. It is one value of one key, so that a version is published by one write
//! or not at all. The files themselves are objects under the SHA-256 of their content: what is stored never changes,
//! and two versions share what they have in common.
//!
//! Written as JSON, so that `nats kv get resources manifest` can be read.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub use semver::Version;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::UnixMillis;

/// The bucket with the manifest; it keeps the last versions too.
pub const BUCKET: &str = "resources";
/// The manifest's key in it.
pub const MANIFEST: &str = "manifest";
/// The object store with the files.
pub const STORE: &str = "resources";
/// Where an edge serves a file: this and its [`ContentHash`].
pub const FILES: &str = "/v1/files/";
/// A larger file is not published: 32 MiB, half of what an edge keeps in memory.
pub const MAX_FILE_BYTES: u64 = 32 << 20;
/// A version has no more files.
pub const MAX_FILES: usize = 4096;
/// Names of clients, in `Identify`, whose versions are those of the manifest.
const GATED: [&str; 2] = ["sdk", "web"];
/// The manifest's own format.
const FORMAT: u16 = 1;

/// The SHA-256 of a file's content, and its name in the store; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// That of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// Not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hexadecimal digits")]
pub struct NoContentHash;

impl FromStr for ContentHash {
    type Err = NoContentHash;

    fn from_str(text: &str) -> Result<Self, NoContentHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NoContentHash),
        };
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() {
            return Err(NoContentHash);
        }
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// One file of a version.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct File {
    /// Where a client puts it: relative, with `/`.
    pub path: String,
    /// Its content.
    #[schemars(with = "String")]
    pub sha256: ContentHash,
    /// Its size in bytes.
    pub size: u64,
    /// What it is: `image/png`.
    pub content_type: String,
}

/// A version: what a client shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    v: u16,
    /// Its number.
    pub version: Version,
    /// Clients below it are not let in.
    pub minimum: Version,
    /// When it was published.
    pub published_at: UnixMillis,
    /// Its files, by path.
    pub files: Vec<File>,
}

/// Bytes that are no manifest.
#[derive(Debug, thiserror::Error)]
#[error("this is no manifest: {0}")]
pub struct NoManifest(String);

impl Manifest {
    /// A manifest of `files`.
    #[must_use]
    pub fn new(
        version: Version,
        minimum: Version,
        published_at: UnixMillis,
        mut files: Vec<File>,
    ) -> Self {
        files.sort();
        Self {
            v: FORMAT,
            version,
            minimum,
            published_at,
            files,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Strings, numbers and lists: there is nothing in it that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads one; fields it does not know are passed over.
    ///
    /// # Errors
    /// When it is none, or one of a later format.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoManifest> {
        let read: Self =
            serde_json::from_slice(bytes).map_err(|error| NoManifest(error.to_string()))?;
        if read.v != FORMAT {
            return Err(NoManifest(format!("it has format {}", read.v)));
        }
        Ok(read)
    }

    /// What it is made of, whatever its number: equal for equal paths and contents.
    #[must_use]
    pub fn content(files: &[File]) -> ContentHash {
        let mut sorted: Vec<_> = files.iter().collect();
        sorted.sort();
        ContentHash::of(&serde_json::to_vec(&sorted).unwrap_or_default())
    }

    /// Whether a client of `version` is too old to be let in.
    #[must_use]
    pub fn refuses(&self, version: &Version) -> bool {
        version.cmp_precedence(&self.minimum) == Ordering::Less
    }

    /// Whether a client of `version` has what it shall have, or something newer. Of two builds of one
    /// version (`0.1.0+a`, `0.1.0+b`) neither is newer: a client that names its build must name this one.
    #[must_use]
    pub fn is_current(&self, version: &Version) -> bool {
        match version.cmp_precedence(&self.version) {
            Ordering::Less => false,
            Ordering::Equal => version.build.is_empty() || version.build == self.version.build,
            Ordering::Greater => true,
        }
    }
}

/// A version as people write it: `1.2.3`, `v1.2`, `1`.
#[must_use]
pub fn version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let padded = |zeros: &str| Version::parse(&format!("{text}{zeros}")).ok();
    padded("")
        .or_else(|| padded(".0"))
        .or_else(|| padded(".0.0"))
}

/// The version that a client announces in `Identify`: `sdk 0.1.0`. `None` for clients of other
/// makers and for what nobody understands: those are let in, and the protocol's own version decides.
#[must_use]
pub fn announced(client: &str) -> Option<Version> {
    let mut words = client.split([' ', '/']).filter(|word| !word.is_empty());
    let name = words.next()?;
    let known = GATED.iter().any(|gated| name.eq_ignore_ascii_case(gated));
    let text = words.next().filter(|_| known)?;
    version(text.trim_end_matches([',', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"v":1,"version":"0.2.0","minimum":"0.1.0","published_at":1700000000000,"files":[{"path":"index.html","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"content_type":"text/html"}]}"#;

    fn v(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_manifest_reads_what_was_once_written() {
        let manifest = Manifest::decode(GOLDEN.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(manifest.encode()).unwrap(), GOLDEN);
        assert_eq!(manifest.files[0].sha256, ContentHash::of(b""));
        let later = GOLDEN.replace("\"v\":1", "\"v\":2");
        assert!(Manifest::decode(later.as_bytes()).is_err());
        let newer = GOLDEN.replace("\"v\":1", "\"v\":1,\"news\":[]");
        assert_eq!(Manifest::decode(newer.as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn a_hash_is_64_lower_case_digits() {
        let text = ContentHash::of(b"x").to_string();
        assert_eq!(text.parse(), Ok(ContentHash::of(b"x")));
        for wrong in ["", "ab", &text.to_uppercase(), &text[1..], &"é".repeat(32)] {
            assert_eq!(wrong.parse::<ContentHash>(), Err(NoContentHash), "{wrong}");
        }
    }

    #[test]
    fn who_is_refused_and_who_is_current() {
        let mut manifest = Manifest::decode(GOLDEN.as_bytes()).unwrap();
        for (version, refused, current) in [
            ("0.0.9", true, false),
            ("0.1.0-rc.1", true, false),
            ("0.1.0", false, false),
            ("0.2.0-rc.1", false, false),
            ("0.2.0", false, true),
            ("0.3.0", false, true),
        ] {
            assert_eq!(manifest.refuses(&v(version)), refused, "{version}");
            assert_eq!(manifest.is_current(&v(version)), current, "{version}");
        }
        manifest.version = v("0.2.0+b");
        assert!(manifest.is_current(&v("0.2.0")) && manifest.is_current(&v("0.2.0+b")));
        assert!(!manifest.is_current(&v("0.2.0+a")));
    }

    #[test]
    fn an_announcement_is_read_with_tolerance() {
        for (client, announced) in [
            ("sdk 0.1.0", Some("0.1.0")),
            ("SDK/v1.2", Some("1.2.0")),
            ("web  2; somewhere", Some("2.0.0")),
            ("sdk", None),
            ("sdk soon", None),
            ("worldline-bots/0.0.1", None),
            ("", None),
        ] {
            assert_eq!(super::announced(client), announced.map(v), "{client:?}");
        }
    }
}
