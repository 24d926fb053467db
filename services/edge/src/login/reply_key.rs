//! One-time keys: for each question a fresh one, which opens the one answer to it.

use schemas::credential::bound_to;
use schemas::sealed_to::{ANSWER, BoxKey, BoxSecret, SealedTo};
use serde::de::DeserializeOwned;

/// Why an answer cannot be read: it was sealed for somebody else, or by another build.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    /// It does not open with the question's key.
    #[error("the answer does not open with the question's key")]
    Closed(#[from] schemas::sealed_to::BoxError),
    /// What is in it makes no sense to this build.
    #[error("what is in the answer cannot be read")]
    Unreadable(#[from] schemas::DecodeError),
}

/// What opens the answer to one question about one key.
pub(super) struct ReplyKey {
    secret: BoxSecret,
    asked_about: String,
}

impl ReplyKey {
    /// For a question about `key`.
    pub(super) fn about(key: &str) -> Self {
        Self {
            secret: BoxSecret::generate(),
            asked_about: key.to_owned(),
        }
    }

    /// What the answer shall be sealed to.
    pub(super) fn public(&self) -> BoxKey {
        self.secret.public()
    }

    /// What the question and its answer are bound to.
    pub(super) fn bond(&self) -> Vec<u8> {
        bound_to(&self.asked_about, self.public())
    }

    /// What the answer says.
    pub(super) fn open<T: DeserializeOwned>(&self, answer: &SealedTo) -> Result<T, AnswerError> {
        let plain = self.secret.open(answer, ANSWER, &self.bond())?;
        Ok(schemas::decode(&plain)?)
    }
}
