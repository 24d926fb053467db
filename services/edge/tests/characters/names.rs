//! Names: what may be one, and that each is one character's.

use serde_json::json;

use crate::stage::{Stage, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_and_characters_are_named_by_the_same_rules() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let ann = edge.guest("Ann").await;
    let cases = [
        ("", 400, "bad_name"),
        ("1234", 400, "bad_name"),
        ("A\u{202e}nn", 400, "bad_name"),
        ("Аnn", 400, "bad_name"),
        ("Moderator", 400, "reserved_name"),
        ("GM Ann", 400, "reserved_name"),
        ("ANN", 409, "name_taken"),
    ];
    for (name, status, code) in cases {
        let asked = json!({ "name": name });
        let guest = edge.ask("POST", "/v1/guest", "", asked).await;
        assert_eq!(refused(&guest), (status, code), "{name}: {guest:?}");
        let character = ann.create(name).await;
        assert_eq!(refused(&character), (status, code), "{name}: {character:?}");
    }
    let told = ann.create("Аnn").await.1;
    let detail = told["detail"].as_str().expect("a sentence");
    assert!(detail.contains("more than one script"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_want_a_name_at_once_on_two_edges_one_gets_it() {
    let stage = Stage::new().await;
    let (one, other) = (stage.edge().await, stage.edge().await);
    let (ann, ben) = (one.guest("Ann").await, other.guest("Ben").await);
    for name in ["Cleo", "Dora", "Ella"] {
        let (here, there) = tokio::join!(ann.create(name), ben.create(name));
        let mut both = [refused(&here), refused(&there)];
        both.sort_unstable();
        assert_eq!(both, [(201, ""), (409, "name_taken")], "{name}");
    }
}
