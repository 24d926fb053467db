//! A character outside the world: created, kept, let in, and heard of.
//!
//! Words: a **session** is a player's hold on a character; its **fence** rises with every new one
//! and the highest wins, wherever the character is. A session that the character's area does not
//! know yet is **waiting**: its `TakeSession` is on the way, has bounced, or the character is on
//! its way back. A waiting session is let in by whatever news comes first.

mod deleting;
mod entering;
mod evolving;
mod news;
mod reclaiming;

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use schemas::keyed::Refusal;
use schemas::lobby::{Admission, Character, Company, LobbyCommand, LobbyEvent, LobbyReply, Place};
use schemas::subjects::{AggregateId, Domain};
use schemas::{AreaId, CharacterId, UnixMillis};

use self::entering::By;
use crate::areas::OpenAreas;
use crate::tickets::{LIFETIME_MILLIS, Tickets};

/// The rules of all characters.
#[derive(Debug)]
pub struct Characters {
    tickets: Tickets,
    start_area: AreaId,
    start_spawn: String,
    areas: OpenAreas,
    delete_grace_millis: u64,
}

/// Seven days.
pub(crate) const DELETE_GRACE_MILLIS: u64 = 7 * 24 * 60 * 60 * 1000;

impl Characters {
    /// With these keys; who has not been in the world before begins at `start_spawn` of `start_area`.
    #[must_use]
    pub fn new(tickets: Tickets, start_area: AreaId, start_spawn: &str) -> Self {
        Self {
            tickets,
            start_area,
            start_spawn: start_spawn.to_owned(),
            areas: OpenAreas::all(),
            delete_grace_millis: DELETE_GRACE_MILLIS,
        }
    }

    /// Whose characters return to these areas only; without this, all areas are believed to be.
    #[must_use]
    pub fn in_areas(self, areas: OpenAreas) -> Self {
        Self { areas, ..self }
    }

    /// Who can be restored for so long after a deletion, in ms; without this, for seven days.
    #[must_use]
    pub fn with_delete_grace(self, millis: u64) -> Self {
        Self {
            delete_grace_millis: millis,
            ..self
        }
    }

