//! A world that is backed up while it is played on, lost, and brought back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use bots::Address;
use devstack::Tools;
use serde_json::Value;
use tokio::process::Command;
use worldline_tests::checks::log_is_whole_so_far;
use worldline_tests::{Account, Player, Stack};

use crate::up::Up;
use crate::{BINARY, stack};

const PASSWORD: &str = "correct horse battery staple";

/// Runs a subcommand on `data_dir`: whether it succeeded, and what it said.
pub(crate) async fn worldline(
    data_dir: &Path,
    arguments: &[&str],
) -> anyhow::Result<(bool, String, String)> {
    let output = Command::new(BINARY)
        .arg("--data-dir")
        .arg(data_dir)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

/// Restores `backup` into `data_dir`.
pub(crate) async fn restore(
    data_dir: &Path,
    backup: &Path,
) -> anyhow::Result<(bool, String, String)> {
    let tools_dir = devstack::tools_dir();
    let tools = tokio::task::spawn_blocking(move || Tools::locate(&tools_dir)).await??;
    let (backup, nats) = (backup.to_str(), tools.nats_server.to_str());
    let arguments = [
        "restore",
        backup.context("a path")?,
        "--json",
        "--nats-server",
        nats.context("a path")?,
    ];
    worldline(data_dir, &arguments).await
}

/// Takes a backup of a running stack.
pub(crate) async fn take(stack: &Stack, into: &Path) -> anyhow::Result<(PathBuf, Value)> {
    let into = into.to_str().context("a path")?;
    let said = stack
        .tool(&["backup", into, "--with-keys", "--json"])
        .await?;
    let said: Value = serde_json::from_str(&said)?;
    let path = said["path"].as_str().context("where it is")?;
    Ok((path.into(), said))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A copy of a backup with one file changed.
fn damaged(
    whole: &Path,
    to: &Path,
    file: &str,
    damage: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    copy(whole, to)?;
    damage(&to.join(file))?;
    Ok(to.to_path_buf())
}

fn turn_a_bit(path: &Path) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    Ok(std::fs::write(path, bytes)?)
}

/// Walks to and fro between two areas until told to stop.
async fn wander(mut player: Player, stop: Arc<AtomicBool>) -> anyhow::Result<(Player, u32)> {
    let mut changes = 0;
    while !stop.load(Ordering::Relaxed) {
        let there = if player.view().area == "harbor-1" {
            "forest-1"
        } else {
            "harbor-1"
        };
        player.go_to(there).await?;
        changes += 1;
    }
    Ok((player, changes))
}

/// Characters that exist, and what was found, as `replay verify` counts them.
async fn verified(data_dir: &Path) -> anyhow::Result<Value> {
    let (clean, said, why) = worldline(data_dir, &["replay", "verify", "--json"]).await?;
    anyhow::ensure!(clean, "{said}{why}");
    Ok(serde_json::from_str(&said)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_world_comes_back_as_it_was_when_its_backup_began() -> anyhow::Result<()> {
    let room = tempfile::Builder::new()
        .prefix("worldline-backup-")
        .tempdir()?;
    std::fs::set_permissions(
        room.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    let stack = stack(&["w1", "w2"]).await?;
    let edge = stack.edge("edge-1").clone();
    let ann = Account::register(&edge, "Ann", PASSWORD).await?;
    let character = ann.create_character("Ann").await?;
    let mut player = ann.player(&edge, &character);
    player.enter().await?;
    player.go_to("forest-1").await?;
    let seq = player.hold(0)?;
    player.outcome(seq).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut wanderers = Vec::new();
    for name in ["Ben", "Cat", "Dan"] {
        let wanderer = stack.player(name).await?;
        wanderers.push(tokio::spawn(wander(wanderer, Arc::clone(&stop))));
    }
    player.settled().await?;
    let stood = player.view().position("Ann").context("Ann stands")?;

    let (first, said) = take(&stack, &room.path().join("backups")).await?;
    let (second, _) = take(&stack, &room.path().join("backups")).await?;
    assert_ne!(first, second);
    stop.store(true, Ordering::Relaxed);
    for wanderer in wanderers {
        let (wanderer, changes) = wanderer.await??;
        assert!(wanderer.view().broken.is_empty() && changes > 0);
    }
    // What comes now is lost.
    player.go_to("harbor-1").await?;
    Account::register(&edge, "Eve", PASSWORD).await?;
    log_is_whole_so_far(&stack).await?;
    stack.is_well();
    drop(player);
    drop(stack);

    let lived = room.path().join("lived");
    std::fs::create_dir(&lived)?;
    let began = Instant::now();
    let (done, restored, why) = restore(&lived, &first).await?;
    assert!(done, "{restored}{why}");
    eprintln!("restored in {:?}", began.elapsed());
    let restored: Value = serde_json::from_str(&restored)?;
    assert_eq!(restored["clean"], true);
    assert_eq!(restored["messages"], said["messages"]);
    assert_eq!(restored["at"], said["at"]);
    // Not over what is there.
    let (done, _, why) = restore(&lived, &first).await?;
    assert!(!done && why.contains("into an empty system only"), "{why}");

    let up = Up::start(&lived).await?;
    let edge = Address::parse(&up.url)?;
    let again = Account::log_in(&edge, "Ann", PASSWORD).await?;
    let mut player = again.player(&edge, &character);
    player.enter().await?;
    assert_eq!(player.view().area, "forest-1");
    assert_eq!(player.view().position("Ann"), Some(stood));
    player.go_to("harbor-1").await?;
    player.leave().await?;
    assert!(Account::log_in(&edge, "Eve", PASSWORD).await.is_err());
    Account::register(&edge, "Eve", PASSWORD).await?;
    let report = verified(&lived).await?;
    // Ann, and the three guests' characters: none lost, none doubled.
    assert_eq!(report["characters"], 4, "{report}");
    let (same, said, why) = worldline(&lived, &["projector", "check"]).await?;
    assert!(same, "{said}{why}");

    // A restored world is backed up and restored like any other.
    let backups = room.path().join("backups");
    let into = backups.to_str().context("a path")?;
    let (done, said, why) = worldline(&lived, &["backup", into, "--json"]).await?;
    assert!(done, "{why}");
    let third: Value = serde_json::from_str(&said)?;
    let third = PathBuf::from(third["path"].as_str().context("where it is")?);
    up.stop().await?;
    let grandchild = room.path().join("grandchild");
    std::fs::create_dir(&grandchild)?;
    // The keys are not in this one.
    let (done, _, why) = restore(&grandchild, &third).await?;
    assert!(!done && why.contains("keys"), "{why}");
    std::fs::copy(lived.join("keys.toml"), grandchild.join("keys.toml"))?;
    let (done, said, why) = restore(&grandchild, &third).await?;
    assert!(done, "{said}{why}");
    let up = Up::start(&grandchild).await?;
    let edge = Address::parse(&up.url)?;
    let again = Account::log_in(&edge, "Ann", PASSWORD).await?;
    let mut player = again.player(&edge, &character);
    player.enter().await?;
    assert_eq!(player.view().area, "harbor-1");
    player.leave().await?;
    verified(&grandchild).await?;
    up.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_backup_restores_nothing() -> anyhow::Result<()> {
    let room = tempfile::Builder::new()
        .prefix("worldline-backup-")
        .tempdir()?;
    let stack = stack(&["w1"]).await?;
    let player = stack.player("Ann").await?;
    let (whole, _) = take(&stack, &room.path().join("backups")).await?;
    drop(player);
    stack.is_well();
    let data = room.path().join("data");
    std::fs::create_dir(&data)?;
    let check = async |backup: &Path| {
        let backup = backup.to_str().context("a path")?;
        worldline(&data, &["restore", backup, "--check"]).await
    };
    let (sound, said, why) = check(&whole).await?;
    assert!(sound && said.starts_with("whole: "), "{said}{why}");

    let bad = |name: &str| room.path().join(name);
    let events = "streams/AREA_EVENTS.s2";
    let cut_off = |path: &Path| {
        let bytes = std::fs::read(path)?;
        Ok(std::fs::write(path, &bytes[..bytes.len() - 1])?)
    };
    let other_keys = room.path().join("other");
    std::fs::create_dir(&other_keys)?;
    worldline(&other_keys, &["keys"]).await?;
    let cases = [
        (damaged(&whole, &bad("bit"), events, turn_a_bit)?, "damaged"),
        (damaged(&whole, &bad("cut"), events, cut_off)?, "damaged"),
        (
            damaged(&whole, &bad("gone"), events, |path| {
                Ok(std::fs::remove_file(path)?)
            })?,
            "missing",
        ),
        (
            damaged(&whole, &bad("manifest"), "manifest.json", turn_a_bit)?,
            "damaged",
        ),
        (
            damaged(&whole, &bad("unfinished"), "manifest.json", |path| {
                Ok(std::fs::remove_file(path)?)
            })?,
            "not finished",
        ),
    ];
    for (backup, word) in cases {
        let (sound, _, why) = check(&backup).await?;
        assert!(!sound && why.contains(word), "{}: {why}", backup.display());
        let (done, _, why) = restore(&data, &backup).await?;
        assert!(!done && why.contains(word), "{}: {why}", backup.display());
        let nothing = std::fs::read_dir(&data)?.count();
        assert_eq!(nothing, 0, "{}", backup.display());
    }
    let (done, _, why) = restore(&other_keys, &whole).await?;
    assert!(!done && why.contains("keys of another realm"), "{why}");
    Ok(())
}
