//! What identity needs to be told: `[identity]`, the secrets that `up` makes, and how careful to be.

use std::num::NonZero;

use runtime::{OidcIssuers, Secret, Section, Span, Wrong};
use schemas::locate::Locator;
use serde::Deserialize;

use crate::binding::AddressBinding;
use crate::key_ring::Rotation;
use crate::password::{HashParameters, HashPool};
use crate::secrets::Secrets;

/// How identity runs: `[identity]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// From which tokens are derived and under which hashes and private keys are sealed: at least 32
    /// random characters, the same on all instances and for ever; another one logs everybody out and
    /// makes every password unknown. `WORLDLINE_IDENTITY_SECRET`.
    pub secret: Secret,
    /// Finds the credentials of names and people: 64 hexadecimal digits, those that belong to the
    /// edges' `realm_key`. `WORLDLINE_IDENTITY_LOCATOR_KEY`.
    pub locator_key: Secret,
    /// What happens when a session goes on from another address: `off`, `soft` (noted) or `strict`
    /// (log in again). Default `soft`; `WORLDLINE_IDENTITY_ADDRESS_BINDING`.
    pub address_binding: AddressBinding,
    /// How long credentials are sealed to one key; it is destroyed one turn later. Default `1h`;
    /// `WORLDLINE_IDENTITY_BOX_ROTATION`.
    pub box_rotation: Span,
    /// How long one key signs access tokens. Default `24h`; `WORLDLINE_IDENTITY_SIGNING_ROTATION`.
    pub signing_rotation: Span,
    /// Memory of a password's hash, KiB. Default 19456; `WORLDLINE_IDENTITY_HASH_MEMORY`.
    pub hash_memory: u32,
    /// Passes of a password's hash. Default 2; `WORLDLINE_IDENTITY_HASH_PASSES`.
    pub hash_passes: u32,
    /// Lanes of a password's hash. Default 1; `WORLDLINE_IDENTITY_HASH_LANES`.
    pub hash_lanes: u32,
    /// How many passwords are hashed at once. Default 0: as many as there are cores;
    /// `WORLDLINE_IDENTITY_HASH_WORKERS`.
    pub hash_workers: usize,
    /// How many passwords may wait to be hashed; one more is refused as busy. Default 64;
    /// `WORLDLINE_IDENTITY_HASH_QUEUE`.
    pub hash_queue: usize,
    /// A password login that has waited longer is refused as busy: its asker is gone. More than the
    /// 2 s after which a dead instance's commands go to another. Default `3s`;
    /// `WORLDLINE_IDENTITY_PATIENCE`.
    pub patience: Span,
    /// Whose tokens are good; the section `[oidc]`, filled in by the program.
    #[serde(skip)]
    pub oidc: OidcIssuers,
}

impl Default for Config {
    fn default() -> Self {
        let hash = HashParameters::default();
        Self {
            secret: Secret::default(),
            locator_key: Secret::default(),
            address_binding: AddressBinding::default(),
            box_rotation: Span::from_secs(3600),
            signing_rotation: Span::from_secs(86_400),
            hash_memory: hash.memory,
            hash_passes: hash.passes,
            hash_lanes: hash.lanes,
            hash_workers: 0,
            hash_queue: 64,
            patience: Span::from_secs(3),
            oidc: OidcIssuers::default(),
        }
    }
}

impl Config {
    /// The secret that everything is derived from.
    ///
    /// # Errors
    /// When it is too short.
    pub fn secrets(&self) -> Result<Secrets, Wrong> {
        Secrets::from_text(self.secret.expose())
            .ok_or_else(|| Wrong::new("secret", "give at least 32 random characters"))
    }

    /// Where credentials are.
    ///
    /// # Errors
    /// When the key is missing or is no key.
    pub fn locator(&self) -> Result<Locator, Wrong> {
        let bytes = hex_32(self.locator_key.expose());
        let bytes = bytes.ok_or_else(|| Wrong::new("locator_key", "give 64 hexadecimal digits"))?;
        Ok(Locator::from_bytes(bytes))
    }

    /// How much work a password's hash is.
    #[must_use]
    pub const fn hash_parameters(&self) -> HashParameters {
        HashParameters {
            memory: self.hash_memory,
            passes: self.hash_passes,
            lanes: self.hash_lanes,
        }
    }

    /// What hashes passwords.
    ///
    /// # Errors
    /// When the parameters are none.
    pub fn hash_pool(&self) -> Result<HashPool, Wrong> {
        let workers = match self.hash_workers {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        };
        HashPool::new(self.hash_parameters(), workers, self.hash_queue)
            .ok_or_else(|| Wrong::new("hash_memory", NO_PARAMETERS))
    }

    /// How long keys are in use.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation {
            boxes: self.box_rotation.duration(),
            signing: self.signing_rotation.duration(),
        }
    }
}

const NO_PARAMETERS: &str =
    "Argon2 takes at least 8 KiB for each lane, at least one pass and at least one lane";

impl Section for Config {
    const NAME: &'static str = "identity";

    fn check(&self) -> Result<(), Wrong> {
        self.secrets()?;
        self.locator()?;
        if self.hash_parameters().params().is_none() {
            return Err(Wrong::new("hash_memory", NO_PARAMETERS));
        }
        for (key, span) in [
            ("box_rotation", self.box_rotation),
            ("signing_rotation", self.signing_rotation),
            ("patience", self.patience),
        ] {
            if span.duration().is_zero() {
                return Err(Wrong::new(key, "it must be longer than nothing"));
            }
        }
        Ok(())
    }
}

fn hex_32(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let good = Config {
            secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
            locator_key: "07".repeat(32).into(),
            ..Config::default()
        };
        assert_eq!(good.check(), Ok(()));
        let refused = |config: Config| format!("{:?}", config.check());
        let short = Config {
            secret: "hunter2".to_owned().into(),
            ..good.clone()
        };
        assert!(refused(short).contains("\"secret\""));
        let no_key = Config {
            locator_key: "x".repeat(64).into(),
            ..good.clone()
        };
        assert!(refused(no_key).contains("\"locator_key\""));
        let no_memory = Config {
            hash_memory: 1,
            ..good.clone()
        };
        assert!(refused(no_memory).contains("\"hash_memory\""));
        let never = Config {
            box_rotation: Span::from_secs(0),
            ..good
        };
        assert!(refused(never).contains("\"box_rotation\""));
    }
}
