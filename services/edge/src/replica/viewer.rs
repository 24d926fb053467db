//! A viewer: one connection as its replica knows it.

use std::sync::Arc;

use schemas::wire::{Encoding, Own};
use schemas::{CharacterId, Handle, Sequence, SessionFence, Step};
use tokio::time::Instant;
use world::Body;

use super::departed::Passage;
use crate::interest::{Part, View};
use crate::ws::Mailbox;

/// One connection of this edge, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// A connection that wants to see an area through its character's eyes.
#[derive(Debug, Clone)]
pub(crate) struct Attach {
    /// Which connection.
    pub(crate) connection: ConnectionId,
    /// Whose eyes.
    pub(crate) character: CharacterId,
    /// In which session; the character is shown when the area knows it.
    pub(crate) session: SessionFence,
    /// How it wants to be told.
    pub(crate) encoding: Encoding,
    /// Where to put it.
    pub(crate) mailbox: Arc<Mailbox>,
    /// When it goes on after a lost socket: the last frame it was sent.
    pub(crate) since: Option<Sequence>,
    /// The effect with which its character comes, when it was seen to leave elsewhere.
    pub(crate) comes_by: Option<Passage>,
}

/// A viewer.
#[derive(Debug)]
pub(crate) struct Viewer {
    /// Who.
    pub(crate) attached: Attach,
    /// What it sees; `None` while the character is not here with its session.
    pub(crate) presence: Option<Presence>,
    /// Whether it knows that the area has to be opened first.
    pub(crate) told_opening: bool,
}

/// What a viewer sees, as far as it has been told.
#[derive(Debug)]
pub(crate) struct Presence {
    /// The own body.
    pub(crate) handle: Handle,
    /// The cells it is told of.
    pub(crate) view: View,
    /// What it was told of its own body.
    pub(crate) own: Own,
    /// Whether it has missed frames and is owed a whole picture.
    pub(crate) behind: bool,
    /// What was said meanwhile.
    pub(crate) missed: Vec<Part>,
    /// When it was last sent something.
    pub(crate) sent_at: Instant,
    /// When it is given a newer resume token.
    pub(crate) token_at: Instant,
}

/// What steers the own body, for its player.
pub(crate) fn own_of(body: &Body, applied: Step) -> Own {
    let controller = &body.controller;
    Own {
        ack_seq: controller.last_seq,
        applied_step: applied.0,
        mode: controller.mode as u8,
        bits: controller.input.0,
        since: controller.since.0,
        coyote_until: controller.coyote_until.0,
        jump_buffered_until: controller.jump_buffered_until.0,
        drop_through_until: controller.drop_through_until.0,
        stunned_until: controller.stunned_until.0,
    }
}
