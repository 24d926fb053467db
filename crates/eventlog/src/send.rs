//! Commands.

/// The id under which the broker recognises a message sent twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// A fresh one.
    #[must_use]
    pub fn random() -> Self {
        Self(schemas::Claim(rand::random()).to_string())
    }

    /// One of the caller's own making: must be unique within the stream for 20 s.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
