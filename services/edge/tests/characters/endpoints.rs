//! Where a ticket may be used: at the edge that gave it out, and at all that have a public address.

use serde_json::json;

use crate::stage::{Stage, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_names_this_edge_and_then_the_others_that_are_there() {
    let stage = Stage::new().await;
    let one = stage.edge_at("https://one.play.example").await;
    let two = stage.edge_at("http://two.play.example:7778").await;
    let hidden = stage.edge().await;
    let ann = one.guest("Ann").await;
    let urls = [
        "wss://one.play.example/v1/ws",
        "ws://two.play.example:7778/v1/ws",
    ];
    until("each edge knows of the other", || async {
        let (status, start) = ann.start(&ann.character).await;
        assert_eq!(
            (status, &start["endpoint"]),
            (200, &json!(urls[0])),
            "{start}"
        );
        start["endpoints"] == json!(urls)
    })
    .await;
    // One without a public address is known to nobody, and knows of the others.
    let asked = json!({ "character": ann.character });
    let (_, start) = hidden.ask("POST", "/v1/start", &ann.token, asked).await;
    assert_eq!(start["endpoint"], "/v1/ws");
    let told = start["endpoints"].as_array().expect("a list");
    assert_eq!(told.len(), 3, "{start}");

    two.stop().await;
    until("who has left is not named", || async {
        ann.start(&ann.character).await.1["endpoints"] == json!([urls[0]])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_another_protocol_is_told_to_update() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let ann = edge.guest("Ann").await;
    let asked = json!({ "character": ann.character, "protocol": 99 });
    let (status, problem) = ann.ask("POST", "/v1/start", asked).await;
    assert_eq!((status, &problem["code"]), (426, &json!("client_outdated")));
}
