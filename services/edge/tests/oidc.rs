//! Logging in through a provider, over HTTP: an edge, the development issuer, and a browser that keeps cookies.
//!
//! No identity runs here: a login that is in order ends with the edge asking identity, which is `unavailable`.
//! What identity makes of the token is tried in its own tests, the whole way in those of the stack.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dev_issuer::{Config as IssuerConfig, Faults, Running, choose, start};
use edge::Config;
use eventlog::EventLog;
use runtime::{Ctx, HttpClient, Shutdown};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

const LOBBY_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAKUlcksiLZnvv5H1eCoUeRBjtSrScbajobFhIyCZ29NY=\n-----END PUBLIC KEY-----\n";
/// As far as a login gets without identity.
const REACHED: &str = "/?login_error=unavailable";

struct Stage {
    log: EventLog,
    issuer: Running,
    http: HttpClient,
}

struct Edge {
    address: SocketAddr,
    _task: AbortOnDropHandle<anyhow::Result<()>>,
}

/// What an edge answers.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: String,
    head: String,
    body: String,
}

/// A browser; only the cookies' names and values are kept, which is enough for one site.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
    /// What it says it can show; nothing, as a program.
    accept: &'static str,
}

impl Stage {
    async fn new() -> Self {
        let (log, _faults) = EventLog::in_memory();
        let issuer = start(IssuerConfig::default()).await;
        Self {
            log,
            issuer: issuer.expect("an issuer"),
            http: HttpClient::new(Duration::from_secs(20)),
        }
    }

    async fn edge(&self) -> Edge {
        self.edge_with(|_| {}).await
    }

    async fn edge_with(&self, change: impl FnOnce(&mut Config)) -> Edge {
        let hex = |byte: u8| format!("{byte:02x}").repeat(32).into();
        let mut config = Config {
            realm_key: hex(7),
            resume_key: hex(9),
            lobby_public_key: LOBBY_PUBLIC.into(),
            ..Config::default()
        };
        config.oidc.dev_issuer.clone_from(&self.issuer.issuer_url);
        change(&mut config);
        let listener = edge::listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = listener.local_addr().expect("bound");
        let ctx = Ctx::new(Shutdown::new());
        let serving = edge::serve(config, self.log.clone(), ctx, listener);
        Edge {
            address,
            _task: AbortOnDropHandle::new(tokio::spawn(serving)),
        }
    }

    /// The path on the edge to which the issuer sends a browser that has chosen `persona`.
    async fn chosen(&self, authorize_url: &str, persona: &str) -> String {
        let back = choose(&self.http, authorize_url, persona).await;
        let back = back.expect("sent back");
        let path = back.strip_prefix("http://").expect("an address");
        path[path.find('/').expect("a path")..].to_owned()
    }

    fn order(&self, faults: Faults) {
        self.issuer.control.order(faults);
    }
}

impl Browser {
    async fn get(&mut self, edge: &Edge, path: &str) -> Answer {
        self.get_at(edge, path, &edge.address.to_string()).await
    }

