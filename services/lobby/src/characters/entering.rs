//! Sessions begin, and with them characters enter the world.

use eventlog::keyed::{Context, Verdict};
use schemas::effect::{EffectPayload, EntryPoint, Traveller};
use schemas::lobby::{Admission, Character, LobbyEvent, Place};
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Digest, EdgeId, LoginId, SessionFence, UnixMillis};
use subtle::ConstantTimeEq;

use super::{Characters, refuse};

/// A character for which so many effects are unconfirmed begins no further session: its area
/// has not answered for long, and each session would add one more.
pub(super) const MOST_PENDING: usize = 32;

/// Who begins a session of which character.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) character: CharacterId,
    pub(super) edge: EdgeId,
}

/// How a session begins.
#[derive(Debug, Clone, Copy)]
enum Begin {
    /// With a ticket of this login session.
    Anew(LoginId),
    /// It continues the one before.
    Resumed,
}

/// A session that is to begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) fence: SessionFence,
    pub(super) edge: EdgeId,
    /// Whether it continues the one before. A resume token is given out only once its session was
    /// seen in the character's area, so what travels with the character then belongs to it.
    pub(super) resumed: bool,
}

impl Session {
    /// The newest one.
    pub(super) const fn of(state: &Character) -> Self {
        Self {
            fence: state.session,
            edge: state.edge,
            resumed: state.resumed,
        }
    }

    pub(super) fn take(&self, character: CharacterId) -> EffectPayload {
        EffectPayload::TakeSession {
            character,
            session: self.fence,
            edge: self.edge,
            resumed: self.resumed,
        }
    }
}

impl Characters {
    pub(super) fn join(
        &self,
        state: &Character,
        ticket: Digest,
        admits: &Admission,
        by: By,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        let known = match &state.ticket {
            Some(known) if bool::from(known.id.0.ct_eq(&ticket.0)) => known,
            Some(_) | None => return refuse("ticket_unknown"),
        };
        let area = self.area(state);
        if known.used {
            refuse("ticket_used")
        } else if ctx.stored_at > known.expires_at {
            refuse("ticket_expired")
        } else if state.deleted_until.is_some() {
            refuse("deleted")
        } else if known.admits.protocol != admits.protocol {
            refuse("ticket_other_protocol")
        } else if known.admits.area != admits.area
            || admits.area.as_ref().is_some_and(|named| *named != area)
        {
            refuse("ticket_other_area")
        } else if known.admits != *admits {
            refuse("ticket_unknown")
        } else {
            self.begin_session(state, by, Begin::Anew(admits.login), ctx)
        }
    }

    pub(super) fn resume(
        &self,
        state: &Character,
        session: SessionFence,
        by: By,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if session != state.session || session == SessionFence(0) {
            refuse("session_stale")
        } else if state.deleted_until.is_some() {
            refuse("deleted")
        } else if state.over {
            refuse("session_over")
        } else {
            self.begin_session(state, by, Begin::Resumed, ctx)
        }
    }

    fn begin_session(
        &self,
        state: &Character,
        by: By,
        begin: Begin,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if ctx.pending >= MOST_PENDING {
            return refuse("busy");
        }
        let (resumed, login) = match begin {
            Begin::Anew(login) => (false, login),
            Begin::Resumed => (true, state.login),
        };
        let session = Session {
            fence: state.session.next(),
            edge: by.edge,
            resumed,
        };
        let started = Verdict::events([LobbyEvent::SessionStarted {
            session: session.fence,
            edge: by.edge,
            resumed,
            login,
        }]);
        match &state.place {
            Some(Place::Lobby(traveller)) => {
                self.enter(started, state, traveller, session, ctx.stored_at)
            }
            Some(Place::World(area)) => {
                started.asking(AggregateId::Area(area.clone()), session.take(by.character))
            }
            None => refuse("not_yours"),
        }
    }

    /// Sends the character into the world under `session`; from this entry on the lobby no longer has it.
    pub(super) fn enter(
        &self,
        verdict: Verdict<LobbyEvent>,
        state: &Character,
        traveller: &Traveller,
        session: Session,
        at: UnixMillis,
    ) -> Verdict<LobbyEvent> {
        let (area, entry) = self.entry_area(state);
        let mut traveller = Box::new(Traveller {
            session: session.fence,
            edge: session.edge,
            held: InputBits::default(),
            ..traveller.clone()
        });
        if !session.resumed {
            traveller.last_seq = 0;
            traveller.rejections.clear();
        }
        verdict
            .and(LobbyEvent::EnteredWorld {
                area: area.clone(),
                at,
            })
            .asking(
                AggregateId::Area(area),
                EffectPayload::Enter { traveller, entry },
            )
    }

    /// Where the character is, or will appear.
    pub(super) fn area(&self, state: &Character) -> AreaId {
        match &state.place {
            Some(Place::World(area)) => area.clone(),
            Some(Place::Lobby(_)) | None => self.entry_area(state).0,
        }
    }

    /// Where the character appears: where it was last seen, or, if it never was or that area is no
    /// more, in the safe place where everybody begins.
    pub(super) fn entry_area(&self, state: &Character) -> (AreaId, EntryPoint) {
        match &state.last_seen {
            Some(seen) if self.areas.has(&seen.area) => (
                seen.area.clone(),
                EntryPoint::At {
                    x: seen.x,
                    y: seen.y,
                },
            ),
            Some(_) | None => (
                self.start_area.clone(),
                EntryPoint::Spawn(self.start_spawn.clone()),
            ),
        }
    }
}
