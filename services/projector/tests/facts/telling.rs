//! What is told, and how.

use std::collections::BTreeSet;

use past::Past;
use projector::facts::{FactsError, fill};
use runtime::Shutdown;
use schemas::subjects::{FACTS, live};
use schemas::{CharacterId, Sequence};
use serde_json::Value;

use crate::expected::{assert_told_once, everything, records};
use crate::sample::{self, Realm, busy_day, people};

async fn filled(realm: &Realm) {
    let past = Past::from(realm.log.clone());
    fill(&everything(), &past, &Shutdown::new()).await.unwrap();
}

async fn facts(realm: &Realm) -> Vec<(String, Value)> {
    let all = records(&realm.log, FACTS).await;
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
    all.into_iter()
        .map(|record| (record.subject, read(&record.payload)))
        .collect()
}

#[tokio::test]
async fn every_event_is_told_once_and_in_order() {
    let mut realm = busy_day().await;
    people::live(&mut realm).await;
    filled(&realm).await;
    assert_told_once(&realm.log, &everything()).await;
    // Again there is nothing to tell, and what comes then is told alone.
    let before = realm.log.stream_info(FACTS).await.unwrap().last;
    filled(&realm).await;
    assert_eq!(realm.log.stream_info(FACTS).await.unwrap().last, before);
    realm.ticks(3).await;
    filled(&realm).await;
    assert_told_once(&realm.log, &everything()).await;
}

#[tokio::test]
async fn events_are_found_by_type_area_and_player() {
    let realm = busy_day().await;
    filled(&realm).await;
    let ann = CharacterId(1).to_string();
    let all = facts(&realm).await;
    let spoken: Vec<_> = all
        .iter()
        .filter(|(subject, _)| subject.starts_with("fact.spoken."))
        .map(|(subject, _)| subject.as_str())
        .collect();
    let of = |area: &str| format!("fact.spoken.{area}.{ann}");
    assert_eq!(spoken, [of("harbor-1"), of("forest-1")]);
    let kinds: BTreeSet<_> = all
        .iter()
        .filter_map(|(_, event)| event["event_type"].as_str())
        .collect();
    for kind in [
        "owned",
        "arrived",
        "moved",
        "departed",
        "rejected",
        "effect_sent",
        "effect_applied",
        "hibernated",
        "guest_registered",
        "session_started",
        "area_opened",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    assert!(!kinds.contains("accepted"), "it is left out by default");
    for (subject, event) in &all {
        let token = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let columns = [token("event_type"), token("area"), token("player")];
        assert_eq!(*subject, format!("fact.{}", columns.join(".")));
    }
}

/// Sealed texts stay sealed, and what stands for an address, a token or a name is left out.
#[tokio::test]
async fn nothing_readable_of_people_is_told() {
    let mut realm = busy_day().await;
    people::live(&mut realm).await;
    filled(&realm).await;
    let secrets = [
        people::CREDENTIAL.to_string(),
        people::NAME.to_string(),
        schemas::Digest([9; 16]).to_string(),
    ];
    for (subject, event) in facts(&realm).await {
        let text = event.to_string();
        for word in ["hello, Ben", "a forest!", "Ann", "Hero", "telephone"] {
            assert!(!text.contains(word), "{subject} tells {word:?}: {text}");
        }
        for secret in &secrets {
            assert!(!text.contains(secret), "{subject} tells {secret}: {text}");
        }
    }
}

#[tokio::test]
async fn a_new_stream_begins_with_what_is_not_too_old() {
    let mut realm = Realm::new();
    realm.open("harbor-1", "w1").await;
    let config = projector::facts::Config::default();
    let past = Past::from(realm.log.clone());
    // The realm's clock stands years ago.
    fill(&config, &past, &Shutdown::new()).await.unwrap();
    assert_eq!(records(&realm.log, FACTS).await, []);
    fill(&everything(), &past, &Shutdown::new()).await.unwrap();
    // What was passed over is not known to be told, but it is remembered to have been read.
    assert_eq!(records(&realm.log, FACTS).await, []);
    realm.ticks(1).await;
    let ann = realm.guest(1, "Ann").await;
    realm.join(ann).await;
    realm.ticks(2).await;
    fill(&everything(), &past, &Shutdown::new()).await.unwrap();
    let kinds: Vec<_> = facts(&realm).await;
    assert!(
        kinds
            .iter()
            .any(|(subject, _)| subject.starts_with("fact.arrived.harbor-1.")),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn who_only_watches_hears_what_was_stored() {
    let realm = busy_day().await;
    let mut heard = realm
        .log
        .subscribe_core(&live("fact.spoken.>"))
        .await
        .unwrap();
    filled(&realm).await;
    let message = heard.next().await.unwrap();
    let event: Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(event["area"], "harbor-1");
}

/// A message that nobody can read costs its own events, and those that hang on it.
#[tokio::test]
async fn what_cannot_be_read_is_passed_over() {
    let mut realm = busy_day().await;
    realm.abandon("harbor-1");
    let subject = schemas::subjects::area_events(&sample::area_id("harbor-1"));
    realm.append(&subject, b"not a frame".to_vec()).await;
    filled(&realm).await;
    let ann = CharacterId(1);
    realm.say(ann, "still here").await;
    realm.ticks(1).await;
    filled(&realm).await;
    let (subject, event) = facts(&realm).await.pop().unwrap();
    assert!(subject.contains("forest-1"), "{subject} {event}");
}

#[tokio::test]
async fn an_end_that_is_nobodys_is_not_written_behind() {
    let realm = busy_day().await;
    let id = eventlog::MessageId::new("somebody's");
    let sent = realm.log.send_as(&id, "fact.forged.-.-", "{}".into(), None);
    assert_eq!(sent.await.unwrap(), Sequence(1));
    let past = Past::from(realm.log.clone());
    let refused = fill(&everything(), &past, &Shutdown::new()).await;
    assert!(
        matches!(refused, Err(FactsError::Note { .. })),
        "{refused:?}"
    );
}
