//! Where the characters are, as the frames in the log say: what all edges together would know.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventlog::{EventLog, Follow, Record};
use schemas::fact::{Destination, Fact};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject};
use schemas::{AreaId, CharacterId, Handle, Sequence, SessionFence, WorkerId, decode};
use tokio::sync::Notify;

use crate::schedule::Moment;

/// A body as players' commands need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) character: CharacterId,
    pub(crate) session: SessionFence,
    /// The last command that has had its outcome.
    pub(crate) last_seq: u32,
}

/// Where everybody is.
#[derive(Debug, Default)]
pub(crate) struct Whereabouts {
    known: Mutex<Known>,
    /// Something has happened that may be waited for.
    pub(crate) moment: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    bodies: BTreeMap<(AreaId, Handle), Body>,
    /// Where a character was, or was last sent.
    towards: BTreeMap<CharacterId, AreaId>,
    /// Whether each area's last frame left it asleep.
    pub(crate) asleep: BTreeMap<AreaId, bool>,
    owners: BTreeMap<AreaId, WorkerId>,
    /// What has happened and was not asked for yet, and to whose area.
    pub(crate) moments: VecDeque<(Moment, WorkerId)>,
}

impl Known {
    /// The area to which a character's commands go, and its body if it is there.
    pub(crate) fn of(&self, character: CharacterId) -> (Option<AreaId>, Option<Body>) {
        let body = self
            .bodies
            .iter()
            .find(|(_, body)| body.character == character);
        match body {
            Some(((area, _), body)) => (Some(area.clone()), Some(*body)),
            None => (self.towards.get(&character).cloned(), None),
        }
    }

    /// The bodies by area.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (&AreaId, Handle, &Body)> {
        self.bodies
            .iter()
            .map(|((area, handle), body)| (area, *handle, body))
    }

    fn frame(&mut self, area: &AreaId, frame: &Frame) {
        let mut asleep = false;
        let mut moments = Vec::new();
        if !frame.effects.is_empty() {
            moments.push(Moment::Sent);
        }
        for fact in &frame.facts {
            match fact {
                Fact::Owned { worker, .. } => {
                    self.owners.insert(area.clone(), worker.clone());
                    moments.push(Moment::Owned);
                }
                Fact::Released { .. } => moments.push(Moment::LetGo),
                Fact::Arrived {
                    handle, traveller, ..
                } => {
                    let body = Body {
                        character: traveller.character,
                        session: traveller.session,
                        last_seq: traveller.last_seq,
                    };
                    moments.push(Moment::Arrived);
                    self.bodies.insert((area.clone(), *handle), body);
                    self.towards.insert(traveller.character, area.clone());
                }
                Fact::Departed {
                    handle,
                    character,
                    to,
                    ..
                } => {
                    self.bodies.remove(&(area.clone(), *handle));
                    match to {
                        Destination::Area { area, .. } => {
                            self.towards.insert(*character, area.clone());
                        }
                        Destination::Lobby => {
                            self.towards.remove(character);
                        }
                    }
                }
                Fact::SessionTaken {
                    handle,
                    session,
                    resumed,
                    ..
                } => {
                    if let Some(body) = self.bodies.get_mut(&(area.clone(), *handle)) {
                        body.session = *session;
                        if !resumed {
                            body.last_seq = 0;
                        }
                    }
                }
                Fact::Hibernated {} => {
                    asleep = true;
                    moments.push(Moment::LetGo);
                }
                _ => {}
            }
        }
        for (handle, seq) in frame.outcomes.accepted() {
            if let Some(body) = self.bodies.get_mut(&(area.clone(), handle)) {
                body.last_seq = body.last_seq.max(seq);
            }
        }
        self.asleep.insert(area.clone(), asleep);
        let owner = self.owners.get(area).cloned().unwrap_or_default();
        self.moments
            .extend(moments.into_iter().map(|moment| (moment, owner.clone())));
    }

    fn record(&mut self, record: &Record) {
        if let Subject::AreaEvents(area) = Subject::parse(&record.subject)
            && let Ok(frame) = decode::<Frame>(&record.payload)
        {
            self.frame(&area, &frame);
        }
    }
}

impl Whereabouts {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the log for ever.
    pub(crate) async fn follow(&self, log: EventLog) {
        let mut reader = log.read(AREA_EVENTS, Vec::new(), Sequence(0), Follow::Tail);
        loop {
            if let Ok(records) = reader.next_batch(64).await {
                let mut known = self.known();
                records.iter().for_each(|record| known.record(record));
                self.moment.notify_one();
            }
        }
    }
}
