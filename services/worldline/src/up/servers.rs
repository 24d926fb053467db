//! The servers that `up` provides, and what must be in them before a service starts.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use devstack::nats::Users;
use devstack::tools::Named;
use devstack::{PgOptions, Postgres, RunFile, Tools};
use eventlog::membership::{self, Change};
use eventlog::streams::{self, StreamsFile};
use runtime::Flags;
use schemas::{AreaId, UnixMillis};

use super::broker::Broker;
use super::{broker_of, log_directory};
use crate::cli::UpArgs;
use crate::role::Process;

/// How often a server's pulse is felt.
const PULSE: Duration = Duration::from_millis(500);

/// Broker and database, running.
pub(super) struct Servers {
    pub(super) nats: Broker,
    pub(super) users: Users,
    pub(super) postgres: Postgres,
}

impl Servers {
    /// Finds or installs the programs and starts both servers side by side.
    pub(super) async fn start(args: &UpArgs, data_dir: &Path) -> anyhow::Result<Self> {
        let named = Named {
            nats_server: args.nats_server.clone(),
            postgres_bin: args.postgres_bin.clone(),
        };
        let tools_dir = data_dir.join("tools");
        let located = tokio::task::spawn_blocking(move || Tools::locate_with(&tools_dir, &named));
        let tools = located.await.context("looking for the servers")??;
        let users = Users::load_or_create(&data_dir.join("nats-users.json"))?;
        let logs = log_directory(data_dir);
        std::fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
        let nats = Broker::start(tools.clone(), data_dir, &logs, users.clone(), args.cluster);
        let postgres = Postgres::start(PgOptions {
            tools,
            data_dir: data_dir.join("postgres"),
            port: None,
            log_file: Some(logs.join("postgres.log")),
            durable: true,
        });
        let postgres = async { Ok(postgres.await?) };
        let (nats, postgres) = tokio::try_join!(nats, postgres)?;
        postgres
            .create_database(devstack::postgres::DATABASE)
            .await?;
        Ok(Self {
            nats,
            users,
            postgres,
        })
    }

    /// Starts a server again that has ended; returns only when that fails.
    pub(super) async fn supervise(&mut self) -> anyhow::Error {
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            pulse.tick().await;
            if let Err(error) = self.nats.revive().await {
                return error;
            }
            if !self.postgres.is_running() {
                tracing::error!("PostgreSQL has ended; starting it again");
                if let Err(error) = self.postgres.restart().await {
                    return anyhow::Error::new(error).context("starting PostgreSQL again");
                }
            }
        }
    }

    /// Ends both in order; their data stays.
    pub(super) async fn stop(mut self) {
        if let Err(error) = self.postgres.stop().await {
            tracing::warn!(%error, "PostgreSQL did not end in order");
        }
        if let Err(error) = self.nats.stop().await {
            tracing::warn!("nats-server did not end in order: {error:#}");
        }
    }
}

/// The area in which new characters begin.
pub(super) fn start_area() -> anyhow::Result<AreaId> {
    Ok(AreaId::new("harbor-1")?)
}

/// Makes streams and buckets what they should be, each with so many copies.
pub(super) async fn prepare_streams(run_file: &RunFile, replicas: u8) -> anyhow::Result<()> {
    let admin = broker_of(run_file, "admin").await?;
    let wanted = StreamsFile::built_in()?.with_replicas(replicas);
    let report = streams::apply(&admin, &wanted).await?;
    tracing::debug!(?report, "streams are applied");
    Ok(())
}

/// Refuses a log that is not the one the database was folded from: one that ends before it, or another one. The broker
/// itself cannot know: all it holds was put back together.
pub(super) async fn log_is_known(process: &Process, run_file: &RunFile) -> anyhow::Result<()> {
    let url = Some(&run_file.postgres_url);
    let flags = Flags::new().set("--data-dir", "projector.postgres", url);
    let config: projector::Config = process.sources(flags)?.load()?;
    let log = broker_of(run_file, "projector").await?;
    projector::knows_this_log(&config, &log).await.context(
        "the broker's log is not the one that the database knows; see docs/runbook/log-is-not-the-one-we-knew.md, and \
         start with --other-log if the loss is meant",
    )
}

/// Refuses to call it a success that nobody could play in the time that was given.
pub(super) fn world_was_not_held() -> anyhow::Result<()> {
    anyhow::bail!(
        "no worker has taken {} in the time of --exit-after, so nobody could play; see log/worker-*.log in the data \
         directory",
        start_area()?
    )
}

/// Waits until a worker has the start area, running or asleep. What was announced before `since`
/// is of an earlier run. (An area that went to sleep in that run writes nothing until somebody
/// comes, so its log tells nothing.)
pub(super) async fn world_is_held(run_file: &RunFile, since: UnixMillis) -> anyhow::Result<()> {
    let reader = broker_of(run_file, "replay").await?;
    let start = start_area()?;
    let mut members = membership::watch(&reader).await?;
    loop {
        if let Change::Present(member) = members.next().await?
            && member.at >= since
            && member.areas.iter().any(|(area, _)| *area == start)
        {
            return Ok(());
        }
    }
}
