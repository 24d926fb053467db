//! Finding the programs that steps need, or saying how to come by them.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::bail;

use crate::root;
use crate::step::Steps;

/// The cargo we were started by.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root());
    cargo
}

/// A program on PATH.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// npm, in the given directory of ours.
pub(crate) fn npm(dir: &str, arguments: &[&str]) -> anyhow::Result<Command> {
    let Some(npm) = find("npm") else {
        bail!(
            "npm is not on PATH: install Node.js (Debian: apt-get install npm), or leave out --web and --browser"
        );
    };
    let mut command = Command::new(npm);
    command
        .arg("--silent")
        .args(arguments)
        .current_dir(root().join(dir));
    Ok(command)
}

/// Installs the packages of the given directory of ours, exactly as locked where there is a lock.
pub(crate) fn npm_packages(steps: &mut Steps, dir: &str) -> anyhow::Result<()> {
    let locked = root().join(dir).join("package-lock.json").is_file();
    let install = if locked { "ci" } else { "install" };
    steps.program(
        &format!("{dir}: packages"),
        &mut npm(dir, &[install, "--no-audit", "--no-fund"])?,
    )
}

/// Chromium: named by `$CHROMIUM`, on PATH, or installed now where that is possible without asking anyone.
pub(crate) fn chromium(steps: &mut Steps) -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").map(PathBuf::from) {
        if !named.is_file() {
            bail!(
                "CHROMIUM names {}, where there is no program",
                named.display()
            );
        }
        return Ok(named);
    }
    let known = || {
        ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find_map(find)
    };
    if let Some(found) = known() {
        return Ok(found);
    }
    if let (Some(apt), true) = (find("apt-get"), is_root()) {
        steps.program("chromium: package lists", Command::new(&apt).arg("update"))?;
        let mut install = Command::new(&apt);
        install.args(["install", "--yes", "--no-install-recommends", "chromium"]);
        steps.program(
            "chromium: install",
            install.env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    match known() {
        Some(found) => Ok(found),
        None => bail!(
            "the browser test needs Chromium: install it (Debian: sudo apt-get install chromium), name it with \
             CHROMIUM=/path/to/chromium, or leave out --browser"
        ),
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
