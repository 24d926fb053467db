//! Three brokers with our streams on all of them, and clients of chosen nodes.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use devstack::test::TestCluster;
use eventlog::streams::{self, Report, StreamsFile};
use eventlog::{AppendError, Appender, Connect, EventLog, Follow, ReadError, Record};
use schemas::Sequence;

pub(crate) const HARBOR: &str = "evt.area.harbor-1";
pub(crate) const EVENTS: &str = "AREA_EVENTS";

pub(crate) struct Stage {
    pub(crate) cluster: TestCluster,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let stage = Self::bare().await;
        Self::apply(stage.log().await).await.expect("streams");
        stage
    }

    /// Without any stream.
    pub(crate) async fn bare() -> Self {
        let cluster = devstack::test::cluster().await.expect("a cluster");
        Self { cluster }
    }

    /// Creates our streams, each with a copy on every node.
    pub(crate) async fn apply(log: EventLog) -> Result<Report, ReadError> {
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&log, &file.with_replicas(3)).await
    }

    /// A client that knows all nodes.
    pub(crate) async fn log(&self) -> EventLog {
        connect(self.cluster.url()).await
    }

    /// A client that has been told of one node only, and is connected to it.
    pub(crate) async fn log_at(&self, node: usize) -> EventLog {
        connect(self.cluster.nodes()[node].url()).await
    }

    /// The leader of the areas' events, and another node.
    pub(crate) async fn leader_and_other(&self) -> (usize, usize) {
        let leader = self.cluster.elected(EVENTS).await.expect("a leader");
        (leader, (leader + 1) % self.cluster.size())
    }
}

async fn connect(url: String) -> EventLog {
    let options = Connect::to(url, "test");
    EventLog::connect(&options).await.expect("a connection")
}

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(100), Box::pin(test))
        .await
        .expect("the test did not end in time");
}

/// Appends, however long it takes; how long it took.
pub(crate) async fn append(appender: &mut Appender, text: &str) -> Duration {
    let begun = Instant::now();
    let mut outcome = appender.append(frame(text), None).await.map(Some);
    while matches!(outcome, Err(AppendError::Unavailable { .. })) {
        outcome = appender.resume().await;
    }
    outcome.expect("an append");
    begun.elapsed()
}

pub(crate) fn frame(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

pub(crate) fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.payload).into_owned()
}

/// `n` different texts.
pub(crate) fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("frame {i}")).collect()
}

/// All of a subject, read to its head.
pub(crate) async fn whole(log: &EventLog, subject: &str) -> Vec<String> {
    let filters = vec![subject.to_owned()];
    let mut reader = log.read(EVENTS, filters, Sequence(0), Follow::UntilHead);
    let mut texts = Vec::new();
    while let Some(record) = reader.next().await.expect("a message") {
        texts.push(text(&record));
    }
    texts
}
