//! Whose characters they are. What a character is, the lobby knows.

use eventlog::keyed::Verdict;
use schemas::CharacterId;
use schemas::account::{Account, AccountEvent};

use super::exists;
use crate::refusals::{NOT_YOURS, TOO_MANY_CHARACTERS, refusal};

/// How many characters an account may have.
pub(super) const MOST: usize = 8;

/// One more belongs to the account.
pub(super) fn add(state: &Account, character: CharacterId) -> Verdict<AccountEvent> {
    if !exists(state) {
        Verdict::refused(refusal(NOT_YOURS))
    } else if state.characters.contains(&character) {
        Verdict::unchanged()
    } else if state.characters.len() >= MOST {
        Verdict::refused(refusal(TOO_MANY_CHARACTERS))
    } else {
        Verdict::events([AccountEvent::CharacterAdded { character }])
    }
}

/// One does not belong to the account any more.
pub(super) fn remove(state: &Account, character: CharacterId) -> Verdict<AccountEvent> {
    if state.characters.contains(&character) {
        Verdict::events([AccountEvent::CharacterRemoved { character }])
    } else {
        Verdict::unchanged()
    }
}
