//! What a segment holds of each subject, piece by piece: enough to know what a purge would remove.

use schemas::Sequence;

use super::{Archive, Segment};
use crate::PastError;

/// Messages of one subject that stand together in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The exact subject.
    pub subject: String,
    /// No message of it in this portion stands before this.
    pub first: Sequence,
    /// None stands after this.
    pub last: Sequence,
    /// How many there are.
    pub messages: u64,
    /// What they took in the broker, in bytes, about.
    pub bytes: u64,
}

impl Archive {
    /// What a segment holds of each subject, from the first to the last.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn portions(
        &self,
        stream: &str,
        segment: &Segment,
    ) -> Result<Vec<Portion>, PastError> {
        let footer = self.footer(stream, segment).await?;
        let mut portions: Vec<Portion> = footer
            .blocks
            .iter()
            .flat_map(|block| {
                let share = block.plain / block.messages.max(1);
                block
                    .subjects
                    .iter()
                    .map(move |(subject, messages)| Portion {
                        subject: subject.clone(),
                        first: block.first,
                        last: block.last,
                        messages: *messages,
                        bytes: (share + subject.len() as u64) * messages,
                    })
            })
            .collect();
        portions.sort_by_key(|portion| portion.first);
        Ok(portions)
    }
}
