//! Single questions, answered from both sides of the border.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventlog::{Record, StreamInfo, subject_matches};
use schemas::Sequence;

use crate::subject::{Filters, stream_of};
use crate::{Archive, Manifest, Past, PastError, Span};

/// A stream's archive as far as it is the past of the broker's log.
struct Reached {
    manifest: Arc<Manifest>,
    to: Sequence,
}

impl Reached {
    /// Between which messages there are some that lie nowhere.
    fn missing(&self, live: Option<&StreamInfo>) -> Vec<(Sequence, Sequence)> {
        let segments = self.manifest.segments().iter();
        let segments = segments.filter(|segment| segment.first <= self.to);
        let mut there: Vec<_> = segments.map(|one| (one.first, one.until)).collect();
        there.extend(live.map(|live| (live.first, live.last)));
        let pairs = there.windows(2).filter_map(|pair| match pair {
            [(_, until), (next, _)] => Some((until.next(), Sequence(next.0.saturating_sub(1)))),
            _ => None,
        });
        pairs.filter(|(first, last)| first <= last).collect()
    }
}

impl Past {
    /// What of a stream is archived and this world's; `None`: nothing.
    async fn reached(&self, stream: &str) -> Result<Option<Reached>, PastError> {
        let live = match &self.log {
            Some(log) => Some(log.stream_info(stream).await?),
            None => None,
        };
        self.reached_with(stream, live.as_ref()).await
    }

    async fn reached_with(
        &self,
        stream: &str,
        live: Option<&StreamInfo>,
    ) -> Result<Option<Reached>, PastError> {
        let Some(archive) = &self.archive else {
            return Ok(None);
        };
        let Some(manifest) = archive.refresh(stream).await?.manifest else {
            return Ok(None);
        };
        let to = match live {
            Some(info) => archive.reach(&manifest, info)?,
            None => manifest.end(),
        };
        Ok((to > Sequence(0)).then_some(Reached { manifest, to }))
    }

    /// The archived message at `sequence`.
    pub(crate) async fn archived(
        &self,
        stream: &str,
        sequence: Sequence,
    ) -> Result<Option<Record>, PastError> {
        let (Some(archive), Some(reached)) = (&self.archive, self.reached(stream).await?) else {
            return Ok(None);
        };
        if sequence > reached.to {
            return Ok(None);
        }
        let Some(segment) = reached.manifest.holding(sequence) else {
            return Ok(None);
        };
        let mut segment = segment.clone();
        segment.until = sequence;
        let before = Sequence(sequence.0.saturating_sub(1));
        let all = Filters::default();
        let found = archive.messages(stream, &segment, &all, before).await?;
        match (found.records.into_iter().next(), found.wrong) {
            (Some(record), _) => Ok(Some(record)),
            (None, Some(wrong)) => Err(wrong),
            (None, None) => Ok(None),
        }
    }

    /// The last archived message of `subject`.
    pub(crate) async fn last_archived(&self, subject: &str) -> Result<Option<Record>, PastError> {
        let (Some(archive), Some(stream)) = (&self.archive, stream_of(subject)) else {
            return Ok(None);
        };
        let Some(reached) = self.reached(stream).await? else {
            return Ok(None);
        };
        let filters = Filters::new(vec![subject.to_owned()]);
        for segment in reached.manifest.segments().iter().rev() {
            if segment.first > reached.to {
                continue;
            }
            let footer = archive.footer(stream, segment).await?;
            let blocks = footer.blocks_of(|name| subject_matches(subject, name));
            // From the youngest block on: most often it is in that.
            let mut starts: Vec<Sequence> = blocks.map(|block| block.first).collect();
            starts.sort_unstable();
            let mut segment = segment.clone();
            segment.until = segment.until.min(reached.to);
            while let Some(start) = starts.pop() {
                let before = Sequence(start.0.saturating_sub(1));
                let found = archive.messages(stream, &segment, &filters, before).await?;
                if let Some(wrong) = found.wrong {
                    return Err(wrong);
                }
                if let Some(record) = found.records.into_iter().next_back() {
                    return Ok(Some(record));
                }
            }
        }
        Ok(None)
    }

