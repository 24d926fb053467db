//! Who is logged in: in the bucket for everybody to see, and out of the world when the login ends.

use edge::Config;
use eventlog::Bucket;
use schemas::online::{BUCKET, OnlineEntry};
use schemas::wire::CloseCode;
use schemas::{AccountId, CharacterId, LoginId};
use serde_json::json;

use crate::client::Client;
use crate::stage::{Stage, config, ticket, until};
use crate::web::{post, send_as};

async fn sessions(stage: &Stage) -> Bucket {
    stage.log.bucket(BUCKET).await.expect("the twin")
}

async fn entry(sessions: &Bucket, character: CharacterId) -> Option<OnlineEntry> {
    let entry = sessions
        .get(&character.to_string())
        .await
        .expect("the twin");
    let value = entry.and_then(|entry| entry.value)?;
    Some(schemas::decode(&value).expect("an entry"))
}

#[tokio::test]
async fn whoever_plays_is_in_the_bucket_until_they_leave() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let ann = CharacterId(7);
    let sessions = sessions(&stage).await;
    assert_eq!(entry(&sessions, ann).await, None);
    let client = stage.player(&edge, ann.0).await;
    until("she is there", async || {
        entry(&sessions, ann).await.is_some()
    })
    .await;
    let here = entry(&sessions, ann).await.expect("there");
    assert_eq!((here.character, here.account), (ann, AccountId(1)));
    assert_eq!(here.area.as_str(), "harbor-1");
    drop(client);
    until("she has gone", async || {
        entry(&sessions, ann).await.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_character_that_goes_to_another_edge_stays_in_the_bucket() {
    let stage = Stage::new(&["harbor-1"]).await;
    let (one, other) = (stage.edge().await, stage.edge().await);
    let ann = CharacterId(7);
    let sessions = sessions(&stage).await;
    let mut first = stage.player(&one, ann.0).await;
    until("she is on one", async || {
        entry(&sessions, ann).await.is_some()
    })
    .await;
    let before = entry(&sessions, ann).await.expect("there").edge;
    let _second = stage.player(&other, ann.0).await;
    assert_eq!(first.until_closed().await, CloseCode::Replaced.code());
    until("she is on the other", async || {
        entry(&sessions, ann)
            .await
            .is_some_and(|here| here.edge != before)
    })
    .await;
    // What the first edge does at the end must not take away what is the second's.
    drop(first);
    let later = CharacterId(8);
    drop(stage.player(&one, later.0).await);
    until("the first edge has written later changes", async || {
        entry(&sessions, later).await.is_none()
    })
    .await;
    assert!(
        entry(&sessions, ann)
            .await
            .is_some_and(|here| here.edge != before)
    );
}

#[tokio::test]
async fn whoever_plays_in_a_login_that_ends_is_logged_out_and_does_not_come_back() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let ann = CharacterId(7);
    let mut client = stage.player(&edge, ann.0).await;
    // The double of the lobby has everybody begin in this session.
    stage.identity.end(AccountId(1), LoginId(1)).await;
    assert_eq!(client.until_closed().await, CloseCode::SessionEnded.code());
    let sessions = sessions(&stage).await;
    until("she has gone", async || {
        entry(&sessions, ann).await.is_none()
    })
    .await;
    let mut again = Client::open(edge.address).await;
    again.identify(&ticket(ann, "another")).await;
    assert_eq!(again.until_closed().await, CloseCode::SessionEnded.code());
}

#[tokio::test]
async fn an_edge_that_begins_knows_what_has_ended_before() {
    let stage = Stage::new(&[]).await;
    let typed = json!({ "name": "ann", "password": "correct horse" });
    let first = stage.edge().await;
    let begun = post(first.address, "/v1/register", &typed).await;
    let token = begun.get("access_token").to_owned();
    assert_eq!(
        send_as(first.address, &token, "POST /v1/logout", None)
            .await
            .status,
        204
    );
    let later = stage.edge_with(Config { ..config() }).await;
    let asked = send_as(later.address, &token, "GET /v1/account", None).await;
    assert_eq!(asked.problem(), (401, "session_ended"));
}
