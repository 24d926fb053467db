//! Whoever starts and ends workers.

use std::pin::Pin;

/// How many workers there are, as the backend says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Size {
    /// How many there shall be.
    pub wanted: u32,
    /// How many there are.
    pub actual: u32,
    /// Names this state of things, so that a change made on its strength is refused if it has passed.
    pub version: String,
}

/// Why the number of workers could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Somebody else has changed it meanwhile: look, and decide again.
    #[error("the number of workers was changed by somebody else meanwhile")]
    Changed,
    /// We may not: an operator has to give the right.
    #[error("the director may not scale the fleet: {0}; see docs/runbook/scaling.md")]
    Denied(String),
    /// What shall be scaled is not there: an operator has to create it, or correct `fleet.name`.
    #[error("there is no fleet to scale: {0}; see docs/runbook/scaling.md")]
    Missing(String),
    /// No answer, or no sense in it: try again later.
    #[error("the fleet's backend does not answer: {0}")]
    Unavailable(String),
}

/// An answer that is on its way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Size, BackendError>> + Send + 'a>>;

/// Starts and ends workers, which are numbered from 0; the highest number goes first.
pub trait Backend: Send + Sync {
    /// How many there shall be, and are.
    fn size(&self) -> Answer<'_>;

    /// Makes it `wanted`, if things still are as in `seen`. Those that go are told to end, as by
    /// SIGTERM, and have their grace.
    fn scale_to(&self, wanted: u32, seen: &Size) -> Answer<'_>;

    /// The director ends: what lives by it ends too, each within its grace.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
