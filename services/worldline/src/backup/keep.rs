//! The realm's keys: without them, what is sealed in a backup stays sealed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::manifest::Backup;
use crate::keys::Keys;

/// The keys' file in a backup that has them.
const KEYS: &str = "keys.toml";

/// Which keys are at `path`.
pub(super) fn fingerprint(path: &Path) -> anyhow::Result<String> {
    let keys = Keys::load(path).context(
        "a backup says which realm it is of; name the file with the realm's keys with --keys",
    )?;
    Ok(keys.fingerprint())
}

/// Puts a copy of the keys at `path` into the backup in `dir`, for its owner only.
pub(super) fn put(path: &Path, dir: &Path) -> anyhow::Result<()> {
    copy(path, &dir.join(KEYS))
}

/// Refuses to restore under other keys than those under which the backup was made.
pub(super) fn check_keys(backup: &Backup, path: &Path) -> anyhow::Result<()> {
    let wanted = &backup.manifest.keys;
    let kept = backup.dir.join(KEYS);
    let found = if path.exists() { path } else { &kept };
    if !found.exists() {
        bail!(
            "the realm's keys (fingerprint {wanted}) are not in the backup: bring them to {} first, or name their file \
             with --keys. Without them nobody can log in, and what people wrote cannot be read",
            path.display()
        );
    }
    let keys = Keys::load(found)?;
    ensure!(
        keys.fingerprint() == *wanted,
        "{} holds the keys of another realm (fingerprint {}, and the backup was made under {wanted})",
        found.display(),
        keys.fingerprint()
    );
    Ok(())
}

/// Brings the backup's keys to `path`, if it has them and none are there.
pub(super) fn bring(backup: &Backup, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    copy(&backup.dir.join(KEYS), path)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let content = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(to)?;
        file.write_all(&content)?;
        file.sync_all()
    };
    write().with_context(|| format!("writing {}", to.display()))
}
