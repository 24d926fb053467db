//! The realm's keys: one file, readable by its owner only, made once.
//!
//! Who gets which: the edges the realm key, their own resume key and the lobby's public key; identity
//! its own secret and what finds credentials; the lobby its own secret and signing key; projector and
//! replay the realm key. What signs access tokens identity makes itself, and changes every day.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::Rng;
use runtime::Flags;
use schemas::erasure::ErasureKey;
use schemas::locate::Locator;
use schemas::sealed::RealmKey;
use serde::{Deserialize, Serialize};

use crate::player::Secrets;

/// All keys of a realm.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// Seals what people write; 64 hexadecimal digits.
    realm: String,
    /// From which identity derives tokens, and under which it seals hashes and its own keys.
    identity_secret: String,
    /// From which the lobby derives ticket ids.
    lobby_secret: String,
    /// Seals resume tokens; the same for all edges.
    edge_secret: String,
    /// Signed access tokens once; still in older files.
    #[serde(default, skip_serializing, rename = "access")]
    _access: Option<identity::keys::KeyPair>,
    /// Signs join tickets.
    pub(crate) tickets: identity::keys::KeyPair,
}

impl Keys {
    /// Fresh ones.
    pub(crate) fn generate() -> Self {
        let secret = || {
            let mut bytes = [0; 32];
            rand::rng().fill_bytes(&mut bytes);
            hex(bytes)
        };
        Self {
            realm: secret(),
            identity_secret: secret(),
            lobby_secret: secret(),
            edge_secret: secret(),
            _access: None,
            tickets: identity::keys::KeyPair::generate(),
        }
    }

    /// Reads them from `path`.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("reading the realm's keys from {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("the keys in {}", path.display()))
    }

    /// Reads them from `path`, or makes them there.
    pub(crate) fn load_or_create(path: &Path) -> anyhow::Result<Self> {
        match Self::load(path) {
            Err(error) if !path.exists() => {
                tracing::debug!(%error, "new keys");
                let keys = Self::generate();
                keys.create(path)?;
                Ok(keys)
            }
            result => result,
        }
    }

    /// Writes them to `path`, which must not exist: losing a realm's keys is losing its texts.
    pub(crate) fn create(&self, path: &Path) -> anyhow::Result<()> {
        let result = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let mut file = match result {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => anyhow::bail!(
                "{} exists: losing a realm's keys is losing its texts, so they are not overwritten",
                path.display()
            ),
            result => result.with_context(|| format!("creating {}", path.display()))?,
        };
        file.write_all(toml::to_string_pretty(self)?.as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// Tells these keys from others, and nothing of them.
    pub(crate) fn fingerprint(&self) -> String {
        let secrets = [
            &self.realm,
            &self.identity_secret,
            &self.lobby_secret,
            &self.edge_secret,
            &self.tickets.private,
        ];
        let text = secrets.map(String::as_str).join(" ");
        schemas::Digest::of(format!("keys of a realm: {text}").as_bytes()).to_string()
    }

    /// The key for what people write.
    pub(crate) fn realm(&self) -> anyhow::Result<RealmKey> {
        Ok(RealmKey::from_bytes(bytes("realm", &self.realm)?))
    }

    /// What erasing a person takes.
    pub(crate) fn erasing(&self) -> anyhow::Result<Secrets> {
        Ok(Secrets {
            realm: self.realm()?,
            locator: self.locator()?,
            identity: ErasureKey::of_secret(&self.identity_secret),
            lobby: ErasureKey::of_secret(&self.lobby_secret),
        })
    }

    /// What finds people by what they are called.
    pub(crate) fn locator(&self) -> anyhow::Result<Locator> {
        Ok(Locator::of_realm(bytes("realm", &self.realm)?))
    }

    /// What ids of people are exported under.
    pub(crate) fn pseudonyms(&self) -> anyhow::Result<replay::PseudonymKey> {
        Ok(replay::PseudonymKey::of_realm(bytes("realm", &self.realm)?))
    }

    /// Each service's share, as settings of its section.
    pub(crate) fn into_flags(self, flags: Flags) -> Flags {
        // A realm key that is none is the edge's to complain about.
        let locator = bytes("realm", &self.realm).map(|realm| hex(Locator::bytes_of_realm(realm)));
        let flags = flags.set("--keys", "identity.locator_key", locator.ok());
        [
            ("edge.realm_key", &self.realm),
            ("edge.resume_key", &self.edge_secret),
            ("edge.lobby_public_key", &self.tickets.public),
            ("identity.secret", &self.identity_secret),
            ("lobby.secret", &self.lobby_secret),
            ("lobby.signing_key", &self.tickets.private),
        ]
        .into_iter()
        .fold(flags, |flags, (target, value)| {
            flags.set("--keys", target, Some(value))
        })
    }
}

/// Where the keys are: named, or beside the data.
pub(crate) fn path(named: Option<&Path>, data_dir: &Path) -> PathBuf {
    named.map_or_else(|| data_dir.join("keys.toml"), Path::to_path_buf)
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(name: &str, hex: &str) -> anyhow::Result<[u8; 32]> {
    let wrong = || anyhow::anyhow!("the key `{name}` is not 64 hexadecimal digits");
    anyhow::ensure!(hex.len() == 64 && hex.is_ascii(), wrong());
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