    async fn get_at(&mut self, edge: &Edge, path: &str, host: &str) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: {}\r\ncookie: {}\r\nconnection: close\r\n\r\n",
            self.accept,
            cookies.join("; ")
        );
        let mut stream = TcpStream::connect(edge.address).await.expect("it listens");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let mut location = String::new();
        for line in head.lines() {
            if let Some(to) = line.strip_prefix("location: ") {
                location = to.to_owned();
            }
            if let Some(cookie) = line.strip_prefix("set-cookie: ") {
                let pair = cookie.split(';').next().expect("a pair");
                let (name, value) = pair.split_once('=').expect("a name");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer {
            status: head[9..12].parse().expect("a status"),
            location,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Begins a login; where the provider is.
    async fn begin(&mut self, edge: &Edge) -> String {
        let answer = self.get(edge, "/v1/oidc/dev/authorize").await;
        assert_eq!(answer.status, 302, "{answer:?}");
        answer.location
    }
}

fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    let pairs = url.split(['?', '&']);
    let mut found = pairs.filter_map(|pair| pair.split_once('='));
    let found = found.find(|(key, _)| *key == name);
    found.expect("a parameter").1
}

#[tokio::test]
async fn a_browser_is_sent_to_the_provider_and_comes_back_to_any_edge() {
    let stage = Stage::new().await;
    let (one, other) = (stage.edge().await, stage.edge().await);
    let mut browser = Browser::default();
    let listed = browser.get(&one, "/v1/oidc/providers").await;
    let listed: Value = serde_json::from_str(&listed.body).expect("JSON");
    assert_eq!(listed["providers"][0]["name"], "dev");
    assert_eq!(
        listed["providers"][0]["authorize"],
        "/v1/oidc/dev/authorize"
    );
    let begun = browser
        .get(&one, "/v1/oidc/dev/authorize?return=/play%3Farea=x")
        .await;
    assert!(begun.head.contains("HttpOnly; SameSite=Lax"), "{begun:?}");
    assert!(begun.location.starts_with(&stage.issuer.issuer_url));
    assert_eq!(parameter(&begun.location, "code_challenge_method"), "S256");
    assert_eq!(parameter(&begun.location, "nonce").len(), 43);
    let back = stage.chosen(&begun.location, "ada").await;
    let done = browser.get(&other, &back).await;
    assert_eq!(done.status, 303);
    assert_eq!(done.location, "/play?area=x&login_error=unavailable");
    assert!(done.head.contains("worldline_oidc=; "), "{done:?}");
    assert!(
        done.head.contains("referrer-policy: no-referrer"),
        "{done:?}"
    );
    assert!(!done.head.contains("worldline_refresh"), "{done:?}");
    let counts = stage.issuer.control.counts();
    assert_eq!((counts.codes, counts.exchanges), (1, 1));
}

#[tokio::test]
async fn a_state_is_good_in_the_browser_that_began_and_there_once() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let mut browser = Browser::default();
    let url = browser.begin(&edge).await;
    let back = stage.chosen(&url, "ada").await;
    let bad = "/?login_error=bad_state";
    // Somebody is made to follow another one's link: without a cookie, and with one of their own.
    let mut victim = Browser::default();
    assert_eq!(victim.get(&edge, &back).await.location, bad);
    victim.begin(&edge).await;
    assert_eq!(victim.get(&edge, &back).await.location, bad);
    // A state that was changed or left out, another provider's, another issuer's answer.
    let state = parameter(&back, "state").to_owned();
    for changed in [
        back.replace(&state, &state[1..]),
        back.replace(&state, &"A".repeat(43)),
        back.replace(&format!("&state={state}"), ""),
        format!("{back}&state={state}"),
        back.replace("/dev/", "/google/"),
        back.replace("iss=http", "iss=https"),
    ] {
        assert_ne!(changed, back);
        let answer = browser.clone().get(&edge, &changed).await;
        assert_eq!(answer.location, bad, "{changed}");
    }
    assert_eq!(
        stage.issuer.control.counts().exchanges,
        0,
        "nobody was asked"
    );
    let twice = browser.clone();
    assert_eq!(browser.get(&edge, &back).await.location, REACHED);
    // The cookie is gone from the browser; whoever has kept it finds the code used.
    assert_eq!(browser.get(&edge, &back).await.location, bad);
    let again = twice.clone().get(&edge, &back).await;
    assert_eq!(again.location, "/?login_error=code_refused");
    // A realm with another key does not know the cookie.
    let stranger = |config: &mut Config| config.resume_key = "ab".repeat(32).into();
    let stranger = stage.edge_with(stranger).await;
    assert_eq!(twice.clone().get(&stranger, &back).await.location, bad);
}

