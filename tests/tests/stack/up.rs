//! `worldline up` itself: what a newcomer starts, stops and starts again.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use devstack::Tools;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
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

impl Up {
    /// Starts it on `dir` and waits until it says that it is ready.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::create(dir.join("up.log"))?;
        let tools_dir = devstack::tools_dir();
        let tools = tokio::task::spawn_blocking(move || Tools::locate(&tools_dir)).await??;
        let mut child = Command::new(BINARY)
            .arg("--data-dir")
            .arg(dir)
            .args(["up", "--port", "0", "--exit-after", "120"])
            .arg("--nats-server")
            .arg(tools.nats_server)
            .arg("--postgres-bin")
            .arg(tools.postgres_bin)
            .env("WORLDLINE_WORKER_SLEEP_AFTER", "1s")
            // Without npm: the page is not what is tried here.
            .env("PATH", "")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("its standard output")?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let said = || std::fs::read_to_string(dir.join("up.log")).unwrap_or_default();
        let line = line.with_context(|| format!("not ready in time: {}", said()))??;
        let line = line.with_context(|| format!("it ended: {}", said()))?;
        let url = line.strip_prefix("ready ").unwrap_or_default().to_owned();
        anyhow::ensure!(url.starts_with("http://127.0.0.1:"), "{line}");
        Ok(Self { child, url })
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

async fn replay_list(dir: &Path) -> anyhow::Result<String> {
    let listing = Command::new(BINARY)
        .arg("--data-dir")
        .arg(dir)
        .args(["replay", "list"])
        .output()
        .await?;
    Ok(String::from_utf8(listing.stdout)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_that_fell_asleep_is_ready_again_at_the_next_start() -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("worldline-up-").tempdir()?;
    // The database may run as somebody else, who must get in.
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
    let up = Up::start(dir.path()).await?;
    eventually("all areas sleep", || async {
        let listing = replay_list(dir.path()).await?;
        Ok(listing.matches("asleep").count() == 3)
    })
    .await?;
    up.stop().await?;
    Up::start(dir.path()).await?.stop().await
}
