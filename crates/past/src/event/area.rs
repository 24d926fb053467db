//! An area's frames: who its handles are, and what happened.

use std::sync::Arc;

use eventlog::Record;
use schemas::effect::EffectPayload;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::motion::MotionError;
use schemas::outcome::{Outcomes, Reason};
use schemas::segment::{Controller, Moved, Segment};
use schemas::subjects::{AREA_COMMANDS, AggregateId};
use schemas::{AccountId, AreaId, CharacterId, FrameNo, Handle};
use serde::{Deserialize, Serialize};

use super::kinds::split;
use super::{Accepted, Cause, Data, Event, EventError, Metadata, Refused};

/// A body as far as its events need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    character: CharacterId,
    account: AccountId,
    segment: Segment,
    controller: Controller,
}

/// What is known of an area after a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Area {
    area: Arc<AreaId>,
    frame: FrameNo,
    worker: Option<Arc<str>>,
    position: CommandPosition,
    /// By handle.
    bodies: Vec<Option<Known>>,
    /// The next frame is taken whatever its number.
    anew: bool,
    /// There may be bodies that are not known.
    holes: bool,
    /// Stands for those.
    #[serde(skip)]
    nobody: (Segment, Controller),
}

/// Who something is about.
type Who = (Option<CharacterId>, Option<AccountId>);

/// The events of one frame, being collected.
struct Frames<'a> {
    template: &'a Event,
    events: Vec<Event>,
    index: u32,
    /// Bodies that left in this frame.
    left: Vec<(Handle, Known)>,
}

impl Frames<'_> {
    fn push(&mut self, data: Data, (player, account): Who) {
        let (event_type, schema_version) = split(data.kind());
        self.events.push(Event {
            event_index: self.index,
            event_type,
            schema_version,
            player,
            account,
            data,
            stream: Arc::clone(&self.template.stream),
            area: self.template.area.clone(),
            metadata: Arc::clone(&self.template.metadata),
            ..*self.template
        });
        self.index += 1;
    }

    /// Keeps the place of an event that cannot be told.
    const fn pass(&mut self) {
        self.index += 1;
    }
}

impl Area {
    pub(super) fn new(area: AreaId) -> Self {
        Self {
            area: Arc::new(area),
            frame: FrameNo(0),
            worker: None,
            position: CommandPosition::default(),
            bodies: Vec::new(),
            anew: false,
            holes: false,
            nobody: Default::default(),
        }
    }

    pub(super) const fn lost(&mut self) {
        self.anew = true;
        self.holes = true;
    }

    /// Takes the next frame.
    pub(super) fn frame(
        &mut self,
        stream: &Arc<str>,
        record: &Record,
        frame: Frame,
    ) -> Result<Vec<Event>, EventError> {
        if frame.no != self.frame.next() && !self.anew {
            return Err(EventError::Hole {
                stream: record.stream.clone(),
                sequence: record.sequence,
                area: AreaId::clone(&self.area),
                last: self.frame,
                frame: frame.no,
            });
        }
        self.anew = false;
        self.frame = frame.no;
        if let Some(Fact::Owned { worker, .. }) = frame.facts.first() {
            self.worker = Some(worker.as_str().into());
        }
        let template = Event {
            stream: Arc::clone(stream),
            log_position: record.sequence,
            event_index: 0,
            event_type: "",
            schema_version: 0,
            created_at: frame.at,
            area: Some(Arc::clone(&self.area)),
            tick: Some(frame.tick),
            player: None,
            account: None,
            data: Data::Fact(Fact::Unknown),
            metadata: Arc::new(self.metadata(record, &frame)),
        };
        self.position = frame.pos;
        let mut events = Frames {
            template: &template,
            events: Vec::with_capacity(about(&frame)),
            index: 0,
            left: Vec::new(),
        };
        for fact in frame.facts {
            let who = self.fact(&fact, &mut events.left);
            events.push(Data::Fact(fact), who);
        }
        let motion = frame
            .motion
            .unpack(frame.tick.first_step(), |handle| self.before(handle));
        let motion = motion.map_err(|source| self.bad_motion(record, source))?;
        for moved in &motion {
            self.moved(moved, &mut events);
        }
        self.outcomes(frame.outcomes, &mut events);
        for effect in frame.effects {
            let account = match &effect.payload {
                EffectPayload::Enter { traveller, .. }
                | EffectPayload::Returned { traveller, .. } => Some(traveller.account),
                _ => None,
            };
            let player = effect.payload.character();
            let account = account.or_else(|| self.account_of(player?, &events.left));
            events.push(Data::EffectSent(effect), (player, account));
        }
        Ok(events.events)
    }

    fn metadata(&self, record: &Record, frame: &Frame) -> Metadata {
        let consumed = frame.pos != self.position && frame.pos.sequence.0 > 0;
        Metadata {
            incarnation: frame.pos.incarnation,
            epoch: Some(frame.epoch),
            frame: Some(frame.no),
            worker: self.worker.clone(),
            key: None,
            trace: record.trace.as_deref().map(Arc::from),
            cause: consumed.then_some(Cause {
                stream: AREA_COMMANDS,
                sequence: frame.pos.sequence,
            }),
        }
    }

