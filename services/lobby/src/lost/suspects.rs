//! Who is missing, and since when this process knows.

use std::collections::BTreeMap;
use std::time::Duration;

use eventlog::Record;
use schemas::CharacterId;
use schemas::lobby::LobbyEvent;
use schemas::subjects::Domain;
use schemas::subjects::Subject;
use tokio::time::Instant;

use super::Entry;

/// Further suspects are not remembered; whoever is still missing is missed again.
const MOST_SUSPECTS: usize = 10_000;

/// The suspects.
#[derive(Debug)]
pub(super) struct Suspects {
    since: BTreeMap<CharacterId, Instant>,
    after: Duration,
}

impl Suspects {
    /// They are looked for when they have been missed for `after`.
    pub(super) const fn new(after: Duration) -> Self {
        Self {
            since: BTreeMap::new(),
            after,
        }
    }

    /// Takes in an entry of the lobby's log.
    pub(super) fn note(&mut self, record: &Record, now: Instant) {
        let Subject::KeyedEvents(Domain::Lobby, key) = Subject::parse(&record.subject) else {
            return;
        };
        let (Ok(character), Ok(entry)) = (key.parse(), schemas::decode::<Entry>(&record.payload))
        else {
            return;
        };
        if entry.state.missing.is_none() {
            self.clear(character);
            return;
        }
        let missed = |event: &LobbyEvent| matches!(event, LobbyEvent::Missed { .. });
        if self.since.len() < MOST_SUSPECTS && entry.events.iter().any(missed) {
            self.since.entry(character).or_insert(now);
        }
    }

    /// Who has been missed for long enough.
    pub(super) fn due(&self, now: Instant) -> Vec<CharacterId> {
        let due = |since: &Instant| now.duration_since(*since) >= self.after;
        let all = self.since.iter().filter(|(_, since)| due(since));
        all.map(|(character, _)| *character).collect()
    }

    /// It is no suspect, until it is missed again.
    pub(super) fn clear(&mut self, character: CharacterId) {
        self.since.remove(&character);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.since.len()
    }
}
