//! Holding the live log at its size.
//!
//! First a border is chosen: the archive's oldest segments that are still in the broker, until enough would be free.
//! The border is announced in the archive, and readers that know an older one have time to hear of it. Then subject
//! after subject is purged up to the border, or to what must stay of it, in slices with pauses. What is purged was
//! archived, read back and named by the manifest before the border was chosen; frames that come meanwhile have higher
//! numbers, and a subject's newest message stays whatever happens: it is the fence.

use std::collections::BTreeMap;
use std::time::Duration;

use eventlog::{EventLog, StreamInfo};
use past::{Archive, ArchiveWriter, Manifest, Portion};
use runtime::Shutdown;
use schemas::{Sequence, UnixMillis};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::Config;
use crate::error::ArchiveError;
use crate::hold::purgeable;
use crate::metrics;

/// Writes have the stream to themselves for this long between two slices.
const PAUSE: Duration = Duration::from_millis(50);

/// What of one subject may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    /// The first message that the broker has.
    first: Sequence,
    /// The last that may be purged.
    to: Sequence,
}

/// What the broker has, by subject.
type Rooms = BTreeMap<String, Room>;

/// Purges one stream.
#[derive(Debug, Default)]
pub(crate) struct Purging {
    /// The announced border that was last seen, and since when it has stood. Whoever announced it, a former process or
    /// another archiver, may have done so just before: what is new here counts as new.
    announced: Option<(Sequence, Instant)>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Purged {
    pub(crate) messages: u64,
    /// The most at once.
    pub(crate) largest_slice: u64,
}

impl Purging {
    /// Since when the border stands that is announced now.
    fn announced(&mut self, manifest: &Manifest) -> Instant {
        let border = manifest.purge_to();
        match self.announced {
            Some((seen, since)) if seen == border => since,
            _ => {
                let now = Instant::now();
                self.announced = Some((border, now));
                now
            }
        }
    }

