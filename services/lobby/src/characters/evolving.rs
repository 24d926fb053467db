//! What each event makes of a character.

use schemas::UnixMillis;
use schemas::effect::Traveller;
use schemas::fact::DepartureReason;
use schemas::lobby::{Character, LobbyEvent, Place, Ticket};

pub(super) fn evolve(state: &mut Character, event: &LobbyEvent) {
    match event {
        LobbyEvent::Created {
            character,
            account,
            name,
        } => {
            state.account = Some(*account);
            state.name = name.clone();
            state.place = Some(Place::Lobby(Box::new(Traveller {
                character: *character,
                account: *account,
                name: name.clone(),
                ..Traveller::default()
            })));
        }
        LobbyEvent::TicketIssued {
            ticket,
            expires_at,
            admits,
        } => {
            state.ticket = Some(Ticket {
                id: *ticket,
                expires_at: *expires_at,
                used: false,
                admits: admits.clone(),
            });
        }
        LobbyEvent::SessionStarted {
            session,
            edge,
            resumed,
            login,
        } => {
            (state.session, state.edge, state.login) = (*session, *edge, *login);
            (state.resumed, state.over) = (*resumed, false);
            if let (Some(ticket), false) = (&mut state.ticket, resumed) {
                ticket.used = true;
            }
        }
        LobbyEvent::EnteredWorld { area, at, party } => {
            state.place = Some(Place::World(area.clone()));
            state.counted_to = *at;
            (state.party, state.missing) = (*party, None);
        }
        LobbyEvent::Located { area, at } => {
            state.place = Some(Place::World(area.clone()));
            state.missing = None;
            state.placed_at = *at;
            count(state, *at);
        }
        LobbyEvent::Returned {
            traveller,
            last_seen,
            reason,
            at,
        } => {
            state.over |= traveller.session == state.session && ends_the_session(*reason);
            state.place = Some(Place::Lobby(traveller.clone()));
            state.placed_at = *at;
            state.missing = None;
            count(state, *at);
            state.counted_to = UnixMillis(0);
            if last_seen.is_some() {
                state.last_seen.clone_from(last_seen);
            }
        }
        LobbyEvent::Missed { at, .. } => {
            state.missing.get_or_insert(*at);
        }
        LobbyEvent::Reclaimed {
            character,
            session,
            at,
            ..
        } => {
            state.place = Some(Place::Lobby(Box::new(Traveller {
                character: *character,
                account: state.account.unwrap_or_default(),
                name: state.name.clone(),
                session: *session,
                ..Traveller::default()
            })));
            // Nobody goes on with a session that was lost with it.
            (state.session, state.over, state.ticket) = (*session, true, None);
            (state.placed_at, state.missing) = (*at, None);
            state.counted_to = UnixMillis(0);
        }
        LobbyEvent::Deleted { until, .. } => {
            state.deleted_until = Some(*until);
            // Nobody goes on with it, restored or not.
            (state.over, state.ticket) = (true, None);
        }
        LobbyEvent::Restored => state.deleted_until = None,
        LobbyEvent::Erased { account, .. } => {
            *state = Character {
                account: *account,
                session: state.session,
                erased: true,
                ..Character::default()
            };
        }
        LobbyEvent::Unknown => {}
    }
}

/// Counts the time in the world up to `at`, by the clocks of those who tell: the broker's when it
/// went in, its area's after that. Where they differ, time is lost rather than counted twice.
fn count(state: &mut Character, at: UnixMillis) {
    if state.counted_to != UnixMillis(0) && at > state.counted_to {
        state.played_ms = state.played_at(at);
        state.counted_to = at;
    }
}

/// After these the player has to come in with a new ticket; a lost link may be taken up again.
const fn ends_the_session(reason: DepartureReason) -> bool {
    matches!(reason, DepartureReason::Logout | DepartureReason::Kicked)
}
