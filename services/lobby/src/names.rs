//! Names of characters: each is one character's, or nobody's.
//!
//! A name is **reserved** for a character that is about to be, for a minute; **kept** once the
//! character is; and **released** when the character is deleted, from the end of its grace on.
//! What has lapsed is free for the next who asks; until somebody does, it can still be kept by the
//! one who had it, so a slow creation and a late restoration do not fail without need.

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use schemas::keyed::Refusal;
use schemas::name::{Name, NameCommand, NameEvent, NameReply};
use schemas::subjects::Domain;
use schemas::{AccountId, CharacterId, UnixMillis};

/// How long a reservation holds, in ms.
const RESERVED_MILLIS: u64 = 60_000;

/// The rules of all names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names;

impl Aggregate for Names {
    const DOMAIN: Domain = Domain::Name;
    type Command = NameCommand;
    type Event = NameEvent;
    type State = Name;
    type Answer = NameReply;

    fn decide(
        &self,
        _: &str,
        state: &Name,
        input: Input<'_, NameCommand>,
        ctx: &Context,
    ) -> Verdict<NameEvent> {
        match input {
            Input::Command(&NameCommand::Reserve { character, account }) => {
                reserve(state, character, account, ctx)
            }
            Input::Command(&NameCommand::Keep { character }) => keep(state, character),
            Input::Command(&NameCommand::Release { character, at }) => {
                release(state, character, at)
            }
            Input::Effect(message) => {
                tracing::error!(source = %message.source, "nobody sends effects to names; passed over");
                Verdict::unchanged()
            }
        }
    }

    fn evolve(state: &mut Name, event: &NameEvent) {
        match event {
            NameEvent::Reserved {
                character,
                account,
                until,
            } => {
                *state = Name {
                    character: Some(*character),
                    account: Some(*account),
                    until: Some(*until),
                };
            }
            NameEvent::Kept { .. } => state.until = None,
            NameEvent::Released { at, .. } => state.until = Some(*at),
            NameEvent::Unknown => {}
        }
    }

    fn answer(&self, _: &str, _: &Name, _: &NameCommand, _: &Context) -> NameReply {
        NameReply::Done
    }

    fn refusal(&self, code: &str) -> Refusal {
        refusal(code)
    }
}

fn reserve(
    state: &Name,
    character: CharacterId,
    account: AccountId,
    ctx: &Context,
) -> Verdict<NameEvent> {
    let holds = state.character.is_some() && state.until.is_none_or(|until| ctx.stored_at < until);
    match state.character {
        Some(holder) if holds && holder == character => Verdict::unchanged(),
        Some(_) if holds => refuse("name_taken"),
        Some(_) | None => Verdict::events([NameEvent::Reserved {
            character,
            account,
            until: UnixMillis(ctx.stored_at.0 + RESERVED_MILLIS),
        }]),
    }
}

fn keep(state: &Name, character: CharacterId) -> Verdict<NameEvent> {
    match state.character {
        Some(holder) if holder != character => refuse("name_taken"),
        None => refuse("not_reserved"),
        Some(_) if state.until.is_none() => Verdict::unchanged(),
        Some(_) => Verdict::events([NameEvent::Kept { character }]),
    }
}

/// What is not this character's is not this character's to release: it has been so already.
fn release(state: &Name, character: CharacterId, at: UnixMillis) -> Verdict<NameEvent> {
    if state.character != Some(character) || state.until == Some(at) {
        Verdict::unchanged()
    } else {
        Verdict::events([NameEvent::Released { character, at }])
    }
}

/// Every code with its sentence.
fn refusal(code: &str) -> Refusal {
    let message = match code {
        "name_taken" => "this name is another character's; choose another",
        "not_reserved" => "this name was not reserved; reserve it first",
        _ => "refused, as it was before",
    };
    Refusal::new(code, message)
}

fn refuse(code: &str) -> Verdict<NameEvent> {
    Verdict::refused(refusal(code))
}

#[cfg(test)]
mod tests;
