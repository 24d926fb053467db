//! A broker as a child process, or three of them as one cluster; and its users.

mod cluster;
mod config;
mod monitor;
mod request;
pub mod rights;
mod start;
pub mod users;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

pub use cluster::{Cluster, ClusterError, ClusterOptions};
pub use config::{LEAST_FILE_STORE, NatsConfig, NodeConfig, RenderedConfig, share_of_disk};
pub use users::{Credential, Users, UsersError};

use crate::process::{Launch, ServerError, ServerProcess};
use crate::tools::Tools;
use start::{launch, run};

const SERVER: &str = "nats-server";
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The programs.
    pub tools: Tools,
    /// Where streams, configuration and pid are kept; created if missing.
    pub data_dir: PathBuf,
    /// The port for clients; `None` for a free one.
    pub port: Option<u16>,
    /// Its settings.
    pub config: NatsConfig,
    /// Where its log is appended; `nats.log` in the data directory if `None`.
    pub log_file: Option<PathBuf>,
}

/// A running broker. Killed when dropped; its data stays.
#[derive(Debug)]
pub struct NatsServer {
    launch: Launch,
    process: ServerProcess,
    config: NatsConfig,
    port: u16,
    monitor: Option<String>,
}

impl NatsServer {
    /// Starts a broker and waits until clients can use its streams.
    pub async fn start(options: NatsOptions) -> Result<NatsServer, ServerError> {
        NatsServer::start_removing(options, None).await
    }

    /// As [`NatsServer::start`]; `remove` is deleted should we be killed.
    pub(crate) async fn start_removing(
        options: NatsOptions,
        remove: Option<PathBuf>,
    ) -> Result<NatsServer, ServerError> {
        let launch = launch(&options, remove)?;
        let (process, ports) = run(&launch, &options.config, options.port).await?;
        Ok(NatsServer {
            launch,
            process,
            config: options.config,
            port: ports.client,
            monitor: ports.monitor,
        })
    }

    /// `nats://127.0.0.1:PORT`, without credentials.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its name, by which a cluster knows it.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The port for clients.
    pub fn client_port(&self) -> u16 {
        self.port
    }

    /// The monitoring page, `http://127.0.0.1:PORT`.
    pub fn monitor_url(&self) -> Option<&str> {
        self.monitor.as_deref()
    }

    /// The users it was started with, if any.
    pub fn users(&self) -> Option<&Users> {
        self.config.users.as_ref()
    }

    /// Asks its `JetStream` API by hand, as the administrator: `administer("STREAM.PURGE.AREA_EVENTS", …)`. For those who
    /// run servers, and for tests of what hands can do; the answer is the server's, an error in it included.
    pub async fn administer(&self, request: &str, content: &str) -> std::io::Result<Value> {
        let admin = self.users().and_then(|users| users.credential("admin"));
        let subject = format!("$JS.API.{request}");
        request::request(self.port, admin.as_ref(), &subject, content).await
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its log.
    pub fn log_file(&self) -> &Path {
        &self.launch.log_file
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.exit_status().is_none()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.process.kill()
    }

    /// Ends it in order; kills it when that takes too long.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        self.process.stop(Signal::SIGTERM, STOP_WITHIN).await
    }

    /// Freezes it (SIGSTOP): connections stay open, nothing is answered.
    pub fn pause(&mut self) -> Result<(), ServerError> {
        self.process.pause()
    }

    /// Lets it go on after [`NatsServer::pause`].
    pub fn resume(&mut self) -> Result<(), ServerError> {
        self.process.signal(Signal::SIGCONT)
    }

    /// Tells it to leave (`nats-server --signal ldm`): it hands over what it leads, tells its clients, and ends when
    /// they have gone or its patience is over (`nats/cluster/loopback.conf`). Returns at once.
    pub fn lame_duck(&mut self) -> Result<(), ServerError> {
        self.process.signal(Signal::SIGUSR2)
    }

    /// Starts it again on the same port and data, ending it in order first if it runs.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        let (process, ports) = run(&self.launch, &self.config, Some(self.port)).await?;
        self.process = process;
        self.monitor = ports.monitor;
        Ok(())
    }
}
