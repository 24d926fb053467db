//! Taking in a frame: the state moves on, and what cannot be seen in the state is put aside.

use std::collections::BTreeSet;
use std::sync::Arc;

use eventlog::Record;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::outcome::Rejected;
use schemas::sealed::{OpenError, RealmKey, Sealed};
use schemas::{AccountId, CharacterId, ClientSeq, Handle, Sequence, UnixMillis};

use super::departed::{Departed, departures};
use super::restore::{BadFrame, fold};
use super::task::Watching;

/// What has happened since the clients were told.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) said: Vec<(Sequence, Handle, Sealed)>,
    /// Of whom something is to be opened, and whose key is not here yet.
    pub(super) strangers: BTreeSet<AccountId>,
    pub(super) departures: Vec<Departure>,
    pub(super) rejected: Vec<Rejected>,
}

/// A character has left.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) character: CharacterId,
    pub(super) left: Departed,
    /// Its commands up to this one had their outcome in the frame with which it left.
    pub(super) ack: Option<ClientSeq>,
}

/// What is shown instead of a text that cannot be opened.
const UNREADABLE: &str = "…";

/// A text for people.
pub(super) fn open_text(key: &RealmKey, sealed: &Sealed) -> Arc<str> {
    match key.open(sealed) {
        Ok(text) => Arc::from(text),
        // Whoever asked for the key has said so, once for all texts of that person; who was erased is not missed.
        Err(error @ (OpenError::NotFetched { .. } | OpenError::Erased { .. })) => {
            tracing::debug!(%error, "showing a placeholder");
            Arc::from(UNREADABLE)
        }
        Err(error) => {
            tracing::warn!(%error, "showing a placeholder");
            Arc::from(UNREADABLE)
        }
    }
}

impl Watching {
    /// Folds one frame of the living world.
    pub(super) fn take_in(&mut self, record: &Record) -> Result<(), BadFrame> {
        let frame = fold(&mut self.state, record.sequence, &record.payload)?;
        self.replica.clock.set(self.state.step());
        let age = UnixMillis::now().0.saturating_sub(frame.at.0);
        // Milliseconds of a running world fit a float exactly.
        self.realm.meters.replica_lag.record(age as f64 / 1000.0);
        self.note(record.sequence, frame);
        Ok(())
    }

    /// Puts aside what cannot be seen in the state after `frame`, which has been folded.
    pub(super) fn note(&mut self, sequence: Sequence, frame: Frame) {
        self.sequence = sequence;
        self.left.note(&self.replica.area, &frame);
        self.note_departures(&frame);
        let keys = &self.realm.keys.realm;
        for fact in frame.facts {
            match fact {
                Fact::Spoken { handle, text, .. } => {
                    self.news.strangers.extend(keys.lacks(&text));
                    self.news.said.push((sequence, handle, text));
                }
                Fact::Arrived { traveller, .. } => {
                    self.news.strangers.extend(keys.lacks(&traveller.name));
                    self.arrivals.insert(traveller.character, sequence);
                }
                Fact::Departed { character, .. } => {
                    self.arrivals.remove(&character);
                }
                _ => {}
            }
        }
        self.news.rejected.extend(frame.outcomes.rejected);
    }

    /// Fetches the keys of those who are new here, before anything of them is shown.
    pub(super) async fn meet(&mut self) {
        let strangers = std::mem::take(&mut self.news.strangers);
        self.realm.persons.meet(strangers).await;
    }

    fn note_departures(&mut self, frame: &Frame) {
        for (character, left) in departures(&self.replica.area, frame) {
            let gone = |fact: &Fact| match fact {
                Fact::Departed {
                    handle,
                    character: who,
                    ..
                } if *who == character => Some(*handle),
                _ => None,
            };
            let handle = frame.facts.iter().find_map(gone);
            let accepted = |(of, seq): (Handle, ClientSeq)| (Some(of) == handle).then_some(seq);
            let ack = frame.outcomes.accepted().find_map(accepted);
            self.news.departures.push(Departure {
                character,
                left,
                ack,
            });
        }
    }
}