    /// Who the fact is about; comers and goers are noted.
    fn fact(&mut self, fact: &Fact, left: &mut Vec<(Handle, Known)>) -> Who {
        match fact {
            Fact::Arrived {
                handle,
                traveller,
                segment,
                controller,
                ..
            } => {
                let known = Known {
                    character: traveller.character,
                    account: traveller.account,
                    segment: *segment,
                    controller: *controller,
                };
                self.insert(*handle, known);
                (Some(known.character), Some(known.account))
            }
            Fact::Departed {
                handle,
                character,
                account,
                ..
            } => {
                let account = account.or_else(|| self.account_of(*character, left));
                let place = self.bodies.get_mut(usize::from(*handle));
                if let Some(known) = place.and_then(Option::take) {
                    left.push((*handle, known));
                }
                (Some(*character), account)
            }
            Fact::SessionTaken { character, .. }
            | Fact::LinkLost { character, .. }
            | Fact::LinkRestored { character, .. }
            | Fact::Spoken { character, .. } => {
                (Some(*character), self.account_of(*character, left))
            }
            Fact::Owned { .. }
            | Fact::Hibernated {}
            | Fact::Released { .. }
            | Fact::Steered { .. }
            | Fact::EffectsConfirmed { .. }
            | Fact::Unknown => (None, None),
        }
    }

    fn insert(&mut self, handle: Handle, known: Known) {
        let place = usize::from(handle);
        if self.bodies.len() <= place {
            self.bodies.resize(place + 1, None);
        }
        // Whoever arrives is nowhere else.
        for other in &mut self.bodies {
            if other.is_some_and(|other| other.character == known.character) {
                *other = None;
            }
        }
        self.bodies[place] = Some(known);
    }

    fn body(&self, handle: Handle) -> Option<&Known> {
        self.bodies.get(usize::from(handle))?.as_ref()
    }

    /// How a body moved before the frame's motion.
    fn before(&self, handle: Handle) -> Option<(&Segment, &Controller)> {
        match self.body(handle) {
            Some(known) => Some((&known.segment, &known.controller)),
            // Only to read on to the next record; what comes of it is told nobody.
            None if self.holes => Some((&self.nobody.0, &self.nobody.1)),
            None => None,
        }
    }

    fn moved(&mut self, moved: &Moved, events: &mut Frames<'_>) {
        let place = self.bodies.get_mut(usize::from(moved.handle));
        let Some(known) = place.and_then(Option::as_mut) else {
            return events.pass();
        };
        known.segment = moved.segment;
        known.controller = moved.controller;
        let who = (Some(known.character), Some(known.account));
        events.push(Data::Moved(moved.into()), who);
    }

    fn outcomes(&self, outcomes: Outcomes, events: &mut Frames<'_>) {
        for (handle, seq) in outcomes.accepted() {
            let known = self.body(handle).copied().or_else(|| {
                let mut left = events.left.iter();
                left.find(|(of, _)| *of == handle).map(|(_, known)| *known)
            });
            let who = (known.map(|k| k.character), known.map(|k| k.account));
            events.push(Data::Accepted(Accepted { handle, seq }), who);
        }
        for rejected in outcomes.rejected {
            let account = self.account_of(rejected.character, &events.left);
            let refused = Refused {
                seq: Some(rejected.seq),
                reason: rejected.reason,
            };
            events.push(Data::Rejected(refused), (Some(rejected.character), account));
        }
        for _ in 0..outcomes.undecodable {
            let refused = Refused {
                seq: None,
                reason: Reason::Undecodable,
            };
            events.push(Data::Rejected(refused), (None, None));
        }
        for outcome in outcomes.effects {
            let player = match &outcome.source {
                AggregateId::Character(character) => Some(*character),
                AggregateId::Area(_) | AggregateId::Control(_) => None,
            };
            let account = player.and_then(|player| self.account_of(player, &events.left));
            events.push(Data::EffectApplied(outcome), (player, account));
        }
    }

    fn account_of(&self, character: CharacterId, left: &[(Handle, Known)]) -> Option<AccountId> {
        let here = self.bodies.iter().flatten();
        here.chain(left.iter().map(|(_, known)| known))
            .find(|known| known.character == character)
            .map(|known| known.account)
    }

    fn bad_motion(&self, record: &Record, source: MotionError) -> EventError {
        EventError::Motion {
            stream: record.stream.clone(),
            sequence: record.sequence,
            area: AreaId::clone(&self.area),
            source,
        }
    }
}

/// How many events a frame will have, more or less.
fn about(frame: &Frame) -> usize {
    let outcomes = &frame.outcomes;
    frame.facts.len()
        + frame.motion.0.len() / 5
        + outcomes.accepted.len() / 2
        + outcomes.rejected.len()
        + outcomes.effects.len()
        + frame.effects.len()
}
