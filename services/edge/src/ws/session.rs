//! A session as its connection knows it: which commands are unanswered, and where they go.

use std::collections::VecDeque;
use std::sync::Arc;

use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::wire::CloseCode;
use schemas::{AccountId, AreaId, CharacterId, ClientSeq, SessionFence};
use tokio::time::Instant;

use super::closing::End;
use super::mailbox::Mailbox;
use crate::meters::Meters;
use crate::replica::Replica;
use crate::resume::ResumePoint;

/// Unanswered commands at most: an area takes no greater gap either.
const MOST_UNANSWERED: usize = 1000;

/// A character's session on this connection.
#[derive(Debug)]
pub(super) struct Session {
    /// Who.
    pub(super) character: CharacterId,
    /// Whose: what it says is sealed with that person's key.
    pub(super) account: AccountId,
    /// Its fence.
    pub(super) fence: SessionFence,
    /// Its name, for people.
    pub(super) name: String,
    /// The area where the character is, or is expected.
    pub(super) replica: Arc<Replica>,
    /// Whether it is there.
    pub(super) place: Place,
    /// The area it came from.
    pub(super) left: Option<AreaId>,
    /// Whether the client has been told `Ready`.
    pub(super) ready: bool,
    /// From where a session goes on, until the client is ready.
    pub(super) resumed_from: Option<ResumePoint>,
    /// The last command that the client has sent.
    received: ClientSeq,
    /// Whether the next command may leave out some: a session that goes on begins after what the
    /// world knows, and of what was refused on an edge the world knows nothing.
    may_skip: bool,
    /// When the door was asked for through which the character is going.
    door: Option<(ClientSeq, Instant)>,
    unanswered: VecDeque<Unanswered>,
}

/// Whether the character is where it is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is.
    Present,
    /// Not yet.
    Awaited {
        /// Since when.
        since: Instant,
        /// When the lobby was last asked.
        asked_at: Instant,
    },
}

impl Place {
    /// From now on.
    pub(super) fn awaited() -> Self {
        let now = Instant::now();
        Self::Awaited {
            since: now,
            asked_at: now,
        }
    }
}

#[derive(Debug)]
struct Unanswered {
    seq: ClientSeq,
    ask: PlayerAsk,
    received_at: Instant,
}

/// How a client's numbering goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbering {
    /// The next command.
    Next,
    /// One that has been received before; it gets no second outcome.
    Repeated,
}

impl Session {
    pub(super) fn new(
        (character, account): (CharacterId, AccountId),
        fence: SessionFence,
        name: String,
        replica: Arc<Replica>,
        resumed_from: Option<ResumePoint>,
    ) -> Self {
        Self {
            character,
            account,
            fence,
            name,
            replica,
            place: Place::awaited(),
            left: None,
            ready: false,
            resumed_from,
            received: 0,
            may_skip: false,
            door: None,
            unanswered: VecDeque::new(),
        }
    }

    /// Takes the number of a command.
    ///
    /// # Errors
    /// When commands before it are missing.
    pub(super) fn number(&mut self, seq: ClientSeq) -> Result<Numbering, End> {
        if seq <= self.received {
            return Ok(Numbering::Repeated);
        }
        let skipped = (seq - self.received - 1) as usize;
        if skipped > 0 && !(self.may_skip && skipped < MOST_UNANSWERED) {
            let why = format!(
                "after command {} comes {}",
                self.received,
                self.received + 1
            );
            return Err(End::close(CloseCode::BadSequence, why));
        }
        self.received = seq;
        self.may_skip = false;
        Ok(Numbering::Next)
    }

    /// The client goes on after this command; in a resumed session not always with the next.
    pub(super) fn begin_after(&mut self, ack: ClientSeq, resumed: bool) {
        self.received = ack;
        self.may_skip = resumed;
    }

    /// Sends a command, at once or as soon as the character has arrived.
    ///
    /// # Errors
    /// When the world has taken none for too long.
    pub(super) fn command(
        &mut self,
        seq: ClientSeq,
        ask: PlayerAsk,
        mailbox: &Arc<Mailbox>,
    ) -> Result<(), End> {
        if self.unanswered.len() >= MOST_UNANSWERED {
            return Err(unavailable());
        }
        self.unanswered.push_back(Unanswered {
            seq,
            ask: ask.clone(),
            received_at: Instant::now(),
        });
        if ask == PlayerAsk::UseDoor {
            self.door = Some((seq, Instant::now()));
        }
        match self.place {
            Place::Present => self.submit(seq, ask, mailbox),
            Place::Awaited { .. } => Ok(()),
        }
    }

    /// The character leaves the world, on nobody's request but the edge's. Where it is not present
    /// it is link-dead from now on, and leaves by itself.
    pub(super) fn log_out(&self, mailbox: &Arc<Mailbox>) {
        if self.ready && self.place == Place::Present {
            // The area takes no other command of this session after it.
            let left = self.submit(self.received + 1, PlayerAsk::Leave, mailbox);
            drop(left);
        }
    }

    /// Sends all unanswered commands (again): the character is in an area that may not know them.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub(super) fn send_unanswered(&self, mailbox: &Arc<Mailbox>) -> Result<(), End> {
        let mut all = self.unanswered.iter();
        all.try_for_each(|u| self.submit(u.seq, u.ask.clone(), mailbox))
    }

    /// Sends one unanswered command again.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub(super) fn send_again(&self, seq: ClientSeq, mailbox: &Arc<Mailbox>) -> Result<(), End> {
        match self
            .unanswered
            .iter()
            .find(|unanswered| unanswered.seq == seq)
        {
            Some(unanswered) => self.submit(seq, unanswered.ask.clone(), mailbox),
            None => Ok(()),
        }
    }

    fn submit(&self, seq: ClientSeq, ask: PlayerAsk, mailbox: &Arc<Mailbox>) -> Result<(), End> {
        let command = PlayerCommand {
            character: self.character,
            session: self.fence,
            seq,
            ask,
        };
        let lane = &self.replica.lane;
        lane.submit(command, mailbox).map_err(|_| unavailable())
    }

    /// A command was refused; if it was to go through a door, the character stays.
    pub(super) fn refused(&mut self, seq: ClientSeq) {
        self.door.take_if(|(asked, _)| *asked == seq);
    }

    /// The character is where it was awaited: how long its player has waited for that.
    pub(super) fn has_come(&mut self, meters: &Meters) {
        if let Some((_, asked_at)) = self.door.take() {
            meters.transit.record(asked_at.elapsed().as_secs_f64());
        }
    }

    /// All commands up to `ack` have had their outcome.
    pub(super) fn answered(&mut self, ack: ClientSeq, meters: &Meters) {
        while let Some(first) = self.unanswered.front().filter(|first| first.seq <= ack) {
            meters
                .input_ack
                .record(first.received_at.elapsed().as_secs_f64());
            self.unanswered.pop_front();
        }
    }
}

fn unavailable() -> End {
    End::close(CloseCode::Unavailable, "the world takes no commands now")
}
