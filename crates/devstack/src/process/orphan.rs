//! Ending a server that an earlier run left behind, and only that.
//!
//! A pid alone proves nothing, since pids are used again: the process counts as ours only when its command line names
//! our data directory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Launch, ServerError, poll_pause};

const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the process named in the pid file if it still runs on our data.
pub(super) async fn end(launch: &Launch) -> Result<(), ServerError> {
    let Some(pid) = read_pid(&launch.pid_file) else {
        return Ok(());
    };
    if !is_ours(pid, &launch.data_dir) {
        return Ok(());
    }
    tracing::warn!(
        server = launch.server,
        pid,
        "ending a server left over from an earlier run"
    );
    let process = Pid::from_raw(pid.cast_signed());
    let signals = [launch.end_with, Signal::SIGCONT];
    for signal in signals {
        // It may end between our look and the signal.
        kill(process, signal).ok();
    }
    let started = Instant::now();
    while is_ours(pid, &launch.data_dir) {
        if started.elapsed() > PATIENCE {
            return Err(ServerError::Orphan {
                server: launch.server,
                pid,
            });
        }
        if started.elapsed() > PATIENCE / 2 {
            kill(process, Signal::SIGKILL).ok();
        }
        poll_pause().await;
    }
    Ok(())
}

fn read_pid(file: &Path) -> Option<u32> {
    fs::read_to_string(file)
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 1)
}

fn is_ours(pid: u32, data_dir: &Path) -> bool {
    command_line(pid).is_some_and(|line| line.contains(&*data_dir.to_string_lossy()))
}

/// The process's arguments; `None` when there is no such process, or only its shell awaiting burial.
fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output();
    output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ours_only_by_its_command_line() {
        let me = std::process::id();
        let line = command_line(me).expect("our own command line");
        let program = line
            .split_whitespace()
            .next()
            .expect("a program")
            .to_owned();
        assert!(is_ours(me, Path::new(&program)));
        assert!(!is_ours(me, Path::new("/some/data/directory/of/ours")));
    }
}
