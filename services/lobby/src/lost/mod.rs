//! Lost characters: found by suspicion, proven to be nowhere, taken back into the lobby.
//!
//! No order of messages loses a character; a log that has been cut, damaged or put back in part
//! can. Then the lobby believes it in an area that does not have it, and its player waits.
//!
//! A **suspect** is a character that was missed ([`LobbyEvent::Missed`]): what the lobby sent for
//! it came to where it is believed to be, and it was not there. Nearly always news of where it
//! went is on its way. When none has come for a while, all areas are folded to one **cut** and
//! searched ([`cut`]). Found in a body or in an effect that is still to be taken, it is no suspect
//! any more, however long it takes. Found nowhere, it is **reclaimed**.
//!
//! # Why this cannot double a character
//!
//! - The cut is *causally closed*: all areas are folded up to one sequence of their one stream,
//!   and an area's frame is stored before the effects that it decides are sent, so what an area in
//!   the cut has taken from another was decided within the cut. The lobby's own entry of the
//!   character is read before and after that sequence was asked for, and must be the same one, so
//!   it is the entry at the cut. Counters are compared all the same ([`Cut::check`]).
//! - At a closed cut each character is in exactly one place: a body, the lobby's keeping, or an
//!   effect that its target has not taken. That is what areas and the lobby keep to.
//! - Being *nowhere* at a closed cut is stable. A body comes from an effect that carries it, and
//!   such an effect from a body or from the lobby's keeping; where there is none of the three,
//!   nothing that is decided later can bring one about. So the proof does not grow old: whatever
//!   happens until the lobby acts upon it, the character is still nowhere.
//! - Only the lobby's taking it back ends that, and a proof is good once: it names the fence of
//!   the newest session, which taking it back raises, and the time since which it was missing,
//!   which taking it back clears. A second instance's proof, or the same one delivered twice,
//!   finds another fence and is refused.
//! - Nobody else can hand in a proof: it is sealed with the lobby's secret.
//!
//! [`LobbyEvent::Missed`]: schemas::lobby::LobbyEvent::Missed
//! [`Cut::check`]: cut::Cut::check

mod cut;
mod fold;
mod suspects;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eventlog::{EventLog, Follow, ReadError, Reader};
use metrics::{counter, gauge};
use runtime::metric_definitions::{LOBBY_RECLAIMED_TOTAL, LOBBY_SUSPECTS};
use schemas::keyed::{KeyedEntry, KeyedMessage};
use schemas::lobby::{Character, Evidence, LobbyCommand, LobbyEvent, Place};
use schemas::subjects::{AREA_EVENTS, Domain, keyed_command, keyed_events};
use schemas::{CharacterId, Sequence};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::cut::{Cut, Whereabouts};
use self::suspects::Suspects;
use crate::characters::Characters;

type Entry = KeyedEntry<LobbyEvent, Character>;

/// Looks for lost characters.
pub(crate) struct Search {
    log: EventLog,
    characters: Arc<Characters>,
    reader: Reader,
    suspects: Suspects,
    /// How often they are looked at.
    beat: Duration,
}

/// Why a search came to nothing, this time.
#[derive(Debug, thiserror::Error)]
enum SearchError {
    /// The log cannot be read now: later.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// Areas cannot be folded, or do not fit together: an operator has to look, nothing is proven.
    #[error("no proof is possible: {0}")]
    NoCut(String),
}

impl Search {
    /// From now on; whoever has been missed for `after` is looked for.
    pub(crate) async fn begin(
        log: &EventLog,
        characters: Arc<Characters>,
        after: Duration,
    ) -> Result<Self, ReadError> {
        let stream = Domain::Lobby.event_stream();
        let last = log.stream_info(stream).await?.last;
        Ok(Self {
            reader: log.read(stream, Vec::new(), last, Follow::Tail),
            log: log.clone(),
            characters,
            suspects: Suspects::new(after),
            beat: after / 6,
        })
    }

    /// Until the shutdown.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        shutdown.clone().run_until_cancelled(self.search()).await;
    }

    async fn search(&mut self) {
        let mut beat = interval(self.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                record = self.reader.next() => match record {
                    Ok(Some(record)) => self.suspects.note(&record, Instant::now()),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the lobby's log cannot be read; lost characters are not looked for");
                        tokio::time::sleep(self.beat).await;
                    }
                },
                _ = beat.tick() => {
                    gauge!(LOBBY_SUSPECTS).set(self.suspects.len() as f64);
                    let due = self.suspects.due(Instant::now());
                    if due.is_empty() {
                        continue;
                    }
                    if let Err(error) = self.look_for(due).await {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "missing characters cannot be looked for now");
                    }
                }
            }
        }
    }

    /// Searches the world for those who are due, and takes back who is nowhere.
    async fn look_for(&mut self, due: Vec<CharacterId>) -> Result<(), SearchError> {
        let before = self.entries(&due).await?;
        let cut = fold::world(&self.log).await?;
        cut.check().map_err(SearchError::NoCut)?;
        let after = self.entries(&due).await?;
        for (character, sequence, entry) in after {
            let same = before
                .iter()
                .any(|(who, at, _)| (*who, *at) == (character, sequence));
            if !same {
                // There is news; if it does not help, the next look will be at that.
                continue;
            }
            match cut.find(character, &entry) {
                Whereabouts::Nowhere => self.reclaim(character, &entry, &cut).await,
                found => {
                    self.suspects.clear(character);
                    tracing::info!(character.id = %character, %found, "a missing character was found");
                }
            }
        }
        Ok(())
    }

    /// The newest entries of those who are still missing in the world.
    async fn entries(
        &mut self,
        characters: &[CharacterId],
    ) -> Result<Vec<(CharacterId, Sequence, Entry)>, ReadError> {
        let mut missing = Vec::new();
        for character in characters {
            let subject = keyed_events(Domain::Lobby, &character.to_string());
            let record = self.log.last(&subject).await?;
            let entry = record.and_then(|record| {
                let entry: Entry = schemas::decode(&record.payload).ok()?;
                let world = matches!(entry.state.place, Some(Place::World(_)));
                (world && entry.state.missing.is_some()).then_some((record.sequence, entry))
            });
            match entry {
                Some((sequence, entry)) => missing.push((*character, sequence, entry)),
                None => self.suspects.clear(*character),
            }
        }
        Ok(missing)
    }

    async fn reclaim(&self, character: CharacterId, entry: &Entry, cut: &Cut) {
        let evidence = Evidence {
            cut: cut.at,
            incarnation: cut.incarnation,
            areas: u32::try_from(cut.areas.len()).unwrap_or(u32::MAX),
            session: entry.state.session,
            missing: entry.state.missing.unwrap_or_default(),
        };
        tracing::error!(
            character.id = %character, event.seq = evidence.cut.0, stream = AREA_EVENTS,
            areas = evidence.areas, missing = evidence.missing.0,
            "a character is nowhere and is taken back into the lobby; find out what lost it: docs/runbook/lost-character.md"
        );
        let seal = self.characters.seal(character, &evidence);
        let message = KeyedMessage::Command {
            request: 0,
            reply: None,
            body: LobbyCommand::Reclaim {
                character,
                evidence,
                seal,
            },
        };
        let subject = keyed_command(Domain::Lobby, &character.to_string());
        let bytes = Bytes::from(schemas::encode(&message));
        match self.log.send(&subject, bytes, None).await {
            Ok(_) => counter!(LOBBY_RECLAIMED_TOTAL).increment(1),
            Err(error) => {
                tracing::warn!(character.id = %character, %error, "it could not be asked for; it will be again");
            }
        }
    }
}
