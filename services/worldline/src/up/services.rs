//! The services that `up` runs as tasks of its own process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use devstack::RunFile;
use eventlog::EventLog;
use past::Past;
use runtime::{Ctx, Flags, ServiceFuture, Shutdown, run_together};
use tokio::task::JoinHandle;

use super::broker_of;
use crate::role::{Process, director_config, edge_config, identity_config};

/// The running services, in two groups: the edge stops first, so that players are told while
/// the rest still works.
pub(super) struct Services {
    pub(super) edge: Group,
    pub(super) others: Group,
}

/// Services that stop together.
pub(super) struct Group {
    ctx: Ctx,
    task: JoinHandle<anyhow::Result<()>>,
}

/// A shutdown of its own: `up` stops its parts one after the other.
fn own(ctx: &Ctx) -> Ctx {
    Ctx {
        shutdown: Shutdown::new(),
        health: ctx.health.clone(),
    }
}

impl Group {
    fn start(ctx: Ctx, services: Vec<(&'static str, ServiceFuture)>) -> Self {
        let shutdown = ctx.shutdown.clone();
        let task = tokio::spawn(async move { run_together(&shutdown, services).await });
        Self { ctx, task }
    }

    async fn failed(&mut self) -> anyhow::Result<()> {
        (&mut self.task).await?
    }

    /// Lets them drain within `grace`.
    pub(super) async fn stop(self, grace: Duration) -> anyhow::Result<()> {
        self.ctx.shutdown.begin();
        if self.task.is_finished() {
            // Its outcome has been seen.
            return Ok(());
        }
        match tokio::time::timeout(grace, self.task).await {
            Ok(ended) => ended?,
            Err(_) => anyhow::bail!("services did not stop within {} s", grace.as_secs()),
        }
    }
}

/// The projector as a task of `up`: nobody in the world waits for rows, so one that cannot go on
/// (they are of another log, or somebody else writes them) says so and the rest goes on.
async fn project(config: projector::Config, past: Past, ctx: Ctx) -> anyhow::Result<()> {
    let shutdown = ctx.shutdown.clone();
    if let Err(error) = projector::run(config, past, ctx).await {
        tracing::error!("the projector has stopped, rows are not kept up to date: {error:#}");
        shutdown.cancelled().await;
    }
    Ok(())
}

/// The archiver as a task of `up`: the world goes on without it, and the log grows.
async fn archive(config: archiver::Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let shutdown = ctx.shutdown.clone();
    if let Err(error) = archiver::run(config, log, ctx).await {
        tracing::error!("the archiver has stopped, the log grows: {error:#}");
        shutdown.cancelled().await;
    }
    Ok(())
}

impl Services {
    /// Starts all of them, each connected to the broker as its own user.
    pub(super) async fn start(
        process: &Process,
        run_file: &RunFile,
        address: SocketAddr,
        page: Option<PathBuf>,
        dev_issuer: Option<&str>,
        ctx: &Ctx,
    ) -> anyhow::Result<Self> {
        let page = page.map(|page| page.display().to_string());
        let flags = Flags::new()
            .set("--port", "edge.listen", Some(address))
            .set("--data-dir", "edge.web_dir", page)
            .set("--no-dev-issuer", "oidc.dev_issuer", dev_issuer)
            .set(
                "--data-dir",
                "projector.postgres",
                Some(&run_file.postgres_url),
            );
        let sources = process.sources(flags)?;
        let edges = own(ctx);
        let rest = own(ctx);
        let configured = || -> Result<_, runtime::ConfigError> {
            Ok((
                identity_config(&sources)?,
                sources.load::<lobby::Config>()?,
                director_config(&sources, process)?,
                sources.load::<projector::Config>()?,
                edge_config(&sources)?,
            ))
        };
        let (identity, lobby, director, projector, mut edge) = configured()?;
        // Nobody but this machine gets here: bots and whoever tries things out.
        edge.loopback_unlimited |=
            edge.listen.ip().is_loopback() && edge.trusted_proxies.is_empty();
        let mut others: Vec<(&'static str, ServiceFuture)> = Vec::new();
        let log = broker_of(run_file, "identity").await?;
        others.push((
            "identity",
            Box::pin(identity::run(identity, log, rest.clone())),
        ));
        let log = broker_of(run_file, "lobby").await?;
        others.push(("lobby", Box::pin(lobby::run(lobby, log, rest.clone()))));
        let log = broker_of(run_file, "director").await?;
        others.push((
            "director",
            Box::pin(director::run(director, log, rest.clone())),
        ));
        let archiver: archiver::Config = sources.load()?;
        let log = broker_of(run_file, "projector").await?;
        let past = archiver::past(&archiver, log)?;
        others.push((
            "projector",
            Box::pin(project(projector, past, rest.clone())),
        ));
        let log = broker_of(run_file, "projector").await?;
        let facts = projector::facts::beside(
            sources.load()?,
            archiver::past(&archiver, log)?,
            rest.clone(),
        );
        others.push(("facts", Box::pin(facts)));
        let log = broker_of(run_file, "archiver").await?;
        others.push(("archiver", Box::pin(archive(archiver, log, rest.clone()))));
        let log = broker_of(run_file, "edge").await?;
        let edge: (_, ServiceFuture) = ("edge", Box::pin(edge::run(edge, log, edges.clone())));
        Ok(Self {
            edge: Group::start(edges, vec![edge]),
            others: Group::start(rest, others),
        })
    }

    /// Waits until one of them fails; its error.
    pub(super) async fn failed(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ended = self.edge.failed() => ended,
            ended = self.others.failed() => ended,
        }
    }
}
