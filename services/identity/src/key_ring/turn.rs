//! Turns: which key is in use, when the next one is due, and what is left over. Pure.

use std::time::Duration;

use schemas::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::access_token;

/// How much longer than its tokens live the public half of a signing key is shown: clocks differ.
const CLOCKS: u64 = 60_000;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Credentials are sealed to it.
    Box,
    /// It signs access tokens.
    Sign,
}

impl Use {
    /// As it stands in the buckets' keys.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Sign => "sign",
        }
    }

    /// Where the turn is.
    pub(super) fn turn(self) -> String {
        format!("turn.{}", self.token())
    }

    /// Where the key `kid` is.
    pub(super) fn key(self, kid: &str) -> String {
        format!("{}.{kid}", self.token())
    }
}

/// How long keys are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Box keys.
    pub boxes: Duration,
    /// Signing keys.
    pub signing: Duration,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            boxes: Duration::from_secs(3600),
            signing: Duration::from_secs(86_400),
        }
    }
}

impl Rotation {
    /// How long a key of this use is in use, ms.
    pub(super) fn of(self, usage: Use) -> u64 {
        let span = match usage {
            Use::Box => self.boxes,
            Use::Sign => self.signing,
        };
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
    }

    /// Until when a key that is put to use at `since` is good, by plan.
    pub(super) fn not_after(self, usage: Use, since: UnixMillis) -> UnixMillis {
        let after = match usage {
            Use::Box => self.of(usage),
            Use::Sign => TOKENS,
        };
        UnixMillis(since.0.saturating_add(self.of(usage)).saturating_add(after))
    }
}

/// How long a token may be alive after its key was last used, ms.
const TOKENS: u64 = access_token::LIFETIME_SECONDS * 1000 + CLOCKS;

/// Whose turn it is: `turn.box`, `turn.sign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turn {
    /// The key in use.
    pub(super) kid: String,
    /// Since when.
    pub(super) since: UnixMillis,
    /// The one before it.
    #[serde(default)]
    pub(super) previous: Option<String>,
}

impl Turn {
    /// When the next key is due.
    pub(super) fn ends(&self, usage: Use, rotation: Rotation) -> UnixMillis {
        UnixMillis(self.since.0.saturating_add(rotation.of(usage)))
    }

    /// The turn of `kid` after this one.
    pub(super) fn next(last: Option<&Self>, kid: String, now: UnixMillis) -> Self {
        Self {
            kid,
            since: now,
            previous: last.map(|turn| turn.kid.clone()),
        }
    }

    /// Whether a private key has no more use. One that was made after this turn began may be
    /// somebody's attempt at the next turn.
    pub(super) fn spent_private(&self, usage: Use, kid: &str, made: UnixMillis) -> bool {
        self.left_over(kid, made) || (usage == Use::Sign && self.is_previous(kid))
    }

    /// Whether a public key has no more use at `now`.
    pub(super) fn spent_public(
        &self,
        usage: Use,
        kid: &str,
        made: UnixMillis,
        now: UnixMillis,
    ) -> bool {
        let tokens_are_dead = now.0 > self.since.0.saturating_add(TOKENS);
        match usage {
            Use::Box => self.left_over(kid, made),
            // Rotated faster than tokens die, older ones stay until these are.
            Use::Sign => {
                kid != self.kid
                    && made < self.since
                    && (tokens_are_dead || now.0 > made.0.saturating_add(MAX_PUBLIC))
            }
        }
    }

    fn is_previous(&self, kid: &str) -> bool {
        self.previous.as_deref() == Some(kid)
    }

    fn left_over(&self, kid: &str, made: UnixMillis) -> bool {
        kid != self.kid && !self.is_previous(kid) && made < self.since
    }
}

/// However fast keys rotate, a public one goes after so long, ms.
const MAX_PUBLIC: u64 = 8 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> Turn {
        Turn {
            kid: "k3".into(),
            since: UnixMillis(10_000),
            previous: Some("k2".into()),
        }
    }

    #[test]
    fn a_box_key_outlives_its_turn_by_one_and_no_longer() {
        let spent = |kid: &str| turn().spent_private(Use::Box, kid, UnixMillis(5_000));
        assert!(!spent("k3") && !spent("k2") && spent("k1"));
    }

    #[test]
    fn a_signing_keys_private_half_goes_with_its_turn_and_the_public_half_after_its_tokens() {
        let turn = turn();
        let made = UnixMillis(5_000);
        assert!(turn.spent_private(Use::Sign, "k2", made));
        let public = |now| turn.spent_public(Use::Sign, "k2", made, UnixMillis(now));
        assert!(!public(10_000 + TOKENS));
        assert!(public(10_001 + TOKENS));
    }

    #[test]
    fn a_key_that_somebody_is_about_to_put_to_use_stays() {
        let (turn, now) = (turn(), UnixMillis(20_000));
        for usage in [Use::Box, Use::Sign] {
            assert!(!turn.spent_private(usage, "k4", UnixMillis(15_000)));
            assert!(!turn.spent_public(usage, "k4", UnixMillis(15_000), now));
        }
    }
}
