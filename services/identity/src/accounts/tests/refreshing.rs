//! Refresh tokens: rotated at every use, once more within the grace, and a theft noticed.

use schemas::account::{SecurityNotice, SessionEnd};

use super::super::sessions::{GRACE, UNUSED};
use super::*;
use crate::refusals::{LOG_IN_AGAIN, SESSION_REUSED, SESSION_UNKNOWN};

const LATER: UnixMillis = UnixMillis(NOW.0 + 600_000);

fn refresh(generation: u32, address: Digest) -> AccountAsked {
    AccountCommand::Refresh {
        account: ANN,
        proof: accounts().refresh.proof(ANN, PHONE, generation),
        generation,
        asker: from(address, PHONE),
    }
    .into()
}

fn refreshed(generation: u32, at: UnixMillis, address: Digest) -> AccountEvent {
    AccountEvent::Refreshed {
        session: PHONE,
        generation,
        at,
        address,
    }
}

fn security(what: SecurityNotice, at: UnixMillis) -> AccountEvent {
    AccountEvent::Security {
        what,
        session: PHONE,
        at,
        grant: None,
    }
}

/// Ann's phone has refreshed twice, the last time at [`LATER`].
fn twice_refreshed() -> Vec<AccountEvent> {
    let mut events = registered();
    events.push(refreshed(2, NOW, HOME));
    events.push(refreshed(3, LATER, HOME));
    events
}

#[test]
fn every_use_gives_the_next_token() {
    let accounts = accounts();
    let answer = ann(&accounts, registered())
        .at(LATER)
        .when(refresh(1, HOME))
        .then([refreshed(2, LATER, HOME)])
        .answer();
    let tokens = tokens(answer);
    assert_eq!(tokens.refresh_token, accounts.refresh.token(ANN, PHONE, 2));
}

#[test]
fn an_answer_that_was_lost_is_given_again_within_the_grace() {
    let accounts = accounts();
    let answer = ann(&accounts, twice_refreshed())
        .at(UnixMillis(LATER.0 + GRACE))
        .when(refresh(2, HOME))
        .then([])
        .answer();
    let current = accounts.refresh.token(ANN, PHONE, 3);
    assert_eq!(tokens(answer).refresh_token, current);
}

#[test]
fn a_used_token_ends_the_session_and_is_written_down() {
    let too_late = UnixMillis(LATER.0 + GRACE + 1);
    for (generation, at) in [(2, too_late), (1, LATER)] {
        let ended = AccountEvent::SessionEnded {
            session: PHONE,
            why: SessionEnd::Reused,
        };
        ann(&accounts(), twice_refreshed())
            .at(at)
            .when(refresh(generation, HOME))
            .then([ended, security(SecurityNotice::RefreshReused, at)])
            .refused(SESSION_REUSED);
    }
}

#[test]
fn the_thief_and_the_owner_are_both_logged_out() {
    let mut events = twice_refreshed();
    events.push(AccountEvent::SessionEnded {
        session: PHONE,
        why: SessionEnd::Reused,
    });
    ann(&accounts(), events)
        .at(LATER)
        .when(refresh(3, HOME))
        .then([])
        .refused(SESSION_UNKNOWN);
}

#[test]
fn a_guessed_token_tells_nothing_and_ends_nothing() {
    let guess = |generation| {
        AccountCommand::Refresh {
            account: ANN,
            proof: Digest([9; 16]),
            generation,
            asker: asker(PHONE),
        }
        .into()
    };
    let accounts = accounts();
    for generation in [0, 1, 2, 3, 4, u32::MAX] {
        ann(&accounts, twice_refreshed())
            .at(LATER)
            .when(guess(generation))
            .then([])
            .refused(SESSION_UNKNOWN);
    }
    ann(&accounts, []).when(guess(1)).refused(SESSION_UNKNOWN);
}

#[test]
fn a_session_unused_for_thirty_days_is_over() {
    let late = UnixMillis(NOW.0 + UNUSED + 1);
    let ended = AccountEvent::SessionEnded {
        session: PHONE,
        why: SessionEnd::Expired,
    };
    ann(&accounts(), registered())
        .at(late)
        .when(refresh(1, HOME))
        .then([ended])
        .refused(LOG_IN_AGAIN);
}

#[test]
fn another_address_is_noted_or_not_or_ends_it_as_configured() {
    let moved = || security(SecurityNotice::AddressChanged, LATER);
    let next = || refreshed(2, LATER, AWAY);
    let at_away = |binding| {
        let accounts = accounts_bound(binding);
        ann(&accounts, registered())
            .at(LATER)
            .when(refresh(1, AWAY))
    };
    at_away(AddressBinding::Off).then([next()]).answer();
    at_away(AddressBinding::Soft)
        .then([moved(), next()])
        .answer();
    let strict = at_away(AddressBinding::Strict).then([moved()]);
    strict.refused(LOG_IN_AGAIN);
}

#[test]
fn only_strict_binding_is_in_the_access_token() {
    let claims = |binding| {
        let accounts = accounts_bound(binding);
        let answer = ann(&accounts, registered())
            .at(LATER)
            .when(refresh(1, HOME));
        let token = tokens(answer.answer()).access_token;
        jsonwebtoken::dangerous::insecure_decode::<AccessClaims>(&token)
            .unwrap()
            .claims
    };
    assert_eq!(claims(AddressBinding::Soft).adr, None);
    let strict = claims(AddressBinding::Strict);
    assert_eq!((strict.adr, strict.sid), (Some(HOME), PHONE));
}
