//! Telling the clients: once a frame, each of them what changed in its view.

use std::sync::Arc;
use std::time::Duration;

use schemas::fact::Destination;
use schemas::outcome::{Reason, Rejected};
use schemas::wire::{CloseCode, Encoding};
use schemas::{Sequence, Step};
use tokio::time::Instant;
use world::Body;

use super::fold::{Departure, News, open_text};
use super::speech::Said;
use super::task::Watching;
use super::viewer::{Attach, Presence, Viewer, own_of};
use crate::interest::{BodyNow, Chunks, Line, frame_message};
use crate::ws::{Item, Signal};

/// A client is told the time at least so often.
pub(super) const QUIET_FRAME: Duration = Duration::from_secs(1);

impl Watching {
    /// Brings all screens to how the area stands at the end of `step`.
    pub(super) fn flush(&mut self, step: Step) {
        let News {
            said,
            departures,
            rejected,
            strangers: _,
        } = std::mem::take(&mut self.news);
        let lines: Vec<(Sequence, Line)> = said
            .into_iter()
            .map(|(sequence, handle, text)| {
                let text = open_text(&self.realm.keys.realm, &text);
                (sequence, Line { handle, text })
            })
            .collect();
        self.tell_rejected(&rejected);
        let turn = {
            let (state, key) = (&self.state, &self.realm.keys.realm);
            let bodies = state.bodies().map(|body| BodyNow {
                handle: body.handle,
                character: body.character,
                segment: body.segment,
            });
            let said = lines.iter().map(|(_, line)| line.clone());
            let base = state.tick().first_step();
            self.stage.advance((base, step), bodies, said, |handle| {
                let body = state.body(handle);
                body.map_or_else(|| Arc::from(""), |body| open_text(key, &body.name))
            })
        };
        for departure in departures {
            self.tell_followers(&departure);
            self.tell_departed(departure);
        }
        self.note_speech(lines);
        let mut packed = Chunks::new(Encoding::MsgPack, &self.stage, &turn);
        let mut text = Chunks::new(Encoding::Json, &self.stage, &turn);
        let now = Now {
            at: Instant::now(),
            sequence: self.sequence,
            base: turn.base,
            step,
        };
        let mut lost = Vec::new();
        for (
            id,
            Viewer {
                attached, presence, ..
            },
        ) in &mut self.viewers
        {
            let Some(presence) = presence else { continue };
            let body = self.state.body(presence.handle);
            let Some(body) = body.filter(|body| body.character == attached.character) else {
                attached
                    .mailbox
                    .end(CloseCode::Internal, "the character is nowhere");
                lost.push(*id);
                continue;
            };
            if body.session != attached.session {
                attached
                    .mailbox
                    .end(CloseCode::Replaced, "a newer session took over");
                lost.push(*id);
                continue;
            }
            let chunks = match attached.encoding {
                Encoding::MsgPack => &mut packed,
                Encoding::Json => &mut text,
            };
            now.show(attached, presence, body, chunks);
        }
        for observing in self.observers.values_mut() {
            let chunks = match observing.observer.encoding {
                Encoding::MsgPack => &mut packed,
                Encoding::Json => &mut text,
            };
            now.show_observer(observing, (&self.stage, &self.state), chunks);
        }
        for id in lost {
            self.viewers.remove(&id);
        }
        self.catch_up();
        self.catch_up_observers();
        self.admit();
    }

    fn tell_rejected(&self, rejected: &[Rejected]) {
        for refused in rejected {
            // These two tell of a place or a session that the client has left behind.
            if matches!(refused.reason, Reason::StaleSession) {
                continue;
            }
            let mine = |viewer: &&Viewer| {
                viewer.presence.is_some() && viewer.attached.character == refused.character
            };
            for viewer in self.viewers.values().filter(mine) {
                let signal = Signal::Rejected(refused.seq, refused.reason);
                viewer.attached.mailbox.put(Item::Signal(signal));
            }
        }
    }

    fn tell_departed(&mut self, departure: Departure) {
        let Departure {
            character,
            left,
            ack,
        } = departure;
        let sequence = self.sequence.0;
        let base = self.state.tick().first_step();
        self.viewers.retain(
            |_,
             Viewer {
                 attached, presence, ..
             }| {
                if attached.character != character {
                    return true;
                }
                let Some(presence) = presence else {
                    // It came and left in one go. With an older session it left before this one
                    // was known here: then this one goes after it into another area, and comes
                    // back from the lobby by itself.
                    let mine = left.session.is_none_or(|of| of == attached.session);
                    let follows = mine || left.to != Destination::Lobby;
                    if follows {
                        let signal = Signal::Departed(left.clone());
                        attached.mailbox.put(Item::Signal(signal));
                    }
                    return !follows;
                };
                if let Some(ack) = ack.filter(|ack| *ack > presence.own.ack_seq) {
                    presence.own.ack_seq = ack;
                    presence.own.applied_step = base.0;
                    let own = Some(&presence.own);
                    let bytes = frame_message(attached.encoding, sequence, base, own, &[]);
                    attached.mailbox.put(Item::Acknowledging(bytes, ack));
                }
                let signal = Signal::Departed(left.clone());
                attached.mailbox.put(Item::Signal(signal));
                false
            },
        );
    }

    fn note_speech(&mut self, lines: Vec<(Sequence, Line)>) {
        for (sequence, Line { handle, text }) in lines {
            self.speech.note(Said {
                sequence,
                handle,
                cell: self.stage.body(handle).map(|shown| shown.cell),
                text,
            });
        }
    }
}

/// The moment of which the clients are told.
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) sequence: Sequence,
    pub(super) base: Step,
    pub(super) step: Step,
}

impl Now {
    fn show(
        &self,
        attached: &Attach,
        presence: &mut Presence,
        body: &Body,
        chunks: &mut Chunks<'_>,
    ) {
        let before = presence.view;
        presence.view = before.follow(body.segment.position(self.step));
        let applied = if body.last_seq() == presence.own.ack_seq {
            Step(presence.own.applied_step)
        } else {
            self.base
        };
        let own = own_of(body, applied);
        let own_changed = own != presence.own;
        presence.own = own;
        if !presence.behind {
            let part = chunks.view(before.0, presence.view.0);
            let quiet = self.at.duration_since(presence.sent_at) >= QUIET_FRAME;
            if part.chunks == 0 && !own_changed && !quiet {
                return;
            }
            let own = own_changed.then_some(&own);
            let bytes = frame_message(attached.encoding, self.sequence.0, self.base, own, &[part]);
            presence.sent_at = self.at;
            presence.behind = !attached.mailbox.offer_frame(bytes, body.last_seq());
        }
        if presence.behind {
            // Movement is owed as a picture; what was said must not be lost.
            let said = chunks.spoken(presence.view.0);
            if said.chunks > 0 {
                presence.missed.push(said);
            }
        }
    }
}