    /// Brings `stream` to its size, as far as that may be.
    pub(crate) async fn run(
        &mut self,
        log: &EventLog,
        archive: &Archive,
        writer: &mut ArchiveWriter,
        config: &Config,
        shutdown: &Shutdown,
    ) -> Result<Purged, ArchiveError> {
        let mut announced = self.announced(writer.manifest());
        let mut removed = Purged::default();
        let stream = writer.manifest().stream().to_owned();
        let info = log.stream_info(&stream).await?;
        if info.bytes <= config.live_bytes.0 || writer.manifest().segments().is_empty() {
            return Ok(removed);
        }
        // Somewhat below, so that not every round purges.
        let excess = info.bytes - config.live_bytes.0 / 10 * 9;
        let rooms = rooms(log, &stream, &info).await?;
        let border = border(archive, writer.manifest(), &rooms, excess, &info, config).await?;
        if border > writer.manifest().purge_to() {
            writer.announce(border).await?;
            announced = self.announced(writer.manifest());
        }
        let delay = Duration::from_millis(writer.manifest().purge_delay());
        let waiting = sleep_until(announced + delay);
        if shutdown.unless_begun(waiting).await.is_none() {
            return Ok(removed);
        }
        for (subject, room) in rooms {
            let to = room.to.min(writer.manifest().purge_to());
            if room.first > to {
                continue;
            }
            let slices = slices(archive, writer.manifest(), &subject, room.first, to).await?;
            for through in slices {
                if shutdown.has_begun() {
                    return Ok(removed);
                }
                let slice = log.purge_slice(&stream, &subject, through).await?;
                removed.messages += slice;
                removed.largest_slice = removed.largest_slice.max(slice);
                sleep(PAUSE).await;
            }
        }
        metrics::purged(&stream, removed.messages);
        if removed.messages > 0 {
            tracing::info!(
                stream,
                removed = removed.messages,
                to = writer.manifest().purge_to().0,
                "purged"
            );
        }
        Ok(removed)
    }
}

/// What the broker has of each subject, and what may go of it.
async fn rooms(log: &EventLog, stream: &str, info: &StreamInfo) -> Result<Rooms, ArchiveError> {
    let mut rooms = Rooms::new();
    for (subject, messages) in log.subjects(stream, ">").await? {
        // The only one is the newest, and stays.
        if messages < 2 {
            continue;
        }
        let to = purgeable(log, &subject, &info.lineage).await?;
        if let Some(first) = log.first(stream, &subject).await? {
            rooms.insert(subject, Room { first, to });
        }
    }
    Ok(rooms)
}

/// Up to where to purge so that `excess` bytes are free; as far as is old enough at most.
async fn border(
    archive: &Archive,
    manifest: &Manifest,
    rooms: &Rooms,
    excess: u64,
    info: &StreamInfo,
    config: &Config,
) -> Result<Sequence, ArchiveError> {
    let now = info.told_at.unwrap_or_else(UnixMillis::now);
    let age = u64::try_from(config.live_age.duration().as_millis()).unwrap_or(u64::MAX);
    let oldest = rooms.values().map(|room| room.first).min();
    let (mut border, mut freed) = (Sequence(0), 0);
    for segment in manifest.segments() {
        if freed >= excess || now.0.saturating_sub(segment.last_at.0) < age {
            break;
        }
        if Some(segment.until) >= oldest {
            let portions = archive.portions(manifest.stream(), segment).await?;
            freed += portions.iter().map(|one| frees(one, rooms)).sum::<u64>();
        }
        border = segment.until;
    }
    Ok(border)
}

/// What purging a portion would free.
fn frees(portion: &Portion, rooms: &Rooms) -> u64 {
    match rooms.get(&portion.subject) {
        Some(room) if portion.last >= room.first && portion.first <= room.to => portion.bytes,
        _ => 0,
    }
}

/// Through which messages of a subject to purge, slice by slice, each of at most [`EventLog::PURGE_SLICE`] messages.
async fn slices(
    archive: &Archive,
    manifest: &Manifest,
    subject: &str,
    first: Sequence,
    to: Sequence,
) -> Result<Vec<Sequence>, ArchiveError> {
    let mut portions = Vec::new();
    for segment in manifest.segments() {
        if segment.until < first || segment.first > to {
            continue;
        }
        let found = archive.portions(manifest.stream(), segment).await?;
        portions.extend(found.into_iter().filter(|one| one.subject == subject));
    }
    Ok(cut(&portions, first, to))
}

/// The ends of slices; a subject's portions stand in order and do not overlap.
fn cut(portions: &[Portion], first: Sequence, to: Sequence) -> Vec<Sequence> {
    let (mut ends, mut waiting, mut through) = (Vec::new(), 0, Sequence(0));
    for portion in portions {
        if portion.last < first || portion.first > to {
            continue;
        }
        if waiting > 0 && waiting + portion.messages > EventLog::PURGE_SLICE {
            ends.push(through);
            waiting = 0;
        }
        waiting += portion.messages;
        through = portion.last.min(to);
    }
    if waiting > 0 {
        ends.push(through);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion(first: u64, last: u64, messages: u64) -> Portion {
        Portion {
            subject: "evt.area.harbor-1".into(),
            first: Sequence(first),
            last: Sequence(last),
            messages,
            bytes: 0,
        }
    }

    #[test]
    fn a_slice_takes_no_more_messages_than_the_world_can_bear() {
        let all: Vec<Portion> = (0..7)
            .map(|n| portion(n * 5000 + 1, n * 5000 + 4990, 900))
            .collect();
        let ends = cut(&all, Sequence(1), Sequence(30_100));
        let wanted = [9990, 19990, 29990, 30_100].map(Sequence);
        assert_eq!(ends, wanted, "two portions each, the last in part");
        assert_eq!(
            cut(&all, Sequence(10_000), Sequence(10_001)),
            [Sequence(10_001)]
        );
        assert_eq!(cut(&all, Sequence(40_000), Sequence(50_000)), []);
    }

    #[test]
    fn only_what_may_go_counts_as_room() {
        let room = Room {
            first: Sequence(100),
            to: Sequence(200),
        };
        let rooms = Rooms::from([("evt.area.harbor-1".to_owned(), room)]);
        let of = |first, last| {
            frees(
                &Portion {
                    bytes: 10,
                    ..portion(first, last, 1)
                },
                &rooms,
            )
        };
        assert_eq!(
            (of(1, 99), of(90, 110), of(150, 160), of(201, 300)),
            (0, 10, 10, 0)
        );
        let other = Portion {
            subject: "evt.area.forest-1".into(),
            bytes: 10,
            ..portion(150, 160, 1)
        };
        assert_eq!(frees(&other, &rooms), 0);
    }
}
