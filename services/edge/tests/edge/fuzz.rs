//! A fixed number of random and mutated inputs against a running edge: whatever comes, the edge answers,
//! with a problem document that has a code or with the close code of its kind, and is never at fault
//! itself. (Texts that never were a token are tried in the unit tests of `keys`.)

use std::future::Future;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestCaseError, TestRunner};
use schemas::{AccountId, CharacterId};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::client::{Client, Heard};
use crate::stage::{Edge, Stage, access_token, config, ticket};
use crate::web::{Answer, bearer, post, send_raw};

/// Letters that mean something to somebody on the way.
const ALPHABET: &str = "aZ09-_.~=+/%\\\"{}[]:, é\u{202e}";

/// A change of a text at a place in it.
#[derive(Debug, Clone)]
enum Edit {
    Put(Index, char),
    Insert(Index, char),
    Remove(Index),
    Cut(Index),
    Repeat(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let letter = || select(ALPHABET.chars().collect::<Vec<_>>());
    let edit = prop_oneof![
        4 => (any::<Index>(), letter()).prop_map(|(at, letter)| Edit::Put(at, letter)),
        2 => (any::<Index>(), letter()).prop_map(|(at, letter)| Edit::Insert(at, letter)),
        2 => any::<Index>().prop_map(Edit::Remove),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => any::<Index>().prop_map(Edit::Repeat),
    ];
    proptest::collection::vec(edit, 1..5)
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for edit in edits {
        if letters.is_empty() {
            break;
        }
        let place = |at: &Index| at.index(letters.len());
        match edit {
            Edit::Put(at, letter) => {
                let at = place(at);
                letters[at] = *letter;
            }
            Edit::Insert(at, letter) => letters.insert(place(at), *letter),
            Edit::Remove(at) => drop(letters.remove(place(at))),
            Edit::Cut(at) => letters.truncate(place(at)),
            Edit::Repeat(at) => letters.extend_from_within(place(at)..),
        }
    }
    letters.into_iter().collect()
}

/// Tries `cases` inputs; the smallest that fails is told.
fn tried<S: Strategy, F: Future<Output = Result<(), TestCaseError>>>(
    cases: u32,
    inputs: &S,
    check: impl Fn(S::Value) -> F,
) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let all =
        || TestRunner::new(config).run(inputs, |input| Handle::current().block_on(check(input)));
    if let Err(error) = tokio::task::block_in_place(all) {
        panic!("{error}");
    }
}

async fn edge_without_limits(stage: &Stage) -> Edge {
    let mut config = config();
    config.logins_per_second = 10_000_000;
    stage.edge_with(config).await
}

