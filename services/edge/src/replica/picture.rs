//! Whole pictures: for those who come, come back, ask, or have read too slowly.

use schemas::wire::{CloseCode, ServerMessage};
use schemas::{Sequence, Step, UnixMillis};
use tokio::time::Instant;

use super::task::Watching;
use super::viewer::{Attach, Presence, Viewer};
use crate::interest::{View, body, frame_message};
use crate::resume::ResumePoint;
use crate::ws::Item;

/// Bytes of speech that a client may miss while it reads too slowly for movement.
pub(super) const MOST_MISSED: usize = 256 * 1024;
/// A newer resume token is given so often.
pub(super) const TOKEN_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

impl Watching {
    /// Gives whole pictures to those who are owed one and have read what they had, and newer
    /// resume tokens to those whose are old.
    pub(super) fn catch_up(&mut self) {
        let now = Instant::now();
        let mut viewers = std::mem::take(&mut self.viewers);
        for Viewer {
            attached, presence, ..
        } in viewers.values_mut()
        {
            let Some(presence) = presence else { continue };
            let missed: usize = presence.missed.iter().map(|part| part.bytes.len()).sum();
            if missed > MOST_MISSED {
                attached
                    .mailbox
                    .end(CloseCode::TooSlow, "the client reads too slowly");
            } else if presence.behind {
                if attached.mailbox.frames_waiting() == 0 {
                    self.give_picture(attached, presence, now);
                }
            } else if presence.token_at <= now {
                presence.token_at = now + TOKEN_EVERY;
                let token = self.token(attached, presence);
                let message = attached.encoding.encode(&ServerMessage::Token { token });
                attached.mailbox.put(Item::Message(message.into()));
            }
        }
        self.viewers = viewers;
    }

    /// Puts a whole picture and what was missed into the mailbox.
    pub(super) fn give_picture(&self, attached: &Attach, presence: &mut Presence, now: Instant) {
        let base = self.state.tick().first_step();
        if let Some(own) = self.stage.body(presence.handle) {
            presence.view = View::around(own.segment.position(self.state.step()));
        }
        let picture = self.picture(attached, presence, base);
        let bytes = attached.encoding.encode(&picture).into();
        let ack = presence.own.ack_seq;
        attached.mailbox.put(Item::Acknowledging(bytes, ack));
        let missed = std::mem::take(&mut presence.missed);
        if !missed.is_empty() {
            let parts: Vec<_> = missed.iter().collect();
            let bytes = frame_message(attached.encoding, self.sequence.0, base, None, &parts);
            attached.mailbox.put(Item::Message(bytes));
        }
        presence.behind = false;
        presence.sent_at = now;
        presence.token_at = now + TOKEN_EVERY;
    }

    fn picture(&self, attached: &Attach, presence: &Presence, base: Step) -> ServerMessage {
        let cells = presence.view.0.cells();
        let handles = cells.flat_map(|cell| self.stage.in_cell(cell).iter());
        ServerMessage::Area {
            area: self.replica.area.to_string(),
            map_url: format!("/maps/{}.json", self.state.map_name()),
            sequence: self.sequence.0,
            step: base.0,
            handle: presence.handle,
            own: presence.own,
            bodies: handles
                .filter_map(|handle| body(&self.stage, base, *handle))
                .collect(),
            token: self.token(attached, presence),
        }
    }

    fn token(&self, attached: &Attach, presence: &Presence) -> String {
        self.realm.keys.resume.seal(&ResumePoint {
            character: attached.character,
            session: attached.session,
            area: self.replica.area.clone(),
            incarnation: self.incarnation,
            sequence: Sequence(self.sequence.0),
            ack: presence.own.ack_seq,
            issued_at: UnixMillis::now(),
        })
    }
}
