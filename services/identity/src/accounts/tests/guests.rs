//! Guests begin and come back.

use schemas::sealed::RealmKey;

use super::*;
use crate::refusals::BAD_LOGIN;

fn register(name: Sealed) -> AccountAsked {
    AccountCommand::RegisterGuest {
        account: ANN,
        character: ANNS,
        name,
        asker: asker(PHONE),
    }
    .into()
}

fn login(proof: Digest) -> AccountAsked {
    AccountCommand::LoginGuest {
        account: ANN,
        proof,
        asker: asker(LAPTOP),
    }
    .into()
}

#[test]
fn a_guest_begins_and_is_logged_in() {
    let accounts = accounts();
    let answer = ann(&accounts, [])
        .when(register(name()))
        .then(registered())
        .asking_nobody()
        .answer();
    let tokens = tokens(answer);
    assert_eq!((tokens.account, tokens.session), (ANN, PHONE));
    assert_eq!(tokens.characters, [ANNS]);
    assert_eq!(tokens.guest_token, Some(accounts.guests.token(ANN)));
    assert_eq!(tokens.refresh_token, accounts.refresh.token(ANN, PHONE, 1));
    assert_eq!(tokens.expires_in, LIFETIME_SECONDS);
}

#[test]
fn the_same_registration_twice_is_answered_alike() {
    let accounts = accounts();
    let first = ann(&accounts, []).when(register(name())).answer();
    let second = ann(&accounts, registered())
        .when(register(name()))
        .then([])
        .answer();
    let (first, second) = (tokens(first), tokens(second));
    assert!(first == second, "the same tokens");
}

#[test]
fn an_account_that_exists_is_not_registered_over() {
    let somebody_else = RealmKey::from_bytes([1; 32]).seal("Ben");
    ann(&accounts(), registered())
        .when(register(somebody_else))
        .then([])
        .refused(BAD_LOGIN);
}

#[test]
fn whoever_holds_the_token_logs_in_again() {
    let accounts = accounts();
    let answer = ann(&accounts, registered())
        .when(login(accounts.guests.proof(ANN)))
        .then([opened(LAPTOP, NOW), AccountEvent::LoggedIn { account: ANN }])
        .answer();
    let tokens = tokens(answer);
    assert_eq!((tokens.session, tokens.name), (LAPTOP, name()));
}

#[test]
fn a_wrong_token_is_refused_and_noted() {
    ann(&accounts(), registered())
        .when(login(Digest([9; 16])))
        .then([AccountEvent::LoginFailed { account: ANN }])
        .refused(BAD_LOGIN);
}

#[test]
fn an_account_that_does_not_exist_is_refused_in_the_same_words() {
    let accounts = accounts();
    let unknown = ann(&accounts, []).when(login(Digest([9; 16])));
    unknown.then([]).refused(BAD_LOGIN);
    assert_eq!(accounts.refusal(BAD_LOGIN), refusal(BAD_LOGIN));
}

#[test]
fn the_guests_token_ends_with_the_first_password() {
    let accounts = accounts();
    let mut events = registered();
    events.push(AccountEvent::CredentialLinked {
        method: Method::Password,
        credential: Digest([3; 16]),
    });
    ann(&accounts, events)
        .when(login(accounts.guests.proof(ANN)))
        .then([AccountEvent::LoginFailed { account: ANN }])
        .refused(BAD_LOGIN);
}

#[test]
fn a_session_is_not_begun_twice() {
    let accounts = accounts();
    let command = AccountCommand::LoginGuest {
        account: ANN,
        proof: accounts.guests.proof(ANN),
        asker: asker(PHONE),
    };
    ann(&accounts, registered())
        .when(command.into())
        .then([])
        .refused(BAD_REQUEST);
}
