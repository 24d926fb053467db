//! What `FACTS` must hold, made of the log without the writer, and what it does hold.

use std::collections::BTreeMap;

use eventlog::{EventLog, FeedMessage, Follow, Record};
use past::event::Events;
use projector::facts::{Config, message_of};
use runtime::Span;
use schemas::subjects::{AREA_EVENTS, FACTS};
use schemas::{Digest, Sequence};
use serde_json::Value;

/// What is told.
pub(crate) const SOURCES: [&str; 4] = [
    AREA_EVENTS,
    "IDENTITY_EVENTS",
    "LOBBY_EVENTS",
    "CONTROL_EVENTS",
];

/// Everything, however old: the samples' clock stands in 2023.
pub(crate) fn everything() -> Config {
    Config {
        since: Span::from_secs(200 * 365 * 86_400),
        max_rate: 1_000_000,
        every: Span::from_millis(0),
        ..Config::default()
    }
}

pub(crate) async fn records(log: &EventLog, stream: &str) -> Vec<Record> {
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut all = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        all.push(record);
    }
    all
}

/// (subject, payload) of every event that is to be told, by stream and in its order.
pub(crate) async fn expected(
    log: &EventLog,
    config: &Config,
) -> BTreeMap<String, Vec<(String, String)>> {
    let mut all = BTreeMap::new();
    for stream in SOURCES {
        let mut events = Events::new();
        let mut told = Vec::new();
        for record in records(log, stream).await {
            for event in events.of(&record).unwrap() {
                if config.leave_out.iter().all(|kind| kind != event.event_type) {
                    let message = message_of(&event);
                    let text = String::from_utf8(message.payload.to_vec()).unwrap();
                    told.push((message.subject, text));
                }
            }
        }
        all.insert(stream.to_owned(), told);
    }
    all
}

/// The first `count` messages of a writer that takes one stream after the other, and its note after them.
pub(crate) async fn messages(
    log: &EventLog,
    config: &Config,
    count: usize,
) -> (Vec<FeedMessage>, String) {
    let mut all = Vec::new();
    let mut note = "writer=0000000000001".to_owned();
    for stream in SOURCES {
        let life = log.stream_info(stream).await.unwrap().incarnation;
        let before = note.clone();
        let mut events = Events::new();
        for record in records(log, stream).await {
            let digest = Digest::of(&record.payload);
            for event in events.of(&record).unwrap() {
                if config.leave_out.iter().any(|kind| kind == event.event_type) {
                    continue;
                }
                let (sequence, index) = (event.log_position, event.event_index);
                note = format!("{before} {stream}={life}:{sequence}:{index}:{digest}");
                all.push(message_of(&event));
                if all.len() == count {
                    return (all, note);
                }
            }
        }
    }
    panic!("there are {} messages", all.len());
}

/// The same, as `FACTS` has it.
pub(crate) async fn told(log: &EventLog) -> BTreeMap<String, Vec<(String, String)>> {
    let mut all: BTreeMap<_, _> = SOURCES.map(|stream| (stream.to_owned(), Vec::new())).into();
    for record in records(log, FACTS).await {
        let text = String::from_utf8(record.payload.to_vec()).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        let stream = event["stream"].as_str().unwrap();
        all.get_mut(stream).unwrap().push((record.subject, text));
    }
    all
}

/// Holds the one against the other.
pub(crate) async fn assert_told_once(log: &EventLog, config: &Config) {
    let (expected, told) = (expected(log, config).await, told(log).await);
    for (stream, expected) in &expected {
        assert!(!expected.is_empty(), "{stream} holds nothing to tell");
        let told = &told[stream];
        for (at, (wanted, found)) in expected.iter().zip(told).enumerate() {
            assert_eq!(wanted, found, "event {at} of {stream}");
        }
        assert_eq!(expected.len(), told.len(), "events of {stream}");
    }
}
