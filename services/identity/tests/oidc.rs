//! Every check of an ID token, failing on its own: the development issuer makes one thing wrong at a time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dev_issuer::{Config, Faults, KeyType, Running, choose, start};
use identity::oidc::{Claims, OidcError, Verifier};
use runtime::{HttpClient, IdTokenAlgorithm, OidcIssuer, OidcIssuers};
use schemas::UnixMillis;
use sha2::{Digest, Sha256};

const NONCE: &str = "the-nonce-of-this-login";
const REDIRECT: &str = "http://127.0.0.1:1/cb";
const PKCE: &str = "a-verifier-of-more-than-forty-three-characters";
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// An issuer, and who checks its tokens.
struct Stage {
    issuer: Running,
    http: HttpClient,
    verifier: Verifier,
}

impl Stage {
    async fn new(key_type: KeyType) -> Self {
        Self::with(key_type, |_| {}).await
    }

    async fn with(key_type: KeyType, change: impl FnOnce(&mut OidcIssuer)) -> Self {
        let config = Config {
            key_type,
            ..Config::default()
        };
        let issuer = start(config).await.expect("an issuer");
        let http = HttpClient::new(Duration::from_secs(20));
        let mut dev = OidcIssuer::dev(&issuer.issuer_url);
        change(&mut dev);
        let config = OidcIssuers {
            issuers: vec![dev],
            ..OidcIssuers::default()
        };
        let verifier = Verifier::new(&config, &http);
        Self {
            issuer,
            http,
            verifier,
        }
    }

    /// Logs in as a persona, up to the token.
    async fn token(&self, persona: &str) -> String {
        let issuer = &self.issuer.issuer_url;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(PKCE));
        let url = format!(
            "{issuer}/authorize?response_type=code&client_id=worldline-dev&redirect_uri={REDIRECT}\
             &scope=openid&state=s&nonce={NONCE}&code_challenge={challenge}\
             &code_challenge_method=S256"
        );
        let back = choose(&self.http, &url, persona).await.expect("sent back");
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
        let answer = self
            .http
            .post_form(&format!("{issuer}/token"), form, 1 << 20)
            .await
            .expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        answer["id_token"].as_str().expect("a token").to_owned()
    }

    async fn verify_at(&self, token: &str, now: UnixMillis) -> Result<Claims, OidcError> {
        self.verifier.verify("dev", token, NONCE, now).await
    }

    async fn verify(&self, token: &str) -> Result<Claims, OidcError> {
        self.verify_at(token, UnixMillis::now()).await
    }

    fn order(&self, faults: Faults) {
        self.issuer.control.order(faults);
    }

    fn jwks_asked(&self) -> u64 {
        self.issuer.control.counts().jwks
    }
}

fn later(now: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis(now.0 + millis)
}

#[tokio::test]
async fn a_good_token_of_each_kind_of_key_says_who_it_is() {
    for key_type in [KeyType::Es256, KeyType::EdDsa, KeyType::Rs256] {
        let stage = Stage::new(key_type).await;
        let claims = stage.verify(&stage.token("ada").await).await;
        let claims = claims.expect("a good token");
        assert_eq!(claims.issuer, stage.issuer.issuer_url);
        assert_eq!(claims.subject, "persona-ada");
        assert_eq!(claims.email.as_deref(), Some("ada@example.test"));
        assert_eq!(claims.email_verified, Some(true));
        assert_eq!(claims.name.as_deref(), Some("Ada"));
        assert_eq!(claims.expires_at.0, claims.issued_at.0 + HOUR);
        let printed = format!("{claims:?}");
        assert!(!printed.contains("ada"), "{printed}");
        let finn = stage.verify(&stage.token("finn").await).await;
        assert_eq!(finn.expect("good").email_verified, Some(false));
        assert_eq!(stage.jwks_asked(), 1, "the keys are kept");
    }
}