/// The edge is not at fault, and says with a code what is.
fn is_sound(answer: &Answer) -> Result<(), TestCaseError> {
    let (status, code) = answer.problem();
    prop_assert!(
        (200..500).contains(&status),
        "{} {}",
        answer.head,
        answer.text
    );
    if status >= 400 {
        let kind = answer.header("content-type");
        prop_assert_eq!(kind, Some("application/problem+json"), "{}", answer.text);
        prop_assert_eq!(&answer.body["status"], &json!(status));
        prop_assert!(!code.is_empty(), "{}", answer.text);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_access_token_is_good() {
    let stage = Stage::new(&[]).await;
    let edge = edge_without_limits(&stage).await;
    let good = access_token(AccountId(7), 600);
    tried(400, &edits(), async |edits| {
        let token = edited(&good, &edits);
        let authorization = bearer(&token);
        let headers = [("authorization", authorization.as_str())];
        let answer = send_raw(edge.address, "GET /v1/account", &headers, "").await;
        if token.trim() == good {
            prop_assert_eq!(answer.status, 200);
        } else {
            prop_assert_eq!(answer.problem(), (401, "not_logged_in"));
        }
        is_sound(&answer)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_refresh_or_guest_token_is_good() {
    let stage = Stage::new(&[]).await;
    let edge = edge_without_limits(&stage).await;
    let begun = post(edge.address, "/v1/guest", &json!({ "name": "Gwen" })).await;
    let (guest, refresh) = (begun.get("guest_token"), begun.get("refresh_token"));
    tried(400, &edits(), async |edits| {
        let changed = edited(guest, &edits);
        if changed != guest {
            let body = json!({ "guest_token": changed });
            let answer = post(edge.address, "/v1/guest", &body).await;
            prop_assert_eq!(answer.problem(), (401, "bad_login"));
        }
        let changed = edited(refresh, &edits);
        if changed != refresh {
            let body = json!({ "refresh_token": changed });
            let answer = post(edge.address, "/v1/refresh", &body).await;
            is_sound(&answer)?;
            prop_assert_eq!(answer.status, 401);
        }
        Ok(())
    });
    let body = json!({ "refresh_token": refresh });
    let answer = post(edge.address, "/v1/refresh", &body).await;
    assert_eq!(
        answer.status, 200,
        "nothing of it was used: {}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_ticket_or_resume_token_lets_in() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = edge_without_limits(&stage).await;
    let mut player = stage.player(&edge, 1).await;
    let good = ticket(CharacterId(2), "fuzz");
    let token = player.screen.token.clone();
    tried(150, &edits(), async |edits| {
        let changed = edited(&good, &edits);
        if changed != good {
            let mut client = Client::open(edge.address).await;
            client.identify(&changed).await;
            prop_assert_eq!(client.until_closed().await, 4004);
        }
        let changed = edited(&token, &edits);
        if changed != token {
            let mut client = Client::open(edge.address).await;
            client.resume(&changed).await;
            prop_assert_eq!(client.until_closed().await, 4013);
        }
        Ok(())
    });
    // Nobody else has noticed, and the ticket is good still.
    player.hold(1, 1).await;
    player.until_acknowledged(1).await;
    let mut client = Client::open(edge.address).await;
    client.identify(&good).await;
    client.until_picture().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_stranger_sends_ends_with_a_close_code_of_its_kind() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = edge_without_limits(&stage).await;
    let op = (30..50_u8).prop_flat_map(|op| {
        let rest = proptest::collection::vec(any::<u8>(), 0..60);
        (1..6_u8, rest).prop_map(move |(len, rest)| [vec![0x90 | len, op], rest].concat())
    });
    let bytes = prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), op];
    tried(300, &bytes, async |bytes| {
        let mut client = Client::open(edge.address).await;
        client.send_raw(bytes).await;
        // What may be sent (a heartbeat) is followed by what may not.
        client.send_raw(vec![0xc1]).await;
        let code = loop {
            if let Heard::Closed(code) = client.hear().await {
                break code;
            }
        };
        prop_assert!(
            [4001, 4002, 4003, 4004, 4012, 4013].contains(&code),
            "{}",
            code
        );
        Ok(())
    });
    stage.player(&edge, 1).await;
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("x".repeat(3000))),
        Just(json!(CharacterId(7).to_string())),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// What looks like a request's body: the names are right, for some request.
fn looks_asked() -> impl Strategy<Value = Value> {
    let names = [
        "name",
        "password",
        "old",
        "new",
        "refresh_token",
        "guest_token",
        "character",
        "protocol",
        "version",
        "return",
    ];
    let field = (select(names.to_vec()), any_json());
    proptest::collection::vec(field, 0..5).prop_map(|fields| {
        let fields = fields.into_iter();
        let fields: Map<_, _> = fields.map(|(name, value)| (name.into(), value)).collect();
        fields.into()
    })
}

const POSTS: [&str; 10] = [
    "/v1/guest",
    "/v1/register",
    "/v1/login",
    "/v1/upgrade",
    "/v1/password",
    "/v1/refresh",
    "/v1/characters",
    "/v1/start",
    "/v1/oidc/dev/link",
    "/v1/logout",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_posted_is_done_or_refused_with_a_code() {
    let stage = Stage::new(&[]).await;
    let edge = edge_without_limits(&stage).await;
    let body = prop_oneof![
        3 => looks_asked().prop_map(|body| body.to_string()),
        1 => any_json().prop_map(|body| body.to_string()),
        1 => (looks_asked(), edits()).prop_map(|(body, edits)| edited(&body.to_string(), &edits)),
        1 => any::<String>(),
    ];
    let asked = (select(POSTS.to_vec()), body, any::<bool>());
    tried(800, &asked, async |(path, body, logged_in)| {
        // Each of an account of its own: whoever is logged out is so for good.
        let authorization = bearer(&access_token(AccountId(rand::random()), 600));
        let headers = [("authorization", authorization.as_str())];
        let headers = if logged_in { &headers[..] } else { &[] };
        let request = format!("POST {path}");
        is_sound(&send_raw(edge.address, &request, headers, &body).await)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_in_an_address_is_found_or_refused_with_a_code() {
    let stage = Stage::new(&[]).await;
    let edge = edge_without_limits(&stage).await;
    let authorization = bearer(&access_token(AccountId(7), 600));
    let headers = [("authorization", authorization.as_str())];
    let part = prop_oneof![
        "[A-Za-z0-9._~-]{1,40}",
        "(%[0-9A-F]{2}|[a-z.]){1,20}",
        "[0-9a-hjkmnp-tv-z]{13}",
    ];
    let asked = select(vec![
        "DELETE /v1/sessions/{}",
        "DELETE /v1/characters/{}",
        "POST /v1/characters/{}/restore",
        "GET /v1/files/{}",
        "GET /maps/{}",
        "GET /v1/resources?version={}",
        "GET /v1/oidc/{}/authorize",
        "GET /v1/oidc/dev/authorize?return={}",
        "POST /v1/oidc/{}/link",
    ]);
    tried(400, &(asked, part), async |(asked, part)| {
        let request = asked.replace("{}", &part);
        is_sound(&send_raw(edge.address, &request, &headers, "").await)
    });
}
