//! Asking and being answered.

use std::sync::Arc;
use std::time::Duration;

use eventlog::RequestError;
use eventlog::keyed::{Aggregate, Context, Input, Verdict, serve_keyed};
use schemas::keyed::KeyedMessage;
use schemas::subjects::{Domain, keyed_command, keyed_events, reply};
use schemas::{EdgeId, encode};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::purse::PurseCommand;
use crate::realm::{ANN, BEN, LONG, Realm, of_both};

of_both!(
    a_command_is_answered_from_the_state_after_it,
    a_refusal_is_an_answer_and_its_events_are_kept,
    nobody_answers_when_nobody_serves,
    a_lost_ack_of_the_event_is_not_a_second_event,
    whoever_does_not_ask_as_an_edge_does_is_not_answered,
    a_fault_is_told_to_nobody_but_an_edge,
    an_answer_that_cannot_be_sent_is_nobodys_and_the_next_one_is,
);

async fn a_command_is_answered_from_the_state_after_it(realm: Realm) {
    let instance = realm.serve();
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 3 }).await, Ok(3));
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 4 }).await, Ok(7));
    assert_eq!(realm.ask(BEN, PurseCommand::Put { coins: 1 }).await, Ok(1));
    instance.stop().await;
}

async fn a_refusal_is_an_answer_and_its_events_are_kept(realm: Realm) {
    let instance = realm.serve();
    let refused = realm.ask(ANN, PurseCommand::Give { to: BEN }).await;
    assert_eq!(refused.unwrap_err().code, "empty");
    let entry = realm.entry(ANN).await.unwrap();
    assert_eq!(entry.answered.unwrap().refused.as_deref(), Some("empty"));
    instance.stop().await;
}

async fn nobody_answers_when_nobody_serves(realm: Realm) {
    let waited = Duration::from_millis(200);
    let command = PurseCommand::Put { coins: 1 };
    let key = ANN.to_string();
    let asked = realm
        .requester
        .ask::<_, u64>(Domain::Lobby, &key, &command, waited);
    assert!(matches!(asked.await, Err(RequestError::NoAnswer { .. })));
    // It is stored all the same, and handled by whoever comes.
    let instance = realm.serve();
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 1 }).await, Ok(2));
    instance.stop().await;
}

async fn a_lost_ack_of_the_event_is_not_a_second_event(realm: Realm) {
    let instance = realm.serve();
    realm
        .ask(ANN, PurseCommand::Put { coins: 1 })
        .await
        .unwrap();
    for coins in 2..6 {
        // Of the command, of the event, or of both.
        realm.faults.lose_acks(coins as u32 % 3);
        assert_eq!(
            realm.ask(ANN, PurseCommand::Put { coins: 1 }).await,
            Ok(coins)
        );
    }
    instance.stop().await;
}

/// As an edge that was broken into may: Ann gets a coin, and the answer is to go to `to`.
async fn ask_for_an_answer(realm: &Realm, to: &str) {
    let command = KeyedMessage::Command {
        request: 1,
        reply: Some(to.to_owned()),
        body: PurseCommand::Put { coins: 1 },
    };
    let subject = keyed_command(Domain::Lobby, &ANN.to_string());
    let sent = realm.log.send(&subject, encode(&command).into(), None);
    sent.await.unwrap();
}

async fn whoever_does_not_ask_as_an_edge_does_is_not_answered(realm: Realm) {
    let mut answers = realm.log.subscribe_core("reply.>").await.unwrap();
    let instance = realm.serve();
    let more = format!("{}.more", reply(EdgeId(8), 1));
    let elsewhere = [
        "",
        "reply.",
        "reply.>",
        "reply.a b",
        "reply.a.1",
        "reply.a..1",
        &more,
        &more.replace(".1.more", ".01"),
        &keyed_events(Domain::Lobby, &BEN.to_string()),
    ];
    for to in elsewhere {
        ask_for_an_answer(&realm, to).await;
    }
    // They are handled all the same, and before this one.
    let coins = elsewhere.len() as u64 + 1;
    assert_eq!(
        realm.ask(ANN, PurseCommand::Put { coins: 1 }).await,
        Ok(coins)
    );
    let first = tokio::time::timeout(LONG, answers.next()).await.unwrap();
    assert_eq!(first.unwrap().subject, reply(EdgeId(9), 1));
    let victim = keyed_events(Domain::Lobby, &BEN.to_string());
    assert_eq!(realm.log.last(&victim).await.unwrap(), None);
    instance.stop().await;
}

async fn a_fault_is_told_to_nobody_but_an_edge(realm: Realm) {
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    let mut foreign = realm.log.appender(&subject).await.unwrap();
    foreign.append("garbage".into(), None).await.unwrap();
    let victim = keyed_events(Domain::Lobby, &BEN.to_string());
    let mut heard = realm.log.subscribe_core(&victim).await.unwrap();
    let instance = realm.serve();
    for to in [&victim, "reply.a b"] {
        ask_for_an_answer(&realm, to).await;
    }
    let refused = realm.ask(ANN, PurseCommand::Put { coins: 1 }).await;
    assert_eq!(refused.unwrap_err().code, "fault");
    assert_eq!(realm.log.last(&victim).await.unwrap(), None);
    assert_eq!(heard.try_next(), None);
    instance.stop().await;
}

/// Answers with as much as is asked for.
struct Gossip;

#[derive(Debug, Serialize, Deserialize)]
struct Tell {
    bytes: usize,
}

impl Aggregate for Gossip {
    const DOMAIN: Domain = Domain::Lobby;
    type Command = Tell;
    type Event = ();
    type State = ();
    type Answer = String;

    fn decide(&self, _: &str, (): &(), _: Input<'_, Tell>, _: &Context) -> Verdict<()> {
        Verdict::unchanged()
    }

    fn evolve((): &mut (), (): &()) {}

    fn answer(&self, _: &str, (): &(), command: &Tell, _: &Context) -> String {
        "x".repeat(command.bytes)
    }
}

async fn an_answer_that_cannot_be_sent_is_nobodys_and_the_next_one_is(realm: Realm) {
    let shutdown = CancellationToken::new();
    let serving = serve_keyed(realm.log.clone(), Arc::new(Gossip), shutdown.clone());
    let serving = tokio::spawn(serving);
    // More than the broker takes in one message. The twin takes anything.
    let command = KeyedMessage::Command {
        request: 1,
        reply: Some(reply(EdgeId(8), 1)),
        body: Tell { bytes: 16 << 20 },
    };
    let subject = keyed_command(Domain::Lobby, "gossip");
    let sent = realm.log.send(&subject, encode(&command).into(), None);
    sent.await.unwrap();
    let next = Tell { bytes: 3 };
    let answer = realm
        .requester
        .ask::<_, String>(Domain::Lobby, "gossip", &next, LONG);
    assert_eq!(answer.await.expect("an answer"), Ok("xxx".to_owned()));
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
