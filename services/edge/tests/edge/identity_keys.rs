//! Identity's keys turn, and the edges keep up.

use schemas::AccountId;
use serde_json::json;

use crate::stage::{IDENTITY_PRIVATE, Stage, claims, signed, until};
use crate::web::{post, send, send_as};

#[tokio::test]
async fn what_was_sealed_to_an_old_key_is_sealed_anew_once() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let typed = json!({ "name": "ann", "password": "correct horse" });
    assert_eq!(post(edge.address, "/v1/register", &typed).await.status, 200);
    stage.identity.turn_box("b2").await;
    assert_eq!(post(edge.address, "/v1/login", &typed).await.status, 200);
    // A key that is destroyed before its successor is published: the keys are turning.
    stage.identity.make_box("b3");
    let asked = stage.identity.asked();
    let refused = post(edge.address, "/v1/login", &typed).await;
    assert_eq!(refused.problem(), (503, "unavailable"));
    assert_eq!(stage.identity.asked(), asked + 2);
    stage.identity.turn_box("b4").await;
    until("the edge knows", async || {
        post(edge.address, "/v1/login", &typed).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn the_keys_that_verify_tokens_are_published_and_new_ones_are_believed() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let keys = async || send(edge.address, "GET /.well-known/jwks.json", &[], None).await;
    until("the key is known", async || {
        keys().await.body["keys"][0]["kid"] == "s1"
    })
    .await;
    let set = keys().await;
    let key = &set.body["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    let claims = claims(AccountId(7), schemas::LoginId(1), 60, None);
    let token = signed(&claims, IDENTITY_PRIVATE, "s2");
    let refused = send_as(edge.address, &token, "GET /v1/account", None).await;
    assert_eq!(refused.status, 401);
    let x = key["x"].as_str().expect("a key");
    let x = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, x);
    stage
        .identity
        .publish_signing("s2", x.expect("base64").try_into().expect("32 bytes"))
        .await;
    until("the new key is believed", async || {
        send_as(edge.address, &token, "GET /v1/account", None)
            .await
            .status
            == 200
    })
    .await;
}
