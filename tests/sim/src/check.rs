//! What must be true at the end, whatever was done.
//!
//! The same books that the fault suite keeps over real stacks (`tests/src/faults/check`), over
//! the twin's log; they share no code with what they check beyond the messages' types and the one `fold` of
//! the world.

#[path = "../../src/faults/check/chain.rs"]
mod chain;
#[path = "../../src/faults/check/effects.rs"]
mod effects;
#[path = "../../src/faults/check/log.rs"]
#[allow(dead_code, reason = "the fault suite looks at more of it")]
mod log;
#[path = "../../src/faults/check/places.rs"]
mod places;
#[path = "../../src/faults/check/worlds.rs"]
#[allow(dead_code, reason = "the fault suite looks at more of it")]
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use eventlog::{EventLog, Follow};
use schemas::fact::{DepartureReason, Fact};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};
use schemas::{Digest, Sequence, decode};
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which checker found it.
    pub check: &'static str,
    /// In words.
    pub message: String,
}

impl Finding {
    /// What `check` found.
    pub(crate) fn new(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.check, self.message)
    }
}

/// What the checkers have seen.
pub(crate) struct Judged {
    pub(crate) findings: Vec<Finding>,
    pub(crate) digest: Digest,
    pub(crate) frames: usize,
    pub(crate) owners: u64,
    pub(crate) commands: usize,
    pub(crate) effects: usize,
    pub(crate) doors: usize,
}

/// Judges everything that stands in the log.
pub(crate) async fn judge(connection: &EventLog) -> anyhow::Result<Judged> {
    let log = log::Log::read(connection).await?;
    let mut snapshots = BTreeMap::new();
    for area in log.frames.keys() {
        snapshots.insert(area.clone(), connection.snapshots().load(area).await?);
    }
    let mut findings = Vec::new();
    let owners = chain::check(&log, &mut findings);
    let sent = effects::Effects::of(&log, &mut findings);
    let effects = sent.check(&mut findings);
    places::check(&log, &sent, &mut findings);
    worlds::check(&log, &snapshots, &BTreeSet::new(), &mut findings);
    let frames = || log.frames.values().flatten().map(|placed| &placed.frame);
    let through_doors = |fact: &&Fact| matches!(fact, Fact::Departed { reason, .. } if *reason == DepartureReason::Door);
    Ok(Judged {
        findings,
        digest: digest(connection).await?,
        frames: frames().count(),
        owners,
        commands: frames()
            .map(|frame| frame.outcomes.accepted().count() + frame.outcomes.rejected.len())
            .sum(),
        effects,
        doors: frames()
            .flat_map(|frame| &frame.facts)
            .filter(through_doors)
            .count(),
    })
}

/// Characters whose effects are not confirmed yet.
pub(crate) async fn pending(log: &EventLog) -> anyhow::Result<Vec<String>> {
    let mut waiting = Vec::new();
    for domain in [Domain::Lobby, Domain::Control] {
        for (subject, _) in log.subjects(domain.event_stream(), ">").await? {
            let Some(record) = log.last(&subject).await? else {
                continue;
            };
            let entry = decode::<KeyedEntry<IgnoredAny, IgnoredAny>>(&record.payload)?;
            if !entry.outbox.pending.is_empty() {
                waiting.push(format!("{subject} waits for a confirmation"));
            }
        }
    }
    Ok(waiting)
}

/// Of every message in every stream of areas and of aggregates, in order.
async fn digest(log: &EventLog) -> anyhow::Result<Digest> {
    let mut hash = Sha256::new();
    let domains = [Domain::Lobby, Domain::Control];
    let streams = domains.map(|domain| [domain.command_stream(), domain.event_stream()]);
    for stream in [AREA_COMMANDS, AREA_EVENTS]
        .into_iter()
        .chain(streams.into_iter().flatten())
    {
        let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
        while let Some(record) = reader.next().await? {
            hash.update(record.subject.as_bytes());
            hash.update(record.sequence.0.to_be_bytes());
            hash.update(record.stored_at.0.to_be_bytes());
            hash.update(&record.payload);
        }
    }
    Ok(Digest::of(&hash.finalize()))
}
