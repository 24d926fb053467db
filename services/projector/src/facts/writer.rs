//! The writer of `FACTS`: opens all sources where they stand, and puts what they tell into the stream.

use std::time::Duration;

use eventlog::{EventLog, Feed, FeedMessage, Follow, Record};
use futures_util::future::select_all;
use metrics::counter;
use past::Past;
use runtime::metric_definitions as names;
use schemas::subjects::{AREA_EVENTS, Domain, FACTS};
use schemas::{Claim, UnixMillis};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::config::Config;
use super::error::FactsError;
use super::lag::{NAME, Progress};
use super::memory::Memories;
use super::pace::Pace;
use super::source::{Choice, Source};
use super::told::{Place, Told};

/// What is told: areas, and who played when. Not credentials and names, which are about secrets, nor machines.
const SOURCES: [&str; 4] = [
    AREA_EVENTS,
    Domain::Identity.event_stream(),
    Domain::Lobby.event_stream(),
    Domain::Control.event_stream(),
];
/// So many messages make a batch of which nothing more is waited for; more than that is left for the next.
const FULL: usize = 500;

/// A message is told late when it has stood in the log for so long, in ms.
const BEHIND: u64 = 1000;

/// An event to be told.
pub(super) struct Telling {
    pub(super) message: FeedMessage,
    /// Its source.
    pub(super) stream: &'static str,
    pub(super) place: Place,
}

/// A writer at work.
pub(super) struct Writer {
    feed: Feed,
    sources: Vec<Source>,
    told: Told,
    choice: Choice,
    every: Duration,
    pace: Pace,
    memories: Memories,
    save_every: Duration,
    progress: watch::Sender<Vec<Progress>>,
    /// Whose turn it is when several sources have something.
    turn: usize,
}

/// What the last message of `FACTS` says, and who has written it.
pub(super) fn note(feed: &Feed) -> Result<Option<Told>, FactsError> {
    let read = |note: &str| {
        note.parse().map_err(|_| FactsError::Note {
            note: note.chars().take(120).collect(),
        })
    };
    feed.note().map(read).transpose()
}

impl Writer {
    /// Opens `FACTS` and all sources, each where it stands.
    pub(super) async fn open(
        config: &Config,
        past: &Past,
        log: &EventLog,
        writer: Claim,
        follow: Follow,
        progress: watch::Sender<Vec<Progress>>,
    ) -> Result<Self, FactsError> {
        let feed = log.feed(FACTS).await?;
        let noted = note(&feed)?;
        let since = UnixMillis::now().0;
        let choice = Choice {
            left_out: config.left_out(),
            since: UnixMillis(since.saturating_sub(millis(config.since.duration()))),
        };
        let told = Told {
            writer,
            ..noted.unwrap_or_else(|| Told::nothing(writer))
        };
        let memories = Memories::open(log).await?;
        let mut sources = Vec::new();
        for stream in SOURCES {
            let memory = memories.load(stream, (feed.incarnation(), feed.last()));
            let memory = memory.await?;
            sources.push(Source::open(stream, past, log, &told, memory, follow).await?);
        }
        Ok(Self {
            feed,
            sources,
            told,
            choice,
            every: config.every.duration(),
            pace: Pace::new(config.max_rate),
            memories,
            save_every: config.save_every.duration(),
            progress,
            turn: 0,
        })
    }

    /// Tells what comes, until all sources have ended or something is wrong. Dropping it is like a crash.
    pub(super) async fn write(&mut self) -> Result<(), FactsError> {
        let mut save = tokio::time::interval_at(Instant::now() + self.save_every, self.save_every);
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now();
        self.show();
        loop {
            let batch = tokio::select! {
                batch = next(&mut self.sources, self.turn, due) => batch,
                _ = save.tick() => {
                    self.save().await;
                    continue;
                }
            };
            let Some((source, batch)) = batch else {
                self.save().await;
                return Ok(());
            };
            self.turn = source + 1;
            let begun = Instant::now();
            let told = self.tell(source, &batch?).await?;
            // What comes meanwhile goes into one batch; whoever is behind does not wait for more.
            let waits = told < FULL && !self.is_behind(source);
            due = if waits { begun + self.every } else { begun };
        }
    }

    /// Whether what a source gave last has stood in the log for a while.
    fn is_behind(&self, source: usize) -> bool {
        let now = UnixMillis::now().0;
        let source = self.sources.get(source);
        source.is_some_and(|source| now.saturating_sub(source.stored_at.0) > BEHIND)
    }

    /// Tells what `source` had, and what the others have already; how many messages that were.
    async fn tell(&mut self, source: usize, batch: &[Record]) -> Result<usize, FactsError> {
        let mut telling: Vec<Telling> = Vec::new();
        if let Some(source) = self.sources.get_mut(source) {
            for record in batch {
                source.take(record, &self.choice, &mut telling);
            }
        }
        for source in &mut self.sources {
            while telling.len() < FULL
                && let Some(record) = source.try_next()
            {
                source.take(&record, &self.choice, &mut telling);
            }
        }
        for some in telling.chunks(FULL) {
            for Telling { stream, place, .. } in some {
                self.told.places.insert((*stream).to_owned(), *place);
            }
            let messages: Vec<_> = some.iter().map(|one| one.message.clone()).collect();
            self.pace.wait(messages.len()).await;
            self.feed.publish(&messages, &self.told.to_string()).await?;
            counter!(names::PROJECTOR_EVENTS_TOTAL, "projection" => NAME)
                .increment(messages.len() as u64);
        }
        self.show();
        Ok(telling.len())
    }

    fn show(&self) {
        let all = self.sources.iter().map(|source| Progress {
            stream: source.stream,
            told: source.read.sequence,
        });
        self.progress.send_replace(all.collect());
    }

    /// Saves what is remembered. Only between batches: then all that was taken in is in `FACTS`.
    pub(super) async fn save(&mut self) {
        let facts = (self.feed.incarnation(), self.feed.last());
        for source in &mut self.sources {
            source.save(&self.memories, facts).await;
        }
    }
}

/// What the next source has that has anything, not before `due`; `None` when all have ended. Cancel safe.
async fn next(
    sources: &mut [Source],
    turn: usize,
    due: Instant,
) -> Option<(usize, Result<Vec<Record>, FactsError>)> {
    tokio::time::sleep_until(due).await;
    let count = sources.len().max(1);
    let mut waiting: Vec<_> = sources
        .iter_mut()
        .enumerate()
        .filter(|(_, source)| !source.ended)
        .map(|(at, source)| Box::pin(async move { (at, source.next().await) }))
        .collect();
    if waiting.is_empty() {
        return None;
    }
    // The first that is ready is taken, so that nobody is first for ever.
    let first = turn % count;
    let len = waiting.len();
    waiting.rotate_left(first % len);
    Some(select_all(waiting).await.0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
