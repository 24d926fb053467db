//! Keys that change by themselves, shared by all instances.

use std::time::Duration;

use runtime::Span;
use schemas::credential::{CredentialCommand, CredentialReply};
use schemas::keyed::Refusal;
use schemas::public_keys::{BoxKeyEntry, CurrentKeys};
use schemas::sealed_to::BoxSecret;
use schemas::subjects::Domain;
use schemas::{AccountId, decode};

use crate::stage::{Stage, eventually, seal_to, typed};

const PASSWORD: &str = "correct horse battery";

async fn log_in_sealed_to(stage: &Stage, key: &BoxKeyEntry) -> Result<(), Refusal> {
    let place = stage.key("Ann");
    let reply = BoxSecret::generate();
    let command = CredentialCommand::LogIn {
        account: AccountId(1),
        secret: seal_to(key, &place, reply.public(), &typed(PASSWORD)),
        reply_key: reply.public(),
    };
    let soon = Duration::from_secs(30);
    let asked =
        stage
            .requester
            .ask::<_, CredentialReply>(Domain::Credential, &place, &command, soon);
    asked.await.expect("an answer").map(drop)
}

/// What a login sealed to `key` is answered during the turn of `current`; `None` when that turn has ended meanwhile, for
/// then the answer shows nothing.
async fn answer_in_turn(
    stage: &Stage,
    key: &BoxKeyEntry,
    current: &BoxKeyEntry,
) -> Option<Result<(), Refusal>> {
    let answer = log_in_sealed_to(stage, key).await;
    (stage.current().await.kid == current.kid).then_some(answer)
}

/// The names of identity's private keys of one use.
async fn private(stage: &Stage, usage: &str) -> Vec<String> {
    let bucket = stage.inside.bucket("identity_keys").await.unwrap();
    let keys = bucket.keys().await.unwrap();
    let of_use = keys.iter().filter_map(|key| key.strip_prefix(usage));
    of_use.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_have_the_same_keys_and_either_answers() {
    let stage = Stage::new().await;
    let (first, second) = tokio::join!(stage.start(), stage.start());
    stage.register("Ann", PASSWORD).await.unwrap();
    let before = stage.current().await;
    for _ in 0..20 {
        stage.log_in("Ann", PASSWORD).await.unwrap();
    }
    assert_eq!(private(&stage, "box.").await.join(" "), before.kid);
    assert_eq!(private(&stage, "sign.").await.len(), 1);
    first.kill().await;
    stage.log_in("Ann", PASSWORD).await.unwrap();
    assert_eq!(stage.current().await, before, "nothing was due");
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_key_opens_for_one_more_turn_and_is_destroyed_after_it() {
    let mut stage = Stage::new().await;
    stage.config.box_rotation = Span::from_secs(3);
    let life = stage.start().await;
    stage.register("Ann", PASSWORD).await.unwrap();
    let changed = async |from: &BoxKeyEntry| {
        eventually("the key changes", async || {
            let now = stage.current().await;
            (now.kid != from.kid).then_some(now)
        })
        .await
    };
    let old = eventually("logins within one turn", async || {
        let old = stage.current().await;
        let next = changed(&old).await;
        let answer = answer_in_turn(&stage, &old, &next).await?;
        answer.expect("one more turn");
        let answer = answer_in_turn(&stage, &next, &next).await?;
        answer.expect("the current one");
        Some(old)
    })
    .await;
    eventually("the old key is destroyed", async || {
        let kept = private(&stage, "box.").await;
        (!kept.contains(&old.kid)).then_some(())
    })
    .await;
    // What the instance has in its memory goes a moment after what is in the bucket.
    let refused = eventually("the old key opens no more", async || {
        log_in_sealed_to(&stage, &old).await.err()
    })
    .await;
    assert_eq!(refused.code, "sealed_to_an_old_key");
    let bucket = stage.inside.bucket("identity_keys").await.unwrap();
    let left = bucket.history(&format!("box.{}", old.kid)).await.unwrap();
    assert_eq!(left, [], "not even its former value is in the bucket");
    let answer = eventually("a login within one turn", async || {
        let current = stage.current().await;
        answer_in_turn(&stage, &current, &current).await
    });
    answer.await.expect("the current one");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_the_key_before_stay_verifiable_and_its_private_half_is_gone() {
    let mut stage = Stage::new().await;
    stage.config.signing_rotation = Span::from_secs(3);
    let life = stage.start().await;
    let tokens = stage.register("Ann", PASSWORD).await.unwrap();
    let kid = jsonwebtoken::decode_header(&tokens.access_token)
        .unwrap()
        .kid
        .expect("a key's name");
    eventually("the private half is destroyed", async || {
        let kept = private(&stage, "sign.").await;
        (!kept.contains(&kid)).then_some(())
    })
    .await;
    let public = stage.edge.bucket("keys").await.unwrap();
    let verifies = public.get(&format!("sign.{kid}")).await.unwrap();
    assert!(verifies.is_some(), "tokens of it are alive");
    let current = public.get("current").await.unwrap().unwrap().value.unwrap();
    let current: CurrentKeys = decode(&current).unwrap();
    assert_ne!(current.sign_kid, kid);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_secret_is_told_rather_than_guessed_around() {
    let mut stage = Stage::new().await;
    let life = stage.start().await;
    stage.current().await;
    life.end().await;
    stage.config.secret = "another secret of thirty-two bytes".to_owned().into();
    let told = stage.start().await.failure().await;
    assert!(told.contains("identity.secret"), "{told}");
}
