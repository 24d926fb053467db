//! A disk that can be filled: a small file system in memory, where the system lets us mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// A mounted file system; gone when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// Whether this machine lets us mount one.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn possible() -> Result<(), String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        Self::mount(dir.path(), 1 << 20)
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    }

    /// Mounts one of so many bytes over an empty or unused directory.
    ///
    /// # Errors
    /// When the system refuses: only root may.
    pub fn mount(place: &Path, bytes: u64) -> anyhow::Result<Self> {
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={bytes},mode=0711"))
            .arg("worldline-tests")
            .arg(place)
            .output()
            .context("there is no program `mount`")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "mounting: {}", said.trim());
        Ok(Self {
            place: place.to_owned(),
        })
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// When something other than its being full stands against it.
    pub fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write;
        let mut ballast = fs::File::create(self.ballast())?;
        let block = vec![0; 64 * 1024];
        for size in [block.len(), 512] {
            while ballast.write_all(&block[..size]).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn clear(&self) -> anyhow::Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there is about to end.
        let unmounted = Command::new("umount").arg("-l").arg(&self.place).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} could not be unmounted", self.place.display());
        }
    }
}
