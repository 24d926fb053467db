//! A database server through its life, also as root, and what happens to servers when their parent is killed.

use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use devstack::postgres::{PgOptions, Postgres};
use devstack::test::{broker, database, postgres};
use devstack::tools::{Tools, tools_dir};
use devstack::{DataDirLock, ServerError};

type Outcome = anyhow::Result<()>;

/// Asks `psql` and returns what it prints, without spaces at the ends.
fn ask(url: &str, sql: &str) -> anyhow::Result<String> {
    let psql = Tools::locate(&tools_dir())?.postgres_bin.join("psql");
    let output = Command::new(psql)
        .args(["--no-psqlrc", "-qAt", url, "-c", sql])
        .stdin(Stdio::null())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn options(data_dir: PathBuf) -> anyhow::Result<PgOptions> {
    Ok(PgOptions {
        tools: Tools::locate(&tools_dir())?,
        data_dir,
        port: None,
        log_file: None,
        durable: false,
    })
}

#[tokio::test]
async fn each_test_has_an_empty_database_of_its_own() -> Outcome {
    let (one, two) = (database().await?, database().await?);
    ask(one.url(), "CREATE TABLE mine ()")?;
    assert_eq!(
        ask(
            two.url(),
            "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"
        )?,
        "0"
    );
    assert_eq!(ask(one.url(), "SELECT current_user")?, "worldline");
    Ok(())
}

#[tokio::test]
async fn rows_survive_a_kill_and_a_restart() -> Outcome {
    let mut server = postgres().await?;
    let url = server.create_database("kept").await?;
    ask(&url, "CREATE TABLE kept AS SELECT 42 AS answer")?;
    // Off for tests; without it a killed server may forget what it has confirmed.
    ask(&url, "CHECKPOINT")?;
    server.kill()?;
    assert!(ask(&url, "SELECT 1").is_err());
    server.restart().await?;
    assert_eq!(ask(&url, "SELECT answer FROM kept")?, "42");
    server.create_database("kept").await?;
    server.stop().await?;
    server.restart().await?;
    assert_eq!(ask(&url, "SELECT answer FROM kept")?, "42");
    Ok(())
}

#[tokio::test]
async fn a_frozen_server_lets_nobody_in() -> Outcome {
    let mut server = postgres().await?;
    let url = server.create_database("frozen").await?;
    server.pause()?;
    assert!(ask(&format!("{url}?connect_timeout=2"), "SELECT 1").is_err());
    server.resume()?;
    assert_eq!(ask(&url, "SELECT 1")?, "1");
    Ok(())
}

#[tokio::test]
async fn the_server_is_not_root() -> Outcome {
    let server = postgres().await?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let uid = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .context("a uid")?;
    assert!(uid.split_whitespace().all(|id| id != "0"), "{uid}");
    Ok(())
}

#[tokio::test]
async fn data_below_a_closed_directory_is_kept_elsewhere_and_found_again() -> Outcome {
    let home = tempfile::tempdir()?;
    set_mode(home.path(), 0o700)?;
    let data_dir = home.path().join("game").join("postgres");
    let mut server = Postgres::start(options(data_dir.clone())?).await?;
    let url = server.create_database("kept").await?;
    ask(&url, "CREATE TABLE kept AS SELECT 42 AS answer")?;
    server.stop().await?;
    drop(server);
    let mut again = Postgres::start(options(data_dir.clone())?).await?;
    assert_eq!(
        ask(&again.database_url("kept"), "SELECT answer FROM kept")?,
        "42"
    );
    again.stop().await?;
    if let Ok(place) = std::fs::read_link(&data_dir) {
        std::fs::remove_dir_all(place)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_long_path_and_an_interrupted_first_start_are_no_trouble() -> Outcome {
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("x".repeat(120)).join("postgres");
    std::fs::create_dir_all(&data_dir)?;
    std::fs::write(data_dir.join("PG_VERSION"), "18\n")?;
    std::fs::write(data_dir.with_added_extension("unfinished"), "")?;
    set_mode(dir.path(), 0o755)?;
    let server = Postgres::start(options(data_dir.clone())?).await?;
    assert!(data_dir.as_os_str().as_bytes().len() > 107);
    assert_eq!(ask(&server.database_url("postgres"), "SELECT 1")?, "1");
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() -> Outcome {
    let taken = postgres().await?;
    let dir = tempfile::tempdir()?;
    set_mode(dir.path(), 0o755)?;
    let mut options = options(dir.path().join("postgres"))?;
    options.port = Some(taken.port());
    let refused = Postgres::start(options)
        .await
        .expect_err("the port is taken");
    assert!(
        matches!(refused, ServerError::PortTaken { .. }),
        "{refused}"
    );
    Ok(())
}

/// Not a test of its own: the parent that the next test kills.
#[tokio::test]
#[ignore = "started by servers_die_with_a_killed_parent"]
async fn holder() -> Outcome {
    let (broker, database) = (broker().await?, postgres().await?);
    println!("\nservers {} {}", broker.pid(), database.pid());
    std::future::pending().await
}

#[test]
fn servers_die_with_a_killed_parent() -> Outcome {
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(parent.stdout.take().context("its output")?).lines();
    let servers = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("servers ").map(str::to_owned));
    let servers: Vec<u32> = servers
        .context("the servers")?
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let directories: Vec<PathBuf> = servers
        .iter()
        .filter_map(|pid| temporary_dir_of(*pid))
        .collect();
    assert_eq!(directories.len(), 2, "both run on a temporary directory");
    parent.kill()?;
    parent.wait()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let gone = || {
        servers.iter().all(|pid| command_line(*pid).is_empty())
            && directories.iter().all(|dir| !dir.exists())
    };
    while !gone() {
        assert!(
            Instant::now() < deadline,
            "servers {servers:?} or {directories:?} outlived their parent"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[tokio::test]
async fn a_server_left_over_from_a_killed_run_is_ended() -> Outcome {
    let dir = tempfile::tempdir()?;
    let _lock = DataDirLock::acquire(dir.path())?;
    let data_dir = dir.path().canonicalize()?.join("nats");
    std::fs::create_dir(&data_dir)?;
    // A process that names our data, as one whose keeper was killed with its parent would.
    let mut orphan = Command::new("tail")
        .args(["-f", "/dev/null"])
        .arg(data_dir.join("nats.conf"))
        .stderr(Stdio::null())
        .spawn()?;
    std::fs::write(data_dir.join("nats.pid"), orphan.id().to_string())?;
    let reaper = std::thread::spawn(move || orphan.wait());
    let options = devstack::NatsOptions {
        tools: Tools::locate(&tools_dir())?,
        data_dir,
        port: None,
        config: devstack::NatsConfig::default(),
        log_file: None,
    };
    let _server = devstack::NatsServer::start(options).await?;
    let ended = reaper
        .join()
        .map_err(|_| anyhow::anyhow!("the reaper panicked"))??;
    assert!(!ended.success());
    Ok(())
}

fn set_mode(dir: &Path, mode: u32) -> Outcome {
    Ok(std::fs::set_permissions(
        dir,
        std::fs::Permissions::from_mode(mode),
    )?)
}

fn command_line(pid: u32) -> String {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .unwrap_or_default()
}

fn temporary_dir_of(pid: u32) -> Option<PathBuf> {
    let temporary = std::env::temp_dir();
    let line = command_line(pid);
    let path = line.split(' ').find(|word| {
        word.starts_with(&*temporary.to_string_lossy()) && word.contains("worldline-")
    })?;
    let below = Path::new(path).strip_prefix(&temporary).ok()?;
    Some(temporary.join(below.iter().next()?))
}
