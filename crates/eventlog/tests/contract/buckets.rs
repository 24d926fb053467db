//! Buckets, the membership in one, and watching.

use std::time::Duration;

use eventlog::membership::{self, Change};
use eventlog::{Entry, UpdateError};
use schemas::control::{EdgeMember, Heartbeat, Member};
use schemas::person::{self, PersonKeyEntry};
use schemas::sealed::RealmKey;
use schemas::{AccountId, EdgeId, Sequence, UnixMillis};
use tokio::time::{sleep, timeout};

use crate::subject::{Subject, frame, of_both};

of_both!(
    a_value_is_written_read_and_deleted,
    an_update_asks_for_the_revision,
    an_update_survives_a_lost_ack,
    an_erased_value_is_gone_and_its_tombstone_stays,
    every_persons_key_is_learned_at_once,
    a_watch_tells_what_is_there_and_what_changes,
    a_member_that_falls_silent_goes,
    heartbeats_are_heard,
);

async fn a_value_is_written_read_and_deleted(subject: Subject) {
    let bucket = subject.log.bucket("placements").await.unwrap();
    assert_eq!(bucket.get("harbor-1").await.unwrap(), None);
    let revision = bucket.put("harbor-1", frame("w1")).await.unwrap();
    let entry = bucket.get("harbor-1").await.unwrap().unwrap();
    assert_eq!((entry.revision, entry.value), (revision, Some(frame("w1"))));
    bucket.put("forest-1", frame("w2")).await.unwrap();
    assert_eq!(bucket.keys().await.unwrap(), ["harbor-1", "forest-1"]);
    bucket.delete("harbor-1").await.unwrap();
    assert_eq!(bucket.get("harbor-1").await.unwrap(), None);
    assert_eq!(bucket.keys().await.unwrap(), ["forest-1"]);
    assert!(bucket.put("no key", frame("")).await.is_err());
    assert!(bucket.put("a..b", frame("")).await.is_err());
}

async fn an_update_asks_for_the_revision(subject: Subject) {
    let bucket = subject.log.bucket("placements").await.unwrap();
    let first = bucket.update("k", frame("1"), Sequence(0)).await.unwrap();
    let conflict = |outcome| matches!(outcome, Err(UpdateError::Conflict { .. }));
    assert!(conflict(bucket.update("k", frame("2"), Sequence(0)).await));
    let second = bucket.update("k", frame("2"), first).await.unwrap();
    assert!(conflict(bucket.update("k", frame("3"), first).await));
    // Equal bytes at the same revision are still somebody else's.
    assert!(conflict(bucket.update("k", frame("2"), first).await));
    bucket.delete("k").await.unwrap();
    assert!(conflict(bucket.update("k", frame("3"), second).await));
    bucket
        .update("k", frame("again"), Sequence(0))
        .await
        .unwrap();
}

async fn an_update_survives_a_lost_ack(subject: Subject) {
    let bucket = subject.log.bucket("placements").await.unwrap();
    subject.faults.lose_acks(1);
    let first = bucket.update("k", frame("1"), Sequence(0)).await.unwrap();
    subject.faults.lose_acks(1);
    bucket.update("k", frame("2"), first).await.unwrap();
    let entry = bucket.get("k").await.unwrap().unwrap();
    assert_eq!(entry.value, Some(frame("2")));
}

async fn an_erased_value_is_gone_and_its_tombstone_stays(subject: Subject) {
    let bucket = subject.log.bucket("person_keys").await.unwrap();
    bucket.put("k", frame("secret")).await.unwrap();
    bucket.put("other", frame("kept")).await.unwrap();
    bucket.erase("k", frame("gone")).await.unwrap();
    let entry = bucket.get("k").await.unwrap().unwrap();
    assert_eq!(entry.value, Some(frame("gone")));
    let values = bucket.history("k").await.unwrap();
    assert_eq!(values.len(), 1, "nothing but the tombstone: {values:?}");
    let anew = bucket.update("k", frame("anew"), Sequence(0)).await;
    assert!(matches!(anew, Err(UpdateError::Conflict { .. })));
    let other = bucket.get("other").await.unwrap().unwrap();
    assert_eq!(other.value, Some(frame("kept")));
    // What was never there leaves its tombstone too.
    bucket.erase("never", frame("gone")).await.unwrap();
    assert!(bucket.get("never").await.unwrap().is_some());
    let placements = subject.log.bucket("placements").await.unwrap();
    placements.put("k", frame("1")).await.unwrap();
    if subject.broker.is_some() {
        let refused = placements.erase("k", frame("gone")).await;
        assert!(refused.is_err(), "only where the bucket says so");
    }
}