#[tokio::test]
async fn every_check_fails_on_its_own() {
    let stage = Stage::new(KeyType::Es256).await;
    let order = |change: fn(&mut Faults)| {
        let mut faults = Faults {
            once: true,
            ..Faults::default()
        };
        change(&mut faults);
        faults
    };
    // The keys are had, so that an unknown one is asked for no more within the minute.
    stage
        .verify(&stage.token("ada").await)
        .await
        .expect("in order");
    for (faults, expected) in [
        (order(|f| f.wrong_issuer = true), OidcError::Issuer),
        (order(|f| f.wrong_audience = true), OidcError::Audience),
        (order(|f| f.wrong_azp = true), OidcError::AuthorizedParty),
        (
            order(|f| f.many_audiences = true),
            OidcError::AuthorizedParty,
        ),
        (order(|f| f.expired = true), OidcError::Expired),
        (order(|f| f.issued_in_future = true), OidcError::NotYet),
        (order(|f| f.issued_long_ago = true), OidcError::TooOld),
        (order(|f| f.wrong_nonce = true), OidcError::Nonce),
        (order(|f| f.missing_nonce = true), OidcError::Nonce),
        (
            order(|f| f.missing_subject = true),
            OidcError::Malformed("its claims"),
        ),
        (order(|f| f.unknown_kid = true), OidcError::UnknownKey),
        (order(|f| f.bad_signature = true), OidcError::Signature),
        (order(|f| f.alg_none = true), OidcError::Algorithm),
        (order(|f| f.alg_hs256 = true), OidcError::Algorithm),
        (order(|f| f.alg_of_other_key = true), OidcError::KeyMismatch),
        (order(|f| f.oversized = true), OidcError::TooLarge),
    ] {
        stage.order(faults.clone());
        let refused = stage.verify(&stage.token("ada").await).await;
        assert_eq!(refused.err(), Some(expected), "{faults:?}");
        let good = stage.verify(&stage.token("ada").await).await;
        assert!(good.is_ok(), "after {faults:?}: {good:?}");
    }
    let token = stage.token("ada").await;
    let now = UnixMillis::now();
    let other = stage.verifier.verify("other", &token, NONCE, now).await;
    assert_eq!(other.err(), Some(OidcError::UnknownProvider));
    for nonce in ["", "the-nonce-of-that-login", "the-nonce-of-this-logi"] {
        let other = stage.verifier.verify("dev", &token, nonce, now).await;
        assert_eq!(other.err(), Some(OidcError::Nonce), "{nonce:?}");
    }
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    let other_signature = stage.token("ben").await;
    let (_, other_signature) = other_signature.rsplit_once('.').expect("three parts");
    let mixed = stage.verify(&format!("{signed}.{other_signature}")).await;
    assert_eq!(mixed.err(), Some(OidcError::Signature));
}

#[tokio::test]
async fn a_token_is_good_for_ten_minutes_on_clocks_that_differ_by_one() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let token = stage.token("ada").await;
    let issued = stage.verify(&token).await.expect("good").issued_at;
    for (at, expected) in [
        (issued.0 - MINUTE - 1, Some(OidcError::NotYet)),
        (issued.0 - MINUTE, None),
        (issued.0 + 10 * MINUTE, None),
        (issued.0 + 10 * MINUTE + 1, Some(OidcError::TooOld)),
        (issued.0 + HOUR + MINUTE, Some(OidcError::Expired)),
    ] {
        let answer = stage.verify_at(&token, UnixMillis(at)).await;
        assert_eq!(answer.err(), expected, "{} ms", at.abs_diff(issued.0));
    }
}

#[tokio::test]
async fn both_spellings_of_an_issuer_are_one() {
    let alias = |issuer: &mut OidcIssuer| issuer.aliases = vec!["https://issuer.invalid".into()];
    let stage = Stage::with(KeyType::EdDsa, alias).await;
    stage.order(Faults {
        wrong_issuer: true,
        ..Faults::default()
    });
    let claims = stage.verify(&stage.token("ada").await).await;
    assert_eq!(claims.expect("good").issuer, stage.issuer.issuer_url);
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_refused() {
    let rsa_only =
        |issuer: &mut OidcIssuer| issuer.algorithms = Some(vec![IdTokenAlgorithm::Rs256]);
    let stage = Stage::with(KeyType::EdDsa, rsa_only).await;
    let refused = stage.verify(&stage.token("ada").await).await;
    assert_eq!(refused.err(), Some(OidcError::Algorithm));
    assert_eq!(stage.jwks_asked(), 0);
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it_and_a_forgotten_one_is_good_no_more() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let old = stage.token("ada").await;
    let now = UnixMillis::now();
    stage.verify_at(&old, now).await.expect("good");
    stage.order(Faults {
        rotate_keys: true,
        ..Faults::default()
    });
    let new = stage.token("ada").await;
    let soon = stage.verify_at(&new, later(now, MINUTE - 1)).await;
    assert_eq!(soon.err(), Some(OidcError::UnknownKey), "asked just now");
    let now = later(now, MINUTE);
    stage.verify_at(&new, now).await.expect("rotated");
    stage.verify_at(&old, now).await.expect("still in the set");
    assert_eq!(stage.jwks_asked(), 2);
    stage.order(Faults {
        forget_keys: true,
        ..Faults::default()
    });
    let newest = stage.token("ada").await;
    let now = later(now, MINUTE);
    stage.verify_at(&newest, now).await.expect("rotated again");
    for gone in [old, new] {
        let refused = stage.verify_at(&gone, now).await;
        assert_eq!(refused.err(), Some(OidcError::UnknownKey));
    }
    assert_eq!(stage.jwks_asked(), 3);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_asks_once_a_minute() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let good = stage.token("ada").await;
    let now = UnixMillis::now();
    stage.verify_at(&good, now).await.expect("good");
    stage.order(Faults {
        unknown_kid: true,
        slow_ms: 20,
        ..Faults::default()
    });
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(stage.token("ada").await);
    }
    for minute in 1..=3 {
        let before = stage.jwks_asked();
        for second in [0, 1, 59] {
            let at = later(now, minute * MINUTE + second * 1000);
            let storm = tokens.iter().map(|token| stage.verify_at(token, at));
            for refused in futures_util::future::join_all(storm).await {
                assert_eq!(refused.err(), Some(OidcError::UnknownKey));
            }
        }
        assert_eq!(stage.jwks_asked(), before + 1, "minute {minute}");
        stage.verify_at(&good, now).await.expect("undisturbed");
    }
}

