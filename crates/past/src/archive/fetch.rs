//! Bytes out of the store, and messages out of them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use eventlog::Record;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};
use schemas::Sequence;

use super::{Archive, Segment};
use crate::segment::decode::Trailer;
use crate::segment::{Block, Flaw, Footer, TRAILER};
use crate::subject::Filters;
use crate::{PastError, Store};

/// So much of a segment's end is read at once, in the hope that the footer is in it.
const TAIL: u64 = 64 << 10;

/// An object; `None`: it is not there.
pub(super) async fn whole(store: &Store, path: &Path) -> Result<Option<Bytes>, PastError> {
    let read = async { store.objects.get(path).await?.bytes().await };
    match read.await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(store.unreachable(&error)),
    }
}

/// What was found in a segment, and the first thing that is wrong with it.
pub(crate) struct Found {
    /// In order; nothing at or after what is wrong.
    pub(crate) records: Vec<Record>,
    pub(crate) wrong: Option<PastError>,
}

impl Archive {
    /// The messages of a segment that are wanted and stand after `after`.
    pub(crate) async fn messages(
        &self,
        stream: &str,
        segment: &Segment,
        filters: &Filters,
        after: Sequence,
    ) -> Result<Found, PastError> {
        let footer = self.footer(stream, segment).await?;
        let wanted: Vec<Block> = footer
            .blocks_of(|subject| filters.matches(subject))
            .filter(|block| block.last > after && block.first <= segment.until)
            .cloned()
            .collect();
        if wanted.is_empty() {
            return Ok(Found {
                records: Vec::new(),
                wrong: None,
            });
        }
        let packed = self.blocks(stream, segment, &wanted).await?;
        let (filters, name) = (filters.clone(), stream.to_owned());
        let range = (after, segment.until);
        let reading = tokio::task::spawn_blocking(move || {
            let (mut records, mut flaws) = (Vec::new(), Vec::new());
            for (block, packed) in wanted.into_iter().zip(packed) {
                if let Err(flaw) = block.read(&packed, &name, &filters, range, &mut records) {
                    flaws.push((block, flaw));
                }
            }
            // Runs that are in order each: that is what this sort is good at.
            records.sort_by_key(|record: &Record| record.sequence);
            flaws.sort_by_key(|(block, _)| block.first);
            (records, flaws.into_iter().next())
        });
        let (mut records, flaw) = reading
            .await
            .map_err(|error| self.store().unreachable(&error))?;
        let wrong = flaw.map(|(block, flaw)| {
            // What stands before it is good; what lies beside it in other blocks is lost with it.
            records.retain(|record| record.sequence < block.first);
            let range = (block.first.max(after.next()), block.last.min(segment.until));
            self.flawed_in(stream, segment, range, flaw)
        });
        Ok(Found { records, wrong })
    }

    /// A segment's footer.
    pub(crate) async fn footer(
        &self,
        stream: &str,
        segment: &Segment,
    ) -> Result<Arc<Footer>, PastError> {
        let path = self.segment_path(stream, &segment.file);
        if let Some(footer) = self.kept_footer(&path) {
            return Ok(footer);
        }
        let flawed = |flaw| self.flawed(stream, segment, flaw);
        let from = segment.bytes.saturating_sub(TAIL);
        let mut tail = self
            .range(stream, segment, &path, from..segment.bytes)
            .await?;
        let split = tail.len().saturating_sub(TRAILER);
        let trailer = Trailer::read(tail.get(split..).unwrap_or_default(), segment.bytes);
        let trailer = trailer.map_err(flawed)?;
        let begins = segment.bytes - TRAILER as u64 - trailer.length;
        if begins < from {
            tail = self
                .range(stream, segment, &path, begins..segment.bytes)
                .await?;
        }
        let skipped = tail.len() as u64 - (segment.bytes - begins);
        let packed = usize::try_from(skipped).unwrap_or(usize::MAX);
        let packed = tail.get(packed..tail.len() - TRAILER).unwrap_or_default();
        let footer = Footer::read(packed, &trailer, &segment.footer).map_err(flawed)?;
        let same =
            footer.stream == stream && (footer.first, footer.last) == (segment.first, segment.last);
        if !same {
            return Err(flawed(Flaw::damaged(
                "it is another segment than it should be",
            )));
        }
        let footer = Arc::new(footer);
        self.keep_footer(path, &footer);
        Ok(footer)
    }

    async fn blocks(
        &self,
        stream: &str,
        segment: &Segment,
        wanted: &[Block],
    ) -> Result<Vec<Bytes>, PastError> {
        let path = self.segment_path(stream, &segment.file);
        let much: u64 = wanted.iter().map(|block| block.length).sum();
        if much * 2 > segment.bytes {
            let file = self.range(stream, segment, &path, 0..segment.bytes).await?;
            let blocks = wanted.iter().map(|block| block.of_file(&file));
            return blocks
                .collect::<Result<_, _>>()
                .map_err(|flaw| self.flawed(stream, segment, flaw));
        }
        let ranges: Vec<Range<u64>> = wanted
            .iter()
            .map(|block| block.offset..block.offset.saturating_add(block.length))
            .collect();
        let read = self.store().objects.get_ranges(&path, &ranges).await;
        read.map_err(|error| self.unread(stream, segment, error))
    }

    async fn range(
        &self,
        stream: &str,
        segment: &Segment,
        path: &Path,
        range: Range<u64>,
    ) -> Result<Bytes, PastError> {
        let wanted = range.end - range.start;
        let read = self.store().objects.get_range(path, range).await;
        let bytes = read.map_err(|error| self.unread(stream, segment, error))?;
        if bytes.len() as u64 != wanted {
            let flaw = Flaw::damaged("it is shorter than it was");
            return Err(self.flawed(stream, segment, flaw));
        }
        Ok(bytes)
    }

    /// A segment that is shorter than it was cannot be read at its end: that is damage, not an outage.
    fn unread(&self, stream: &str, segment: &Segment, error: Error) -> PastError {
        let why = match &error {
            Error::NotFound { .. } => "it is gone".to_owned(),
            Error::Generic { source, .. } if is_range(source.as_ref()) => {
                "it is shorter than it was".to_owned()
            }
            _ => return self.store().unreachable(&error),
        };
        self.flawed(stream, segment, Flaw::Damaged(why))
    }
}

/// Stores say only in words that there is less than was asked for.
fn is_range(error: &(dyn std::error::Error + Send + Sync)) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string().to_lowercase();
        if text.contains("range") || text.contains("out of bounds") || text.contains("416") {
            return true;
        }
        next = error.source();
    }
    false
}
