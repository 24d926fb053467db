//! Asking and being answered.

use std::time::Duration;

use eventlog::RequestError;
use schemas::subjects::Domain;

use crate::purse::PurseCommand;
use crate::realm::{ANN, BEN, Realm, of_both};

of_both!(
    a_command_is_answered_from_the_state_after_it,
    a_refusal_is_an_answer_and_its_events_are_kept,
    nobody_answers_when_nobody_serves,
    a_lost_ack_of_the_event_is_not_a_second_event,
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
