//! People whom a provider vouches for, and words that were for somebody else or have been used.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dev_issuer::{Running, choose, start};
use runtime::HttpClient;
use schemas::AccountId;
use schemas::credential::{CredentialCommand, Grant, Secret};
use schemas::keyed::Refusal;
use sha2::{Digest, Sha256};

use crate::stage::Stage;

const REDIRECT: &str = "http://127.0.0.1:1/cb";
const PKCE: &str = "a-verifier-of-more-than-forty-three-characters";

/// What the provider says of a persona, for the login that was begun with `nonce`.
async fn id_token(issuer: &Running, persona: &str, nonce: &str) -> String {
    let http = HttpClient::new(Duration::from_secs(20));
    let url = &issuer.issuer_url;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(PKCE));
    let begin = format!(
        "{url}/authorize?response_type=code&client_id=worldline-dev&redirect_uri={REDIRECT}\
         &scope=openid&state=s&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256"
    );
    let back = choose(&http, &begin, persona).await.expect("sent back");
    let code = back
        .split(['?', '&'])
        .find_map(|pair| pair.strip_prefix("code="));
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.expect("a code").to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("client_id", "worldline-dev".to_owned()),
        ("code_verifier", PKCE.to_owned()),
    ];
    let answer = http.post_form(&format!("{url}/token"), form, 1 << 20).await;
    let answer: serde_json::Value =
        serde_json::from_slice(&answer.expect("an answer").body).expect("JSON");
    answer["id_token"].as_str().expect("a token").to_owned()
}

async fn prove(stage: &Stage, key: &str, token: &str, nonce: &str) -> Result<Grant, Refusal> {
    let secret = Secret::IdToken {
        provider: "dev".into(),
        token: token.into(),
        nonce: nonce.into(),
    };
    let command = |secret, reply_key| CredentialCommand::LogIn {
        account: AccountId(rand::random()),
        secret,
        reply_key,
    };
    stage.prove(key, &secret, command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persona_logs_in_twice_and_each_word_counts_once() {
    let issuer = start(dev_issuer::Config::default())
        .await
        .expect("an issuer");
    let mut stage = Stage::new().await;
    stage.config.oidc.dev_issuer.clone_from(&issuer.issuer_url);
    let life = stage.start().await;
    let place = |subject: &str| {
        let place = stage.locator.openid(&issuer.issuer_url, subject);
        place.to_string()
    };
    let adas = place("persona-ada");

    let word = id_token(&issuer, "ada", "n1").await;
    let first = prove(&stage, &adas, &word, "n1").await.unwrap();
    assert!(first.fresh);
    let tokens = stage.open_session(&first).await.unwrap();
    let used = prove(&stage, &adas, &word, "n1").await.unwrap_err();
    assert_eq!(used.code, "nonce_used");
    let wrong = prove(&stage, &adas, &word, "n2").await.unwrap_err();
    assert_eq!(wrong.code, "oidc_nonce");

    let word = id_token(&issuer, "ada", "n3").await;
    let elsewhere = prove(&stage, &place("persona-finn"), &word, "n3").await;
    assert_eq!(elsewhere.unwrap_err().code, "oidc_other_person");
    let second = prove(&stage, &adas, &word, "n3").await.unwrap();
    assert_eq!((second.account, second.fresh), (tokens.account, false));
    stage.open_session(&second).await.unwrap();
    life.end().await;
}
