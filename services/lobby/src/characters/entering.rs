//! Sessions begin, and with them characters enter the world.

use eventlog::keyed::{Context, Verdict};
use schemas::effect::{EffectPayload, EntryPoint, Traveller};
use schemas::lobby::{Admission, Character, Company, LobbyEvent, Place};
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
#[derive(Debug, Clone)]
enum Begin {
    /// With a ticket of this login session, and perhaps to join somebody.
    Anew(LoginId, Option<Company>),
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
        let company = company(state, admits);
        let area = match &company {
            Some(company) => company.area.clone(),
            None => self.area(state),
        };
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
            self.begin_session(state, by, Begin::Anew(admits.login, company), ctx)
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
            Begin::Anew(login, _) => (false, login),
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
                let (party, way) = match begin {
                    Begin::Anew(_, Some(Company { party, area })) => {
                        let spawn = EntryPoint::Spawn(self.start_spawn.clone());
                        (party, (area, spawn))
                    }
                    Begin::Anew(_, None) => (CharacterId(0), self.entry_area(state)),
                    Begin::Resumed => (traveller.party, self.entry_area(state)),
                };
                let traveller = Traveller {
                    party,
                    ..(**traveller).clone()
                };
                enter(started, traveller, way, session, ctx.stored_at)
            }
            Some(Place::World(area)) => {
                started.asking(AggregateId::Area(area.clone()), session.take(by.character))
            }
            None => refuse("not_yours"),
        }
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
            Some(seen) => match self.areas.way_in(&seen.area) {
                Some(area) if area.map() == seen.area.map() => {
                    let (x, y) = (seen.x, seen.y);
                    (area, EntryPoint::At { x, y })
                }
                Some(_) | None => self.beginning(),
            },
            None => self.beginning(),
        }
    }

    /// The safe place where everybody begins.
    fn beginning(&self) -> (AreaId, EntryPoint) {
        let area = self.areas.way_in(&self.start_area);
        (
            area.unwrap_or_else(|| self.start_area.clone()),
            EntryPoint::Spawn(self.start_spawn.clone()),
        )
    }
}

/// Whom the ticket says that the character joins. One that is in the world meanwhile stays there.
fn company(state: &Character, admits: &Admission) -> Option<Company> {
    let area = admits.area.clone().filter(|_| admits.party.0 != 0)?;
    let here = matches!(state.place, Some(Place::Lobby(_)));
    here.then_some(Company {
        party: admits.party,
        area,
    })
}

/// Sends the character into the world under `session`; from this entry on the lobby no longer has it.
pub(super) fn enter(
    verdict: Verdict<LobbyEvent>,
    traveller: Traveller,
    (area, entry): (AreaId, EntryPoint),
    session: Session,
    at: UnixMillis,
) -> Verdict<LobbyEvent> {
    let mut traveller = Box::new(Traveller {
        session: session.fence,
        edge: session.edge,
        held: InputBits::default(),
        hops: 0,
        ..traveller
    });
    if !session.resumed {
        traveller.last_seq = 0;
        traveller.rejections.clear();
    }
    let party = traveller.party;
    verdict
        .and(LobbyEvent::EnteredWorld {
            area: area.clone(),
            at,
            party,
        })
        .asking(
            AggregateId::Area(area),
            EffectPayload::Enter { traveller, entry },
        )
}
