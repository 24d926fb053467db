//! The end of a character: deleted, restorable for a while, then gone.
//!
//! Whoever is in the world when deleted is made to leave it. When the grace is over the character
//! can be **erased**: nothing of it is kept but that its id is used up, so that a late command
//! cannot create it anew. One that never came to be is erased at once, and so is one whose person is
//! erased by an operator's order, as soon as it is out of the world.

use eventlog::keyed::{Context, Verdict};
use schemas::erasure::Whom;
use schemas::lobby::{Character, LobbyEvent, Ordered, Place};
use schemas::subjects::AggregateId;
use schemas::{AccountId, CharacterId, UnixMillis};

use super::entering::MOST_PENDING;
use super::news::leave;
use super::{Characters, refuse};

impl Characters {
    pub(super) fn delete(
        &self,
        state: &Character,
        character: CharacterId,
        account: AccountId,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if let Some(code) = not_of(state, account) {
            return refuse(code);
        }
        if state.deleted_until.is_some() {
            return Verdict::unchanged();
        }
        let deleted = Verdict::events([LobbyEvent::Deleted {
            at: ctx.stored_at,
            until: UnixMillis(ctx.stored_at.0.saturating_add(self.delete_grace_millis)),
        }]);
        match &state.place {
            Some(Place::World(_)) if ctx.pending >= MOST_PENDING => refuse("busy"),
            Some(Place::World(area)) => {
                deleted.asking(AggregateId::Area(area.clone()), leave(state, character))
            }
            Some(Place::Lobby(_)) | None => deleted,
        }
    }
}

pub(super) fn restore(state: &Character, account: AccountId, ctx: &Context) -> Verdict<LobbyEvent> {
    match state.deleted_until {
        _ if state.erased => refuse("too_late"),
        _ if state.account != Some(account) => refuse("not_yours"),
        None => Verdict::unchanged(),
        Some(until) if ctx.stored_at >= until => refuse("too_late"),
        Some(_) => Verdict::events([LobbyEvent::Restored]),
    }
}

impl Characters {
    /// Forgets it: its grace is over, or an operator has its person erased.
    pub(super) fn erase(
        &self,
        state: &Character,
        (character, account): (CharacterId, AccountId),
        ordered: Option<&Ordered>,
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        let whom = Whom::Character(character, account);
        let order = match ordered {
            Some(Ordered { order, seal }) if self.tickets.orders(*seal, &whom, order) => {
                Some(order)
            }
            Some(_) => return refuse("no_order"),
            None => None,
        };
        if state.erased {
            return Verdict::unchanged();
        }
        let erased = |account| {
            Verdict::events([LobbyEvent::Erased {
                account,
                order: order.cloned(),
            }])
        };
        let Some(owner) = state.account else {
            return erased(None);
        };
        if owner != account {
            return refuse("not_yours");
        }
        let here = matches!(state.place, Some(Place::Lobby(_)));
        let over = state
            .deleted_until
            .is_some_and(|until| ctx.stored_at >= until);
        match here {
            true if over || order.is_some() => erased(Some(owner)),
            _ => refuse("too_early"),
        }
    }
}

/// Why `account` may not delete it.
fn not_of(state: &Character, account: AccountId) -> Option<&'static str> {
    match state.account {
        _ if state.erased => Some("no_such_character"),
        None => Some("no_such_character"),
        Some(owner) if owner != account => Some("not_yours"),
        Some(_) => None,
    }
}
