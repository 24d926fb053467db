//! The projections, by the names under which operators know them.

use std::fmt;

use clap::ValueEnum;
use schemas::subjects::{AREA_EVENTS, Domain};
use serde::Serialize;

use crate::accounts::Accounts;
use crate::areas::Areas;
use crate::config::Config;
use crate::control::Control;
use crate::credentials::Credentials;
use crate::lobby::Lobby;
use crate::projection::Projection;

/// One projection: a stream and the rows that are folded from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// Frames: where everybody is, what was said, how far each area has run
    Areas,
    /// Characters and their sessions
    Lobby,
    /// Accounts and where they are logged in
    Accounts,
    /// What lets into which account
    Credentials,
    /// Which areas have been opened
    Control,
}

/// Something to be done with a projection of whatever type.
pub(crate) trait Visitor {
    type Output;

    fn visit<P: Projection>(self, projection: P) -> Self::Output;
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Areas,
        Self::Lobby,
        Self::Accounts,
        Self::Credentials,
        Self::Control,
    ];

    /// As in the column `projection`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Lobby => "lobby",
            Self::Accounts => "accounts",
            Self::Credentials => "credentials",
            Self::Control => "control",
        }
    }

    /// The stream it folds.
    #[must_use]
    pub const fn stream(self) -> &'static str {
        match self {
            Self::Areas => AREA_EVENTS,
            Self::Lobby => Domain::Lobby.event_stream(),
            Self::Accounts => Domain::Identity.event_stream(),
            Self::Credentials => Domain::Credential.event_stream(),
            Self::Control => Domain::Control.event_stream(),
        }
    }

    /// Hands the projection itself, with nothing in its memory, to `visitor`.
    pub(crate) fn visit<V: Visitor>(self, config: &Config, visitor: V) -> V::Output {
        match self {
            Self::Areas => visitor.visit(Areas::new(config.save_every)),
            Self::Lobby => visitor.visit(Lobby::default()),
            Self::Accounts => visitor.visit(Accounts::default()),
            Self::Credentials => visitor.visit(Credentials::default()),
            Self::Control => visitor.visit(Control::default()),
        }
    }

    /// Its place in [`Name::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
