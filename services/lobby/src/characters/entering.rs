//! Sessions begin, and with them characters enter the world.

use eventlog::keyed::{Context, Verdict};
use schemas::effect::{EffectPayload, EntryPoint, Traveller};
use schemas::lobby::{Character, LobbyEvent, Place};
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Digest, EdgeId, SessionFence};
use subtle::ConstantTimeEq;

use super::{Characters, refuse};

/// A character for which so many effects are unconfirmed begins no further session: its area
/// has not answered for long, and each session would add one more.
const MOST_PENDING: usize = 32;

/// Who begins a session of which character.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) character: CharacterId,
    pub(super) edge: EdgeId,
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
        by: By,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        match &state.ticket {
            Some(known) if bool::from(known.id.0.ct_eq(&ticket.0)) => {
                if known.used {
                    refuse("ticket_used")
                } else if ctx.stored_at > known.expires_at {
                    refuse("ticket_expired")
                } else {
                    self.begin_session(state, by, false, ctx)
                }
            }
            Some(_) | None => refuse("ticket_unknown"),
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
        } else if state.over {
            refuse("session_over")
        } else {
            self.begin_session(state, by, true, ctx)
        }
    }

    fn begin_session(
        &self,
        state: &Character,
        by: By,
        resumed: bool,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if ctx.pending >= MOST_PENDING {
            return refuse("busy");
        }
        let session = Session {
            fence: state.session.next(),
            edge: by.edge,
            resumed,
        };
        let started = Verdict::events([LobbyEvent::SessionStarted {
            session: session.fence,
            edge: by.edge,
            resumed,
        }]);
        match &state.place {
            Some(Place::Lobby(traveller)) => self.enter(started, state, traveller, session),
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
            .and(LobbyEvent::EnteredWorld { area: area.clone() })
            .asking(
                AggregateId::Area(area),
                EffectPayload::Enter { traveller, entry },
            )
    }

    /// Where the character appears: where it was last seen, or where everybody begins.
    pub(super) fn entry_area(&self, state: &Character) -> (AreaId, EntryPoint) {
        match &state.last_seen {
            Some(seen) => (
                seen.area.clone(),
                EntryPoint::At {
                    x: seen.x,
                    y: seen.y,
                },
            ),
            None => (
                self.start_area.clone(),
                EntryPoint::Spawn(self.start_spawn.clone()),
            ),
        }
    }
}
