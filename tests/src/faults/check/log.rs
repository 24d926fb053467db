//! The log as it lies there: every message of areas, of characters and of areas' control, in memory and decoded.

use std::collections::BTreeMap;

use anyhow::Context;
use eventlog::{EventLog, Follow};
use schemas::command::AreaMessage;
use schemas::control::{AreaControl, ControlEvent};
use schemas::frame::Frame;
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent};
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain, Subject};
use schemas::{AreaId, CharacterId, Digest, Sequence, UnixMillis};
use serde::de::DeserializeOwned;

/// A frame in its place.
pub(crate) struct Placed {
    pub(crate) sequence: Sequence,
    /// When the broker stored it, by the broker's clock.
    pub(crate) stored_at: UnixMillis,
    pub(crate) digest: Digest,
    pub(crate) size: usize,
    pub(crate) frame: Frame,
}

/// A command message in its place; `None`: it is none.
pub(crate) struct Sent {
    pub(crate) sequence: Sequence,
    pub(crate) stored_at: UnixMillis,
    pub(crate) message: Option<AreaMessage>,
}

/// An entry of a keyed aggregate in its place.
pub(crate) struct Kept<E, S> {
    pub(crate) sequence: Sequence,
    pub(crate) entry: KeyedEntry<E, S>,
}

/// A copy of what is checked.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) frames: BTreeMap<AreaId, Vec<Placed>>,
    pub(crate) commands: BTreeMap<AreaId, Vec<Sent>>,
    pub(crate) characters: BTreeMap<CharacterId, Vec<Kept<LobbyEvent, Character>>>,
    pub(crate) control: BTreeMap<AreaId, Vec<Kept<ControlEvent, AreaControl>>>,
}

impl Log {
    /// Reads all of it.
    pub(crate) async fn read(log: &EventLog) -> anyhow::Result<Self> {
        let mut copy = Self::default();
        let mut reader = log.read(AREA_EVENTS, Vec::new(), Sequence(0), Follow::UntilHead);
        while let Some(record) = reader.next().await? {
            let at = || format!("{AREA_EVENTS} {}", record.sequence);
            let Subject::AreaEvents(area) = Subject::parse(&record.subject) else {
                anyhow::bail!("{}: {} is no area's", at(), record.subject);
            };
            copy.frames.entry(area).or_default().push(Placed {
                sequence: record.sequence,
                stored_at: record.stored_at,
                digest: Digest::of(&record.payload),
                size: record.payload.len(),
                frame: schemas::decode(&record.payload).with_context(at)?,
            });
        }
        let mut reader = log.read(AREA_COMMANDS, Vec::new(), Sequence(0), Follow::UntilHead);
        while let Some(record) = reader.next().await? {
            if let Subject::AreaCommand(area, _) = Subject::parse(&record.subject) {
                copy.commands.entry(area).or_default().push(Sent {
                    sequence: record.sequence,
                    stored_at: record.stored_at,
                    message: AreaMessage::received(&record.subject, &record.payload).ok(),
                });
            }
        }
        for (key, kept) in keyed(log, Domain::Lobby).await? {
            let character = key.parse().context("a character's key")?;
            copy.characters.entry(character).or_default().push(kept);
        }
        for (key, kept) in keyed(log, Domain::Control).await? {
            let area = AreaId::new(&key)?;
            copy.control.entry(area).or_default().push(kept);
        }
        Ok(copy)
    }

    /// Which session of a character a fence belongs to: fences that only continue a session count to the same one.
    pub(crate) fn eras(&self) -> BTreeMap<(CharacterId, u64), u32> {
        let mut eras = BTreeMap::new();
        for (character, entries) in &self.characters {
            let mut era = 0;
            for event in entries.iter().flat_map(|kept| &kept.entry.events) {
                if let LobbyEvent::SessionStarted {
                    session, resumed, ..
                } = event
                {
                    era += u32::from(!resumed);
                    eras.insert((*character, session.0), era);
                }
            }
        }
        eras
    }
}

async fn keyed<E: DeserializeOwned, S: DeserializeOwned>(
    log: &EventLog,
    domain: Domain,
) -> anyhow::Result<Vec<(String, Kept<E, S>)>> {
    let stream = domain.event_stream();
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut found = Vec::new();
    while let Some(record) = reader.next().await? {
        let at = || format!("{stream} {}", record.sequence);
        let Subject::KeyedEvents(_, key) = Subject::parse(&record.subject) else {
            continue;
        };
        let kept = Kept {
            sequence: record.sequence,
            entry: schemas::decode(&record.payload).with_context(at)?,
        };
        found.push((key, kept));
    }
    Ok(found)
}
