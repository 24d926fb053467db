//! Passwords, from the first to the next, and what the broker holds of them afterwards: nothing.

use schemas::credential::{CredentialCommand, Secret};
use schemas::subjects::Domain;

use crate::stage::{Stage, all};

const FIRST: &str = "correct horse battery";
const SECOND: &str = "a different animal";

/// Whatever of `secret` may be recognised stands in none of these.
fn assert_absent(stored: &[Vec<u8>], secret: &str) {
    for message in stored {
        let found = message
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret:?} is readable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_lets_in_is_changed_and_is_found_in_no_stream() {
    let stage = Stage::new().await;
    let life = stage.start().await;
    let first = stage.register("Ann", FIRST).await.unwrap();
    let code = async |name: &str, password: &str| {
        let refused = stage.log_in(name, password).await;
        refused.unwrap_err().code
    };
    assert_eq!(
        stage.register("ann", SECOND).await.unwrap_err().code,
        "name_taken"
    );
    assert_eq!(
        stage.register("Ben", "password1").await.unwrap_err().code,
        "weak_password"
    );
    assert_eq!(code("Ann", "wrong").await, "bad_login");
    assert_eq!(code("Nobody", FIRST).await, "bad_login");
    let second = stage.log_in(" ANN ", FIRST).await.unwrap();
    assert_eq!(second.account, first.account);

    let change = |secret, reply_key| CredentialCommand::ChangePassword {
        account: first.account,
        secret,
        reply_key,
    };
    let passwords = Secret::NewPassword {
        old: FIRST.into(),
        new: SECOND.into(),
    };
    let key = stage.key("Ann");
    let grant = stage.prove(&key, &passwords, change).await.unwrap();
    let third = stage.open_session(&grant).await.unwrap();
    let used = stage.open_session(&grant).await.unwrap_err();
    assert_eq!(used.code, "grant_used");
    assert_eq!(code("Ann", FIRST).await, "bad_login");
    stage.log_in("Ann", SECOND).await.unwrap();

    let mut stored = Vec::new();
    for domain in [Domain::Credential, Domain::Identity] {
        stored.extend(all(&stage.inside, domain.command_stream(), None).await);
        stored.extend(all(&stage.inside, domain.event_stream(), None).await);
    }
    for bucket in ["keys", "identity_keys", "nonces"] {
        let bucket = stage.inside.bucket(bucket).await.unwrap();
        let entries = bucket.entries().await.unwrap();
        stored.extend(entries.into_iter().filter_map(|e| Some(e.value?.to_vec())));
    }
    assert!(stored.len() > 20, "only {} messages", stored.len());
    for secret in [FIRST, SECOND, "argon2id", &grant.token] {
        assert_absent(&stored, secret);
    }
    for tokens in [first, second, third] {
        let (_, secret) = tokens.refresh_token.rsplit_once('.').unwrap();
        assert_absent(&stored, secret);
        assert_absent(&stored, &tokens.access_token);
    }
    life.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_close_a_name_whether_it_exists_or_not() {
    let stage = Stage::new().await;
    let life = stage.start().await;
    stage.register("Ann", FIRST).await.unwrap();
    for name in ["Ann", "Nobody"] {
        for _ in 0..6 {
            let refused = stage.log_in(name, "wrong").await.unwrap_err();
            if refused.code == "locked" {
                assert!(refused.retry_after.is_some());
            }
        }
        let locked = stage.log_in(name, FIRST).await.unwrap_err();
        assert_eq!(locked.code, "locked", "{name}");
    }
    life.end().await;
}
