//! An object store for tests: SeaweedFS with its S3 gateway, on free ports, with one user who may do everything.
//!
//! Its four servers (master, volume, filer, gateway) run in one process.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Launch, ServerError, ServerProcess, poll_pause};
use crate::run_file::write_secret;
use crate::user::ServerUser;

const SERVER: &str = "SeaweedFS";
const READY_WITHIN: Duration = Duration::from_secs(60);
const ACCESS_KEY: &str = "worldline";
/// The one bucket that there is.
const BUCKET: &str = "worlds";

/// A running object store. Killed when dropped.
#[derive(Debug)]
pub struct ObjectStore {
    process: ServerProcess,
    endpoint: String,
    secret_key: String,
}

impl ObjectStore {
    /// Starts `program`, its data under `dir`, and waits until it answers.
    pub(crate) async fn start(program: PathBuf, dir: &Path) -> Result<Self, ServerError> {
        let unusable = |source| ServerError::Data {
            server: SERVER,
            path: dir.to_path_buf(),
            source,
        };
        let secret_key = format!("{:032x}", rand::random::<u128>());
        let users = serde_json::json!({ "identities": [{
            "name": "worldline",
            "credentials": [{ "accessKey": ACCESS_KEY, "secretKey": secret_key }],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }]});
        let users_file = dir.join("users.json");
        write_secret(&users_file, users.to_string().as_bytes()).map_err(unusable)?;
        let data = dir.join("data");
        fs::create_dir_all(&data).map_err(unusable)?;
        let ports = free_ports().map_err(unusable)?;
        let launch = Launch {
            server: SERVER,
            program,
            arguments: arguments(&data, &users_file, ports),
            user: ServerUser::ourselves(),
            pid_file: dir.join("weed.pid"),
            log_file: dir.join("weed.log"),
            data_dir: data,
            end_with: Signal::SIGKILL,
            remove_at_end: Some(dir.to_path_buf()),
        };
        let mut process = ServerProcess::spawn(&launch).await?;
        let [gateway, _, filer, ..] = ports;
        let started = Instant::now();
        while !is_ready(gateway, filer).await.unwrap_or(false) {
            if let Some(status) = process.exit_status() {
                return Err(process.ended_early(status));
            }
            if started.elapsed() > READY_WITHIN {
                return Err(ServerError::NotReady {
                    server: SERVER,
                    within: READY_WITHIN,
                    log_file: launch.log_file,
                });
            }
            poll_pause().await;
        }
        Ok(Self {
            process,
            endpoint: format!("http://{}:{gateway}", Ipv4Addr::LOCALHOST),
            secret_key,
        })
    }

    /// A prefix in its bucket.
    #[must_use]
    pub fn place(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The environment variables by which a client finds it and may use it.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT", self.endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_key),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// `kill -9`: from now on nobody answers.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.process.kill()
    }
}

/// Eight: of the gateway, the filer, the volume server and the master, each with the one for their talk.
fn free_ports() -> io::Result<[u16; 8]> {
    // All are held until all are known, so that they differ.
    let mut held = Vec::new();
    let mut ports = [0; 8];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn arguments(data: &Path, users: &Path, ports: [u16; 8]) -> Vec<OsString> {
    let named = |name: &str, path: &Path| {
        let mut argument = OsString::from(format!("-{name}="));
        argument.push(path);
        argument
    };
    let mut arguments = vec!["-logtostderr".into(), "server".into()];
    arguments.extend([named("dir", data), named("s3.config", users)]);
    let servers = ["s3", "filer", "volume", "master"];
    for (server, [port, talk]) in servers.into_iter().zip(ports.as_chunks().0) {
        arguments.push(format!("-{server}.port={port}").into());
        arguments.push(format!("-{server}.port.grpc={talk}").into());
    }
    let others = [
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.preStopSeconds=0",
    ];
    arguments.extend(others.map(OsString::from));
    arguments
}

/// Whether the gateway says that it is well, and there is the bucket: to the filer, a directory.
async fn is_ready(gateway: u16, filer: u16) -> io::Result<bool> {
    let bucket = format!("POST /buckets/{BUCKET}/");
    Ok(answers(gateway, "GET /healthz").await? && answers(filer, &bucket).await?)
}

/// Whether the answer to a question without content is a good one.
async fn answers(port: u16, question: &str) -> io::Result<bool> {
    let asked = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let question = format!("{question} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(question.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1);
        Ok(status.is_some_and(|status| status.starts_with('2')))
    };
    tokio::time::timeout(Duration::from_secs(1), asked).await?
}
