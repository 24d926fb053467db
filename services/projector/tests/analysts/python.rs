//! Python with the packages that the examples need, installed once.
//!
//! As with the servers: pinned by checksum, installed into a temporary place and moved to its own by one rename, under a
//! lock, so that any number of tests may want it at once.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use devstack::test::TestBroker;
use tempfile::TempDir;

/// Where the examples are.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python")
}

/// Python as the analyst of a broker.
pub(crate) struct Python {
    packages: PathBuf,
    environment: [(&'static str, String); 3],
    scratch: TempDir,
}

impl Python {
    pub(crate) fn as_analyst_of(server: &TestBroker) -> anyhow::Result<Self> {
        let users = server.users().context("a broker with users")?;
        let analyst = users.credential("analyst").context("an analyst")?;
        Ok(Self {
            packages: packages()?,
            environment: [
                ("WORLDLINE_BROKER_URL", server.url()),
                ("WORLDLINE_BROKER_USER", analyst.user),
                ("WORLDLINE_BROKER_PASSWORD", analyst.password),
            ],
            scratch: tempfile::tempdir()?,
        })
    }

    /// A directory that goes with this.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs an example; what it has printed.
    pub(crate) fn run(&self, example: &str, arguments: &[&str]) -> String {
        self.script(&examples().join(example), arguments)
    }

    /// Runs a script where the examples are; what it has printed.
    pub(crate) fn script(&self, script: &Path, arguments: &[&str]) -> String {
        let done = Command::new("python3")
            .arg(script)
            .args(arguments)
            .current_dir(examples())
            .env(
                "PYTHONPATH",
                std::env::join_paths([&self.packages, &examples()]).unwrap(),
            )
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Settings and caches of whoever runs the tests stay out of it.
            .env("HOME", self.scratch())
            .env("JUPYTER_CONFIG_DIR", self.scratch())
            .envs(self.environment.clone())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}: {said}", script.display());
        String::from_utf8(done.stdout).unwrap()
    }
}

/// The directory of the packages that `requirements.txt` names.
fn packages() -> anyhow::Result<PathBuf> {
    let requirements = examples().join("requirements.txt");
    let pinned = fs::read(&requirements).context("reading requirements.txt")?;
    let version = Command::new("python3").arg("--version").output();
    let version = version.context("there is no python3 on PATH")?.stdout;
    let name = schemas::Digest::of(&[pinned, version].concat()).to_string();
    let tools = devstack::tools_dir();
    let packages = tools.join(format!("python-{}", &name[..16]));
    if packages.is_dir() {
        return Ok(packages);
    }
    fs::create_dir_all(&tools)?;
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .open(tools.join(".install-python.lock"))?;
    lock.lock()?;
    if packages.is_dir() {
        return Ok(packages);
    }
    let work = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(&tools)?;
    let target = work.path().join("packages");
    let pip = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--retries",
            "2",
            "--target",
        ])
        .arg(&target)
        .arg("--requirement")
        .arg(&requirements)
        .output()
        .context("running pip")?;
    if !pip.status.success() {
        bail!("pip: {}", String::from_utf8_lossy(&pip.stderr));
    }
    ensure!(target.join("nats").is_dir(), "pip installed something else");
    fs::rename(&target, &packages)?;
    Ok(packages)
}
