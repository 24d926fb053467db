//! One event stream, read in order and turned into messages.

use std::collections::BTreeSet;

use eventlog::{EventLog, Follow, Position, Record};
use metrics::counter;
use past::event::Events;
use past::{Past, PastError, PastReader};
use runtime::metric_definitions as names;
use schemas::{Incarnation, Sequence, UnixMillis};

use super::error::FactsError;
use super::memory::{Memories, Memory};
use super::message::message_of;
use super::told::{Place, Told};
use super::writer::Telling;

/// Messages of a source taken at once.
const AT_ONCE: usize = 200;

/// What is told, and what is not.
pub(super) struct Choice {
    /// Kinds that are not.
    pub(super) left_out: BTreeSet<String>,
    /// Nothing older than this, of a source of which nothing has been told yet.
    pub(super) since: UnixMillis,
}

/// An event stream at work.
pub(super) struct Source {
    pub(super) stream: &'static str,
    incarnation: Incarnation,
    reader: PastReader,
    events: Events,
    /// Told before we began: up to this event of this message.
    told: Option<(Sequence, u32)>,
    /// The last message that was taken in.
    pub(super) read: Position,
    /// When that message was stored.
    pub(super) stored_at: UnixMillis,
    /// Whether anything was taken in since the memory was saved.
    unsaved: bool,
    /// Whether the end has been reached (only of a source that is read to its end).
    pub(super) ended: bool,
}

impl Source {
    /// Begins behind what is remembered; what of it has been told is not told again.
    pub(super) async fn open(
        stream: &'static str,
        past: &Past,
        log: &EventLog,
        told: &Told,
        memory: Option<Memory>,
        follow: Follow,
    ) -> Result<Self, FactsError> {
        let wrong = |source| FactsError::Position { stream, source };
        if let Some(place) = told.places.get(stream) {
            log.check_position(stream, &place.position)
                .await
                .map_err(wrong)?;
        }
        let info = log.stream_info(stream).await?;
        let nothing = Position {
            incarnation: info.incarnation,
            sequence: Sequence(0),
            digest: schemas::Digest::default(),
        };
        let memory = memory.unwrap_or_else(|| Memory {
            position: nothing,
            events: Events::new(),
        });
        let read = memory.position;
        tracing::info!(
            stream,
            after = read.sequence.0,
            told = told.of(stream).map_or(0, |(sequence, _)| sequence.0),
            head = info.last.0,
            "telling facts"
        );
        Ok(Self {
            stream,
            incarnation: info.incarnation,
            reader: past.read(stream, Vec::new(), read.sequence, follow),
            events: memory.events,
            told: told.of(stream),
            read,
            stored_at: UnixMillis(0),
            unsaved: false,
            ended: false,
        })
    }

    /// The next messages; none at the end. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Vec<Record>, FactsError> {
        let batch = self.reader.next_batch(AT_ONCE).await;
        let batch = batch.map_err(|error| self.unreadable(error))?;
        self.ended = batch.is_empty();
        Ok(batch)
    }

    fn unreadable(&self, error: PastError) -> FactsError {
        if error.unavailable() {
            return FactsError::Past(error);
        }
        FactsError::Lost {
            stream: self.stream,
            told: self.read.sequence,
            source: error,
        }
    }

    /// A message that is there already; never waits.
    pub(super) fn try_next(&mut self) -> Option<Record> {
        self.reader.try_next()
    }

    /// Takes a message in; what of it is to be told is added to `telling`.
    pub(super) fn take(&mut self, record: &Record, choice: &Choice, telling: &mut Vec<Telling>) {
        self.read = record.position(self.incarnation);
        self.stored_at = record.stored_at;
        self.unsaved = true;
        let events = match self.events.of(record) {
            Ok(events) => events,
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(
                    subject = record.subject,
                    event.seq = record.sequence.0,
                    "events cannot be told; the others go on: {error:#}"
                );
                counter!(names::PROJECTOR_PARKED_TOTAL, "projection" => super::lag::NAME)
                    .increment(1);
                self.events.lost(&record.subject);
                return;
            }
        };
        for event in &events {
            let before = match self.told {
                Some(told) => (event.log_position, event.event_index) <= told,
                None => event.created_at < choice.since,
            };
            if before || choice.left_out.contains(event.event_type) {
                continue;
            }
            let place = Place {
                position: self.read,
                index: event.event_index,
            };
            telling.push(Telling {
                message: message_of(event),
                stream: self.stream,
                place,
            });
        }
    }

    /// Saves what is remembered, all of whose events are in `FACTS` as far as that goes now. A failure costs time only.
    pub(super) async fn save(&mut self, memories: &Memories, facts: (Incarnation, Sequence)) {
        if !self.unsaved {
            return;
        }
        let saved = memories.save(self.stream, self.read, facts, &self.events);
        match saved.await {
            Ok(()) => self.unsaved = false,
            Err(error) => tracing::warn!(
                stream = self.stream, %error,
                "what is remembered of a stream cannot be saved; the next start takes longer"
            ),
        }
    }
}
