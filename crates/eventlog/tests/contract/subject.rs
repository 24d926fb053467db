//! What a test is run against, and the words tests are written in.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use devstack::test::TestBroker;
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Faults, Record, streams};
use schemas::Sequence;

/// A log under test with its faults, and the server behind it, if there is one.
pub(crate) struct Subject {
    pub(crate) log: EventLog,
    pub(crate) faults: Faults,
    pub(crate) broker: Option<TestBroker>,
}

impl Subject {
    pub(crate) async fn twin() -> Self {
        let (log, faults) = EventLog::in_memory();
        Self {
            log,
            faults,
            broker: None,
        }
    }

    pub(crate) async fn real() -> Self {
        let broker = devstack::test::broker().await.expect("a broker");
        let options = Connect::to(broker.url(), "test");
        let (log, faults) = EventLog::connect_with_faults(&options)
            .await
            .expect("a connection");
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&log, &file).await.expect("streams");
        Self {
            log,
            faults,
            broker: Some(broker),
        }
    }
}

/// Makes of each function two tests: `twin::…` and `real::…`.
macro_rules! of_both {
    ($($name:ident),* $(,)?) => {
        mod twin {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::subject::within(super::$name($crate::subject::Subject::twin().await)).await;
            })*
        }
        mod real {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::subject::within(super::$name($crate::subject::Subject::real().await)).await;
            })*
        }
    };
}
pub(crate) use of_both;

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), Box::pin(test))
        .await
        .expect("the test did not end within a minute");
}

pub(crate) const HARBOR: &str = "evt.area.harbor-1";
pub(crate) const FOREST: &str = "evt.area.forest-1";

/// A frame's bytes: for these tests, any text.
pub(crate) fn frame(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

/// Appends `texts` one after the other; the last one's sequence.
pub(crate) async fn append_all<T: AsRef<str>>(
    log: &EventLog,
    subject: &str,
    texts: impl IntoIterator<Item = T>,
) -> Sequence {
    let mut appender = log.appender(subject).await.expect("an appender");
    for text in texts {
        let appended = appender.append(frame(text.as_ref()), None).await;
        appended.expect("an append");
    }
    appender.sequence()
}

/// All of a subject, read to its head.
pub(crate) async fn whole(log: &EventLog, subject: &str) -> Vec<String> {
    let stream = log.last(subject).await.expect("the last message");
    let Some(last) = stream else {
        return Vec::new();
    };
    let filters = vec![subject.to_owned()];
    let mut reader = log.read(
        &last.stream,
        filters,
        Sequence(0),
        eventlog::Follow::UntilHead,
    );
    let mut texts = Vec::new();
    while let Some(record) = reader.next().await.expect("a message") {
        texts.push(text(&record));
    }
    texts
}

pub(crate) fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.payload).into_owned()
}

/// `n` different texts.
pub(crate) fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("frame {i}")).collect()
}
