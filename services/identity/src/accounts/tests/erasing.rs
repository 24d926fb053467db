//! A person is erased: by order only, for good, and without a trace of who it was.

use schemas::account::SessionEnd;
use schemas::control::Order;
use schemas::erasure::{ErasureKey, Whom};

use super::*;
use crate::refusals::{BAD_LOGIN, NO_ORDER};

fn order() -> Order {
    Order {
        by: "kim".into(),
        reason: "request 81".into(),
    }
}

fn erase(secret: &str) -> AccountAsked {
    let seal = ErasureKey::of_secret(secret).seal(&Whom::Account(ANN), &order());
    let command = AccountCommand::Erase {
        account: ANN,
        order: order(),
        seal,
    };
    command.into()
}

/// That of `secrets()`.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn erased() -> AccountEvent {
    AccountEvent::Erased {
        account: ANN,
        order: order(),
        at: NOW,
    }
}

#[test]
fn only_who_holds_the_secret_may_order_it() {
    ann(&accounts(), registered())
        .when(erase("another secret of thirty-two bytes"))
        .then([])
        .refused(NO_ORDER);
}

#[test]
fn nothing_is_left_but_what_is_yet_to_be_erased() {
    let accounts = accounts();
    let when = ann(&accounts, registered()).at(NOW).when(erase(SECRET));
    let left = Account {
        characters: vec![ANNS],
        erased: Some(NOW),
        ..Account::default()
    };
    assert_eq!(when.state, left);
    let ended = AccountEvent::SessionEnded {
        session: PHONE,
        why: SessionEnd::LoggedOutEverywhere,
    };
    when.then([ended, erased()]).answer();
}

#[test]
fn it_is_for_good_and_the_same_again_is_no_error() {
    let accounts = accounts();
    let gone = || registered().into_iter().chain([erased()]);
    ann(&accounts, gone()).when(erase(SECRET)).then([]).answer();
    let proof = accounts.guests.proof(ANN);
    let back = AccountCommand::LoginGuest {
        account: ANN,
        proof,
        asker: asker(LAPTOP),
    };
    ann(&accounts, gone())
        .when(back.into())
        .then([])
        .refused(BAD_LOGIN);
    let anew = AccountCommand::RegisterGuest {
        account: ANN,
        character: ANNS,
        name: name(),
        asker: asker(LAPTOP),
    };
    ann(&accounts, gone())
        .when(anew.into())
        .then([])
        .refused(BAD_LOGIN);
    let described = AccountCommand::Describe { account: ANN };
    ann(&accounts, gone())
        .when(described.into())
        .then([])
        .refused(NOT_YOURS);
    let tidied = AccountCommand::RemoveCharacter {
        account: ANN,
        character: ANNS,
    };
    ann(&accounts, gone())
        .when(tidied.into())
        .then([AccountEvent::CharacterRemoved { character: ANNS }])
        .answer();
}
