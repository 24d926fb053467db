//! Making the data directory, and databases in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{ROLE, ServerError};
use crate::tools::Tools;
use crate::user::ServerUser;

/// Fills an empty data directory. One that an interrupted start left half filled is filled anew: its version file,
/// by which it is known, is there before the rest, so a mark of ours is what counts.
pub(super) async fn ensure(
    tools: &Tools,
    data_dir: &Path,
    user: &ServerUser,
) -> Result<(), ServerError> {
    let unusable = |source| ServerError::Data {
        server: super::SERVER,
        path: data_dir.to_path_buf(),
        source,
    };
    let unfinished = data_dir.with_added_extension("unfinished");
    if unfinished.exists() {
        empty(data_dir).map_err(unusable)?;
    } else if data_dir.join("PG_VERSION").exists() {
        return Ok(());
    }
    fs::write(&unfinished, "initdb has not finished\n").map_err(unusable)?;
    let mut initdb = Command::new(tools.postgres_program("initdb"));
    initdb
        .arg("-D")
        .arg(data_dir)
        .args([
            "--username",
            ROLE,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-locale",
            "--wal-segsize",
            "4",
        ])
        // Without it, `initdb` waits for the disk after every file; a broken start is done again anyway.
        .args(["--no-sync", "--no-instructions"]);
    user.apply(&mut initdb);
    run("initdb", initdb).await?;
    fs::remove_file(&unfinished).map_err(unusable)
}

/// Makes a database unless there is one.
pub(super) async fn create_database(
    tools: &Tools,
    port: u16,
    name: &str,
) -> Result<(), ServerError> {
    if name.is_empty()
        || name.len() > 63
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Err(ServerError::Helper {
            program: "psql",
            said: format!("{name:?} is no name for a database"),
        });
    }
    let sql = format!("CREATE DATABASE \"{name}\" STRATEGY wal_log");
    match psql(tools, port, &sql).await {
        Err(ServerError::Helper { said, .. }) if said.contains("already exists") => Ok(()),
        other => other,
    }
}

async fn psql(tools: &Tools, port: u16, sql: &str) -> Result<(), ServerError> {
    let mut psql = Command::new(tools.postgres_program("psql"));
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
    ])
    .args(["--username", ROLE, "--dbname", "postgres", "--command", sql])
    // What a person has set for their own psql is not meant for us.
    .env_remove("PGOPTIONS")
    .env_remove("PGSERVICE");
    run("psql", psql).await
}

async fn run(program: &'static str, mut command: Command) -> Result<(), ServerError> {
    command.stdin(Stdio::null());
    let failed = |said: String| ServerError::Helper { program, said };
    let finished = tokio::task::spawn_blocking(move || command.output()).await;
    let output: Output = finished
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr)
        .trim()
        .replace('\n', "; ");
    Err(failed(if said.is_empty() {
        output.status.to_string()
    } else {
        said
    }))
}

fn empty(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)?
        } else {
            fs::remove_file(&path)?
        }
    }
    Ok(())
}
