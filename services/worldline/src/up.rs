//! `worldline up`: everything on one machine, real servers included.
//!
//! nats-server, PostgreSQL, workers and bots are child processes that end when this process ends,
//! however it ends; the other services are tasks in it. All data is in one directory; a lock on
//! it refuses a second `up`.

pub(crate) mod broker;
mod children;
mod dev_issuer;
mod publish;
mod servers;
mod services;
pub(crate) mod web;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use devstack::{BrokerAccess, DataDirLock, RunFile};
use runtime::Ctx;
use schemas::UnixMillis;

use crate::access::connect;
use crate::cli::UpArgs;
use crate::keys::{self, Keys};
use crate::role::Process;
use children::{Bots, Workers};
use dev_issuer::DevIssuer;
use servers::Servers;
use services::Services;

/// How long a child may take to end in order before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Starts everything, says so in one line, and runs until a signal or `--exit-after`. What ends before the world is held
/// is started again as it is later, and `--exit-after` holds then, too.
pub(crate) async fn run(args: UpArgs, process: Process, ctx: Ctx) -> anyhow::Result<()> {
    let stack = &process.stack;
    let lock = DataDirLock::acquire(&stack.data_dir)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let address = free(address)?;
    let start = async {
        let (servers, page) = tokio::join!(Servers::start(&args, &stack.data_dir), web::build());
        Ok::<_, anyhow::Error>((servers?, page))
    };
    let Some(started) = ctx.shutdown.unless_begun(Box::pin(start)).await else {
        return Ok(());
    };
    let (mut servers, page) = started?;
    Keys::load_or_create(&keys::path(stack.keys.as_deref(), &stack.data_dir))?;
    let run_file = RunFile {
        pid: std::process::id(),
        http_url: format!("http://{address}"),
        nats: BrokerAccess {
            url: servers.nats.url(),
            users: servers.users.credentials(),
        },
        postgres_url: servers.postgres.url(),
    };
    servers::prepare_streams(&run_file, servers.nats.replicas()).await?;
    if !args.other_log {
        servers::log_is_known(&process, &run_file).await?;
    }
    let since = UnixMillis::now();
    run_file
        .write(&lock)
        .context("describing the stack in run.json")?;

    let issuer = DevIssuer::start(&process, &args, address).await?;
    let issuer_url = issuer.as_ref().map(DevIssuer::url);
    let mut services =
        Services::start(&process, &run_file, address, page.clone(), issuer_url, &ctx).await?;
    let publishing = publish::in_background(&run_file, page);
    let mut workers = Workers::start(&process, args.workers)?;
    let outcome = async {
        let mut time = Box::pin(after(args.exit_after));
        let mut supervised = Box::pin(async {
            tokio::select! {
                ended = services.failed() => ended,
                error = servers.supervise() => Err(error),
                () = workers.supervise() => Ok(()),
                () = ctx.shutdown.cancelled() => Ok(()),
            }
        });
        tokio::select! {
            ended = &mut supervised => return ended,
            ready = servers::world_is_held(&run_file, since) => ready?,
            () = &mut time => return servers::world_was_not_held(),
        }
        // Standard output carries this one line: programs wait for it.
        println!("ready http://{address}");
        let mut bots = Bots::start(&process, &run_file.http_url, args.bots)?;
        let outcome = tokio::select! {
            ended = supervised => ended,
            () = bots.supervise() => Ok(()),
            () = time => Ok(()),
        };
        bots.stop(GRACE).await;
        outcome
    }
    .await;

    // Players first, then the areas, then what they stand on.
    ctx.shutdown.begin();
    publishing.abort();
    let stopped = services.edge.stop(GRACE).await;
    workers.stop(GRACE).await;
    let stopped = stopped.and(services.others.stop(GRACE).await);
    RunFile::remove(&lock).context("removing run.json")?;
    servers.stop().await;
    outcome.and(stopped)
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Finds out before anything starts whether the port can be had; port 0 chooses a free one.
fn free(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!(
            "port {} cannot be used: choose another with --port",
            address.port()
        )
    })?;
    Ok(listener.local_addr()?)
}

/// Connects to the broker of a described stack as `role`.
async fn broker_of(run_file: &RunFile, role: &str) -> anyhow::Result<eventlog::EventLog> {
    connect(&run_file.nats.url, run_file.credential(role), role).await
}

pub(crate) fn log_directory(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("log")
}
