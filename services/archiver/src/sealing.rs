//! Taking what a stream has more than its archive, and adding it as segments.

use std::time::Duration;

use eventlog::{EventLog, Follow, Reader, Record, StreamInfo};
use past::{Archive, ArchiveWriter, Seal, Stored, seal};
use runtime::Shutdown;
use schemas::{Digest, Sequence, UnixMillis};
use tokio::time::Instant;

use crate::error::ArchiveError;
use crate::metrics;

/// Messages taken at once.
const BATCH: usize = 512;

/// How much is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What is enough for a segment, or old enough.
    Due,
    /// Everything there is now.
    All,
}

/// What sealing goes by.
#[derive(Clone, Copy)]
pub(crate) struct Sealing<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) stream: &'a str,
    /// Bytes of a segment before compression.
    pub(crate) target: u64,
    pub(crate) seal_after: Duration,
    /// Bytes a second.
    pub(crate) max_rate: u64,
    pub(crate) extent: Extent,
}

/// Goes on with the archive of a stream, after holding it against the broker's log.
pub(crate) async fn open(
    archive: &Archive,
    log: &EventLog,
    stream: &str,
    delay: u64,
) -> Result<(ArchiveWriter, StreamInfo), ArchiveError> {
    let info = log.stream_info(stream).await?;
    let writer = archive.writer(stream, &info, delay).await?;
    if let Some(last) = writer.manifest().segments().last()
        && last.until == last.last
        && let Some(record) = log.get(stream, last.last).await?
        && Digest::of(&record.payload) != last.end
    {
        return Err(ArchiveError::OtherMessage {
            place: archive.place().to_owned(),
            stream: stream.to_owned(),
            sequence: last.last,
        });
    }
    Ok((writer, info))
}

impl Sealing<'_> {
    /// Seals what is due; what was stored.
    pub(crate) async fn run(
        &self,
        writer: &mut ArchiveWriter,
        shutdown: &Shutdown,
    ) -> Result<Vec<Stored>, ArchiveError> {
        let mut stored = Vec::new();
        // Whatever comes meanwhile is for the next round: a stream that is written all the time has no end.
        let goal = self.log.stream_info(self.stream).await?.last;
        while !shutdown.has_begun() {
            let info = self.log.stream_info(self.stream).await?;
            let after = writer.manifest().end();
            if after >= goal {
                break;
            }
            if !self.is_due(&info, after).await? {
                break;
            }
            let Some(records) = self.collect(&info, writer).await? else {
                break;
            };
            let incarnation = info.incarnation;
            let stream = self.stream.to_owned();
            let sealing = tokio::task::spawn_blocking(move || {
                let stream = stream.as_str();
                seal(
                    Seal {
                        stream,
                        incarnation,
                    },
                    &records,
                )
            });
            let sealed = sealing.await.map_err(|_| ArchiveError::Panicked)?;
            let Some(sealed) = sealed else {
                break;
            };
            let one = writer.add(sealed).await?;
            metrics::sealed(self.stream, &one);
            tracing::info!(
                stream = self.stream,
                first = one.first.0,
                last = one.last.0,
                bytes = one.bytes,
                "archived"
            );
            stored.push(one);
        }
        Ok(stored)
    }

    /// Whether there is enough for a segment, or something old enough. Asks little, because it is asked often.
    async fn is_due(&self, info: &StreamInfo, after: Sequence) -> Result<bool, ArchiveError> {
        let waiting = info
            .last
            .0
            .saturating_sub(after.0.max(info.first.0.saturating_sub(1)));
        if waiting == 0 {
            return Ok(false);
        }
        if self.extent == Extent::All || self.about(info, waiting) >= self.target {
            return Ok(true);
        }
        let oldest = self.log.get(self.stream, after.next()).await?;
        let now = info.told_at.unwrap_or_else(UnixMillis::now);
        let age = oldest.map_or(u64::MAX, |oldest| now.0.saturating_sub(oldest.stored_at.0));
        let patience = patience(self.seal_after, info.max_age);
        Ok(u128::from(age) >= patience.as_millis())
    }

    /// What so many messages take, about.
    fn about(&self, info: &StreamInfo, messages: u64) -> u64 {
        info.bytes / info.messages.max(1) * messages
    }

    /// The messages of the next segment: without a gap, up to its size or the head.
    async fn collect(
        &self,
        info: &StreamInfo,
        writer: &ArchiveWriter,
    ) -> Result<Option<Vec<Record>>, ArchiveError> {
        let after = writer.manifest().end();
        let mut reader = self
            .log
            .read(self.stream, Vec::new(), after, Follow::UntilHead);
        let mut pace = Pace::new(self.max_rate);
        let (mut records, mut size) = (Vec::<Record>::new(), 0);
        while size < self.target {
            let batch = next(&mut reader).await?;
            if batch.is_empty() {
                break;
            }
            let before = size;
            for record in batch {
                let expected = records
                    .last()
                    .map_or(after.next(), |last| last.sequence.next());
                if record.sequence > expected {
                    if !records.is_empty() {
                        // What is before the gap makes a segment of its own; the gap is told with the next one.
                        return Ok(Some(records));
                    }
                    self.gap(info, expected, record.sequence, writer);
                }
                size += (record.payload.len() + record.subject.len() + 64) as u64;
                records.push(record);
                if size >= self.target {
                    break;
                }
            }
            pace.taken(size - before).await;
        }
        Ok((!records.is_empty()).then_some(records))
    }

    /// Messages that were gone before they were archived: nothing brings them back, and readers are told.
    fn gap(&self, info: &StreamInfo, first: Sequence, next: Sequence, writer: &ArchiveWriter) {
        let (stream, last) = (self.stream, next.0 - 1);
        if writer.manifest().start().is_none() {
            tracing::warn!(
                stream,
                from = next.0,
                "the archive begins here: what came before is not in the broker any more"
            );
            return;
        }
        metrics::lost(stream, next.0 - first.0);
        tracing::error!(
            stream,
            first = first.0,
            last,
            incarnation = %info.incarnation,
            "messages were gone before they were archived; see docs/runbook/archive.md"
        );
    }
}

/// How old a message may be before it is archived. What grows old in the broker must not be gone by then, however patient
/// the configuration is.
fn patience(seal_after: Duration, max_age: Option<Duration>) -> Duration {
    max_age.map_or(seal_after, |most| seal_after.min(most / 4))
}

async fn next(reader: &mut Reader) -> Result<Vec<Record>, ArchiveError> {
    Ok(reader.next_batch(BATCH).await?)
}

/// Holds reading to so many bytes a second.
struct Pace {
    rate: u64,
    began: Instant,
    taken: u64,
}

impl Pace {
    fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            began: Instant::now(),
            taken: 0,
        }
    }

    async fn taken(&mut self, bytes: u64) {
        self.taken += bytes;
        let due = Duration::from_millis(self.taken.saturating_mul(1000) / self.rate);
        tokio::time::sleep_until(self.began + due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streams_age_counts_for_more_than_the_archivers_patience() {
        let [hour, day] = [3600, 24 * 3600].map(Duration::from_secs);
        assert_eq!(patience(hour, None), hour);
        assert_eq!(patience(hour, Some(7 * day)), hour);
        assert_eq!(patience(hour, Some(hour)), hour / 4);
        assert_eq!(patience(7 * day, Some(7 * day)), 7 * day / 4);
    }
}
