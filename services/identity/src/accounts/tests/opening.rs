//! Sessions that a credential's grant begins.

use schemas::account::{SecurityNotice, SessionEnd};

use super::*;
use crate::refusals::{GRANT_EXPIRED, GRANT_USED, NOT_LINKED};

const CREDENTIAL: Digest = Digest([3; 16]);

fn grant(changed: bool) -> GrantClaims {
    let who = (Method::Password, CREDENTIAL);
    GrantClaims::new(ANN, who, "credential.5.1".into(), NOW, changed)
}

/// Somebody who is logged in on the phone wants this.
fn on_the_phone() -> AccessClaims {
    AccessClaims::new(ANN, PHONE, NOW, None)
}

fn open(claims: Result<GrantClaims, Refusal>) -> AccountAsked {
    open_with(claims, Some(on_the_phone()))
}

fn open_with(claims: Result<GrantClaims, Refusal>, warrant: Option<AccessClaims>) -> AccountAsked {
    let command = AccountCommand::OpenSession {
        account: ANN,
        grant: SealedTo::default(),
        asker: asker(LAPTOP),
    };
    Asked::with(command, claims.map(|grant| Proven { grant, warrant }))
}

fn by_password() -> AccountEvent {
    AccountEvent::SessionOpened {
        session: session(LAPTOP, Method::Password, NOW),
        grant: Some(grant(false).digest()),
    }
}

fn linked() -> AccountEvent {
    AccountEvent::CredentialLinked {
        method: Method::Password,
        credential: CREDENTIAL,
    }
}

#[test]
fn an_account_begins_with_its_first_session() {
    let accounts = accounts();
    let begun = ann(&accounts, []).when(open(Ok(grant(false)))).then([
        AccountEvent::Registered {
            account: ANN,
            method: Method::Password,
        },
        linked(),
        by_password(),
        AccountEvent::LoggedIn { account: ANN },
    ]);
    assert_eq!((begun.state.since, begun.state.logins), (NOW, 1));
    let tokens = tokens(begun.answer());
    assert_eq!(tokens.guest_token, None);
    assert_eq!(tokens.characters, []);
}

#[test]
fn a_guest_who_chose_a_password_keeps_everything() {
    let answer = ann(&accounts(), registered())
        .when(open(Ok(grant(false))))
        .then([
            linked(),
            by_password(),
            AccountEvent::LoggedIn { account: ANN },
        ])
        .answer();
    let tokens = tokens(answer);
    assert_eq!(tokens.characters, [ANNS]);
    assert_eq!(tokens.guest_token, None, "a password took its place");
}

#[test]
fn an_account_that_exists_takes_a_further_credential_only_on_its_owners_word() {
    let of_ben = AccessClaims::new(AccountId(8), PHONE, NOW, None);
    let elsewhere = AccessClaims::new(ANN, LoginId(99), NOW, None);
    for warrant in [None, Some(of_ben), Some(elsewhere)] {
        ann(&accounts(), registered())
            .when(open_with(Ok(grant(false)), warrant))
            .then([])
            .refused(NOT_LINKED);
    }
    // Ten minutes after the token was over.
    let late = UnixMillis(NOW.0 + 1_201_000);
    let fresh = GrantClaims {
        iat: late.0 / 1000,
        exp: late.0 / 1000 + 30,
        ..grant(false)
    };
    ann(&accounts(), registered())
        .at(late)
        .when(open(Ok(fresh)))
        .then([])
        .refused(NOT_LINKED);
    let mut events = registered();
    events.push(linked());
    ann(&accounts(), events)
        .when(open_with(Ok(grant(false)), None))
        .then([by_password(), AccountEvent::LoggedIn { account: ANN }]);
}

#[test]
fn a_warrant_that_identity_has_not_signed_is_none() {
    let (ours, theirs) = (KeyRing::alone(), KeyRing::alone());
    let token = ours.token(&on_the_phone());
    assert_eq!(ours.access(&token), Some(on_the_phone()));
    assert_eq!(theirs.access(&token), None);
}

