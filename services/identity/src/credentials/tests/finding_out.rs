//! What is found out about a command before it is decided.

use std::time::Duration;

use schemas::credential::Secret;
use schemas::sealed_to::CREDENTIAL;

use super::*;
use crate::refusals::{BUSY, OLD_KEY, WEAK_PASSWORD};

const PASSWORD: &str = "correct horse";

fn sealed(checks: &Checks, secret: &Secret) -> SealedTo {
    let (kid, public) = checks.keys.box_key();
    let bound_to = bound_to(&key(), reply_secret().public());
    SealedTo::seal(public, &kid, CREDENTIAL, &bound_to, &encode(secret)).unwrap()
}

fn password(text: &str) -> Secret {
    Secret::Password {
        password: text.into(),
    }
}

fn with(mut command: CredentialCommand, sealed: SealedTo) -> CredentialCommand {
    match &mut command {
        CredentialCommand::Register { secret, .. }
        | CredentialCommand::LogIn { secret, .. }
        | CredentialCommand::ChangePassword { secret, .. } => *secret = sealed,
        CredentialCommand::Erase { .. } => {}
    }
    command
}

async fn gathered(
    checks: &Checks,
    state: &Credential,
    command: CredentialCommand,
    secret: &Secret,
) -> Evidence {
    let command = with(command, sealed(checks, secret));
    let ctx = Context {
        stored_at: UnixMillis::now(),
        ..ctx()
    };
    checks.gather(&key(), state, &command, &ctx).await
}

/// Ann's credential as this service would have stored it.
async fn anns(checks: &Checks) -> Credential {
    let new = gathered(
        checks,
        &Credential::default(),
        register(ANN),
        &password(PASSWORD),
    )
    .await;
    let Evidence::New { hash } = new else {
        panic!("{new:?}");
    };
    Credential {
        account: Some(ANN),
        method: Some(Method::Password),
        hash: Some(hash),
        ..Credential::default()
    }
}

fn code(evidence: &Evidence) -> &str {
    match evidence {
        Evidence::Refused(why) => &why.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn passwords_are_compared_with_the_sealed_hash_or_with_nothing() {
    let checks = checks();
    let (ann, nobody) = (anns(&checks).await, Credential::default());
    let right = Evidence::Right { rehashed: None };
    for (state, text, expected) in [
        (&ann, PASSWORD, right),
        (&ann, "wrong", Evidence::Wrong),
        (&nobody, PASSWORD, Evidence::Wrong),
    ] {
        let found = gathered(&checks, state, log_in(), &password(text)).await;
        assert_eq!(found, expected, "{text}");
    }
    let stored = format!("{ann:?}");
    assert!(!stored.contains("argon2id"), "the hash is sealed");
}

#[tokio::test]
async fn a_hash_belongs_to_one_name() {
    let checks = checks();
    let ann = anns(&checks).await;
    let other = checks.locator.login_name("Ben").to_string();
    let opened = checks.vault.open(ann.hash.as_ref().unwrap(), &other);
    assert!(opened.is_none());
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_must_be_good() {
    let checks = checks();
    let ann = anns(&checks).await;
    let change = |old: &str, new: &str| {
        let secret = Secret::NewPassword {
            old: old.into(),
            new: new.into(),
        };
        let (checks, ann) = (&checks, &ann);
        async move { gathered(checks, ann, change(ANN), &secret).await }
    };
    let good = change(PASSWORD, "battery staple").await;
    assert!(matches!(good, Evidence::New { .. }), "{good:?}");
    assert_eq!(change("wrong", "battery staple").await, Evidence::Wrong);
    assert_eq!(code(&change(PASSWORD, "password").await), WEAK_PASSWORD);
    let name = change(PASSWORD, "I am ann myself").await;
    assert_eq!(code(&name), WEAK_PASSWORD);
}

#[tokio::test]
async fn secrets_of_the_wrong_kind_and_to_other_keys_are_refused() {
    let checks = checks();
    let state = Credential::default();
    let grant = Secret::Grant {
        token: "x".into(),
        warrant: None,
    };
    for command in [log_in(), register(ANN), change(ANN)] {
        let found = gathered(&checks, &state, command, &grant).await;
        assert_eq!(code(&found), BAD_REQUEST);
    }
    let mut other = sealed(&checks, &password(PASSWORD));
    other.key = "gone".into();
    let found = checks
        .gather(&key(), &state, &with(log_in(), other), &ctx())
        .await;
    assert_eq!(code(&found), OLD_KEY);
    let unsealed = with(
        log_in(),
        SealedTo {
            key: checks.keys.box_key().0,
            ..SealedTo::default()
        },
    );
    let found = checks.gather(&key(), &state, &unsealed, &ctx()).await;
    assert_eq!(code(&found), BAD_REQUEST);
}

#[tokio::test]
async fn a_login_that_has_waited_too_long_is_refused_as_busy() {
    let long_ago = UnixMillis(UnixMillis::now().0 - 3_000);
    let command = |checks: &Checks| with(log_in(), sealed(checks, &password(PASSWORD)));
    let old = Context {
        stored_at: long_ago,
        ..ctx()
    };
    let mut checks = checks();
    checks.serving_since = UnixMillis(0);
    let found = checks
        .gather(&key(), &Credential::default(), &command(&checks), &old)
        .await;
    assert_eq!(code(&found), BUSY);
    // What has waited for the service to begin is done.
    checks.serving_since = UnixMillis::now();
    checks.patience = Duration::from_secs(60);
    let found = checks
        .gather(&key(), &Credential::default(), &command(&checks), &old)
        .await;
    assert_eq!(found, Evidence::Wrong);
}

#[tokio::test]
async fn a_provider_that_is_not_configured_vouches_for_nobody() {
    let checks = checks();
    let secret = Secret::IdToken {
        provider: "nobody".into(),
        token: "a.b.c".into(),
        nonce: "n".into(),
    };
    let found = gathered(&checks, &Credential::default(), log_in(), &secret).await;
    assert_eq!(code(&found), "oidc_unknown_provider");
}
