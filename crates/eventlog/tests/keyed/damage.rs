//! Damaged input, and streams that are not what they were.

use bytes::Bytes;
use eventlog::keyed::KeyedError;
use schemas::subjects::{Domain, keyed_command, keyed_events};
use schemas::{Incarnation, Sequence, encode};

use crate::purse::PurseCommand;
use crate::realm::{ANN, BEN, Realm, of_both};

of_both!(
    what_cannot_be_decoded_is_passed_over,
    a_command_that_breaks_the_rules_is_refused_as_a_fault,
    an_event_that_cannot_be_read_stops_its_own_key_only,
    another_life_of_the_command_stream_is_an_error,
    a_command_stream_that_was_cut_is_an_error,
);

async fn what_cannot_be_decoded_is_passed_over(realm: Realm) {
    let subject = keyed_command(Domain::Lobby, &ANN.to_string());
    for garbage in [&b""[..], b"garbage", b"\x81\xa4type\xa9unknown.1"] {
        let sent = realm.log.send(&subject, Bytes::from_static(garbage), None);
        sent.await.unwrap();
    }
    let instance = realm.serve();
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 1 }).await, Ok(1));
    instance.stop().await;
}

async fn a_command_that_breaks_the_rules_is_refused_as_a_fault(realm: Realm) {
    let instance = realm.serve();
    let broken = realm.ask(ANN, PurseCommand::Break).await;
    assert_eq!(broken.unwrap_err().code, "fault");
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 1 }).await, Ok(1));
    instance.stop().await;
}

async fn an_event_that_cannot_be_read_stops_its_own_key_only(realm: Realm) {
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    let mut foreign = realm.log.appender(&subject).await.unwrap();
    foreign
        .append(Bytes::from_static(b"garbage"), None)
        .await
        .unwrap();
    let instance = realm.serve();
    let refused = realm.ask(ANN, PurseCommand::Put { coins: 1 }).await;
    assert_eq!(refused.unwrap_err().code, "fault");
    assert_eq!(realm.ask(BEN, PurseCommand::Put { coins: 1 }).await, Ok(1));
    instance.stop().await;
}

/// Ann's one event, changed as if one of the two streams had been restored.
async fn tamper(realm: &Realm, change: impl FnOnce(&mut Incarnation, &mut Sequence)) {
    let instance = realm.serve();
    realm
        .ask(ANN, PurseCommand::Put { coins: 1 })
        .await
        .unwrap();
    instance.stop().await;
    let mut entry = realm.entry(ANN).await.unwrap();
    change(&mut entry.incarnation, &mut entry.handled);
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    let mut foreign = realm.log.appender(&subject).await.unwrap();
    foreign
        .append(Bytes::from(encode(&entry)), None)
        .await
        .unwrap();
}

async fn another_life_of_the_command_stream_is_an_error(realm: Realm) {
    tamper(&realm, |incarnation, _| incarnation.0 ^= 1).await;
    let error = realm.serve().fails().await;
    assert!(
        matches!(error, KeyedError::OtherIncarnation { .. }),
        "{error}"
    );
}

async fn a_command_stream_that_was_cut_is_an_error(realm: Realm) {
    tamper(&realm, |_, handled| handled.0 += 1000).await;
    let error = realm.serve().fails().await;
    assert!(
        matches!(
            error,
            KeyedError::AheadOfCommands {
                handled: Sequence(1001),
                ..
            }
        ),
        "{error}"
    );
}
