//! The server programs: where they are found, and how they come to be there.
//!
//! In order: a program the operator named, one on PATH that is new enough, one installed earlier under the tools
//! directory, and last a fresh install from the packages in `pinned.rs`. A program on PATH that is too old is skipped
//! without a word, because most distributions carry one; a *named* program that is too old is an error.

mod error;
mod install;
mod pinned;
mod version;

use std::env;
use std::path::{Path, PathBuf};

use tracing::{debug, info};

pub use error::ToolError;
pub use version::Version;

use crate::user::ServerUser;

/// The oldest nats-server we run on: it republishes, refuses stale conditions and reports errors as the event log expects.
pub const OLDEST_NATS: Version = Version::new(2, 15, 1);
/// The oldest PostgreSQL we run on.
pub const OLDEST_POSTGRES: Version = Version::new(16, 0, 0);

/// The server programs, found and new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// The `nats-server` program.
    pub nats_server: PathBuf,
    /// The directory with `postgres`, `initdb` and `psql`.
    pub postgres_bin: PathBuf,
}

/// Programs the operator named, which are used or refused but never replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// A `nats-server` program (`--nats-server`).
    pub nats_server: Option<PathBuf>,
    /// A directory with PostgreSQL's programs (`--postgres-bin`).
    pub postgres_bin: Option<PathBuf>,
}

impl Tools {
    /// Finds the programs, or installs them under `dir`. Blocks: the first time for a few seconds of download.
    pub fn locate(dir: &Path) -> Result<Tools, ToolError> {
        Tools::locate_with(dir, &Named::default())
    }

    /// As [`Tools::locate`], with programs the operator has named.
    pub fn locate_with(dir: &Path, named: &Named) -> Result<Tools, ToolError> {
        let user = ServerUser::for_postgres();
        let dir = std::path::absolute(dir).map_err(|source| ToolError::Write {
            program: "the servers",
            action: "find",
            path: dir.to_path_buf(),
            source,
        })?;
        let dir = user.reachable_or_shared(&dir, "tools");
        Ok(Tools {
            nats_server: nats_server(&dir, named)?,
            postgres_bin: postgres_bin(&dir, named, &user)?,
        })
    }

    /// Finds the object store that tests use, or installs it under `dir`. Blocks, the first time for a download of 50 MB.
    pub(crate) fn object_store(dir: &Path) -> Result<PathBuf, ToolError> {
        install::ensure(dir, &pinned::SEAWEEDFS)
    }

    /// One of PostgreSQL's programs.
    pub(crate) fn postgres_program(&self, name: &str) -> PathBuf {
        self.postgres_bin.join(name)
    }
}

/// Where tests and tools keep the programs: `$WORLDLINE_TOOLS`, else `.worldline/tools` of the workspace around us.
pub fn tools_dir() -> PathBuf {
    if let Some(dir) = env::var_os("WORLDLINE_TOOLS") {
        return PathBuf::from(dir);
    }
    let start = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| env::current_dir().ok());
    let start = start.unwrap_or_else(|| PathBuf::from("."));
    let root = start
        .ancestors()
        .find(|dir| dir.join("Cargo.lock").is_file())
        .unwrap_or(&start);
    root.join(".worldline").join("tools")
}

fn nats_server(dir: &Path, named: &Named) -> Result<PathBuf, ToolError> {
    if let Some(path) = &named.nats_server {
        return version::at_least(path, "nats-server", OLDEST_NATS).map(|_| path.clone());
    }
    for path in on_path("nats-server") {
        match version::at_least(&path, "nats-server", OLDEST_NATS) {
            Ok(version) => {
                info!(path = %path.display(), %version, "using the nats-server on PATH");
                return Ok(path);
            }
            Err(error) => debug!(%error, "skipping a nats-server on PATH"),
        }
    }
    install::ensure(dir, &pinned::NATS_SERVER)
}

fn postgres_bin(dir: &Path, named: &Named, user: &ServerUser) -> Result<PathBuf, ToolError> {
    if let Some(bin) = &named.postgres_bin {
        return postgres_at_least(bin).map(|_| bin.clone());
    }
    for path in on_path("postgres") {
        // PATH often holds links into one directory that has all the programs; use the directory they lead to.
        let Some(bin) = path
            .canonicalize()
            .ok()
            .and_then(|real| real.parent().map(Path::to_path_buf))
        else {
            continue;
        };
        if user.unreachable_part(&bin).is_some() {
            continue;
        }
        match postgres_at_least(&bin) {
            Ok(version) => {
                info!(path = %bin.display(), %version, "using the PostgreSQL on PATH");
                return Ok(bin);
            }
            Err(error) => debug!(%error, "skipping a PostgreSQL on PATH"),
        }
    }
    let postgres = install::ensure(dir, &pinned::POSTGRES)?;
    Ok(postgres.parent().map(Path::to_path_buf).unwrap_or_default())
}

fn postgres_at_least(bin: &Path) -> Result<Version, ToolError> {
    for program in ["initdb", "psql"] {
        let path = bin.join(program);
        if !path.is_file() {
            return Err(ToolError::Missing { program, path });
        }
    }
    version::at_least(&bin.join("postgres"), "PostgreSQL", OLDEST_POSTGRES)
}

fn on_path(program: &str) -> Vec<PathBuf> {
    let Some(path) = env::var_os("PATH") else {
        return Vec::new();
    };
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .filter(|candidate| candidate.is_file())
        .collect()
}