async fn every_persons_key_is_learned_at_once(subject: Subject) {
    const ANN: AccountId = AccountId(1);
    const BEN: AccountId = AccountId(2);
    let bucket = subject.log.bucket(person::BUCKET).await.unwrap();
    let writer = RealmKey::from_bytes([7; 32]);
    let entry = writer.draw(ANN);
    writer.learn(ANN, &entry).unwrap();
    let sealed = writer.seal_for(ANN, "hé").unwrap();
    let put = async |account: AccountId, entry: &PersonKeyEntry| {
        let value = schemas::encode(entry).into();
        bucket.put(&account.to_string(), value).await.unwrap();
    };
    put(ANN, &entry).await;
    let gone = PersonKeyEntry::Erased { at: UnixMillis(1) };
    put(BEN, &gone).await;
    bucket.put("nobody", frame("?")).await.unwrap();
    let reader = RealmKey::from_bytes([7; 32]);
    assert_eq!(subject.log.learn_persons(&reader).await.unwrap(), 2);
    assert_eq!(reader.open(&sealed).as_deref(), Ok("hé"));
    assert!(reader.knows(BEN));
}

async fn a_watch_tells_what_is_there_and_what_changes(subject: Subject) {
    let bucket = subject.log.bucket("placements").await.unwrap();
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2")] {
        bucket.put(key, frame(value)).await.unwrap();
    }
    let mut watch = bucket.watch().await.unwrap();
    let told = |entry: Entry| (entry.key, entry.value.map(|value| value.to_vec()));
    assert!(!watch.is_current());
    assert_eq!(
        told(watch.next().await.unwrap()),
        ("b".into(), Some(b"1".to_vec()))
    );
    assert_eq!(
        told(watch.next().await.unwrap()),
        ("a".into(), Some(b"2".to_vec()))
    );
    assert!(watch.is_current());
    bucket.put("c", frame("3")).await.unwrap();
    assert_eq!(
        told(watch.next().await.unwrap()),
        ("c".into(), Some(b"3".to_vec()))
    );
    subject.faults.disconnect().await;
    bucket.delete("a").await.unwrap();
    assert_eq!(told(watch.next().await.unwrap()), ("a".into(), None));
}

fn member(worker: &str) -> Member {
    Member {
        worker: worker.to_owned(),
        life: 1,
        capacity: 10,
        draining: false,
        areas: Vec::new(),
        quarantined: Vec::new(),
        at: UnixMillis::now(),
        ..Member::default()
    }
}

async fn a_member_that_falls_silent_goes(subject: Subject) {
    let log = &subject.log;
    let (stays, leaves, dies) = (member("w1"), member("w2"), member("w3"));
    // Edges stand beside the workers, and are none.
    let edge = EdgeMember {
        edge: EdgeId(7),
        url: "wss://one.play.example/v1/ws".into(),
        connections: 0,
    };
    membership::announce_edge(log, &edge).await.unwrap();
    for member in [&stays, &leaves, &dies] {
        membership::announce(log, member).await.unwrap();
    }
    assert_eq!(membership::members(log).await.unwrap().len(), 3);
    let mut watch = membership::watch(log).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(watch.next().await.unwrap(), Change::Present(_)));
    }
    assert!(watch.is_current());
    membership::leave(log, "w2").await.unwrap();
    assert_eq!(watch.next().await.unwrap(), Change::Gone("w2".into()));
    let announcing = async {
        loop {
            membership::announce(log, &stays).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    };
    let watching = async {
        loop {
            match watch.next().await.unwrap() {
                Change::Present(member) => assert_eq!(member, stays),
                Change::Gone(worker) => return worker,
            }
        }
    };
    let gone = tokio::select! {
        () = announcing => unreachable!("it announces for ever"),
        gone = timeout(Duration::from_secs(10), watching) => gone.expect("it goes"),
    };
    assert_eq!(gone, "w3");
    assert_eq!(membership::members(log).await.unwrap(), [stays]);
    membership::leave_edge(log, edge.edge).await.unwrap();
    let key = format!("edge.{}", edge.edge);
    assert_eq!(membership::edge_of(&key), Some(edge.edge));
    assert_eq!(membership::edge_of("w1"), None);
    let bucket = log.bucket(membership::BUCKET).await.unwrap();
    assert_eq!(bucket.get(&key).await.unwrap(), None);
}

async fn heartbeats_are_heard(subject: Subject) {
    let mut heartbeats = membership::heartbeats(&subject.log).await.unwrap();
    let beat = Heartbeat {
        worker: "w1".to_owned(),
        life: 7,
        late_ms: 3,
        stuck_ms: 1_200,
        taken_ms: Some(1_500),
    };
    membership::heartbeat(&subject.log, &beat).await.unwrap();
    assert_eq!(heartbeats.next().await.unwrap(), beat);
}
