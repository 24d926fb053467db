//! Admitting viewers: a connection sees an area once its character is there with its session.

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::{DepartureReason, Destination};
use schemas::subjects::AggregateId;
use schemas::wire::{Chunk, CloseCode};
use schemas::{CharacterId, Sequence};
use tokio::time::Instant;
use world::Body;

use super::departed::{Departed, Passage};
use super::picture::TOKEN_EVERY;
use super::task::Watching;
use super::viewer::{Attach, Presence, Viewer, own_of};
use crate::interest::{Part, View};
use crate::ws::{Item, Signal};

impl Watching {
    /// Looks for the characters of those who wait.
    pub(super) fn admit(&mut self) {
        if self
            .viewers
            .values()
            .all(|viewer| viewer.presence.is_some())
        {
            return;
        }
        let mut viewers = std::mem::take(&mut self.viewers);
        viewers.retain(|_, viewer| viewer.presence.is_some() || self.look_for(viewer));
        self.viewers = viewers;
    }

    /// Whether `viewer` shall be kept.
    fn look_for(&self, viewer: &mut Viewer) -> bool {
        let attached = &viewer.attached;
        let Some(body) = self.state.by_character(attached.character) else {
            return self.is_awaited(viewer);
        };
        // On stage since the last flush at the latest, or not yet to be shown.
        if self
            .stage
            .body(body.handle)
            .is_none_or(|shown| shown.character != body.character)
        {
            return true;
        }
        if body.session > attached.session {
            attached
                .mailbox
                .end(CloseCode::Replaced, "a newer session took over");
            return false;
        }
        if body.session == attached.session {
            viewer.presence = Some(self.welcome(attached, body));
        }
        true
    }

    /// Whether the character of `viewer`, which is not here, has still to come. Otherwise it has
    /// come and gone before anybody looked, and the connection is told where to.
    fn is_awaited(&self, viewer: &mut Viewer) -> bool {
        let attached = &mut viewer.attached;
        let character = attached.character;
        let signal = match attached.comes_by.take() {
            Some(passage) if self.state.received(&passage.source) < passage.number => {
                attached.comes_by = Some(passage);
                return true;
            }
            Some(_) => self
                .gone_on(character)
                .map_or(Signal::Gone, Signal::Departed),
            None => match self.left.get(character) {
                Some(left) if left.session == Some(attached.session) => {
                    Signal::Departed(left.clone())
                }
                _ => return true,
            },
        };
        attached.mailbox.put(Item::Signal(signal));
        false
    }

    /// Where a character went that was here, by the effect that carries it or a later one.
    fn gone_on(&self, character: CharacterId) -> Option<Departed> {
        if let Some(left) = self.left.get(character) {
            return Some(left.clone());
        }
        let to = self.state.gone_to(character, self.state.tick())?;
        let target = AggregateId::Area(to.clone());
        let carries = |effect: &&Effect| {
            effect.target == target
                && matches!(&effect.payload, EffectPayload::Enter { traveller, .. } if traveller.character == character)
        };
        let carrier = self.state.pending_effects().find(carries);
        let number = carrier.map_or_else(|| self.state.sent(&target), |effect| effect.number);
        Some(Departed {
            to: Destination::Area {
                area: to.clone(),
                spawn: String::new(),
            },
            reason: DepartureReason::Door,
            session: None,
            by: Some(Passage::of(self.state.area(), number)),
        })
    }

    fn welcome(&self, attached: &Attach, body: &Body) -> Presence {
        let now = Instant::now();
        let signal = Signal::Present {
            area: self.replica.area.clone(),
            ack: body.last_seq(),
            shown: self.sequence,
            heard_after: self.speech.complete_after(),
        };
        attached.mailbox.put(Item::Signal(signal));
        let mut presence = Presence {
            handle: body.handle,
            view: View::around(body.segment.position(self.state.step())),
            own: own_of(body, body.controller.since),
            behind: false,
            missed: Vec::new(),
            sent_at: now,
            token_at: now + TOKEN_EVERY,
        };
        if let Some(since) = attached.since {
            let arrived = self.arrivals.get(&attached.character).copied();
            let since = since.max(arrived.unwrap_or(Sequence(0)));
            presence
                .missed
                .extend(self.heard_since(attached, since, &presence));
        }
        self.give_picture(attached, &mut presence, now);
        presence
    }

    fn heard_since(&self, attached: &Attach, since: Sequence, presence: &Presence) -> Option<Part> {
        let lines = self.speech.since(since, presence.view.0);
        if lines.is_empty() {
            return None;
        }
        let mut part = Part::default();
        let chunk = attached.encoding.encode(&Chunk::Spoken { lines });
        part.push(attached.encoding, &chunk);
        Some(part)
    }
}
