//! Identity is killed between a login command and its outcome, at many points: in the end the login
//! is completed once, and never twice.

use std::time::Duration;

use schemas::account::LoggedIn;
use schemas::credential::{Credential, CredentialCommand, CredentialEvent, CredentialReply, Grant};
use schemas::keyed::{KeyedEntry, KeyedMessage, Reply};
use schemas::sealed_to::BoxSecret;
use schemas::subjects::{Domain, keyed_command, reply};
use schemas::{AccountId, EdgeId, decode, encode};

use crate::stage::{Stage, eventually, open, typed};

const PASSWORD: &str = "correct horse battery";
const EDGE: EdgeId = EdgeId(2);

/// How many grants have been given out, and what for.
async fn grants(stage: &Stage, key: &str) -> usize {
    let entries = stage.stored(Domain::Credential, key).await;
    let events = entries.iter().flat_map(|bytes| {
        let entry: KeyedEntry<CredentialEvent, Credential> = decode(bytes).unwrap();
        entry.events
    });
    events
        .filter(|event| matches!(event, CredentialEvent::Granted { .. }))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_was_under_way_is_completed_once_after_the_restart() {
    let mut stage = Stage::new().await;
    // Another life begins later than a login may wait: that is not what this is about.
    stage.config.patience = runtime::Span::from_secs(60);
    let mut life = stage.start().await;
    stage.register("Ann", PASSWORD).await.unwrap();
    let key = stage.key("Ann");
    let mut answers = stage
        .edge
        .subscribe_core(&format!("reply.{EDGE}.*"))
        .await
        .unwrap();
    let before = grants(&stage, &key).await;
    let mut tokens: Vec<LoggedIn> = Vec::new();
    for round in 1..=8 {
        let secret = BoxSecret::generate();
        let command = KeyedMessage::Command {
            request: round,
            reply: Some(reply(EDGE, round)),
            body: CredentialCommand::LogIn {
                account: AccountId(1),
                secret: stage.seal(&key, secret.public(), &typed(PASSWORD)).await,
                reply_key: secret.public(),
            },
        };
        let subject = keyed_command(Domain::Credential, &key);
        let sent = stage.edge.send(&subject, encode(&command).into(), None);
        sent.await.unwrap();
        // At once, while it is hashed, at the append, or a little later.
        if round % 2 == 0 {
            let expected = before + usize::try_from(round).unwrap();
            eventually("the outcome is stored", async || {
                (grants(&stage, &key).await >= expected).then_some(())
            })
            .await;
        } else {
            tokio::time::sleep(Duration::from_millis(3 * (round - 1))).await;
        }
        life.kill().await;
        life = stage.start().await;

        let answered = async {
            loop {
                let answer = answers.next().await.expect("the connection holds");
                let answer: Reply<CredentialReply> = decode(&answer.payload).unwrap();
                // An answer may come twice: before the kill and after it.
                if answer.request == round {
                    return answer.result;
                }
            }
        };
        let answered = tokio::time::timeout(Duration::from_secs(30), answered);
        let answered = tokio::select! {
            answered = answered => answered.expect("answered").unwrap(),
            ended = life.ended() => panic!("the service ended instead of answering: {ended:?}"),
        };
        let CredentialReply::Granted { grant } = answered else {
            panic!("the answer to another question");
        };
        let grant: Grant = open(&secret, &key, &grant);
        tokens.push(stage.open_session(&grant).await.unwrap());
        let twice = stage.open_session(&grant).await.unwrap_err();
        assert_eq!(twice.code, "grant_used");
        let now = grants(&stage, &key).await;
        assert_eq!(now, before + usize::try_from(round).unwrap());
    }
    let mut sessions: Vec<_> = tokens.iter().map(|tokens| tokens.session).collect();
    sessions.dedup();
    assert_eq!(sessions.len(), 8);
    life.end().await;
}
