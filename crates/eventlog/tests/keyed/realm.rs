//! What a test runs against, and the words it is written in.

use std::sync::Arc;
use std::time::Duration;

use devstack::test::TestBroker;
use eventlog::keyed::{EntryOf, KeyedError, load, serve_keyed};
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Faults, Requester, streams};
use schemas::keyed::Refusal;
use schemas::subjects::Domain;
use schemas::{CharacterId, EdgeId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::purse::{PurseCommand, Purses};

pub(crate) const ANN: CharacterId = CharacterId(1);
pub(crate) const BEN: CharacterId = CharacterId(2);
/// Longer than anything here should take.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A log with purses in it.
pub(crate) struct Realm {
    pub(crate) log: EventLog,
    pub(crate) faults: Faults,
    pub(crate) requester: Requester,
    /// Dropped, it ends the server.
    _broker: Option<TestBroker>,
}

/// One instance of the service.
pub(crate) struct Instance {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), KeyedError>>,
}

impl Realm {
    pub(crate) async fn twin() -> Self {
        let (log, faults) = EventLog::in_memory();
        Self::over(log, faults, None).await
    }

    pub(crate) async fn real() -> Self {
        let broker = devstack::test::broker().await.expect("a broker");
        let options = Connect::to(broker.url(), "test");
        let connected = EventLog::connect_with_faults(&options).await;
        let (log, faults) = connected.expect("a connection");
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&log, &file).await.expect("streams");
        Self::over(log, faults, Some(broker)).await
    }

    async fn over(log: EventLog, faults: Faults, broker: Option<TestBroker>) -> Self {
        let requester = Requester::new(log.clone(), EdgeId(9))
            .await
            .expect("a requester");
        Self {
            log,
            faults,
            requester,
            _broker: broker,
        }
    }

    pub(crate) fn serve(&self) -> Instance {
        let shutdown = CancellationToken::new();
        let serving = serve_keyed(self.log.clone(), Arc::new(Purses), shutdown.clone());
        Instance {
            shutdown,
            running: tokio::spawn(serving),
        }
    }

    pub(crate) async fn ask(
        &self,
        who: CharacterId,
        command: PurseCommand,
    ) -> Result<u64, Refusal> {
        let key = who.to_string();
        let answer = self.requester.ask(Domain::Lobby, &key, &command, LONG);
        answer.await.expect("an answer")
    }

    pub(crate) async fn entry(&self, who: CharacterId) -> Option<EntryOf<Purses>> {
        let loaded = load::<Purses>(&self.log, &who.to_string()).await;
        loaded.expect("the leader").map(|(_, entry)| entry)
    }

    pub(crate) async fn coins(&self, who: CharacterId) -> u64 {
        self.entry(who).await.map_or(0, |entry| entry.state.coins)
    }
}

impl Instance {
    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("no error");
    }

    /// Dies as with `kill -9`.
    pub(crate) async fn kill(self) {
        self.running.abort();
        drop(self.running.await);
    }

    /// What it ends with by itself.
    pub(crate) async fn fails(self) -> KeyedError {
        let ended = tokio::time::timeout(LONG, self.running).await;
        let ended = ended.expect("it goes on serving").expect("no panic");
        ended.expect_err("it ended in order")
    }
}

/// Waits until `holds` does.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(LONG, waiting).await;
    ended.unwrap_or_else(|_| panic!("waited for {what} in vain"));
}

/// Makes of each function two tests: `twin::…` and `real::…`.
macro_rules! of_both {
    ($($name:ident),* $(,)?) => {
        mod twin {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::realm::Realm::twin().await).await;
            })*
        }
        mod real {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::realm::Realm::real().await).await;
            })*
        }
    };
}
pub(crate) use of_both;
