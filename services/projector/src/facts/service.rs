//! The service: one writer after the other, as long as it runs.

use std::time::Duration;

use eventlog::{EventLog, Follow};
use past::Past;
use runtime::{Backoff, Ctx, HealthCheck, Shutdown};
use schemas::subjects::FACTS;
use schemas::{Claim, Sequence};
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::Config;
use super::error::FactsError;
use super::lag::{self, NAME};
use super::writer::{Writer, note};

/// Another writer that has been silent for this long is taken for gone; if it is not, it will stand by.
const SILENT: Duration = Duration::from_secs(10);

/// Who has written for so long has had no lasting trouble before.
const LONG: Duration = Duration::from_secs(60);

/// Writes `FACTS` until the shutdown begins.
///
/// # Errors
/// When `FACTS` and the log do not belong together, or part of the log cannot be read. A broker that does not answer is
/// waited for, another writer stood by.
pub async fn run(config: Config, past: Past, ctx: Ctx) -> anyhow::Result<()> {
    if !config.enabled {
        ctx.shutdown.cancelled().await;
        return Ok(());
    }
    let health = ctx.health.check(NAME);
    let log = past.log().ok_or(FactsError::NoBroker)?.clone();
    let (progress, told) = watch::channel(Vec::new());
    let writing = follow(&config, &past, &log, progress, &health);
    let done = tokio::select! {
        error = writing => Err(error),
        () = lag::watch(log.clone(), told) => Ok(()),
        () = ctx.shutdown.cancelled() => Ok(()),
    };
    if let Err(error) = &done {
        health.not_ready(error.to_string());
    }
    Ok(done?)
}

/// As [`run`], in a process whose other work goes on without it: what ends it is said, and shown by the health check.
///
/// # Errors
/// None; a service returns this.
pub async fn beside(config: Config, past: Past, ctx: Ctx) -> anyhow::Result<()> {
    let shutdown = ctx.shutdown.clone();
    if let Err(error) = run(config, past, ctx).await {
        tracing::error!("FACTS is not written any more, see docs/runbook/facts.md: {error:#}");
        shutdown.cancelled().await;
    }
    Ok(())
}

/// Tells everything up to the heads of the event streams, and ends.
///
/// # Errors
/// See [`FactsError`]; a shutdown that comes first is one.
pub async fn fill(config: &Config, past: &Past, shutdown: &Shutdown) -> Result<(), FactsError> {
    let log = past.log().ok_or(FactsError::NoBroker)?;
    let writer = Claim(ambient::random());
    let (progress, _) = watch::channel(Vec::new());
    let filled = async {
        let open = Writer::open(config, past, log, writer, Follow::UntilHead, progress);
        Box::pin(open).await?.write().await
    };
    let filled = shutdown.unless_begun(filled).await;
    filled.unwrap_or(Err(FactsError::Interrupted))
}

/// Writes on and on; what ends it.
async fn follow(
    config: &Config,
    past: &Past,
    log: &EventLog,
    progress: watch::Sender<Vec<lag::Progress>>,
    health: &HealthCheck,
) -> FactsError {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let writer = Claim(ambient::random());
    loop {
        let begun = Instant::now();
        let ended = async {
            let open = Writer::open(config, past, log, writer, Follow::Tail, progress.clone());
            let mut writer = Box::pin(open).await?;
            health.ready();
            writer.write().await
        };
        let ended = ended.await;
        if begun.elapsed() > LONG {
            backoff.reset();
        }
        let error = match ended {
            Ok(()) => continue,
            Err(error) if error.passes() => error,
            Err(error) => return error,
        };
        if matches!(error, FactsError::Overtaken) {
            match stand_by(log, writer).await {
                Ok(()) => continue,
                Err(error) if error.passes() => {}
                Err(error) => return error,
            }
        }
        let error = anyhow::Error::new(error);
        tracing::warn!("cannot write FACTS now; the world goes on: {error:#}");
        health.not_ready(format!("{error:#}"));
        backoff.wait().await;
    }
}

/// Returns when there is reason to write: the last message is ours (what was still on its way has arrived), or whoever has
/// written it has fallen silent.
async fn stand_by(log: &EventLog, writer: Claim) -> Result<(), FactsError> {
    let mut seen: Option<Sequence> = None;
    loop {
        let feed = log.feed(FACTS).await?;
        let theirs = note(&feed)?.is_some_and(|told| told.writer != writer);
        if !theirs || seen == Some(feed.last()) {
            return Ok(());
        }
        if seen.is_none() {
            tracing::info!("FACTS has another writer; standing by");
        }
        seen = Some(feed.last());
        tokio::time::sleep(SILENT).await;
    }
}
