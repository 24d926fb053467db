//! `worldline up` itself: what a newcomer starts, stops and starts again.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::Context;
use devstack::Tools;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use worldline_tests::{PATIENCE, eventually};

use crate::BINARY;

/// A running `up`.
pub(crate) struct Up {
    child: Child,
    /// Where the game is.
    pub(crate) url: String,
}

/// What a worker of these tests is willing to own.
const CAPACITY: u32 = 77;

/// A directory for one `up`.
fn room() -> anyhow::Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("worldline-up-").tempdir()?;
    // The database may run as somebody else, who must get in.
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
    Ok(dir)
}

/// `worldline up` on `dir`; what it says goes to `up.log` there.
async fn command(dir: &Path) -> anyhow::Result<Command> {
    let log = std::fs::File::create(dir.join("up.log"))?;
    let tools_dir = devstack::tools_dir();
    let tools = tokio::task::spawn_blocking(move || Tools::locate(&tools_dir)).await??;
    let mut command = Command::new(BINARY);
    command
        .arg("--data-dir")
        .arg(dir)
        .args(["up", "--port", "0"])
        .arg("--nats-server")
        .arg(tools.nats_server)
        .arg("--postgres-bin")
        .arg(tools.postgres_bin)
        // Without npm: the page is not what is tried here.
        .env("PATH", "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

fn said(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("up.log")).unwrap_or_default()
}

/// Waits until it ends by itself.
async fn ended(mut command: Command, dir: &Path) -> anyhow::Result<ExitStatus> {
    let ended = tokio::time::timeout(PATIENCE, command.status()).await;
    Ok(ended.with_context(|| format!("it goes on: {}", said(dir)))??)
}

impl Up {
    /// Starts it on `dir` and waits until it says that it is ready.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        // Two of its workers' settings, by the two ways that are not inherited like a variable.
        let config = dir.join("up.toml");
        std::fs::write(&config, format!("[worker]\ncapacity = {CAPACITY}\n"))?;
        let mut command = command(dir).await?;
        command.arg("--config").arg(&config);
        command.args(["--set", "worker.sleep_after=1s", "--exit-after", "120"]);
        Self::spawn(command)?.ready(dir).await
    }

    fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let child = command.spawn()?;
        let url = String::new();
        Ok(Self { child, url })
    }

    async fn ready(mut self, dir: &Path) -> anyhow::Result<Self> {
        let out = self.child.stdout.take().context("its standard output")?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.with_context(|| format!("not ready in time: {}", said(dir)))??;
        let line = line.with_context(|| format!("it ended: {}", said(dir)))?;
        self.url = line.strip_prefix("ready ").unwrap_or_default().to_owned();
        anyhow::ensure!(self.url.starts_with("http://127.0.0.1:"), "{line}");
        Ok(self)
    }

    /// As Ctrl-C does.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("it has ended")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGINT)?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        anyhow::ensure!(ended.success(), "{ended}");
        Ok(())
    }
}

async fn tool(dir: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let told = Command::new(BINARY)
        .arg("--data-dir")
        .arg(dir)
        .args(arguments)
        .output()
        .await?;
    Ok(String::from_utf8(told.stdout)?)
}

/// The process that is this worker of the `up` on `dir`.
fn worker(dir: &Path, name: &str) -> anyhow::Result<Option<Pid>> {
    let dir = dir.display().to_string();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        // Others come and go meanwhile.
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split('\0');
        if words.any(|word| word == dir) && words.any(|word| word == name) {
            return Ok(Some(Pid::from_raw(pid)));
        }
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_that_fell_asleep_is_ready_again_at_the_next_start() -> anyhow::Result<()> {
    let dir = room()?;
    let up = Up::start(dir.path()).await?;
    let workers = tool(dir.path(), &["worker", "list"]).await?;
    assert!(workers.contains(&format!("/{CAPACITY} ")), "{workers}");
    eventually("all areas sleep", || async {
        let listing = tool(dir.path(), &["replay", "list"]).await?;
        Ok(listing.matches("asleep").count() == 3)
    })
    .await?;
    up.stop().await?;
    Up::start(dir.path()).await?.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_workers_would_refuse_is_refused_before_anything_starts() -> anyhow::Result<()> {
    let dir = room()?;
    let config = dir.path().join("typo.toml");
    std::fs::write(&config, "[worker]\ntick_thread = 2\n")?;
    let mut up = command(dir.path()).await?;
    up.arg("--config").arg(&config);
    let ended = ended(up, dir.path()).await?;
    let said = said(dir.path());
    assert_eq!(ended.code(), Some(64), "{said}");
    assert!(
        said.contains("tick_thread") && said.contains("typo.toml line 2"),
        "{said}"
    );
    assert!(!dir.path().join("nats").exists(), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_before_the_world_is_held_is_started_again() -> anyhow::Result<()> {
    let dir = room()?;
    let mut up = command(dir.path()).await?;
    up.args(["--workers", "1"]);
    let up = Up::spawn(up)?;
    eventually("the worker starts, and is killed", || async {
        let Some(pid) = worker(dir.path(), "worker-1")? else {
            return Ok(false);
        };
        kill(pid, Signal::SIGKILL)?;
        Ok(true)
    })
    .await?;
    let up = up.ready(dir.path()).await?;
    eventually("it says where to look", || async {
        Ok(said(dir.path()).contains("log/worker-1.log"))
    })
    .await?;
    up.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_that_nobody_holds_ends_with_the_time_it_was_given() -> anyhow::Result<()> {
    let dir = room()?;
    let mut up = command(dir.path()).await?;
    up.args(["--workers", "0", "--exit-after", "1"]);
    let ended = ended(up, dir.path()).await?;
    let said = said(dir.path());
    assert_eq!(ended.code(), Some(70), "{said}");
    assert!(said.contains("no worker has taken harbor-1"), "{said}");
    Ok(())
}
