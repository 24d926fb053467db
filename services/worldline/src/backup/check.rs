//! Whether a backup is whole: every byte as it was written, and nothing in it without its cause.

use std::path::Path;

use anyhow::{Context, ensure};
use eventlog::backup::{Causes, Cut};
use schemas::Sequence;

use super::examine::examine;
use super::manifest::{Backup, Copied};

/// Reads the backup in `dir` whole.
pub(super) async fn check(dir: &Path) -> anyhow::Result<Backup> {
    let dir = dir.to_path_buf();
    let checking = tokio::task::spawn_blocking(move || check_now(&dir));
    checking.await.context("reading the backup")?
}

fn check_now(dir: &Path) -> anyhow::Result<Backup> {
    let backup = Backup::open(dir)?;
    let mut causes = Causes::default();
    for copied in &backup.manifest.streams {
        eprintln!("checking {}", copied.name);
        archive(&backup, copied, &mut causes)?;
    }
    let cut: Cut = backup
        .manifest
        .streams
        .iter()
        .map(|copied| (copied.name.clone(), Sequence(copied.cut)))
        .collect();
    let closed = causes.close(cut.clone());
    for (stream, end) in &cut {
        ensure!(
            closed.get(stream) == Some(end),
            "{stream} ends at {end}, but what stands there lacks its cause in another stream: the backup is not \
             consistent; use another"
        );
    }
    Ok(backup)
}

/// Compares an archive with what the manifest says of it.
fn archive(backup: &Backup, copied: &Copied, causes: &mut Causes) -> anyhow::Result<()> {
    let path = backup.archive(&copied.name);
    let shown = path.display();
    let size = std::fs::metadata(&path)
        .with_context(|| format!("{shown} is missing; use another backup"))?
        .len();
    ensure!(
        size == copied.bytes,
        "{shown} is damaged: it has {size} bytes and should have {}; use another backup",
        copied.bytes
    );
    let moment = backup.manifest.nanos;
    let found = examine(&path, &copied.name, copied.cut, moment, causes)
        .with_context(|| format!("{shown} is damaged; use another backup"))?;
    ensure!(
        found.sha256 == copied.sha256,
        "{shown} is damaged: its bytes are not those that were written; use another backup"
    );
    let same = (found.messages, found.first, &found.content)
        == (copied.messages, copied.first, &copied.content);
    ensure!(
        same,
        "{shown} does not hold what the manifest says; use another backup"
    );
    Ok(())
}
