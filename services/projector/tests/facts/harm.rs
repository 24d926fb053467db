//! Whatever is done to the writer, the broker and the two memories, every event is told once.

use std::time::Duration;

use eventlog::{EventLog, MemoryControls};
use past::Past;
use projector::facts::{FactsError, fill, run};
use runtime::{Ctx, Shutdown, Span};
use schemas::subjects::FACTS;

use crate::expected::{SOURCES, assert_told_once, everything, expected, messages, records};
use crate::sample::{Realm, people, play};

/// A realm with a history, and its broker's controls.
async fn realm() -> (Realm, MemoryControls) {
    let (log, faults) = EventLog::in_memory();
    let mut realm = Realm::on(log);
    play(&mut realm).await;
    people::live(&mut realm).await;
    (realm, faults)
}

fn past(realm: &Realm) -> Past {
    Past::from(realm.log.clone())
}

/// Tells on until it has come to the end; how often it had to begin again.
async fn persist(realm: &Realm) -> u32 {
    let mut begun = 0;
    loop {
        match fill(&everything(), &past(realm), &Shutdown::new()).await {
            Ok(()) => return begun,
            Err(error) if error.passes() => begun += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn lost_answers_and_lost_messages_change_nothing() {
    let (mut realm, faults) = realm().await;
    let mut begun = 0;
    for round in 0..8 {
        if round % 2 == 0 {
            faults.lose_acks(5);
        } else {
            faults.lose_messages(1);
        }
        begun += persist(&realm).await;
        realm.ticks(2).await;
        let ann = schemas::CharacterId(1);
        realm.say(ann, "on we go").await;
        realm.ticks(1).await;
    }
    assert!(begun >= 4, "only {begun} times anything went wrong");
    persist(&realm).await;
    assert_told_once(&realm.log, &everything()).await;
}

/// Dropped at a moment of chance, as `kill` would end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_killed_again_and_again_tells_everything_once() {
    let (realm, _faults) = realm().await;
    let (mut killed, mut micros) = (0, 0);
    loop {
        let config = everything();
        let past = past(&realm);
        let shutdown = Shutdown::new();
        let life = fill(&config, &past, &shutdown);
        match tokio::time::timeout(Duration::from_micros(micros), life).await {
            Err(_) => killed += 1,
            Ok(Ok(())) => break,
            Ok(Err(error)) => assert!(error.passes(), "{error}"),
        }
        // Finely at first, and soon long enough for a whole life on a slow machine too.
        micros = micros * 5 / 4 + 150;
    }
    assert!(killed > 3, "it was too quick to be killed");
    assert_told_once(&realm.log, &everything()).await;
}

/// In the middle of a message with several events, too.
#[tokio::test]
async fn a_message_that_was_told_in_part_is_told_to_its_end() {
    let (realm, _faults) = realm().await;
    persist(&realm).await;
    let whole = records(&realm.log, FACTS).await.len();
    // A log in which `FACTS` ends after each of the first messages in turn.
    for end in (1..whole).step_by(7) {
        let (copy, _faults) = EventLog::in_memory();
        copy_events(&realm.log, &copy).await;
        let (begun, note) = messages(&copy, &everything(), end).await;
        let mut feed = copy.feed(FACTS).await.unwrap();
        feed.publish(&begun, &note).await.unwrap();
        fill(&everything(), &Past::from(copy.clone()), &Shutdown::new())
            .await
            .unwrap();
        assert_told_once(&copy, &everything()).await;
    }
}

async fn copy_events(from: &EventLog, to: &EventLog) {
    for stream in SOURCES {
        for record in records(from, stream).await {
            let mut appender = to.appender(&record.subject).await.unwrap();
            appender.append(record.payload, None).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_at_once_tell_everything_once() {
    let (mut realm, _faults) = realm().await;
    let ctx = Ctx::new(Shutdown::new());
    let writers = [(); 2].map(|()| tokio::spawn(run(everything(), past(&realm), ctx.clone())));
    let ann = schemas::CharacterId(1);
    for _ in 0..20 {
        realm.say(ann, "what is this?").await;
        realm.ticks(2).await;
    }
    let expected = expected(&realm.log, &everything()).await;
    let expected: usize = expected.values().map(Vec::len).sum();
    let all_told = async {
        while records(&realm.log, FACTS).await.len() < expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), all_told)
        .await
        .expect("everything is told");
    ctx.shutdown.begin();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_told_once(&realm.log, &everything()).await;
}

/// The memory is for speed alone.
#[tokio::test]
async fn without_its_memory_or_with_a_damaged_one_it_tells_the_same() {
    let (mut realm, _faults) = realm().await;
    let bucket = realm.log.bucket("facts").await.unwrap();
    for damage in [None, Some("not a memory")] {
        persist(&realm).await;
        assert!(bucket.get("AREA_EVENTS").await.unwrap().is_some());
        // Twice, for the one before is kept too.
        for _ in 0..2 {
            for key in bucket.keys().await.unwrap() {
                match damage {
                    None => bucket.delete(&key).await.unwrap(),
                    Some(text) => drop(bucket.put(&key, text.into()).await.unwrap()),
                }
            }
        }
        realm.ticks(5).await;
    }
    persist(&realm).await;
    assert_told_once(&realm.log, &everything()).await;
}

/// Saved often, the memory is used in every state in which it can be.
#[tokio::test]
async fn a_memory_is_true_whenever_it_was_saved() {
    let (mut realm, faults) = realm().await;
    let mut config = everything();
    config.save_every = Span::from_millis(1);
    for _ in 0..5 {
        faults.lose_messages(1);
        for _ in 0..2 {
            match fill(&config, &past(&realm), &Shutdown::new()).await {
                Ok(()) => {}
                Err(error) => assert!(error.passes(), "{error}"),
            }
        }
        realm.ticks(4).await;
    }
    persist(&realm).await;
    assert_told_once(&realm.log, &everything()).await;
}

#[tokio::test]
async fn what_knows_more_than_the_log_is_not_written_on() {
    let (realm, _faults) = realm().await;
    persist(&realm).await;
    let last = realm.log.feed(FACTS).await.unwrap();
    let note = last.note().unwrap().to_owned();
    // The same end, of a log that is another one: shorter, and of another life.
    let mut other = Realm::new();
    other.open("harbor-1", "w1").await;
    let mut feed = other.log.feed(FACTS).await.unwrap();
    let (message, _) = messages(&realm.log, &everything(), 1).await;
    feed.publish(&message, &note).await.unwrap();
    let refused = fill(&everything(), &past(&other), &Shutdown::new()).await;
    let Err(error @ FactsError::Position { .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(!error.passes());
    assert!(error.to_string().contains("do not belong together"));
}
