//! Names with a password: begun, proven, changed.

use super::*;
use crate::refusals::{BAD_LOGIN, WEAK_PASSWORD};

fn new() -> Evidence {
    Evidence::New { hash: hash(1) }
}

const RIGHT: Evidence = Evidence::Right { rehashed: None };

#[test]
fn a_name_is_begun_and_lets_in() {
    let answer = ann(&credentials(), [])
        .when(Asked::with(register(ANN), new()))
        .then(registered())
        .asking_nobody()
        .answer();
    let (grant, claims) = grant(answer);
    assert_eq!((grant.account, grant.fresh), (ANN, true));
    assert_eq!((claims.sub, claims.method), (ANN, Method::Password));
    assert_eq!(claims.credential.to_string(), key());
    assert!(!claims.changed);
}

#[test]
fn a_name_that_somebody_has_is_taken() {
    ann(&credentials(), registered())
        .when(register(BEN).into())
        .then([])
        .refused(NAME_TAKEN);
}

#[test]
fn the_same_registration_twice_is_a_login() {
    let answer = ann(&credentials(), registered())
        .when(Asked::with(register(ANN), RIGHT))
        .then([granted()])
        .answer();
    assert!(!grant(answer).0.fresh);
}

#[test]
fn a_password_that_would_be_guessed_is_refused() {
    let weak = Evidence::Refused(refusal(WEAK_PASSWORD));
    for (events, command) in [(vec![], register(ANN)), (registered(), change(ANN))] {
        ann(&credentials(), events)
            .when(Asked::with(command, weak.clone()))
            .then([])
            .refused(WEAK_PASSWORD);
    }
}

#[test]
fn the_right_password_lets_into_its_account() {
    let answer = ann(&credentials(), registered())
        .when(Asked::with(log_in(), RIGHT))
        .then([granted()])
        .answer();
    let (grant, claims) = grant(answer);
    assert_eq!((grant.account, grant.fresh), (ANN, false));
    assert_eq!(
        claims.digest(),
        Digest::of(grant_id(&key(), &ctx()).as_bytes())
    );
}

#[test]
fn each_login_has_a_grant_of_its_own() {
    let credentials = credentials();
    let at = |sequence| {
        let given = ann(&credentials, registered()).sequence(sequence);
        let answer = given.when(Asked::with(log_in(), RIGHT)).answer();
        grant(answer).1.digest()
    };
    assert_ne!(at(100), at(101));
    assert_eq!(at(100), at(100), "and the same command the same one");
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_refused_and_noted_alike() {
    for events in [registered(), vec![]] {
        ann(&credentials(), events)
            .when(Asked::with(log_in(), Evidence::Wrong))
            .then(failed(1))
            .refused(BAD_LOGIN);
    }
}

#[test]
fn an_old_hash_is_replaced_at_the_next_login() {
    let rehashed = Evidence::Right {
        rehashed: Some(hash(2)),
    };
    let changed = CredentialEvent::HashChanged {
        hash: hash(2),
        rehashed: true,
    };
    let after = ann(&credentials(), registered())
        .when(Asked::with(log_in(), rehashed))
        .then([changed, granted()]);
    assert_eq!(after.state.hash, Some(hash(2)));
    assert!(!grant(after.answer()).1.changed, "it is the same password");
}

#[test]
fn a_changed_password_gives_a_grant_that_says_so() {
    let new = Evidence::New { hash: hash(2) };
    let changed = CredentialEvent::HashChanged {
        hash: hash(2),
        rehashed: false,
    };
    let answer = ann(&credentials(), registered())
        .when(Asked::with(change(ANN), new))
        .then([changed, granted()])
        .answer();
    assert!(grant(answer).1.changed);
}

#[test]
fn only_its_owner_changes_a_password_and_only_with_the_old_one() {
    for (events, who) in [(registered(), BEN), (vec![], ANN)] {
        ann(&credentials(), events)
            .when(change(who).into())
            .then([])
            .refused(NOT_YOURS);
    }
    ann(&credentials(), registered())
        .when(Asked::with(change(ANN), Evidence::Wrong))
        .then(failed(1))
        .refused(BAD_LOGIN);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let credentials = credentials();
    let nobody = CredentialCommand::LogIn {
        account: BEN,
        secret: SealedTo::default(),
        reply_key: BoxKey::default(),
    };
    ann(&credentials, registered())
        .when(Asked::with(nobody, RIGHT))
        .then([])
        .refused(BAD_REQUEST);
    given(&credentials, "no digest", [])
        .when(Asked::with(log_in(), RIGHT))
        .then([])
        .refused(BAD_REQUEST);
    let unprepared = ann(&credentials, registered()).when(log_in().into());
    unprepared.then([]).refused(BAD_REQUEST);
    let strange = Asked::with(log_in(), Evidence::New { hash: hash(2) });
    ann(&credentials, registered())
        .when(strange)
        .then([])
        .refused(BAD_REQUEST);
}
