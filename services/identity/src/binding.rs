//! Whether a login session stays with the address it began from.

use schemas::Digest;
use serde::Deserialize;

/// What happens when a session goes on from another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressBinding {
    /// Nothing.
    Off,
    /// It goes on, and the account's log says so.
    #[default]
    Soft,
    /// It does not: log in again. Access tokens are good from one address only.
    Strict,
}

impl AddressBinding {
    /// Whether another address ends it.
    #[must_use]
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::Strict)
    }

    /// Whether another address is written down.
    #[must_use]
    pub const fn is_noted(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// What an access token says of the address.
    #[must_use]
    pub fn in_token(self, address: Digest) -> Option<Digest> {
        self.is_strict().then_some(address)
    }
}
