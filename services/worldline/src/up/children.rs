//! Workers and bots as child processes: `up` starts this binary again in another role.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};

use super::log_directory;
use crate::role::Process;

/// How long to wait before a worker that ended by itself is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// A child process in one of this binary's roles. It ends when its standard input does, so it
/// cannot outlive us; and it is killed when dropped.
#[derive(Debug)]
struct RoleProcess {
    name: String,
    child: Child,
    /// Its standard input, open for as long as it shall run. Not in `child`, where waiting for
    /// the end would close it.
    stdin: Option<ChildStdin>,
}

impl RoleProcess {
    /// Starts `worldline` for the stack and with the configuration of `parent`, in the role that the arguments name; its
    /// log goes to `<data-dir>/log/<name>.log`.
    fn start(parent: &Process, name: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let file = log_directory(&parent.stack.data_dir).join(format!("{name}.log"));
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&file)
            .with_context(|| format!("opening {}", file.display()))?;
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(parent.child_arguments())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal is for us; we end our children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
        })
    }

    /// Waits until it ends by itself. Cancel safe.
    async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end (SIGTERM), and kills it after `grace`.
    async fn stop(mut self, grace: Duration) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid
            && let Err(error) = kill(Pid::from_raw(pid), Signal::SIGTERM)
        {
            tracing::debug!(name = self.name, %error, "had ended");
        }
        let ended = tokio::time::timeout(grace, self.child.wait()).await;
        drop(self.stdin.take());
        if ended.is_err() {
            tracing::warn!(name = self.name, "did not end in time and is killed");
            if let Err(error) = self.child.kill().await {
                tracing::warn!(name = self.name, %error, "cannot be killed");
            }
        }
    }
}

/// How a process ended, for the log.
fn told(ended: std::io::Result<ExitStatus>) -> String {
    ended.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// The workers of this stack; others may join from other terminals.
pub(super) struct Workers {
    parent: Process,
    running: Vec<RoleProcess>,
}

impl Workers {
    /// Starts `count` workers, `worker-1` and so on.
    pub(super) fn start(parent: &Process, count: u16) -> anyhow::Result<Self> {
        let running = (1..=count)
            .map(|number| Self::start_one(parent, &format!("worker-{number}")))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            parent: parent.clone(),
            running,
        })
    }

    fn start_one(parent: &Process, name: &str) -> anyhow::Result<RoleProcess> {
        RoleProcess::start(parent, name, &["worker", "--name", name])
    }

    /// Starts workers again that have failed; one that was drained stays away. Never returns.
    pub(super) async fn supervise(&mut self) {
        loop {
            let all = self
                .running
                .iter_mut()
                .map(|worker| Box::pin(worker.ended()));
            let (how, at) = if all.len() == 0 {
                std::future::pending().await
            } else {
                let (how, at, _) = futures_util::future::select_all(all).await;
                (how, at)
            };
            let name = self.running[at].name.clone();
            if how.as_ref().is_ok_and(ExitStatus::success) {
                tracing::info!(name, "a worker has left");
                self.running.swap_remove(at);
                continue;
            }
            let how = told(how);
            tracing::error!(
                how,
                "{name} has ended, see log/{name}.log in the data directory; starting it again"
            );
            tokio::time::sleep(RESTART_AFTER).await;
            match Self::start_one(&self.parent, &name) {
                Ok(worker) => self.running[at] = worker,
                Err(error) => tracing::error!(name, "{error:#}"),
            }
        }
    }

    /// Lets all of them hand over or release their areas and end.
    pub(super) async fn stop(self, grace: Duration) {
        let all = self.running.into_iter().map(|worker| worker.stop(grace));
        futures_util::future::join_all(all).await;
    }
}

/// The bots of this stack, one process for all.
pub(super) struct Bots(Option<RoleProcess>);

impl Bots {
    /// Starts `count` bots that play until they are stopped.
    pub(super) fn start(parent: &Process, url: &str, count: u32) -> anyhow::Result<Self> {
        if count == 0 {
            return Ok(Self(None));
        }
        let players = count.to_string();
        let arguments = [
            "bots",
            "--url",
            url,
            "--players",
            &players,
            "--seconds",
            "0",
            "--inputs-per-second",
            "2",
        ];
        RoleProcess::start(parent, "bots", &arguments).map(|process| Self(Some(process)))
    }

    /// Says when they end by themselves. Never returns.
    pub(super) async fn supervise(&mut self) {
        if let Self(Some(process)) = self {
            let how = told(process.ended().await);
            tracing::error!(
                how,
                "the bots have ended; see log/bots.log in the data directory"
            );
            self.0 = None;
        }
        std::future::pending().await
    }

    /// Lets them leave.
    pub(super) async fn stop(self, grace: Duration) {
        if let Self(Some(process)) = self {
            process.stop(grace).await;
        }
    }
}
