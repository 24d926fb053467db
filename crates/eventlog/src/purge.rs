//! Purging what is archived.

/// What a purge has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// How many messages.
    pub messages: u64,
    /// In how many slices.
    pub slices: u64,
}
