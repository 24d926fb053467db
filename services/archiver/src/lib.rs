//! The archiver: moves closed ranges of the log into an archive, and holds the live log at its size.
//!
//! Round by round, stream by stream: what is due is sealed as a segment, stored, read back and named by the archive's
//! manifest ([`past`] knows the formats); then, of streams of events, what is archived is purged from the broker as far as
//! size, age and the areas' snapshots say. Whatever breaks off in between leaves both as they were: the next round
//! begins by reading where the archive ends. Nobody in the world waits for this service.

mod begin;
mod cli;
mod config;
mod error;
mod hold;
mod metrics;
mod purging;
mod sealing;
mod size;
mod snapshots;
mod status;
mod verify;

use std::collections::HashMap;

use anyhow::Context;
use eventlog::{EventLog, Follow, Record, StreamInfo};
use past::{Archive, ArchiveWriter, Past, PastError, Stored};
use runtime::{Ctx, Shutdown};
use schemas::{Sequence, UnixMillis};

pub use cli::{ArchiveCommand, SnapshotsArgs, StatusArgs, VerifyArgs, tool};
pub use config::{Config, streams};
pub use error::ArchiveError;
pub use sealing::Extent;
pub use size::{Size, SizeError};

use purging::Purging;
use sealing::Sealing;

/// The past of `log`, with the archive that is configured, if one is.
///
/// # Errors
/// When the archive cannot be read.
pub fn past(config: &Config, log: EventLog) -> Result<Past, PastError> {
    let Some(location) = config.location() else {
        return Ok(log.into());
    };
    let opened = match Archive::open(&location) {
        // Configured, and not begun yet: when it is, whoever reads until then shall find it.
        Err(PastError::NoArchive { .. }) => Archive::create(&location),
        opened => opened,
    };
    Ok(Past::joined(log, opened?))
}

/// Archives until the shutdown begins. Without a place for it, it does nothing.
///
/// # Errors
/// When the archive cannot be opened at all; what fails later is tried again.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("archiver");
    let Some(location) = config.location() else {
        health.ready();
        tracing::info!("no archive is configured (`[archive] where`): the log grows");
        ctx.shutdown.cancelled().await;
        return Ok(());
    };
    let opened = Archive::create(&location);
    let archive = opened.with_context(|| format!("opening the archive {location}"))?;
    health.ready();
    let mut archiver = Archiver::new(log, archive, config);
    while !ctx.shutdown.has_begun() {
        archiver.round(Extent::Due, &ctx.shutdown).await;
        let pause = tokio::time::sleep(archiver.config.every.duration());
        ctx.shutdown.unless_begun(pause).await;
    }
    Ok(())
}

/// Archives the streams of one log.
pub struct Archiver {
    log: EventLog,
    archive: Archive,
    config: Config,
    purging: HashMap<&'static str, Purging>,
    /// What was last known of each stream's archive.
    archived: HashMap<&'static str, Archived>,
}

/// What metrics say of a stream's archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Archived {
    /// The last message in it.
    end: Sequence,
    /// What its segments take.
    bytes: u64,
}

/// What one round has come to.
#[derive(Debug, Default)]
pub struct Round {
    /// What was archived, by stream.
    pub stored: Vec<(&'static str, Stored)>,
    /// How many messages were purged from the broker.
    pub purged: u64,
    /// How many of them at most at once: for so many, writers to the stream had to wait.
    pub largest_slice: u64,
    /// What failed, by stream.
    pub failed: Vec<(&'static str, ArchiveError)>,
}

impl Archiver {
    /// Of this log, into this archive.
    #[must_use]
    pub fn new(log: EventLog, archive: Archive, config: Config) -> Self {
        let purged = streams().into_iter();
        let purged = purged.filter(|stream| config.purge.iter().any(|one| one == stream));
        let purging = purged.map(|stream| (stream, Purging::default()));
        Self {
            purging: purging.collect(),
            archived: HashMap::new(),
            log,
            archive,
            config,
        }
    }

    /// Looks at every stream once. What fails is told, counted, and does not keep the others waiting.
    pub async fn round(&mut self, extent: Extent, shutdown: &Shutdown) -> Round {
        let mut round = Round::default();
        for stream in streams() {
            if shutdown.has_begun() {
                break;
            }
            let worked = self.stream(stream, extent, shutdown, &mut round).await;
            // Most of all while nothing is archived, operators want to see how much waits.
            let looked = self.look(stream).await;
            if let Err(error) = worked.and(looked) {
                metrics::failed(stream);
                let error_chain = &error as &dyn std::error::Error;
                tracing::error!(stream, error = error_chain, "not archived");
                round.failed.push((stream, error));
            }
        }
        round
    }

    async fn stream(
        &mut self,
        stream: &'static str,
        extent: Extent,
        shutdown: &Shutdown,
        round: &mut Round,
    ) -> Result<(), ArchiveError> {
        let delay = self.config.delay();
        let (mut writer, _) = sealing::open(&self.archive, &self.log, stream, delay).await?;
        let worked = self.work(&mut writer, stream, extent, shutdown, round);
        let worked = worked.await;
        let archived = Archived {
            end: writer.manifest().end(),
            bytes: writer.manifest().bytes(),
        };
        self.archived.insert(stream, archived);
        worked
    }

    async fn work(
        &mut self,
        writer: &mut ArchiveWriter,
        stream: &'static str,
        extent: Extent,
        shutdown: &Shutdown,
        round: &mut Round,
    ) -> Result<(), ArchiveError> {
        let config = &self.config;
        let sealing = Sealing {
            log: &self.log,
            stream,
            target: config.segment(),
            seal_after: config.seal_after.duration(),
            max_rate: config.max_rate.0,
            extent,
        };
        let stored = sealing.run(writer, shutdown).await?;
        round
            .stored
            .extend(stored.into_iter().map(|one| (stream, one)));
        if let Some(purging) = self.purging.get_mut(stream) {
            let purged = purging.run(&self.log, &self.archive, writer, config, shutdown);
            let purged = purged.await?;
            round.purged += purged.messages;
            round.largest_slice = round.largest_slice.max(purged.largest_slice);
        }
        Ok(())
    }

    /// Tells how the stream stands in the broker, and against what was last known of its archive.
    async fn look(&self, stream: &'static str) -> Result<(), ArchiveError> {
        let info = self.log.stream_info(stream).await?;
        metrics::live(stream, &info);
        let Some(archived) = self.archived.get(stream) else {
            return Ok(());
        };
        let now = info.told_at.unwrap_or_else(UnixMillis::now);
        let waiting = self.oldest_after(stream, archived.end, &info).await?;
        let lag = waiting.map_or(0, |oldest| now.0.saturating_sub(oldest.stored_at.0));
        metrics::archived(stream, archived, lag);
        Ok(())
    }

    /// The oldest message after `end` that is still there.
    async fn oldest_after(
        &self,
        stream: &str,
        end: Sequence,
        info: &StreamInfo,
    ) -> Result<Option<Record>, ArchiveError> {
        if info.last <= end {
            return Ok(None);
        }
        let next = self.log.get(stream, end.next().max(info.first)).await?;
        if next.is_some() {
            return Ok(next);
        }
        // It is gone already, unarchived.
        let mut later = self.log.read(stream, Vec::new(), end, Follow::UntilHead);
        Ok(later.next().await?)
    }
}