    /// Gives out a ticket to the character's owner, for where it is now.
    fn start(
        &self,
        state: &Character,
        character: CharacterId,
        (asks, company): (Admission, Option<&Company>),
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if state.erased || state.account != Some(asks.account) {
            return refuse("not_yours");
        }
        if state.deleted_until.is_some() {
            return refuse("deleted");
        }
        let in_the_world = matches!(state.place, Some(Place::World(_)));
        let (party, area) = match company {
            Some(_) if in_the_world => return refuse("in_the_world"),
            Some(Company { party, area }) => match self.areas.way_in(area) {
                Some(area) => (*party, area),
                None => return refuse("company_unreachable"),
            },
            None => (CharacterId(0), self.area(state)),
        };
        Verdict::events([LobbyEvent::TicketIssued {
            ticket: self.tickets.digest(character, ctx.sequence),
            expires_at: UnixMillis(ctx.stored_at.0 + LIFETIME_MILLIS),
            admits: Admission {
                area: Some(area),
                party,
                ..asks
            },
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
                _ if state.erased => refuse("erased"),
                None => Verdict::events([LobbyEvent::Created {
                    character: *character,
                    account: *account,
                    name: name.clone(),
                }]),
                Some(owner) if owner == *account => Verdict::unchanged(),
                Some(_) => refuse("not_yours"),
            },
            Input::Command(LobbyCommand::Start {
                character,
                account,
                login,
                protocol,
                company,
                ..
            }) => {
                let asks = Admission {
                    account: *account,
                    login: *login,
                    protocol: *protocol,
                    ..Admission::default()
                };
                self.start(state, *character, (asks, company.as_ref()), ctx)
            }
            Input::Command(LobbyCommand::Join {
                character,
                ticket,
                edge,
                admits,
                ..
            }) => {
                let (character, edge) = (*character, *edge);
                self.join(state, *ticket, admits, By { character, edge }, ctx)
            }
            Input::Command(&LobbyCommand::Resume {
                character,
                session,
                edge,
            }) => self.resume(state, session, By { character, edge }, ctx),
            Input::Command(&LobbyCommand::Delete { character, account }) => {
                self.delete(state, character, account, ctx)
            }
            Input::Command(&LobbyCommand::Restore { account, .. }) => {
                deleting::restore(state, account, ctx)
            }
            Input::Command(LobbyCommand::Erase {
                character,
                account,
                ordered,
            }) => self.erase(state, (*character, *account), ordered.as_ref(), ctx),
            Input::Command(LobbyCommand::Reclaim {
                character,
                evidence,
                seal,
            }) => self.reclaim(state, *character, (evidence, *seal), ctx),
            Input::Effect(message) => match &message.source {
                AggregateId::Area(area)
                    if message
                        .effect
                        .payload
                        .character()
                        .is_some_and(|character| character.to_string() == key) =>
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
        evolving::evolve(state, event);
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
            LobbyCommand::Start { character, .. } => {
                let (expires_at, admits) = match &state.ticket {
                    Some(ticket) => (ticket.expires_at, ticket.admits.clone()),
                    None => Default::default(),
                };
                let area = admits.area.clone().unwrap_or_else(|| self.area(state));
                LobbyReply::Ticket {
                    ticket: self
                        .tickets
                        .ticket(*character, &admits, ctx.sequence, expires_at),
                    expires_at,
                    area,
                }
            }
            LobbyCommand::Join { .. } | LobbyCommand::Resume { .. } => LobbyReply::Joined {
                session: state.session,
                area: self.area(state),
                name: state.name.clone(),
                account: state.account.unwrap_or_default(),
                login: state.login,
            },
            LobbyCommand::Delete { .. } => LobbyReply::Deleted {
                until: state.deleted_until.unwrap_or_default(),
            },
            LobbyCommand::Restore { .. }
            | LobbyCommand::Erase { .. }
            | LobbyCommand::Reclaim { .. } => LobbyReply::Done,
        }
    }

    fn refusal(&self, code: &str) -> Refusal {
        refusal(code)
    }
}

const fn character_of(command: &LobbyCommand) -> CharacterId {
    match command {
        LobbyCommand::Create { character, .. }
        | LobbyCommand::Start { character, .. }
        | LobbyCommand::Join { character, .. }
        | LobbyCommand::Resume { character, .. }
        | LobbyCommand::Delete { character, .. }
        | LobbyCommand::Restore { character, .. }
        | LobbyCommand::Erase { character, .. }
        | LobbyCommand::Reclaim { character, .. } => *character,
    }
}

/// Every code with its sentence.
fn refusal(code: &str) -> Refusal {
    let message = match code {
        "not_yours" => "this character is not yours; choose one of your own",
        "ticket_unknown" => "this ticket is not the last one given out; start again",
        "ticket_used" => "this ticket has been used; start again",
        "ticket_other_area" => "the character is in another area by now; start again",
        "ticket_other_protocol" => "this ticket is for another protocol; start again",
        "deleted" => "this character is deleted; restore it first",
        "no_such_character" => "there is no such character",
        "too_late" => "the time in which it could be restored is over",
        "too_early" => "this character can still be restored, so it is not forgotten yet",
        "erased" => "this character is gone for good; create another",
        "ticket_expired" => "this ticket has expired; start again",
        "session_stale" => "a newer session has taken this character; start again",
        "session_over" => "this session has ended; start again",
        "in_the_world" => "this character is in the world; leave it first to join somebody",
        "company_unreachable" => "nobody can enter where your company is; try again later",
        "not_lost" => "there is news of this character: it is not lost",
        "no_proof" => "this proof is not the lobby's own",
        "no_order" => "this order was not given by who holds the lobby's secret",
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
mod deleting_test;
#[cfg(test)]
mod interleaving_test;
#[cfg(test)]
mod rules_test;
