//! A character outside the world: created, kept, let in, and heard of.
//!
//! Words: a **session** is a player's hold on a character; its **fence** rises with every new one
//! and the highest wins, wherever the character is. A session that the character's area does not
//! know yet is **waiting**: its `TakeSession` is on the way, has bounced, or the character is on
//! its way back. A waiting session is let in by whatever news comes first.

mod entering;
mod news;

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use schemas::effect::Traveller;
use schemas::fact::DepartureReason;
use schemas::keyed::Refusal;
use schemas::lobby::{Character, LobbyCommand, LobbyEvent, LobbyReply, Place, Ticket};
use schemas::subjects::{AggregateId, Domain};
use schemas::{AccountId, AreaId, CharacterId, UnixMillis};

use self::entering::By;
use crate::tickets::{LIFETIME_MILLIS, Tickets};

/// The rules of all characters.
#[derive(Debug)]
pub struct Characters {
    tickets: Tickets,
    start_area: AreaId,
    start_spawn: String,
}

impl Characters {
    /// With these keys; who has not been in the world before begins at `start_spawn` of `start_area`.
    #[must_use]
    pub fn new(tickets: Tickets, start_area: AreaId, start_spawn: &str) -> Self {
        Self {
            tickets,
            start_area,
            start_spawn: start_spawn.to_owned(),
        }
    }

    fn start(
        &self,
        state: &Character,
        character: CharacterId,
        account: AccountId,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if state.account != Some(account) {
            return refuse("not_yours");
        }
        Verdict::events([LobbyEvent::TicketIssued {
            ticket: self.tickets.digest(character, ctx.sequence),
            expires_at: UnixMillis(ctx.stored_at.0 + LIFETIME_MILLIS),
        }])
    }
}

impl Aggregate for Characters {
    const DOMAIN: Domain = Domain::Lobby;
    type Command = LobbyCommand;
    type Event = LobbyEvent;
    type State = Character;
    type Answer = LobbyReply;

    fn id(&self, key: &str) -> Option<AggregateId> {
        key.parse().ok().map(AggregateId::Character)
    }

    fn decide(
        &self,
        key: &str,
        state: &Character,
        input: Input<'_, LobbyCommand>,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        match input {
            Input::Command(command) if character_of(command).to_string() != key => {
                refuse("wrong_key")
            }
            Input::Command(LobbyCommand::Create {
                character,
                account,
                name,
            }) => match state.account {
                None => Verdict::events([LobbyEvent::Created {
                    character: *character,
                    account: *account,
                    name: name.clone(),
                }]),
                Some(owner) if owner == *account => Verdict::unchanged(),
                Some(_) => refuse("not_yours"),
            },
            Input::Command(LobbyCommand::Start {
                character, account, ..
            }) => self.start(state, *character, *account, ctx),
            Input::Command(&LobbyCommand::Join {
                character,
                ticket,
                edge,
                ..
            }) => self.join(state, ticket, By { character, edge }, ctx),
            Input::Command(&LobbyCommand::Resume {
                character,
                session,
                edge,
            }) => self.resume(state, session, By { character, edge }, ctx),
            Input::Effect(message) => match &message.source {
                AggregateId::Area(area)
                    if message.effect.payload.character().to_string() == key =>
                {
                    self.heard_from(area, state, &message.effect)
                }
                source => {
                    tracing::error!(%source, character.id = key, "an effect that no area sends; passed over");
                    Verdict::unchanged()
                }
            },
        }
    }

    fn evolve(state: &mut Character, event: &LobbyEvent) {
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
            LobbyEvent::TicketIssued { ticket, expires_at } => {
                state.ticket = Some(Ticket {
                    id: *ticket,
                    expires_at: *expires_at,
                    used: false,
                });
            }
            LobbyEvent::SessionStarted {
                session,
                edge,
                resumed,
            } => {
                (state.session, state.edge) = (*session, *edge);
                (state.resumed, state.over) = (*resumed, false);
                if let (Some(ticket), false) = (&mut state.ticket, resumed) {
                    ticket.used = true;
                }
            }
            LobbyEvent::EnteredWorld { area } => state.place = Some(Place::World(area.clone())),
            LobbyEvent::Located { area, at } => {
                state.place = Some(Place::World(area.clone()));
                state.placed_at = *at;
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
                if last_seen.is_some() {
                    state.last_seen.clone_from(last_seen);
                }
            }
            LobbyEvent::Unknown => {}
        }
    }

    fn answer(
        &self,
        _: &str,
        state: &Character,
        command: &LobbyCommand,
        ctx: &Context,
    ) -> LobbyReply {
        match command {
            LobbyCommand::Create { character, .. } => LobbyReply::Created {
                character: *character,
            },
            LobbyCommand::Start {
                character, account, ..
            } => {
                let expires_at = state
                    .ticket
                    .as_ref()
                    .map_or_else(UnixMillis::default, |t| t.expires_at);
                LobbyReply::Ticket {
                    ticket: self
                        .tickets
                        .ticket(*character, *account, ctx.sequence, expires_at),
                    expires_at,
                }
            }
            LobbyCommand::Join { .. } | LobbyCommand::Resume { .. } => LobbyReply::Joined {
                session: state.session,
                area: match &state.place {
                    Some(Place::World(area)) => area.clone(),
                    Some(Place::Lobby(_)) | None => self.entry_area(state).0,
                },
                name: state.name.clone(),
            },
        }
    }

    fn refusal(&self, code: &str) -> Refusal {
        refusal(code)
    }
}

/// After these the player has to come in with a new ticket; a lost link may be taken up again.
const fn ends_the_session(reason: DepartureReason) -> bool {
    matches!(reason, DepartureReason::Logout | DepartureReason::Kicked)
}

const fn character_of(command: &LobbyCommand) -> CharacterId {
    match command {
        LobbyCommand::Create { character, .. }
        | LobbyCommand::Start { character, .. }
        | LobbyCommand::Join { character, .. }
        | LobbyCommand::Resume { character, .. } => *character,
    }
}

/// Every code with its sentence.
fn refusal(code: &str) -> Refusal {
    let message = match code {
        "not_yours" => "this character is not yours; choose one of your own",
        "ticket_unknown" => "this ticket is not the last one given out; start again",
        "ticket_used" => "this ticket has been used; start again",
        "ticket_expired" => "this ticket has expired; start again",
        "session_stale" => "a newer session has taken this character; start again",
        "session_over" => "this session has ended; start again",
        "busy" => "the character's area does not answer; try again in a minute",
        "wrong_key" => "the command names another character than its subject",
        _ => "refused, as it was before",
    };
    Refusal::new(code, message)
}

fn refuse(code: &str) -> Verdict<LobbyEvent> {
    Verdict::refused(refusal(code))
}

#[cfg(test)]
mod interleaving_test;
#[cfg(test)]
mod rules_test;
