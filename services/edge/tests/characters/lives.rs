//! Created, listed, deleted, restored, gone; and what a crash in between leaves behind.

use std::time::Duration;

use runtime::Span;
use schemas::account::{AccountCommand, AccountReply};
use schemas::lobby::Ranking;
use schemas::name::{NameCommand, NameReply};
use schemas::subjects::Domain;
use schemas::{AccountId, CharacterId};
use serde_json::{Value, json};

use crate::stage::{Stage, refused, until};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_is_created_listed_deleted_and_restored() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let ann = edge.guest("Ann").await;
    assert_eq!(ann.names().await, ["Ann"]);

    let (status, second) = ann.create("  Anna   Lee ").await;
    assert_eq!(status, 201, "{second}");
    assert_eq!(
        (&second["name"], &second["level"], &second["played_ms"]),
        (&json!("Anna Lee"), &json!(1), &json!(0))
    );
    let id = second["id"].as_str().expect("an id");
    assert_eq!(ann.names().await, ["Ann", "Anna Lee"]);
    let (status, start) = ann.start(id).await;
    assert_eq!(
        (
            status,
            &start["area"],
            &start["endpoint"],
            &start["endpoints"]
        ),
        (
            200,
            &json!("harbor-1"),
            &json!("/v1/ws"),
            &json!(["/v1/ws"])
        ),
        "{start}"
    );

    let (status, deleted) = ann.delete(id).await;
    assert_eq!(status, 200, "{deleted}");
    let until = deleted["deleted_until"].as_u64().expect("a time");
    assert_eq!(ann.delete(id).await.1["deleted_until"], until, "once");
    let listed = ann.list().await;
    assert_eq!(listed[1]["deleted_until"], until);
    assert_eq!(refused(&ann.start(id).await), (409, "deleted"));
    // Its name is still its own.
    let taken = ann.create("anna lee").await;
    assert_eq!(refused(&taken), (409, "name_taken"));

    let (status, restored) = ann.restore(id).await;
    assert_eq!((status, &restored["deleted_until"]), (200, &Value::Null));
    assert_eq!(ann.start(id).await.0, 200);
    let taken = ann.create("anna lee").await;
    assert_eq!(refused(&taken), (409, "name_taken"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_touches_what_is_somebody_elses_or_nobodys() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let (ann, ben) = (edge.guest("Ann").await, edge.guest("Ben").await);
    assert_eq!(
        refused(&ben.delete(&ann.character).await),
        (403, "not_yours")
    );
    assert_eq!(
        refused(&ben.restore(&ann.character).await),
        (403, "not_yours")
    );
    assert_eq!(
        refused(&ben.start(&ann.character).await),
        (403, "not_yours")
    );
    for nobody in [&CharacterId(1).to_string(), "nonsense", "%2e%2e"] {
        let gone = (404, "no_such_character");
        assert_eq!(refused(&ben.delete(nobody).await), gone, "{nobody}");
        assert_eq!(refused(&ben.restore(nobody).await), gone, "{nobody}");
    }
    for (method, path) in [
        ("GET", "/v1/characters"),
        ("POST", "/v1/characters"),
        ("DELETE", "/v1/characters/x"),
        ("POST", "/v1/characters/x/restore"),
    ] {
        let answer = edge
            .ask(method, path, "nonsense", json!({ "name": "X" }))
            .await;
        assert_eq!(refused(&answer), (401, "not_logged_in"), "{method} {path}");
    }
    assert_eq!(ann.names().await, ["Ann"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_grace_it_is_gone_and_its_name_is_free() {
    let stage = Stage::with_grace(Span::from_millis(300)).await;
    let edge = stage.edge().await;
    let ann = edge.guest("Ann").await;
    assert_eq!(ann.delete(&ann.character).await.0, 200);
    until("it is gone", || async { ann.list().await.is_empty() }).await;
    assert_eq!(
        refused(&ann.restore(&ann.character).await),
        (404, "no_such_character")
    );
    let (status, another) = edge.guest("Ben").await.create("Ann").await;
    assert_eq!(status, 201, "{another}");
    // A guest without a character is a guest still.
    let known = json!({ "guest_token": ann.guest_token });
    let (status, back) = edge.ask("POST", "/v1/guest", "", known).await;
    assert_eq!((status, &back["characters"]), (200, &json!([])), "{back}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_leaves_behind_hinders_nobody() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let ann = edge.guest("Ann").await;
    let account: AccountId = ann.account.parse().expect("an id");
    // An edge that dies after each of the first steps: a name reserved, a character added.
    let crashing = stage.requester().await;
    for number in 1..=2 {
        let character = CharacterId(number);
        let reserve = NameCommand::Reserve { character, account };
        let key = format!("{number:032x}");
        let reserved = crashing.ask::<_, NameReply>(Domain::Name, &key, &reserve, SOON);
        reserved.await.expect("an answer").expect("free");
        let add = AccountCommand::AddCharacter { account, character };
        let added = crashing.ask::<_, AccountReply>(Domain::Identity, &ann.account, &add, SOON);
        added.await.expect("an answer").expect("added");
    }
    assert_eq!(
        ann.names().await,
        ["Ann"],
        "whoever never was is not listed"
    );

    // The account holds eight: one lives, two never did.
    let names = ["Bea", "Cia", "Dora", "Ella", "Fay", "Gwen", "Hedy"];
    for name in names {
        let (status, created) = ann.create(name).await;
        assert_eq!(status, 201, "{created}");
    }
    assert_eq!(ann.list().await.len(), 8);
    let refusal = ann.create("Ida").await;
    assert_eq!(refused(&refusal), (409, "too_many_characters"));
    // And the name of what was not created is free at once.
    let (status, ida) = edge.guest("Ben").await.create("Ida").await;
    assert_eq!(status, 201, "{ida}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_played_longest_is_told_so() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let (ann, ben) = (edge.guest("Ann").await, edge.guest("Ben").await);
    assert_eq!(ann.list().await[0]["ranking"], Value::Null);
    let who = |id: &str| id.parse::<CharacterId>().expect("an id");
    let ranking = Ranking {
        characters: vec![(who(&ben.character), 70_000), (who(&ann.character), 60_000)],
    };
    let projector = stage.log("projector").await;
    let bucket = projector.bucket(Ranking::BUCKET).await.expect("there");
    let value = schemas::encode(&ranking).into();
    bucket.put(Ranking::KEY, value).await.expect("written");
    until("the edge knows", || async {
        ann.list().await[0]["ranking"] == 2
    })
    .await;
    assert_eq!(ben.list().await[0]["ranking"], 1);
}
