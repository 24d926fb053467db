//! The issuer over HTTP, as a client meets it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dev_issuer::{Config, Faults, KeyType, Running, choose, start};
use runtime::{HttpClient, OidcDiscovery, OidcIssuer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";
const REDIRECT: &str = "http://127.0.0.1:1/cb";

struct Client {
    http: HttpClient,
    issuer: Running,
    at: OidcDiscovery,
}

impl Client {
    async fn of(key_type: KeyType) -> Self {
        let config = Config {
            key_type,
            ..Config::default()
        };
        let issuer = start(config).await.expect("an issuer");
        let http = HttpClient::new(Duration::from_secs(20));
        let me = OidcIssuer::dev(&issuer.issuer_url);
        let at = OidcDiscovery::fetch(&http, &me).await.expect("described");
        Self { http, issuer, at }
    }

    fn authorize_url(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        format!(
            "{}?response_type=code&client_id=game&redirect_uri={REDIRECT}&scope=openid%20email\
             &state=s%261&nonce=n&code_challenge={challenge}&code_challenge_method=S256",
            self.at.authorization_endpoint
        )
    }

    async fn code(&self) -> String {
        let url = self.authorize_url();
        let back = choose(&self.http, &url, "ada").await.expect("sent back");
        let query = back
            .strip_prefix("http://127.0.0.1:1/cb?code=")
            .expect("a code");
        let (code, rest) = query.split_once('&').expect("a state");
        assert!(rest.starts_with("state=s%261&iss=http"), "{rest}");
        code.to_owned()
    }

    async fn exchange(&self, code: &str, verifier: &str) -> (u16, Value) {
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("client_id", "game".to_owned()),
            ("code_verifier", verifier.to_owned()),
        ];
        let answer = self
            .http
            .post_form(&self.at.token_endpoint, form, 1 << 20)
            .await;
        let answer = answer.expect("an answer");
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    async fn keys(&self) -> Vec<Value> {
        let answer = self.http.get(&self.at.jwks_uri, 1 << 16).await;
        let body = answer.expect("an answer").body;
        let mut set: Value = serde_json::from_slice(&body).expect("a key set");
        serde_json::from_value(set["keys"].take()).expect("keys")
    }
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn a_code_and_its_verifier_are_good_for_one_signed_token() {
    for (key_type, told) in [
        (KeyType::Es256, "ES256"),
        (KeyType::EdDsa, "EdDSA"),
        (KeyType::Rs256, "RS256"),
    ] {
        let client = Client::of(key_type).await;
        let code = client.code().await;
        let (status, answer) = client.exchange(&code, VERIFIER).await;
        assert_eq!(status, 200, "{answer}");
        let token = answer["id_token"].as_str().expect("a token");
        let (header, claims) = (part(token, 0), part(token, 1));
        assert_eq!(header["alg"], told);
        assert_eq!(claims["iss"], json!(client.issuer.issuer_url));
        assert_eq!(claims["sub"], "persona-ada");
        assert_eq!(claims["aud"], "game");
        assert_eq!(claims["nonce"], "n");
        let keys = client.keys().await;
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0]["kid"], header["kid"]);
        let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys[0].clone()).expect("a key");
        let key = jsonwebtoken::DecodingKey::from_jwk(&key).expect("a key");
        let algorithm = told.parse().expect("an algorithm");
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let good = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm);
        assert!(good.expect("a signature"), "{told}");
        let (status, again) = client.exchange(&code, VERIFIER).await;
        assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));
    }
}

#[tokio::test]
async fn another_verifier_or_none_gets_nothing() {
    let client = Client::of(KeyType::EdDsa).await;
    for verifier in ["", "another-verifier-of-more-than-forty-three-chars"] {
        let code = client.code().await;
        assert_eq!(client.exchange(&code, verifier).await.0, 400);
    }
    let unsafe_url = client
        .authorize_url()
        .replace("code_challenge_method=S256", "code_challenge_method=plain");
    let back = choose(&client.http, &unsafe_url, "ada").await;
    assert!(back.expect("sent back").contains("error=invalid_request"));
    let elsewhere = client
        .authorize_url()
        .replace(REDIRECT, "http://evil.test/cb");
    assert!(choose(&client.http, &elsewhere, "ada").await.is_err());
    let nobody = choose(&client.http, &client.authorize_url(), "nobody").await;
    assert!(nobody.expect("sent back").contains("error=access_denied"));
}

#[tokio::test]
async fn the_page_offers_every_persona_and_repeats_nothing_unescaped() {
    let client = Client::of(KeyType::EdDsa).await;
    let url = client
        .authorize_url()
        .replace("client_id=game", "client_id=%3Cscript%3E");
    let page = client.http.get(&url, 1 << 16).await.expect("a page");
    let page = String::from_utf8(page.body).expect("a text");
    for persona in dev_issuer::PERSONAS {
        assert!(page.contains(&format!("persona={}", persona.id)), "{page}");
    }
    assert!(!page.contains("<script>"), "{page}");
}

#[tokio::test]
async fn faults_are_ordered_on_the_second_port() {
    let client = Client::of(KeyType::EdDsa).await;
    let before = client.keys().await;
    client.issuer.control.order(Faults {
        rotate_keys: true,
        wrong_issuer: true,
        once: true,
        ..Faults::default()
    });
    let after = client.keys().await;
    assert_eq!((before.len(), after.len()), (1, 2));
    assert_eq!(after[0], before[0]);
    for issuer in ["https://issuer.invalid", &client.issuer.issuer_url] {
        let code = client.code().await;
        let (_, answer) = client.exchange(&code, VERIFIER).await;
        let token = answer["id_token"].as_str().expect("a token");
        assert_eq!(part(token, 1)["iss"], issuer, "once");
        assert_eq!(part(token, 0)["kid"], after[1]["kid"], "the newest signs");
    }
    let seen = client.http.get(&client.issuer.faults_url, 1 << 16).await;
    let seen: Value = serde_json::from_slice(&seen.expect("seen").body).expect("JSON");
    assert_eq!(seen["counts"]["exchanges"], 2);
    assert_eq!(seen["faults"]["wrong_issuer"], false);
}

async fn ask_faults(url: &str, method: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (address, _) = url["http://".len()..].split_once('/').expect("a path");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("open");
    let request = format!(
        "{method} /faults HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    answer[9..12].to_owned()
}

#[tokio::test]
async fn faults_over_http_last_until_they_are_ended_and_have_to_be_spelled_right() {
    let client = Client::of(KeyType::EdDsa).await;
    let url = &client.issuer.faults_url;
    let audience = async || {
        let (_, answer) = client.exchange(&client.code().await, VERIFIER).await;
        part(answer["id_token"].as_str().expect("a token"), 1)["aud"].clone()
    };
    let ordered = ask_faults(url, "POST", r#"{"wrong_audience":true}"#).await;
    assert_eq!(ordered, "204");
    for _ in 0..2 {
        assert_eq!(audience().await, "somebody-else");
    }
    let misspelt = ask_faults(url, "POST", r#"{"wrong_audiense":true}"#).await;
    assert_eq!(misspelt, "422");
    assert_eq!(ask_faults(url, "DELETE", "").await, "204");
    assert_eq!(audience().await, "game");
}
