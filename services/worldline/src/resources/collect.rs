//! The files of a directory, as clients shall have them. Whatever is odd about them is said before anything is
//! uploaded.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use schemas::resources::{MAX_FILE_BYTES, MAX_FILES};

/// The longest path of a file in a version, bytes.
const LONGEST_PATH: usize = 240;

/// A file to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    /// Where a client puts it: relative, with `/`.
    pub(crate) path: String,
    pub(crate) source: Source,
}

/// Where its content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Disk(PathBuf),
    Memory(Vec<u8>),
}

impl Upload {
    /// A file that is in memory.
    pub(crate) fn of(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            source: Source::Memory(content.into()),
        }
    }

    /// Its content.
    pub(super) async fn read(&self) -> anyhow::Result<Vec<u8>> {
        match &self.source {
            Source::Memory(content) => Ok(content.clone()),
            Source::Disk(file) => tokio::fs::read(file)
                .await
                .with_context(|| format!("{} cannot be read", file.display())),
        }
    }
}

/// All files below `dir`, by path.
pub(crate) fn collect(dir: &Path) -> anyhow::Result<Vec<Upload>> {
    let root = dir
        .canonicalize()
        .with_context(|| format!("{} cannot be read", dir.display()))?;
    ensure!(root.is_dir(), "{} is not a directory", dir.display());
    let mut uploads = Vec::new();
    walk(&root, &root, &mut uploads)?;
    ensure!(!uploads.is_empty(), "{} holds no file", dir.display());
    uploads.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(uploads)
}

fn walk(root: &Path, dir: &Path, uploads: &mut Vec<Upload>) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be read", dir.display());
    for entry in fs::read_dir(dir).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let shown = path.display();
        let data = path
            .symlink_metadata()
            .with_context(|| format!("{shown} cannot be read"))?;
        if data.is_dir() {
            walk(root, &path, uploads)?;
            continue;
        }
        let data = if data.is_symlink() {
            target(root, &path)?
        } else {
            data
        };
        ensure!(data.is_file(), "{shown} is neither a file nor a directory");
        ensure!(
            data.len() <= MAX_FILE_BYTES,
            "{shown} has {} bytes; a file may have {MAX_FILE_BYTES}",
            data.len()
        );
        // What cannot be opened is found out now, not half way through.
        fs::File::open(&path).with_context(|| format!("{shown} cannot be read"))?;
        let below = path.strip_prefix(root).ok().and_then(Path::to_str);
        let below = below.with_context(|| format!("{shown} has a name that is not UTF-8"))?;
        check_path(below)?;
        ensure!(
            uploads.len() < MAX_FILES,
            "{} holds more than {MAX_FILES} files",
            root.display()
        );
        uploads.push(Upload {
            path: below.to_owned(),
            source: Source::Disk(path),
        });
    }
    Ok(())
}

/// What a symbolic link leads to: a file within the directory, or a refusal.
fn target(root: &Path, link: &Path) -> anyhow::Result<Metadata> {
    let shown = link.display();
    let target = link
        .canonicalize()
        .with_context(|| format!("{shown} is a symbolic link that leads nowhere"))?;
    if !target.starts_with(root) {
        bail!(
            "{shown} is a symbolic link that leads out of {}",
            root.display()
        );
    }
    let data = target.metadata()?;
    ensure!(
        data.is_file(),
        "{shown} is a symbolic link to a directory; put the files there instead"
    );
    Ok(data)
}

/// Whether a client can put a file there without leaving its own directory.
pub(super) fn check_path(path: &str) -> anyhow::Result<()> {
    let odd = |c: char| c.is_control() || c == '\\' || c == ':';
    let step = |part: &str| part.is_empty() || part == "." || part == "..";
    ensure!(
        !path.split('/').any(step),
        "{path:?} is no path of a file: relative, without `.` and `..`"
    );
    ensure!(
        !path.contains(odd),
        "{path:?} has a character in its name that not every client can store"
    );
    ensure!(
        path.len() <= LONGEST_PATH,
        "{path:?} is longer than {LONGEST_PATH} bytes"
    );
    Ok(())
}