#[tokio::test]
async fn a_code_of_another_login_is_of_no_use() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let (mut thief, mut owner) = (Browser::default(), Browser::default());
    let owners = owner.begin(&edge).await;
    let stolen = stage.chosen(&owners, "ada").await;
    let mine = thief.begin(&edge).await;
    let back = stage.chosen(&mine, "ben").await;
    // The thief's own state, the owner's code: the verifier is another one.
    let mixed = back.replace(parameter(&back, "code"), parameter(&stolen, "code"));
    let answer = thief.get(&edge, &mixed).await;
    assert_eq!(answer.location, "/?login_error=code_refused");
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_to_the_page() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let mut browser = Browser::default();
    let url = browser.begin(&edge).await;
    let back = stage.chosen(&url, "nobody").await;
    let denied = browser.get(&edge, &back).await;
    assert_eq!(denied.location, "/?login_error=denied");
    stage.order(Faults {
        token_endpoint_down: true,
        once: true,
        ..Faults::default()
    });
    for expected in ["/?login_error=provider_unavailable", REACHED] {
        let url = browser.begin(&edge).await;
        let back = stage.chosen(&url, "ada").await;
        assert_eq!(browser.get(&edge, &back).await.location, expected);
    }
    let url = browser.begin(&edge).await;
    let back = stage.chosen(&url, "ada").await;
    let long = back.replace(parameter(&back, "code"), &"c".repeat(3000));
    let refused = browser.get(&edge, &long).await;
    assert_eq!(refused.location, "/?login_error=code_refused");
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let mut browser = Browser::default();
    for bad in [
        "//evil.test",
        "/%5Cevil.test",
        "https://evil.test",
        "/%09/evil.test",
        "%2F%2Fevil.test",
        "/v1/refresh",
    ] {
        let path = format!("/v1/oidc/dev/authorize?return={bad}");
        let answer = browser.get(&edge, &path).await;
        let problem: Value = serde_json::from_str(&answer.body).expect("a problem");
        assert_eq!(
            (answer.status, &problem["code"]),
            (400, &"bad_return".into()),
            "{bad}"
        );
    }
    let twice = "/v1/oidc/dev/authorize?return=/&return=//evil.test";
    assert_eq!(browser.get(&edge, twice).await.status, 400);
    let unknown = browser.get(&edge, "/v1/oidc/unknown/authorize").await;
    assert_eq!(unknown.status, 404);
    let begin = "/v1/oidc/dev/authorize";
    let lured = browser.get_at(&edge, begin, "evil.test").await;
    assert!(
        lured.status == 500 && lured.body.contains("no_public_url"),
        "{lured:?}"
    );
    let public = |config: &mut Config| config.oidc.public_url = "https://play.example".into();
    let public = stage.edge_with(public).await;
    let sent = browser.get_at(&public, begin, "evil.test").await;
    assert_eq!(
        parameter(&sent.location, "redirect_uri"),
        "https%3A%2F%2Fplay.example%2Fv1%2Foidc%2Fdev%2Fcallback"
    );
    assert!(sent.head.contains("; Secure"), "{sent:?}");
}

#[tokio::test]
async fn a_provider_that_is_not_there_or_somebody_else_is_not_asked_for_anybody() {
    let stage = Stage::new().await;
    stage.order(Faults {
        discovery_of_other: true,
        ..Faults::default()
    });
    let edge = stage.edge().await;
    let mut browser = Browser::default();
    for _ in 0..3 {
        let answer = browser.get(&edge, "/v1/oidc/dev/authorize").await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.body.contains("provider_unavailable"), "{answer:?}");
    }
    assert_eq!(
        stage.issuer.control.counts().discovery,
        1,
        "not asked at once again"
    );
    let gone = |config: &mut Config| config.oidc.dev_issuer = "http://127.0.0.1:1".into();
    let gone = stage.edge_with(gone).await;
    let begin = "/v1/oidc/dev/authorize?return=/play";
    assert_eq!(browser.get(&gone, begin).await.status, 503);
    // Somebody who has followed a link sees the page, which has words for it.
    browser.accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    let sent = browser.get(&gone, begin).await;
    assert_eq!(
        (sent.status, sent.location.as_str()),
        (303, "/play?login_error=provider_unavailable")
    );
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
async fn no_callback_whatsoever_breaks_an_edge_or_passes() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let mut browser = Browser::default();
    let url = browser.begin(&edge).await;
    let back = stage.chosen(&url, "ada").await;
    let alphabet: Vec<char> = "abzAZ09-_.~%&=?+;/:".chars().collect();
    let mut dice = Dice(7);
    let mut passed = 0;
    for round in 0..300 {
        let mut letters: Vec<char> = back.chars().collect();
        let after = back.find('?').expect("a query") + 1;
        for _ in 0..=dice.roll(6) {
            let at = after + dice.roll(letters.len() - after);
            match dice.roll(3) {
                0 => letters[at] = alphabet[dice.roll(alphabet.len())],
                1 => letters.truncate(at.max(after + 1)),
                _ => letters.insert(at, alphabet[dice.roll(alphabet.len())]),
            }
        }
        let path: String = letters.into_iter().collect();
        let answer = browser.clone().get(&edge, &path).await;
        // Refused logins slow an address down in the end.
        assert!(
            [303, 429].contains(&answer.status),
            "round {round}: {path}: {answer:?}"
        );
        passed += u32::from(answer.location == REACHED);
    }
    assert!(passed <= 1, "a code is good once");
}
