//! The end of a person: nobody gets in any more, and nothing but the bare ids is kept.
//!
//! What lets into the account, and its characters, are aggregates of their own, erased one by one by
//! who ordered it; until then the account still names them, so that whoever goes on after a crash
//! knows what is left to do. The key of what the person wrote is not here: it is not in the log.

use eventlog::keyed::Verdict;
use schemas::account::{Account, AccountCommand, AccountEvent, SessionEnd};
use schemas::control::Order;
use schemas::erasure::{ErasureKey, Whom};
use schemas::keyed::Refusal;
use schemas::{AccountId, Digest, UnixMillis};

use super::sessions::ended;
use crate::refusals::{NO_ORDER, NOT_YOURS, bad_login, refusal};

/// Erases the account, also one that never began: its id is used up.
pub(super) fn erase(
    orders: &ErasureKey,
    state: &Account,
    account: AccountId,
    (order, seal): (&Order, Digest),
    at: UnixMillis,
) -> Verdict<AccountEvent> {
    if !orders.holds(seal, &Whom::Account(account), order) {
        return Verdict::refused(refusal(NO_ORDER));
    }
    if state.erased.is_some() {
        return Verdict::unchanged();
    }
    let sessions = state.sessions.iter();
    let ends = sessions.map(|session| ended(session.id, SessionEnd::LoggedOutEverywhere));
    let mut events: Vec<_> = ends.collect();
    events.push(AccountEvent::Erased {
        account,
        order: order.clone(),
        at,
    });
    Verdict::events(events)
}

/// What of the account is left: which aggregates are yet to be erased.
pub(super) fn apply(state: &mut Account, at: UnixMillis) {
    *state = Account {
        characters: std::mem::take(&mut state.characters),
        credentials: std::mem::take(&mut state.credentials),
        erased: Some(at),
        ..Account::default()
    };
}

/// What may still be asked of an erased account.
pub(super) const fn is_for_the_erased(command: &AccountCommand) -> bool {
    matches!(
        command,
        AccountCommand::Erase { .. }
            | AccountCommand::RemoveCharacter { .. }
            | AccountCommand::LogOut { .. }
            | AccountCommand::LogOutEverywhere { .. }
    )
}

/// Everything else is refused, in the words for an account that never was.
pub(super) fn refused(command: &AccountCommand) -> Refusal {
    match command {
        AccountCommand::Describe { .. } | AccountCommand::AddCharacter { .. } => refusal(NOT_YOURS),
        _ => bad_login(),
    }
}
