//! A server as a child process: started so that it dies with us, signalled by its own pid, and waited for.
//!
//! `kill -9` of the parent must not leave servers behind that hold the port and the data of the next start. Rust's
//! safe API cannot ask the kernel for that, so every server is started through a few lines of POSIX shell
//! (`keeper.sh`; docs/adr/0010). As a second net the pid is written beside the data, and the next start ends a
//! left-over process that is verifiably ours (`orphan.rs`).

mod error;
mod log;
mod orphan;

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use error::ServerError;

use crate::user::ServerUser;
use log::Log;

const KEEPER: &str = include_str!("keeper.sh");

/// How to start a server.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// What people call it.
    pub(crate) server: &'static str,
    /// The program and its arguments.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Whom it runs as.
    pub(crate) user: ServerUser,
    /// Its data; part of its command line, by which a left-over process is recognised.
    pub(crate) data_dir: PathBuf,
    /// Where its pid is written.
    pub(crate) pid_file: PathBuf,
    /// Where its output is appended.
    pub(crate) log_file: PathBuf,
    /// What it gets when we die: a signal on which it needs no goodbye.
    pub(crate) end_with: Signal,
    /// A directory that should not outlive us either.
    pub(crate) remove_at_end: Option<PathBuf>,
}

/// A running child. Killed when dropped.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    server: &'static str,
    child: Child,
    keeper: Option<ChildStdin>,
    pid_file: PathBuf,
    log: Log,
    exited: Option<ExitStatus>,
}

impl ServerProcess {
    /// Starts the server, after ending what an earlier one may have left running on the same data.
    pub(crate) async fn spawn(launch: &Launch) -> Result<ServerProcess, ServerError> {
        orphan::end(launch).await?;
        let (log, output) = Log::open(&launch.log_file).map_err(|source| ServerError::Data {
            server: launch.server,
            path: launch.log_file.clone(),
            source,
        })?;
        let cannot_log = |source| ServerError::Data {
            server: launch.server,
            path: launch.log_file.clone(),
            source,
        };
        let mut command = Command::new("/bin/sh");
        command
            .args([
                "-c",
                KEEPER,
                "keeper",
                launch.end_with.as_str().trim_start_matches("SIG"),
            ])
            .arg(launch.remove_at_end.as_deref().unwrap_or(Path::new("")))
            .arg(&launch.program)
            .args(&launch.arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(cannot_log)?)
            .stderr(output)
            // A group of its own: Ctrl-C in a terminal is ours to handle, in our order.
            .process_group(0);
        launch.user.apply(&mut command);
        let mut child = command.spawn().map_err(|source| ServerError::Spawn {
            server: launch.server,
            source,
        })?;
        let keeper = child.stdin.take();
        let process = ServerProcess {
            server: launch.server,
            child,
            keeper,
            pid_file: launch.pid_file.clone(),
            log,
            exited: None,
        };
        fs::write(&process.pid_file, format!("{}\n", process.pid())).map_err(|source| {
            ServerError::Data {
                server: launch.server,
                path: process.pid_file.clone(),
                source,
            }
        })?;
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended, and how.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.exited.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.has_ended(status);
        }
        self.exited
    }

    /// Sends a signal; to a server that has ended, nothing.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), ServerError> {
        if self.exit_status().is_some() {
            return Ok(());
        }
        // A child we have not waited for keeps its pid, so this cannot hit anyone else.
        kill(Pid::from_raw(self.pid().cast_signed()), signal).map_err(|errno| ServerError::Signal {
            server: self.server,
            signal: signal.as_str(),
            source: errno.into(),
        })
    }

    /// Stops all its threads (SIGSTOP) and returns when they have stopped: the signal alone takes effect only a little
    /// later, and an answer that slips out in between is a test that fails once in a hundred runs.
    pub(crate) fn pause(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::SIGSTOP)?;
        #[cfg(target_os = "linux")]
        if self.exited.is_none() {
            use nix::sys::wait::{Id, WaitPidFlag, waitid};
            // An end of the process would be seen here too; it is left for `exit_status` to collect.
            let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            waitid(Id::Pid(Pid::from_raw(self.pid().cast_signed())), flags).map_err(|errno| {
                ServerError::Wait {
                    server: self.server,
                    source: errno.into(),
                }
            })?;
        }
        Ok(())
    }

    /// Ends it at once, as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::SIGKILL)?;
        if self.exited.is_none() {
            let ended = self.child.wait();
            self.has_ended(ended.map_err(|source| ServerError::Wait {
                server: self.server,
                source,
            })?);
        }
        Ok(())
    }

    /// Asks it to end with `signal`; kills it when it has not within `patience`.
    pub(crate) async fn stop(
        &mut self,
        signal: Signal,
        patience: Duration,
    ) -> Result<(), ServerError> {
        self.signal(signal)?;
        self.signal(Signal::SIGCONT)?;
        let deadline = Instant::now() + patience;
        while self.exit_status().is_none() {
            if Instant::now() > deadline {
                tracing::warn!(
                    server = self.server,
                    pid = self.pid(),
                    "did not stop in time and is killed"
                );
                return self.kill();
            }
            poll_pause().await;
        }
        Ok(())
    }

    fn has_ended(&mut self, status: ExitStatus) {
        self.exited = Some(status);
        // Tells the keeper's helper that there is nothing left to end. It may be gone, which is as well.
        if let Some(mut keeper) = self.keeper.take() {
            keeper.write_all(b"ended\n").ok();
        }
        fs::remove_file(&self.pid_file).ok();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(server = self.server, %error, "a server could not be ended");
        }
    }
}

/// The pause between two looks at a condition that nobody tells us about.
pub(crate) async fn poll_pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
