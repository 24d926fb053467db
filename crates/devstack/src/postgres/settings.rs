//! What the database server is told on its command line, for a small machine.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::user::ServerUser;

/// A socket's path must fit into 107 bytes on Linux, 103 elsewhere.
const LONGEST_SOCKET_PATH: usize = 103;
const SOCKET_NAME: &str = "/.s.PGSQL.65535.lock";

/// Where the server puts its unix socket: beside the data, or in a short place when that path is too long.
#[derive(Debug)]
pub(super) enum SocketDir {
    Data(PathBuf),
    Short(tempfile::TempDir),
}

impl SocketDir {
    /// `None` when there is no place for it; loopback does as well.
    pub(super) fn for_data(data_dir: &Path, user: &ServerUser) -> Option<SocketDir> {
        if data_dir.as_os_str().as_bytes().len() + SOCKET_NAME.len() <= LONGEST_SOCKET_PATH {
            return Some(SocketDir::Data(data_dir.to_path_buf()));
        }
        let short = tempfile::Builder::new()
            .prefix("worldline-pg-")
            .tempdir()
            .ok()?;
        std::fs::set_permissions(short.path(), std::fs::Permissions::from_mode(0o700)).ok()?;
        user.own(short.path()).ok()?;
        let fits =
            short.path().as_os_str().as_bytes().len() + SOCKET_NAME.len() <= LONGEST_SOCKET_PATH;
        fits.then_some(SocketDir::Short(short))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            SocketDir::Data(dir) => dir,
            SocketDir::Short(dir) => dir.path(),
        }
    }
}

/// The server's arguments.
pub(super) fn arguments(
    data_dir: &Path,
    port: u16,
    sockets: Option<&Path>,
    durable: bool,
    program: &Path,
) -> Vec<OsString> {
    let mut arguments = vec![
        OsString::from("-D"),
        data_dir.into(),
        "-p".into(),
        port.to_string().into(),
    ];
    let mut set = |setting: String| arguments.extend([OsString::from("-c"), setting.into()]);
    set(format!(
        "unix_socket_directories={}",
        sockets.map(Path::to_string_lossy).unwrap_or_default()
    ));
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_permissions=0700",
        "max_connections=100",
        "shared_buffers=64MB",
        "max_wal_size=256MB",
        "huge_pages=off",
        "jit=off",
        // Nobody replicates from here.
        "wal_level=minimal",
        "max_wal_senders=0",
        "timezone=UTC",
        "log_timezone=UTC",
        "lc_messages=C",
        "log_checkpoints=off",
    ] {
        set(setting.to_owned());
    }
    if !durable {
        for setting in [
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "autovacuum=off",
            "shared_buffers=16MB",
            // In the data directory, and gone with it: a killed server leaves what it has elsewhere.
            "dynamic_shared_memory_type=mmap",
        ] {
            set(setting.to_owned());
        }
    }
    if has_io_workers(program) {
        // Without processes of their own for reading, which a small database does not need.
        set("io_method=sync".to_owned());
    }
    arguments
}

/// Version 18 brought them; the sample configuration beside the programs tells. Elsewhere the default does.
fn has_io_workers(program: &Path) -> bool {
    let Some(root) = program.ancestors().nth(2) else {
        return false;
    };
    let sample = std::fs::read_to_string(root.join("share/postgresql/postgresql.conf.sample"));
    sample.is_ok_and(|text| text.contains("io_method"))
}
