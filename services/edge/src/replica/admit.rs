//! Admitting viewers: a connection sees an area once its character is there with its session.

use schemas::Sequence;
use schemas::wire::{Chunk, CloseCode};
use tokio::time::Instant;
use world::Body;

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
            return true;
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
