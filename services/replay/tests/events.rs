//! Events taken out of a log hold what the messages held: the same motion, people and kinds, from wherever one goes on.

mod sample;

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{EventLog, Follow, Record};
use past::event::{AsRecorded, Data, Event, EventError, Events, People, PersonalId};
use sample::{Realm, area_id, busy_day, people};
use schemas::fact::Fact;
use schemas::subjects::{AREA_EVENTS, Domain, area_events};
use schemas::{AccountId, CharacterId, Handle, Sequence};
use serde_json::Value;

async fn records(log: &EventLog, stream: &str) -> Vec<Record> {
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut records = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        records.push(record);
    }
    records
}

async fn all(log: &EventLog) -> Vec<Event> {
    let mut events = Events::new();
    let mut told = Vec::new();
    let streams = Domain::ALL.into_iter().map(Domain::event_stream);
    for stream in std::iter::once(AREA_EVENTS).chain(streams) {
        for record in records(log, stream).await {
            told.extend(events.of(&record).unwrap());
        }
    }
    told
}

async fn full_day() -> Realm {
    let mut realm = busy_day().await;
    people::live(&mut realm).await;
    realm
}

#[tokio::test]
async fn every_event_has_an_identity_of_its_own_and_says_what_it_is() {
    let realm = full_day().await;
    let events = all(&realm.log).await;
    let identities: BTreeSet<_> = events.iter().map(Event::identity).collect();
    assert_eq!(identities.len(), events.len());
    let kinds: BTreeSet<&str> = events.iter().map(|event| event.event_type).collect();
    for kind in [
        "owned",
        "arrived",
        "departed",
        "spoken",
        "moved",
        "accepted",
        "rejected",
        "effect_sent",
        "effect_applied",
        "created",
        "session_started",
        "guest_registered",
        "granted",
        "reserved",
        "area_opened",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    for event in &events {
        // Where the type is told within the message too, it is the same.
        let recorded = serde_json::to_value(&event.data).unwrap();
        if let Some(tag) = recorded.get("type").and_then(Value::as_str) {
            let told = format!("{}.{}", event.event_type, event.schema_version);
            assert_eq!(tag, told);
        }
        assert_eq!(event.data.json().get("type"), None, "{event:?}");
    }
}

#[tokio::test]
async fn a_bodys_last_segment_is_the_one_that_folding_leaves() {
    let realm = busy_day().await;
    let mut last: BTreeMap<(String, Handle), (i32, i32, i32, i32)> = BTreeMap::new();
    for event in all(&realm.log).await {
        let area = event.area.as_ref().map(ToString::to_string);
        match event.data {
            Data::Moved(moved) => {
                let key = (area.unwrap(), moved.handle);
                last.insert(key, (moved.x, moved.y, moved.vx, moved.ax));
            }
            Data::Fact(Fact::Arrived {
                handle, segment, ..
            }) => {
                let now = (segment.x, segment.y, segment.vx, segment.ax);
                last.insert((area.unwrap(), handle), now);
            }
            Data::Fact(Fact::Departed { handle, .. }) => {
                last.remove(&(area.unwrap(), handle));
            }
            _ => {}
        }
    }
    let mut folded = BTreeMap::new();
    for area in ["forest-1"] {
        for body in realm.state(area).bodies() {
            let s = body.segment;
            folded.insert((area.to_owned(), body.handle), (s.x, s.y, s.vx, s.ax));
        }
    }
    assert_eq!(last, folded);
    assert_eq!(folded.len(), 1, "Ann is there");
}

#[tokio::test]
async fn who_speaks_moves_and_is_refused_is_told_with_the_account() {
    let realm = busy_day().await;
    let ann = (Some(CharacterId(1)), Some(AccountId(1000)));
    let events = all(&realm.log).await;
    let who = |kind: &str| -> Vec<_> {
        let of_kind = events.iter().filter(|event| event.event_type == kind);
        of_kind.map(|event| (event.player, event.account)).collect()
    };
    assert_eq!(who("spoken"), [ann, ann]);
    assert!(
        who("moved")
            .iter()
            .all(|(player, account)| player.is_some() && account.is_some())
    );
    assert!(
        who("accepted")
            .iter()
            .all(|(player, account)| player.is_some() && account.is_some())
    );
    // One of them could not even be decoded.
    assert_eq!(
        who("rejected")
            .iter()
            .filter(|who| **who == (None, None))
            .count(),
        1
    );
    let created: Vec<_> = who("created");
    assert_eq!(created[0], ann);
    let departed = events
        .iter()
        .find(|event| event.event_type == "departed")
        .unwrap();
    assert_eq!((departed.player, departed.account), ann);
    let metadata = &departed.metadata;
    assert_eq!(metadata.worker.as_deref(), Some("w1"));
    assert_eq!(
        metadata.cause.map(|cause| cause.stream),
        Some("AREA_COMMANDS")
    );
}

#[tokio::test]
async fn what_was_saved_goes_on_as_if_nothing_had_been_between() {
    let realm = busy_day().await;
    let records = records(&realm.log, AREA_EVENTS).await;
    let mut whole = Events::new();
    let mut resumed = Events::new();
    for record in &records {
        let saved = Events::restore(&resumed.save()).unwrap();
        resumed = saved;
        assert_eq!(resumed.of(record).unwrap(), whole.of(record).unwrap());
    }
    assert!(matches!(
        Events::restore(b"else"),
        Err(EventError::Saved(_))
    ));
}

#[tokio::test]
async fn a_hole_is_found_and_what_is_behind_it_is_told_as_far_as_it_can_be() {
    let realm = busy_day().await;
    let harbor = area_events(&area_id("harbor-1"));
    let mut records = records(&realm.log, AREA_EVENTS).await;
    records.retain(|record| record.subject == harbor);
    let mut whole = Events::new();
    let told: Vec<Vec<Event>> = records
        .iter()
        .map(|record| whole.of(record).unwrap())
        .collect();
    // Ann's arrival is lost.
    let missing = told
        .iter()
        .position(|events| events.iter().any(|event| event.event_type == "arrived"))
        .unwrap();
    let mut events = Events::new();
    for record in &records[..missing] {
        events.of(record).unwrap();
    }
    let error = events.of(&records[missing + 1]).unwrap_err();
    assert!(matches!(error, EventError::Hole { .. }), "{error}");
    assert!(error.to_string().contains("harbor-1"), "{error}");
    events.lost(&harbor);
    for (record, whole) in records[missing + 1..].iter().zip(&told[missing + 1..]) {
        for event in events.of(record).unwrap() {
            // Under the same identity, and true: only who it was may be missing.
            let known = whole
                .iter()
                .find(|known| known.identity() == event.identity());
            let known = known.expect("it is one of those");
            assert_eq!(known.data, event.data);
            assert!(event.player.is_none() || event.player == known.player);
        }
    }
}

#[tokio::test]
async fn ids_of_people_are_found_wherever_they_stand() {
    /// Puts stars in their place.
    struct Stars(BTreeSet<String>);
    impl People for Stars {
        fn write(&mut self, _: PersonalId, id: &str, out: &mut Vec<u8>) {
            self.0.insert(id.to_owned());
            out.extend_from_slice(b"***");
        }
    }
    let realm = full_day().await;
    let mut stars = Stars(BTreeSet::new());
    let mut texts = past::event::RowTexts::default();
    let mut hidden = Vec::new();
    let mut open = String::new();
    for event in all(&realm.log).await {
        texts.render(&event, &mut stars);
        texts.write_json(&event, &mut hidden);
        open.push_str(std::str::from_utf8(&event.to_json()).unwrap());
        // Both are JSON, with the same fields.
        let mut row = Vec::new();
        texts.write_json(&event, &mut row);
        let row: Value = serde_json::from_slice(&row).unwrap();
        let names: Vec<&String> = row.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), Event::COLUMNS.len());
        let mut data = Vec::new();
        event.data.write_json(&mut AsRecorded, &mut data);
        assert_eq!(
            serde_json::from_slice::<Value>(&data).unwrap(),
            event.data.json()
        );
    }
    // In this realm a life of a stream has a number like a player's, and a nonce is of the same bytes as a digest.
    let hidden = String::from_utf8(hidden)
        .unwrap()
        .replace(r#""incarnation":"0000000000001""#, "")
        .replace(&format!(r#""nonce":"{}""#, "01".repeat(24)), "");
    let (ann, ben) = (CharacterId(1).to_string(), CharacterId(2).to_string());
    let account = AccountId(1000).to_string();
    for id in [
        &ann,
        &ben,
        &account,
        &people::CLEO.to_string(),
        &people::HERO.to_string(),
    ] {
        assert!(open.contains(id.as_str()), "{id} is in the log");
        assert!(stars.0.contains(id.as_str()), "{id} was not found");
    }
    for id in stars
        .0
        .iter()
        .filter(|id| id.bytes().any(|digit| digit != b'0'))
    {
        assert!(!hidden.contains(id.as_str()), "{id} is still told");
    }
}
