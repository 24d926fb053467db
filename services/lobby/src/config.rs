//! What the lobby needs to be told: `[lobby]`, the keys that `up` makes.

use runtime::{Secret, Section, Span, Wrong};
use schemas::AreaId;
use serde::Deserialize;

use crate::characters::{Characters, DELETE_GRACE_MILLIS};
use crate::tickets::Tickets;

/// Where characters begin.
const START_AREA: &str = "harbor-1";

/// Thirty seconds.
const LOST_AFTER_MILLIS: u64 = 30_000;
/// Whoever is looked for sooner is only on its way.
const LEAST_LOST_AFTER_MILLIS: u128 = 100;

/// How the lobby runs: `[lobby]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// From which join tickets are derived: at least 32 random characters, the same on all
    /// instances. `WORLDLINE_LOBBY_SECRET`.
    pub secret: Secret,
    /// The Ed25519 private key that signs join tickets, PKCS #8 in PEM.
    /// `WORLDLINE_LOBBY_SIGNING_KEY`.
    pub signing_key: Secret,
    /// The area in which a character appears that has not been in the world before. Default
    /// `harbor-1`; `WORLDLINE_LOBBY_START_AREA`.
    pub start_area: String,
    /// The spawn point there. Default `start`; `WORLDLINE_LOBBY_START_SPAWN`.
    pub start_spawn: String,
    /// For how long a deleted character can be restored. Default `7d`;
    /// `WORLDLINE_LOBBY_DELETE_GRACE`.
    pub delete_grace: Span,
    /// How long a character may be missing where it is believed to be, without news, before it is
    /// looked for in all areas, and taken back if it is nowhere. Default `30s`;
    /// `WORLDLINE_LOBBY_LOST_AFTER`.
    pub lost_after: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secret: Secret::default(),
            signing_key: Secret::default(),
            start_area: START_AREA.into(),
            start_spawn: "start".into(),
            delete_grace: Span::from_millis(DELETE_GRACE_MILLIS),
            lost_after: Span::from_millis(LOST_AFTER_MILLIS),
        }
    }
}

impl Config {
    /// The characters' rules with these keys.
    ///
    /// # Errors
    /// When a key is missing or is no key, or the area's name is none.
    pub fn characters(&self) -> Result<Characters, Wrong> {
        let start = AreaId::new(&*self.start_area)
            .map_err(|why| Wrong::new("start_area", why.to_string()))?;
        let secret = self.secret.expose();
        if secret.len() < Tickets::SHORTEST_SECRET {
            return Err(Wrong::new("secret", "give at least 32 random characters"));
        }
        let tickets = Tickets::new(secret, self.signing_key.expose())
            .map_err(|why| Wrong::new("signing_key", why.to_string()))?;
        if self.lost_after.duration().as_millis() < LEAST_LOST_AFTER_MILLIS {
            return Err(Wrong::new("lost_after", "give at least 100 ms"));
        }
        let grace = self.delete_grace.duration().as_millis();
        Ok(Characters::new(tickets, start, &self.start_spawn)
            .with_delete_grace(u64::try_from(grace).unwrap_or(u64::MAX)))
    }
}

impl Section for Config {
    const NAME: &'static str = "lobby";

    fn check(&self) -> Result<(), Wrong> {
        self.characters().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::tests::{PRIVATE, SECRET};

    #[test]
    fn a_wrong_area_a_short_secret_and_a_wrong_key_are_refused_by_name() {
        let good = Config {
            secret: SECRET.to_owned().into(),
            signing_key: PRIVATE.to_owned().into(),
            ..Config::default()
        };
        assert_eq!(good.check(), Ok(()));
        let wrong = [
            (
                "secret",
                Config {
                    secret: Secret::default(),
                    ..good.clone()
                },
            ),
            (
                "signing_key",
                Config {
                    signing_key: Secret::default(),
                    ..good.clone()
                },
            ),
            (
                "start_area",
                Config {
                    start_area: "Not One".into(),
                    ..good
                },
            ),
        ];
        for (key, config) in wrong {
            assert!(format!("{:?}", config.check()).contains(&format!("{key:?}")));
        }
    }
}
