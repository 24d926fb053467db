//! Logging in with a provider, the whole way: browser, edges, provider, identity, and back.

use std::time::Duration;

use anyhow::Context;
use bots::login::{self, Guest};
use dev_issuer::Running;
use runtime::HttpClient;
use serde_json::{Value, json};
use worldline_tests::account::Tokens;
use worldline_tests::browser::Page;
use worldline_tests::checks::all_is_well;
use worldline_tests::secrets::Secrets;
use worldline_tests::{Account, Browser, Stack, eventually};

use super::code;
use crate::stack;

const ATTEMPT: &str = "worldline_oidc";
const REFRESH: &str = "worldline_refresh";

/// A stack whose identity and edges know one provider.
struct Stage {
    stack: Stack,
    issuer: Running,
}

impl Stage {
    async fn new() -> anyhow::Result<Self> {
        let issuer = dev_issuer::start(dev_issuer::Config::default()).await?;
        let mut stack = stack(&["w1"]).await?;
        let variables = [("WORLDLINE_OIDC_DEV_ISSUER", issuer.issuer_url.as_str())];
        stack.role("identity").stop().await?;
        stack.start_role("identity", &["identity"], &variables)?;
        for edge in ["edge-2", "edge-3"] {
            stack.start_edge(edge, &variables).await?;
        }
        Ok(Self { stack, issuer })
    }

    fn url(&self, edge: &str) -> String {
        self.stack.url(edge)
    }

    /// The persona is chosen at `address`, and the browser comes back to `edge`; where it is sent then.
    async fn choose(
        &self,
        browser: &mut Browser,
        address: &str,
        persona: &str,
        edge: &str,
    ) -> anyhow::Result<(String, Page)> {
        let chosen = browser.go(&format!("{address}&persona={persona}")).await?;
        let back = chosen.leads_to()?.to_owned();
        let at = back.find("/v1/").context("a path")?;
        let page = browser
            .go(&format!("{}{}", self.url(edge), &back[at..]))
            .await?;
        assert_eq!(page.status, 303, "{}", page.body);
        assert_eq!(browser.cookie(ATTEMPT), None, "the attempt is over");
        Ok((back, page))
    }

    /// Logs in as `persona`: begun on one edge, finished on another.
    async fn log_in(&self, persona: &str, secrets: &mut Secrets) -> anyhow::Result<Tokens> {
        let mut browser = Browser::default();
        let begin = format!("{}/v1/oidc/dev/authorize?return=/play", self.url("edge-2"));
        let begun = browser.go(&begin).await?;
        let address = begun.leads_to()?.to_owned();
        secrets.keep("a nonce", parameter(&address, "nonce")?);
        secrets.keep("an attempt", browser.cookie(ATTEMPT).context("an attempt")?);
        let (back, page) = self
            .choose(&mut browser, &address, persona, "edge-3")
            .await?;
        secrets.keep("a code", parameter(&back, "code")?);
        assert_eq!(page.leads_to()?, "/play");
        self.tokens(&mut browser, secrets).await
    }

    /// What the page gets for the cookie that the login has left.
    async fn tokens(&self, browser: &mut Browser, secrets: &mut Secrets) -> anyhow::Result<Tokens> {
        let mut keep = |browser: &Browser| {
            let token = browser.cookie(REFRESH).context("logged in")?;
            secrets.keep("a refresh token", token);
            anyhow::Ok(token.to_owned())
        };
        keep(browser)?;
        let url = format!("{}/v1/refresh", self.url("edge-2"));
        let page = [("x-worldline-cookie", "1")];
        let mut answer = browser.post(&url, &page, &json!({})).await?.body;
        answer["refresh_token"] = keep(browser)?.into();
        assert!(answer["guest_token"].is_null(), "not a guest's any more");
        let tokens: Tokens = serde_json::from_value(answer)?;
        secrets.keep("an access token", &tokens.access_token);
        Ok(tokens)
    }

