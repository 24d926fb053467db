//! Starting a database server, until it says in `postmaster.pid` that it is ready.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{SERVER, settings};
use crate::process::{Launch, ServerError, ServerProcess, poll_pause};

/// How long recovery after a crash may take.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long what a killed server held (its port, its shared memory) may take to come free.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(10);

/// All that is needed to run the server, but for its port.
pub(super) struct Unstarted<'a> {
    pub(super) launch: Launch,
    pub(super) durable: bool,
    pub(super) sockets: Option<&'a Path>,
}

impl Unstarted<'_> {
    /// Runs it on the wanted port, or on a free one.
    pub(super) async fn run(
        &mut self,
        wanted: Option<u16>,
    ) -> Result<(ServerProcess, u16), ServerError> {
        let started = Instant::now();
        loop {
            let port = match wanted {
                Some(port) => port,
                None => free_port()?,
            };
            self.launch.arguments = settings::arguments(
                &self.launch.data_dir,
                port,
                self.sockets,
                self.durable,
                &self.launch.program,
            );
            let failed = match self.run_once().await {
                Ok(process) => return Ok((process, port)),
                Err(failed) => failed,
            };
            let Some(log) = &failed.log else {
                return Err(failed.error);
            };
            let port_taken = log.contains("could not create any TCP/IP sockets")
                || log.contains("Address already in use");
            let held = log.contains("shared memory block")
                || log.contains("lock file \"postmaster.pid\" already exists");
            if started.elapsed() > LEFTOVERS_WITHIN || !(held || port_taken && wanted.is_none()) {
                return Err(if port_taken {
                    ServerError::PortTaken {
                        server: SERVER,
                        port,
                    }
                } else {
                    failed.error
                });
            }
            // Somebody took the port between our look and the server's, or a killed server's children still end.
            poll_pause().await;
        }
    }

    async fn run_once(&self) -> Result<ServerProcess, Failed> {
        let mut process = ServerProcess::spawn(&self.launch).await?;
        let started = Instant::now();
        loop {
            if let Some(status) = process.exit_status() {
                return Err(Failed {
                    error: process.ended_early(status),
                    log: Some(process.log()),
                });
            }
            if says_ready(&self.launch.data_dir, process.pid()) {
                return Ok(process);
            }
            if started.elapsed() > READY_WITHIN {
                let log_file = self.launch.log_file.clone();
                return Err(ServerError::NotReady {
                    server: SERVER,
                    within: READY_WITHIN,
                    log_file,
                }
                .into());
            }
            poll_pause().await;
        }
    }
}

/// A start that failed, with the server's log if it got that far.
struct Failed {
    error: ServerError,
    log: Option<String>,
}

impl From<ServerError> for Failed {
    fn from(error: ServerError) -> Failed {
        Failed { error, log: None }
    }
}

/// The first line of `postmaster.pid` is the process, the eighth its state.
fn says_ready(data_dir: &Path, pid: u32) -> bool {
    let Ok(written) = fs::read_to_string(data_dir.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = written.lines();
    lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid)
        && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}

fn free_port() -> Result<u16, ServerError> {
    let spawn = |source| ServerError::Spawn {
        server: SERVER,
        source,
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(spawn)?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(spawn)
}
