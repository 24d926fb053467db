//! Whether an archived stream is whole: every byte of every segment, and nothing between them missing.

use schemas::Sequence;

use super::write::content_of;
use super::{Archive, Manifest, Segment, fetch};
use crate::PastError;
use crate::segment::{Flaw, sha256};

impl Archive {
    /// Reads a segment whole and compares it with what the manifest says of it.
    ///
    /// # Errors
    /// `Damaged` when a byte is not as it was written; others when it cannot be read.
    pub async fn verify(&self, stream: &str, segment: &Segment) -> Result<(), PastError> {
        let path = self.segment_path(stream, &segment.file);
        let flawed = |why: String| self.flawed(stream, segment, Flaw::Damaged(why));
        let file = fetch::whole(self.store(), &path).await?;
        let file = file.ok_or_else(|| flawed("it is gone".to_owned()))?;
        let (name, wanted) = (stream.to_owned(), segment.clone());
        let checking = tokio::task::spawn_blocking(move || {
            if file.len() as u64 != wanted.bytes {
                return Err(format!(
                    "it has {} bytes and should have {}",
                    file.len(),
                    wanted.bytes
                ));
            }
            if sha256(&file) != wanted.sha256 {
                return Err("its bytes are not those that were written".to_owned());
            }
            let content = content_of(&file, &name, &wanted.footer)?;
            let same = content == wanted.content;
            same.then_some(())
                .ok_or_else(|| "its messages are not those that were written".to_owned())
        });
        let checked = checking
            .await
            .map_err(|error| self.store().unreachable(&error))?;
        checked.map_err(flawed)
    }
}

impl Manifest {
    /// What is missing between segments: first and last message of each hole.
    #[must_use]
    pub fn holes(&self) -> Vec<(Sequence, Sequence)> {
        let pairs = self.segments.windows(2);
        pairs
            .filter_map(|pair| match pair {
                [one, next] if one.until.next() < next.first => {
                    Some((one.until.next(), Sequence(next.first.0 - 1)))
                }
                _ => None,
            })
            .collect()
    }
}
