//! The life of a process: configuration, telemetry, listeners, the service until a signal, drain, exit code.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::config::{ConfigError, ProcessConfig};
use crate::health::Health;
use crate::metric_recorder::install_metrics;
use crate::ops_http::serve_ops;
use crate::shutdown::Shutdown;
use crate::telemetry::install_telemetry;

/// Wrong arguments or configuration (`EX_USAGE`).
const USAGE: u8 = 64;
/// Anything else that went wrong (`EX_SOFTWARE`).
const INTERNAL: u8 = 70;
/// What blocking threads get to end once everything asynchronous has.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// What the process gives each service.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Begins with the first signal.
    pub shutdown: Shutdown,
    /// Where the service says whether it is ready.
    pub health: Health,
}

impl Ctx {
    /// For a test, or a part of a process that is stopped on its own.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            health: Health::new(&shutdown),
            shutdown,
        }
    }
}

/// Parses the command line; help and version are a success, anything wrong is a usage error, both printed.
pub fn parse_args<A: Parser>() -> Result<A, ExitCode> {
    A::try_parse().map_err(|told| {
        // If even printing fails there is nobody left to tell.
        drop(told.print());
        if told.use_stderr() {
            ExitCode::from(USAGE)
        } else {
            ExitCode::SUCCESS
        }
    })
}

/// Runs one service as this process and says how it went: the whole of a `main`.
///
/// `load` parses the configuration before anything else happens; `service` runs until `ctx.shutdown` begins and
/// then drains within the grace period.
pub fn main_of<C, L, S, F>(name: &'static str, load: L, service: S) -> ExitCode
where
    L: FnOnce() -> Result<(ProcessConfig, C), ConfigError>,
    S: FnOnce(C, Ctx) -> F,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let outcome = load()
        .map_err(anyhow::Error::from)
        .and_then(|(process, config)| {
            install_telemetry(&process.telemetry);
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            let runtime = runtime.context("starting the async runtime")?;
            let outcome = runtime.block_on(live(name, process, |ctx| service(config, ctx)));
            runtime.shutdown_timeout(STRAGGLERS);
            outcome
        });
    exit_code(outcome)
}

/// Prints the chain of an error once, and says how the process ends: 0, 64 for wrong usage or configuration, 70
/// for anything else.
pub fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    let usage = error
        .chain()
        .any(|cause| cause.is::<ConfigError>() || cause.is::<clap::Error>());
    ExitCode::from(if usage { USAGE } else { INTERNAL })
}

async fn live<F>(
    name: &'static str,
    process: ProcessConfig,
    service: impl FnOnce(Ctx) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    if let Err(why) = install_metrics() {
        tracing::warn!(%why, "running without metrics");
    }
    let shutdown = Shutdown::on_signals().context("listening for signals")?;
    let ctx = Ctx::new(shutdown.clone());
    // Asked until the very end: "not ready, shutting down" is an answer too.
    let serving = Shutdown::new();
    if let Some(ops) = process.ops {
        let listener = TcpListener::bind(ops.address).await;
        let listener =
            listener.with_context(|| format!("listening on {} (ops.address)", ops.address))?;
        let address = listener
            .local_addr()
            .context("asking for the port of the ops listener")?;
        tracing::info!(service.name = name, %address, "metrics and health are served");
        serving.spawn(serve_ops(listener, ctx.health.clone(), serving.clone()));
    }
    let running = run_together(&shutdown, vec![(name, Box::pin(service(ctx)))]);
    let outcome = shutdown.drain(process.grace.duration(), running).await;
    // A scraper that holds its connection open must not hold up the process.
    if let Err(why) = serving.finish(STRAGGLERS).await {
        tracing::debug!(%why, "leaving open connections of the ops listener behind");
    }
    outcome.with_context(|| name)?
}

/// Runs several services as tasks of one process until all have ended. The first that fails, panics or ends
/// before the shutdown has begun ends the others too, and is the error.
pub async fn run_together(
    shutdown: &Shutdown,
    services: Vec<(&'static str, ServiceFuture)>,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let mut names = std::collections::HashMap::new();
    for (name, service) in services {
        let task =
            tasks.spawn(service.instrument(tracing::info_span!("service", service.name = name)));
        names.insert(task.id(), name);
    }
    let mut first_failure = None;
    while let Some(ended) = tasks.join_next_with_id().await {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(panic) => (panic.id(), Err(anyhow!("it panicked: {panic}"))),
        };
        let name = names.get(&id).copied().unwrap_or("service");
        let outcome = match outcome {
            Ok(()) if !shutdown.has_begun() => Err(anyhow!("it ended although nobody asked it to")),
            outcome => outcome,
        };
        match outcome.with_context(|| name) {
            Ok(()) => tracing::info!(service.name = name, "stopped"),
            Err(error) if first_failure.is_none() => first_failure = Some(error),
            // Most likely a consequence of the first; only that one is handed up.
            Err(error) => tracing::warn!(
                service.name = name,
                error = format!("{error:#}"),
                "failed while stopping"
            ),
        }
        if first_failure.is_some() {
            shutdown.begin();
        }
    }
    first_failure.map_or(Ok(()), Err)
}

/// A service on its way, as [`run_together`] takes it: `Box::pin(edge::run(config, ctx))`.
pub type ServiceFuture = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(shutdown: &Shutdown) -> ServiceFuture {
        let shutdown = shutdown.clone();
        Box::pin(async move {
            shutdown.cancelled().await;
            Ok(())
        })
    }

    #[tokio::test]
    async fn services_that_stop_when_asked_are_a_success() {
        let shutdown = Shutdown::new();
        shutdown.begin();
        let services = vec![("edge", waits(&shutdown)), ("worker", waits(&shutdown))];
        run_together(&shutdown, services)
            .await
            .expect("both were asked");
    }

    #[tokio::test]
    async fn the_first_failure_stops_the_others_and_is_the_answer() {
        async fn breaks() -> anyhow::Result<()> {
            Err(anyhow!("no broker"))
        }
        async fn ends() -> anyhow::Result<()> {
            Ok(())
        }
        async fn panics() -> anyhow::Result<()> {
            panic!("at once")
        }
        let cases: [(ServiceFuture, &str); 3] = [
            (Box::pin(breaks()), "worker: no broker"),
            (
                Box::pin(ends()),
                "worker: it ended although nobody asked it to",
            ),
            (Box::pin(panics()), "worker: it panicked"),
        ];
        for (failing, sentence) in cases {
            let shutdown = Shutdown::new();
            let services = vec![("edge", waits(&shutdown)), ("worker", failing)];
            let error = run_together(&shutdown, services)
                .await
                .expect_err("one failed");
            assert!(format!("{error:#}").starts_with(sentence), "{error:#}");
            assert!(shutdown.has_begun());
        }
    }
}