#[tokio::test]
async fn many_who_come_first_ask_once() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let token = stage.token("ada").await;
    stage.order(Faults {
        slow_ms: 50,
        ..Faults::default()
    });
    let now = UnixMillis::now();
    let all = (0..20).map(|_| stage.verify_at(&token, now));
    for answer in futures_util::future::join_all(all).await {
        answer.expect("good");
    }
    assert_eq!(stage.jwks_asked(), 1);
}

/// The token's own times would end the day before the keys do, so the keys are aged instead: the verifier has its
/// keys from a token of long ago, by its clock.
#[tokio::test]
async fn keys_outlast_an_outage_of_a_day_and_no_longer() {
    for (hours, expected) in [
        (0, None),
        (2, None),
        (23, None),
        (24, Some(OidcError::KeysUnavailable)),
    ] {
        for fault in [
            Faults {
                jwks_down: true,
                ..Faults::default()
            },
            Faults {
                jwks_garbage: true,
                ..Faults::default()
            },
        ] {
            let stage = Stage::new(KeyType::EdDsa).await;
            let now = UnixMillis::now();
            let long_ago = UnixMillis(now.0 - hours * HOUR - 1);
            let token = stage.token("ada").await;
            let had = stage.verify_at(&token, long_ago).await;
            if hours > 0 {
                assert_eq!(had.err(), Some(OidcError::NotYet), "but the keys are had");
            }
            assert_eq!(stage.jwks_asked(), 1);
            stage.order(fault);
            let answer = stage.verify_at(&token, now).await;
            assert_eq!(answer.err(), expected, "after {hours} h");
        }
    }
}

#[tokio::test]
async fn old_keys_are_used_while_they_are_asked_for_again() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let token = stage.token("ada").await;
    let now = UnixMillis::now();
    let had = stage.verify_at(&token, UnixMillis(now.0 - 2 * HOUR)).await;
    assert_eq!(had.err(), Some(OidcError::NotYet), "but the keys are had");
    stage.verify_at(&token, now).await.expect("good");
    let asked_again = async {
        while stage.jwks_asked() < 2 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), asked_again).await;
    waited.expect("asked in the background");
}

#[tokio::test]
async fn a_provider_that_was_never_there_is_asked_again_after_five_seconds() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let token = stage.token("ada").await;
    stage.order(Faults {
        jwks_down: true,
        ..Faults::default()
    });
    let now = UnixMillis::now();
    for _ in 0..3 {
        let refused = stage.verify_at(&token, now).await.expect_err("no keys");
        assert_eq!(refused, OidcError::KeysUnavailable);
        assert!(refused.is_temporary());
    }
    assert_eq!(stage.jwks_asked(), 1);
    stage.order(Faults {
        discovery_of_other: true,
        ..Faults::default()
    });
    let refused = stage.verify_at(&token, later(now, 5_000)).await;
    assert_eq!(refused.err(), Some(OidcError::KeysUnavailable));
    assert_eq!(
        stage.jwks_asked(),
        1,
        "a stranger's description is not followed"
    );
    stage.order(Faults::default());
    let found = stage.verify_at(&token, later(now, 10_000)).await;
    assert!(found.is_ok(), "{found:?}");
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below
    }
}

#[tokio::test]
async fn no_text_whatsoever_is_taken_for_a_token() {
    let stage = Stage::new(KeyType::EdDsa).await;
    let good = stage.token("ada").await;
    let now = UnixMillis::now();
    stage.verify_at(&good, now).await.expect("good");
    let alphabet: Vec<char> = "abcXYZ019-_=.{}[]\":,\\ \u{0}é\u{1f600}eyJ"
        .chars()
        .collect();
    let mut dice = Dice(42);
    for round in 0..4_000 {
        let text: String = if round % 8 != 0 {
            let length = dice.roll(200);
            (0..length)
                .map(|_| alphabet[dice.roll(alphabet.len())])
                .collect()
        } else {
            // A good token with some of its letters exchanged, left out or doubled.
            let mut letters: Vec<char> = good.chars().collect();
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(letters.len());
                match dice.roll(3) {
                    0 => letters[at] = alphabet[dice.roll(alphabet.len())],
                    1 => drop(letters.remove(at)),
                    _ => letters.insert(at, letters[at]),
                }
            }
            letters.into_iter().collect()
        };
        if text != good {
            let answer = stage.verify_at(&text, now).await;
            assert!(answer.is_err(), "round {round}: {text}");
        }
    }
    assert!(stage.jwks_asked() <= 2, "asked {}", stage.jwks_asked());
    stage.verify_at(&good, now).await.expect("undisturbed");
}
