//! What the tests share: a database of their own, and waiting for what the projector has done.
#![allow(dead_code, reason = "each test uses its part")]

use std::time::Duration;

use eventlog::EventLog;
use past::Past;
use projector::Config;
use runtime::{Ctx, Shutdown, Span};
use schemas::subjects::{AREA_EVENTS, Domain};
use sqlx::{Connection, PgConnection, Row};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(10);

/// For a fresh database.
pub(crate) async fn config() -> Config {
    let database = devstack::test::database().await.unwrap();
    quick(database.url())
}

/// With transactions that wait for nobody.
pub(crate) fn quick(url: &str) -> Config {
    let mut config = Config::new(url);
    config.linger = Span::from_millis(10);
    config
}

pub(crate) async fn connect(config: &Config) -> PgConnection {
    PgConnection::connect(config.postgres.expose())
        .await
        .unwrap()
}

/// All that was ever written to `log`.
pub(crate) fn past(log: &EventLog) -> Past {
    Past::of_log(log.clone())
}

/// A projector at work.
pub(crate) fn projecting(config: &Config, log: &EventLog) -> JoinHandle<anyhow::Result<()>> {
    let ctx = Ctx::new(Shutdown::new());
    tokio::spawn(projector::run(config.clone(), log.clone(), ctx))
}

/// Why it has ended.
pub(crate) async fn failure(running: JoinHandle<anyhow::Result<()>>) -> String {
    let ended = tokio::time::timeout(PATIENCE, running).await.unwrap();
    format!("{:#}", ended.unwrap().unwrap_err())
}

/// The position of one projection; `None` while the tables are not there.
async fn position(config: &Config, stream: &str) -> Option<u64> {
    let mut db = PgConnection::connect(config.postgres.expose()).await.ok()?;
    let row = sqlx::query("SELECT sequence FROM checkpoints WHERE stream = $1")
        .bind(stream)
        .fetch_optional(&mut db)
        .await
        .ok()??;
    u64::try_from(row.get::<i64, _>(0)).ok()
}

async fn wait_for(config: &Config, stream: &str, sequence: u64) {
    let reached = async {
        while position(config, stream).await.unwrap_or(0) < sequence {
            tokio::time::sleep(PERIOD).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("{stream} was not folded up to {sequence}"));
}

pub(crate) async fn until_areas_at(config: &Config, sequence: u64) {
    wait_for(config, AREA_EVENTS, sequence).await;
}

/// Until all that stands in the log now is in the rows.
pub(crate) async fn reach_heads(config: &Config, log: &EventLog) {
    // Names are in no row of their own: whose a name is, the character's row says.
    let folded = Domain::ALL
        .into_iter()
        .filter(|domain| *domain != Domain::Name);
    let streams = folded.map(Domain::event_stream);
    for stream in std::iter::once(AREA_EVENTS).chain(streams) {
        let head = log.stream_info(stream).await.unwrap().last;
        wait_for(config, stream, head.0).await;
    }
}