    pub(crate) async fn joined_span(
        &self,
        archive: &Archive,
        stream: &str,
        live: Option<StreamInfo>,
    ) -> Result<Span, PastError> {
        let reached = self.reached_with(stream, live.as_ref()).await?;
        let Some(reached) = reached else {
            return match live {
                Some(live) => Ok(live.into()),
                None if archive.streams().await?.is_empty() => Err(PastError::NoArchive {
                    place: archive.place().to_owned(),
                }),
                None => Ok(Span::nothing()),
            };
        };
        let manifest = &reached.manifest;
        let first = manifest.start().unwrap_or(Sequence(1));
        let lost: u64 = manifest.end().0 - reached.to.0;
        let archived = manifest.messages().saturating_sub(lost);
        let missing = reached.missing(live.as_ref());
        Ok(match live {
            None => Span {
                incarnation: manifest.lineage().incarnation(),
                lineage: manifest.lineage(),
                first,
                last: reached.to,
                messages: archived,
                bytes: manifest.bytes(),
                max_bytes: None,
                missing,
            },
            Some(live) => Span {
                first: first.min(live.first),
                // After the archive's end and after the broker's first message nothing is missing.
                messages: archived + (live.last.0 + 1 - live.first.0.max(reached.to.0 + 1)),
                bytes: manifest.bytes() + live.bytes,
                missing,
                ..live.into()
            },
        })
    }

    pub(crate) async fn joined_subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Vec<(String, u64)>, PastError> {
        let (live, info) = match &self.log {
            Some(log) => (
                log.subjects(stream, filter).await?,
                Some(log.stream_info(stream).await?),
            ),
            None => (Vec::new(), None),
        };
        let reached = self.reached_with(stream, info.as_ref()).await?;
        let (Some(archive), Some(reached)) = (&self.archive, reached) else {
            return Ok(live);
        };
        let start = reached.manifest.start().unwrap_or(Sequence(1));
        let nothing_went =
            info.is_some_and(|info| info.messages > info.last.0.saturating_sub(start.0));
        if nothing_went {
            return Ok(live);
        }
        let mut counts = BTreeMap::new();
        for segment in reached.manifest.segments() {
            if segment.first <= reached.to {
                let to = segment.until.min(reached.to);
                archive
                    .count(stream, segment, to, filter, &mut counts)
                    .await?;
            }
        }
        if let Some(log) = &self.log {
            // Of what the broker holds, only what comes after the archive's end is new.
            for (subject, held) in live {
                let first = log.first(stream, &subject).await?;
                let twice = archive
                    .count_from(stream, &reached, &subject, first)
                    .await?;
                *counts.entry(subject).or_default() += held.saturating_sub(twice);
            }
        }
        Ok(counts.into_iter().collect())
    }
}

impl Archive {
    /// How many archived messages of a subject there are from `first` on.
    async fn count_from(
        &self,
        stream: &str,
        reached: &Reached,
        subject: &str,
        first: Option<Sequence>,
    ) -> Result<u64, PastError> {
        let Some(first) = first else {
            return Ok(0);
        };
        let before = Sequence(first.0.saturating_sub(1));
        let filters = Filters::new(vec![subject.to_owned()]);
        let mut counts = BTreeMap::new();
        for segment in reached.manifest.after(before) {
            let to = segment.until.min(reached.to);
            if segment.first > before && segment.first <= reached.to {
                self.count(stream, segment, to, subject, &mut counts)
                    .await?;
            } else if segment.first <= reached.to {
                let mut segment = segment.clone();
                segment.until = to;
                let found = self.messages(stream, &segment, &filters, before).await?;
                *counts.entry(subject.to_owned()).or_default() += found.records.len() as u64;
            }
        }
        Ok(counts.into_values().sum())
    }

    /// Adds how many messages of each subject under `filter` a segment holds up to `to`.
    async fn count(
        &self,
        stream: &str,
        segment: &crate::Segment,
        to: Sequence,
        filter: &str,
        counts: &mut BTreeMap<String, u64>,
    ) -> Result<(), PastError> {
        let footer = self.footer(stream, segment).await?;
        if to < segment.last {
            let mut segment = segment.clone();
            segment.until = to;
            let filters = Filters::new(vec![filter.to_owned()]);
            let found = self
                .messages(stream, &segment, &filters, Sequence(0))
                .await?;
            for record in found.records {
                *counts.entry(record.subject).or_default() += 1;
            }
            return found.wrong.map_or(Ok(()), Err);
        }
        let all = footer.blocks.iter().flat_map(|block| &block.subjects);
        for (subject, count) in all.filter(|(subject, _)| subject_matches(filter, subject)) {
            *counts.entry(subject.clone()).or_default() += count;
        }
        Ok(())
    }
}