#[test]
fn a_grant_is_taken_once() {
    let events = [linked(), by_password()];
    let again = AccountCommand::OpenSession {
        account: ANN,
        grant: SealedTo::default(),
        asker: asker(PHONE),
    };
    ann(&accounts(), events)
        .when(Asked::with(
            again,
            Ok(Proven {
                grant: grant(false),
                warrant: None,
            }),
        ))
        .then([])
        .refused(GRANT_USED);
}

#[test]
fn a_grant_is_good_for_thirty_seconds() {
    ann(&accounts(), [])
        .at(UnixMillis(NOW.0 + 31_000))
        .when(open(Ok(grant(false))))
        .then([])
        .refused(GRANT_EXPIRED);
}

#[test]
fn a_grant_for_somebody_else_is_refused() {
    let bens = GrantClaims {
        sub: AccountId(8),
        ..grant(false)
    };
    ann(&accounts(), registered())
        .when(open(Ok(bens)))
        .then([])
        .refused(NOT_YOURS);
}

#[test]
fn a_grant_that_does_not_open_is_refused_for_its_reason() {
    for code in [OLD_KEY, BAD_REQUEST] {
        ann(&accounts(), registered())
            .when(open(Err(refusal(code))))
            .then([])
            .refused(code);
    }
}

#[test]
fn a_changed_password_ends_every_other_session() {
    let changed = GrantClaims {
        changed: true,
        ..grant(true)
    };
    let mut events = registered();
    events.push(linked());
    let after = ann(&accounts(), events).when(open(Ok(changed))).then([
        AccountEvent::SessionEnded {
            session: PHONE,
            why: SessionEnd::LoggedOutEverywhere,
        },
        AccountEvent::Security {
            what: SecurityNotice::PasswordChanged,
            session: LAPTOP,
            at: NOW,
            grant: None,
        },
        by_password(),
        AccountEvent::LoggedIn { account: ANN },
    ]);
    assert_eq!(after.state.sessions.len(), 1);
}

#[test]
fn the_session_that_changes_the_password_goes_on_alone() {
    let changed = GrantClaims {
        changed: true,
        jti: "another".into(),
        ..grant(true)
    };
    let mut events = registered();
    events.extend([linked(), by_password()]);
    let after = ann(&accounts(), events.clone())
        .when(open(Ok(changed.clone())))
        .then([
            AccountEvent::SessionEnded {
                session: PHONE,
                why: SessionEnd::LoggedOutEverywhere,
            },
            AccountEvent::Security {
                what: SecurityNotice::PasswordChanged,
                session: LAPTOP,
                at: NOW,
                grant: Some(changed.digest()),
            },
        ]);
    let left: Vec<_> = after.state.sessions.iter().map(|s| s.id).collect();
    assert_eq!(left, [LAPTOP]);
    assert!(after.state.grants.contains(&changed.digest()), "taken once");
}

#[tokio::test]
async fn a_sealed_grant_is_opened_where_it_was_sealed_for() {
    let accounts = accounts();
    let (kid, public) = accounts.keys.box_key();
    let token = accounts.grants.token(&grant(false));
    let warrant = Some(accounts.keys.token(&on_the_phone()));
    let secret = encode(&Secret::Grant { token, warrant });
    let seal = |bound_to: &[u8]| {
        SealedTo::seal(
            public,
            &kid,
            schemas::sealed_to::CREDENTIAL,
            bound_to,
            &secret,
        )
        .unwrap()
    };
    let key = ANN.to_string();
    let here = bound_to(&key, asker(LAPTOP).reply_key);
    let opened = accounts.opened(&key, &seal(&here), &asker(LAPTOP)).await;
    let proven = Proven {
        grant: grant(false),
        warrant: Some(on_the_phone()),
    };
    assert_eq!(opened, Ok(proven));
    let elsewhere = seal(b"elsewhere");
    let closed = accounts.opened(&key, &elsewhere, &asker(LAPTOP)).await;
    assert_eq!(closed.unwrap_err().code, BAD_REQUEST);
    let unknown = SealedTo {
        key: "gone".into(),
        ..seal(&here)
    };
    let old = accounts.opened(&key, &unknown, &asker(LAPTOP)).await;
    assert_eq!(old.unwrap_err().code, OLD_KEY);
}
