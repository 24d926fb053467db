//! Starting a broker: its configuration written, its process spawned, its answer awaited.
//!
//! It is ready when it answers a connection with JetStream on: the server opens its client port only after it has
//! recovered its streams. Which port it got (when the system chose) it writes into a file of its own.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

use super::{NatsConfig, NatsOptions, SERVER};
use crate::process::{Launch, ServerError, ServerProcess, poll_pause};
use crate::run_file::write_secret;
use crate::user::ServerUser;

/// How long recovering large streams may take.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Where the server listens.
pub(super) struct Ports {
    pub(super) client: u16,
    pub(super) monitor: Option<String>,
}

pub(super) fn launch(
    options: &NatsOptions,
    remove_at_end: Option<PathBuf>,
) -> Result<Launch, ServerError> {
    let unusable = |source| ServerError::Data {
        server: SERVER,
        path: options.data_dir.clone(),
        source,
    };
    crate::user::create_open_dirs(&options.data_dir).map_err(unusable)?;
    let data_dir = options.data_dir.canonicalize().map_err(unusable)?;
    let log_file = options
        .log_file
        .clone()
        .unwrap_or_else(|| data_dir.join("nats.log"));
    Ok(Launch {
        server: SERVER,
        program: options.tools.nats_server.clone(),
        arguments: vec![
            OsString::from("--config"),
            data_dir.join("nats.conf").into(),
        ],
        user: ServerUser::ourselves(),
        pid_file: data_dir.join("nats.pid"),
        log_file,
        data_dir,
        end_with: Signal::SIGKILL,
        remove_at_end,
    })
}

/// Starts the server and waits until clients can use its streams.
pub(super) async fn run(
    launch: &Launch,
    config: &NatsConfig,
    port: Option<u16>,
) -> Result<(ServerProcess, Ports), ServerError> {
    let rendered = config.render(&launch.data_dir, port)?;
    let unusable = |source| ServerError::Data {
        server: SERVER,
        path: launch.data_dir.clone(),
        source,
    };
    write_secret(
        &launch.data_dir.join("users.conf"),
        rendered.users.as_bytes(),
    )
    .map_err(unusable)?;
    write_secret(
        &launch.data_dir.join("nats.conf"),
        rendered.server.as_bytes(),
    )
    .map_err(unusable)?;
    remove_old_ports_files(&launch.data_dir).map_err(unusable)?;
    let mut process = ServerProcess::spawn(launch).await?;
    let ports_file = launch
        .data_dir
        .join(format!("nats-server_{}.ports", process.pid()));
    let started = Instant::now();
    loop {
        if let Some(status) = process.exit_status() {
            return Err(match port {
                Some(port) if process.log().contains("address already in use") => {
                    ServerError::PortTaken {
                        server: SERVER,
                        port,
                    }
                }
                _ => process.ended_early(status),
            });
        }
        if let Some(ports) = read_ports(&ports_file)
            && answers_with_jetstream(ports.client).await.unwrap_or(false)
        {
            return Ok((process, ports));
        }
        if started.elapsed() > READY_WITHIN {
            return Err(ServerError::NotReady {
                server: SERVER,
                within: READY_WITHIN,
                log_file: launch.log_file.clone(),
            });
        }
        poll_pause().await;
    }
}

/// `None` while the server has not written the file, or not all of it.
fn read_ports(file: &Path) -> Option<Ports> {
    #[derive(Deserialize)]
    struct Written {
        nats: Vec<String>,
        #[serde(default)]
        monitoring: Vec<String>,
    }
    let written: Written = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let client = written.nats.first()?.rsplit(':').next()?.parse().ok()?;
    Some(Ports {
        client,
        monitor: written.monitoring.into_iter().next(),
    })
}

/// A server greets each connection with what it is.
async fn answers_with_jetstream(port: u16) -> io::Result<bool> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut greeting = String::new();
    let mut reader = BufReader::new(stream);
    tokio::time::timeout(Duration::from_secs(1), reader.read_line(&mut greeting)).await??;
    Ok(greeting.starts_with("INFO ") && greeting.contains("\"jetstream\":true"))
}

/// A killed server leaves its file; another server could get its pid.
fn remove_old_ports_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "ports")
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
