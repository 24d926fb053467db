//! One role of the stack as a process that a test may end in any way it likes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// A running role. Killed when dropped; ends by itself when the test process does.
#[derive(Debug)]
pub struct Role {
    /// What the test calls it: `worker-2`.
    pub name: String,
    child: Child,
    log: PathBuf,
}

impl Role {
    /// Starts `<binary> --data-dir DIR --while-stdin ARGUMENTS…`, its output in `DIR/log/<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        binary: &Path,
        data_dir: &Path,
        name: &str,
        arguments: &[String],
        variables: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let log = data_dir.join("log").join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let child = Command::new(binary)
            .arg("--data-dir")
            .arg(data_dir)
            .arg("--while-stdin")
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().context("it has ended")?;
        kill(Pid::from_raw(i32::try_from(pid)?), signal)
            .with_context(|| format!("sending {signal} to {}", self.name))
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it where it stands (SIGSTOP); it does not notice.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When it has ended.
    pub fn wake(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("killing {}", self.name))
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// When it has ended.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = self.ended().await?;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it does not within [`crate::PATIENCE`].
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        // `wait` closes standard input, which would be a reason to end.
        let stdin = self.child.stdin.take();
        let ended = tokio::time::timeout(crate::PATIENCE, self.child.wait()).await;
        self.child.stdin = stdin;
        let late = || format!("{} did not end", self.name);
        Ok(ended.with_context(late)??)
    }

    /// Whether it runs (or is paused).
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The last lines that it wrote.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}
