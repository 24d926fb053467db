//! An area as the lobby sees it: one character at most, doors to the others, effects in and out.

use eventlog::outbox::{self, Arrival};
use schemas::effect::{
    Cause, Confirmation, Effect, EffectMessage, EffectPayload, EntryPoint, LastSeen, Traveller,
};
use schemas::fact::DepartureReason;
use schemas::keyed::Outbox;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Sequence, UnixMillis};

pub(super) const ANN: CharacterId = CharacterId(7);
pub(super) const AREAS: usize = 3;

pub(super) fn area(n: usize) -> AreaId {
    AreaId::new(["harbor-1", "mill-1", "forest-1"][n]).unwrap()
}

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) to: AggregateId,
    pub(super) message: Message,
}

#[derive(Debug, Clone)]
pub(super) enum Message {
    Effect(EffectMessage),
    Confirmation(Confirmation),
}

impl Letter {
    pub(super) fn effect(source: &AggregateId, effect: Effect) -> Self {
        let cause = Cause {
            stream: String::new(),
            sequence: Sequence(0),
        };
        Self {
            to: effect.target.clone(),
            message: Message::Effect(EffectMessage {
                source: source.clone(),
                cause,
                effect,
            }),
        }
    }

    pub(super) fn receipt(to: AggregateId, from: &AggregateId, up_to: u64) -> Self {
        let target = from.clone();
        Self {
            to,
            message: Message::Confirmation(Confirmation { target, up_to }),
        }
    }
}

#[derive(Debug)]
pub(super) struct ModelArea {
    pub(super) id: AreaId,
    pub(super) body: Option<Traveller>,
    /// Through which door it went, as long as that is remembered.
    gone: Option<AreaId>,
    pub(super) outbox: Outbox,
    pub(super) full: bool,
}

impl ModelArea {
    pub(super) fn new(n: usize) -> Self {
        Self {
            id: area(n),
            body: None,
            gone: None,
            outbox: Outbox::default(),
            full: false,
        }
    }

    pub(super) fn name(&self) -> AggregateId {
        AggregateId::Area(self.id.clone())
    }

    pub(super) fn has_not_had(&self, source: &AggregateId, number: u64) -> bool {
        !matches!(
            outbox::arrival(&self.outbox, source, number),
            Arrival::Repeated(_)
        )
    }

    pub(super) fn pending(&self) -> Vec<Letter> {
        let me = self.name();
        let pending = self.outbox.pending.iter();
        pending.map(|e| Letter::effect(&me, e.clone())).collect()
    }

    pub(super) fn forget_the_gone(&mut self) {
        self.gone = None;
    }

    /// The body goes through a door.
    pub(super) fn door(&mut self, to: usize, now: UnixMillis) -> Option<Letter> {
        if area(to) == self.id {
            return None;
        }
        let traveller = Box::new(self.body.take()?);
        self.gone = Some(area(to));
        let entry = EntryPoint::Spawn("door".into());
        let payload = EffectPayload::Enter { traveller, entry };
        Some(self.send(AggregateId::Area(area(to)), payload, now))
    }

    /// The body leaves the world, logged out or with its link lost.
    pub(super) fn leave(&mut self, logout: bool, now: UnixMillis) -> Option<Letter> {
        let traveller = self.body.take()?;
        let reason = if logout {
            DepartureReason::Logout
        } else {
            DepartureReason::LinkDead
        };
        Some(self.send_back(traveller, reason, now))
    }

    pub(super) fn receive(&mut self, message: Message, now: UnixMillis) -> Vec<Letter> {
        let message = match message {
            Message::Confirmation(receipt) => {
                outbox::confirmed(&mut self.outbox, &receipt);
                return Vec::new();
            }
            Message::Effect(message) => message,
        };
        let (source, number) = (&message.source, message.effect.number);
        let mut letters = Vec::new();
        let up_to = match outbox::arrival(&self.outbox, source, number) {
            Arrival::Gap => return letters,
            Arrival::Repeated(up_to) => up_to,
            Arrival::Next => {
                outbox::applied(&mut self.outbox, source, number);
                letters.extend(self.apply(source, message.effect.payload, now));
                number
            }
        };
        letters.push(Letter::receipt(source.clone(), &self.name(), up_to));
        letters
    }

    fn apply(
        &mut self,
        source: &AggregateId,
        payload: EffectPayload,
        now: UnixMillis,
    ) -> Option<Letter> {
        match payload {
            // It arrives and is sent on in one frame; where it went before is history.
            EffectPayload::Enter { traveller, .. } if self.full => {
                self.gone = None;
                Some(self.send_back(*traveller, DepartureReason::SentOn, now))
            }
            EffectPayload::Enter { traveller, .. } => {
                assert_eq!(self.body, None, "two bodies of one character");
                let located = EffectPayload::Located {
                    character: ANN,
                    area: self.id.clone(),
                    session: traveller.session,
                };
                self.body = Some(*traveller);
                self.gone = None;
                matches!(source, AggregateId::Area(_))
                    .then(|| self.send(AggregateId::Character(ANN), located, now))
            }
            EffectPayload::TakeSession {
                session,
                edge,
                resumed,
                ..
            } => match (&mut self.body, self.gone.clone()) {
                (Some(body), _) => {
                    if session > body.session {
                        (body.session, body.edge) = (session, edge);
                        if !resumed {
                            body.last_seq = 0;
                        }
                    }
                    None
                }
                (None, Some(gone)) => Some(self.send(AggregateId::Area(gone), payload, now)),
                (None, None) => {
                    let bounced = EffectPayload::NotHere {
                        character: ANN,
                        bounced: Box::new(payload),
                    };
                    Some(self.send(AggregateId::Character(ANN), bounced, now))
                }
            },
            EffectPayload::LeaveWorld {
                session, reason, ..
            } => match (self.body.take(), self.gone.clone()) {
                (Some(body), _) if body.session <= session => {
                    Some(self.send_back(body, reason, now))
                }
                (Some(body), _) => {
                    self.body = Some(body);
                    None
                }
                (None, Some(gone)) => Some(self.send(AggregateId::Area(gone), payload, now)),
                (None, None) => {
                    let bounced = EffectPayload::NotHere {
                        character: ANN,
                        bounced: Box::new(payload),
                    };
                    Some(self.send(AggregateId::Character(ANN), bounced, now))
                }
            },
            _ => None,
        }
    }

    fn send_back(
        &mut self,
        traveller: Traveller,
        reason: DepartureReason,
        now: UnixMillis,
    ) -> Letter {
        let last_seen = (reason != DepartureReason::SentOn).then(|| LastSeen {
            area: self.id.clone(),
            x: 1,
            y: 2,
        });
        let payload = EffectPayload::Returned {
            traveller: Box::new(traveller),
            last_seen,
            reason,
        };
        self.send(AggregateId::Character(ANN), payload, now)
    }

    fn send(&mut self, target: AggregateId, payload: EffectPayload, now: UnixMillis) -> Letter {
        let effect = outbox::issue(&mut self.outbox, target, now, payload);
        Letter::effect(&self.name(), effect)
    }
}
