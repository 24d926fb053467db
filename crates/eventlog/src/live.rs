//! Following one subject as it is written.

use crate::error::ReadError;
use crate::record::Record;

/// Every message of one subject after a sequence, in order, once.
pub struct Live {}

impl Live {
    /// The next message. Cancel safe.
    ///
    /// # Errors
    /// When a hole cannot be filled for 30 s, or what was in it is gone.
    pub async fn next(&mut self) -> Result<Record, ReadError> {
        todo!()
    }

    /// The sequence of the last message handed out.
    #[must_use]
    pub fn position(&self) -> schemas::Sequence {
        todo!()
    }
}