    /// A guest's browser asks to keep the character; where it has to go.
    async fn ask_to_link(&self, browser: &mut Browser, guest: &Guest) -> anyhow::Result<String> {
        let url = format!("{}/v1/oidc/dev/link", self.url("edge-2"));
        let bearer = format!("Bearer {}", guest.access_token);
        let asked = json!({ "return": "/?login=kept" });
        let access = [("authorization", bearer.as_str())];
        let begun = browser.post(&url, &access, &asked).await?.body;
        let told = || format!("an address in {begun}");
        Ok(begun["url"].as_str().with_context(told)?.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_lets_in_and_keeps_a_guests_character() -> anyhow::Result<()> {
    let mut stage = Stage::new().await?;
    let mut secrets = Secrets::default();
    let edge = stage.stack.edge("edge-2").clone();

    // The same person twice is the same account; another one is another.
    let first = stage.log_in("ada", &mut secrets).await?;
    let second = stage.log_in("ada", &mut secrets).await?;
    assert_eq!(first.account, second.account);
    assert_ne!(first.session, second.session);
    let other = stage.log_in("cleo", &mut secrets).await?;
    assert_ne!(first.account, other.account);

    // A guest keeps the character, from then on with the provider's word alone.
    let guest = login::new_guest(&edge, "Ferdinand").await?;
    let mut browser = Browser::default();
    let address = stage.ask_to_link(&mut browser, &guest).await?;
    secrets.keep("a guest's nonce", parameter(&address, "nonce")?);
    let (back, page) = stage
        .choose(&mut browser, &address, "ben", "edge-3")
        .await?;
    secrets.keep("a guest's code", parameter(&back, "code")?);
    assert_eq!(page.leads_to()?, "/?login=kept");
    let kept = stage.tokens(&mut browser, &mut secrets).await?;
    assert_eq!(kept.characters, std::slice::from_ref(&guest.character));
    assert_eq!(
        code(login::known_guest(&edge, &guest.guest_token).await),
        "bad_login"
    );
    let back = stage.log_in("ben", &mut secrets).await?;
    assert_eq!(
        (&back.account, &back.characters),
        (&kept.account, &kept.characters)
    );
    let ferdinand = Account {
        edge: edge.clone(),
        name: "Ferdinand".into(),
        password: String::new(),
        tokens: back,
    };
    let mut player = ferdinand.player(&edge, &guest.character);
    player.enter().await?;
    player.leave().await?;

    // Somebody who has an account already does not get another guest's, and the guest stays one.
    let guest = login::new_guest(&edge, "Isabella").await?;
    let mut browser = Browser::default();
    let address = stage.ask_to_link(&mut browser, &guest).await?;
    let (_, page) = stage
        .choose(&mut browser, &address, "ben", "edge-2")
        .await?;
    assert_eq!(page.leads_to()?, "/?login=kept&login_error=already_linked");
    assert_eq!(browser.cookie(REFRESH), None);
    login::known_guest(&edge, &guest.guest_token).await?;

    // A guest who has logged out meanwhile has asked in vain, and nobody is linked.
    let address = stage.ask_to_link(&mut browser, &guest).await?;
    let bearer = Some(guest.access_token.as_str());
    edge.exchange("POST", "/v1/logout", bearer, b"").await?;
    eventually("the guest's session has ended", || async {
        let (status, _) = edge.exchange("GET", "/v1/account", bearer, b"").await?;
        Ok(status == 401)
    })
    .await?;
    let (_, page) = stage
        .choose(&mut browser, &address, "dov", "edge-2")
        .await?;
    assert_eq!(page.leads_to()?, "/?login=kept&login_error=session_ended");
    let dov = stage.log_in("dov", &mut secrets).await?;
    assert!(dov.characters.is_empty(), "an account of his own");

    all_is_well(&stage.stack).await?;
    let word = stage.word_of("ada").await?;
    let (head, _) = word.split_once('.').context("a token")?;
    secrets.keep("what the provider's tokens begin with", head);
    secrets.keep("whom they are about", "persona-ada");
    secrets.keep("whose address they hold", "ada@example");
    for role in [
        "identity",
        "lobby",
        "edge-1",
        "edge-2",
        "edge-3",
        "projector",
        "w1",
    ] {
        stage.stack.kill(role).await?;
    }
    secrets.search_below(&stage.stack.data_dir().join("log"))?;
    stage.stack.broker.kill()?;
    let read = secrets.search_below(stage.stack.broker.store_dir())?;
    assert!(read > 0, "nothing was searched");
    stage.stack.is_well();
    Ok(())
}

impl Stage {
    /// A token of the same provider and key as those that the edges were given, which nobody sees.
    async fn word_of(&self, persona: &str) -> anyhow::Result<String> {
        // The example of RFC 7636.
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        let (http, redirect) = (
            HttpClient::new(Duration::from_secs(20)),
            "http://127.0.0.1:1/cb",
        );
        let url = &self.issuer.issuer_url;
        let begin = format!(
            "{url}/authorize?response_type=code&client_id=worldline-dev&redirect_uri={redirect}\
             &scope=openid&state=s&nonce=n&code_challenge={challenge}&code_challenge_method=S256"
        );
        let back = dev_issuer::choose(&http, &begin, persona).await?;
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", parameter(&back, "code")?.to_owned()),
            ("redirect_uri", redirect.to_owned()),
            ("client_id", "worldline-dev".to_owned()),
            ("code_verifier", verifier.to_owned()),
        ];
        let answer = http
            .post_form(&format!("{url}/token"), form, 1 << 20)
            .await?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let token = answer["id_token"].as_str().context("a token")?;
        Ok(token.to_owned())
    }
}

fn parameter<'a>(url: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let mut pairs = url
        .split(['?', '&'])
        .filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == name);
    Ok(found.with_context(|| format!("{name} in {url}"))?.1)
}
