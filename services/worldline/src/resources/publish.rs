//! Publishing: files first, each under its hash; then one conditioned write of the manifest, which is the moment the version is
//! there. Whatever ends a publish before it has changed nothing that a client can see.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, bail, ensure};
use eventlog::{Bucket, EventLog, ObjectError, ObjectInfo, Objects, UpdateError};
use schemas::resources::{
    BUCKET, ContentHash, File, MANIFEST, MAX_FILE_BYTES, Manifest, STORE, Version,
};
use schemas::{Sequence, UnixMillis};

use super::collect::{Upload, check_path};

/// A file that no kept version names may be removed by another publisher an hour after it was put; one that is half as old is
/// put again.
const FRESH_MILLIS: u64 = 30 * 60 * 1000;

/// What shall be published.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) version: Version,
    /// `None`: as it was.
    pub(crate) minimum: Option<Version>,
    /// Even if it is older than what is published.
    pub(crate) force: bool,
}

/// What a publish has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing: it was there already.
    Unchanged,
    /// There is a new version.
    Published {
        files: usize,
        /// Those the store did not have.
        uploaded: usize,
        /// Their bytes.
        bytes: u64,
    },
}

/// Writes versions.
pub(crate) struct Publisher {
    pub(super) bucket: Bucket,
    pub(super) store: Objects,
}

/// The manifest that is published, and its revision.
struct Current {
    manifest: Option<Manifest>,
    revision: Sequence,
}

impl Publisher {
    /// Opens bucket and store.
    pub(crate) async fn open(log: &EventLog) -> anyhow::Result<Self> {
        Ok(Self {
            bucket: log.bucket(BUCKET).await?,
            store: log.objects(STORE).await?,
        })
    }

    /// The versions that are kept, the current one last.
    pub(crate) async fn kept(&self) -> anyhow::Result<Vec<Manifest>> {
        let history = self.bucket.history(MANIFEST).await?;
        let values = history.iter().filter_map(|entry| entry.value.as_ref());
        Ok(values
            .filter_map(|value| Manifest::decode(value).ok())
            .collect())
    }

    /// The version that is published.
    pub(crate) async fn published(&self) -> anyhow::Result<Option<Manifest>> {
        Ok(self.current(false).await?.manifest)
    }

    async fn current(&self, force: bool) -> anyhow::Result<Current> {
        let Some(entry) = self.bucket.get(MANIFEST).await? else {
            return Ok(Current {
                manifest: None,
                revision: Sequence(0),
            });
        };
        let manifest = match Manifest::decode(&entry.value.unwrap_or_default()) {
            Ok(manifest) => Some(manifest),
            Err(_) if force => None,
            Err(error) => {
                return Err(anyhow::Error::new(error)
                    .context("what is published cannot be read; --force replaces it"));
            }
        };
        Ok(Current {
            manifest,
            revision: entry.revision,
        })
    }

    /// Publishes `uploads` as a version.
    pub(crate) async fn publish(
        &self,
        wish: &Wish,
        uploads: Vec<Upload>,
    ) -> anyhow::Result<Outcome> {
        let current = self.current(wish.force).await?;
        let before = current.manifest.as_ref();
        not_older(wish, before)?;
        let minimum = minimum(wish, before)?;
        let stored = self.trusted().await?;
        let (mut files, mut uploaded, mut bytes) = (Vec::new(), 0, 0);
        for upload in uploads {
            check_path(&upload.path)?;
            let (file, content) = described(&upload).await?;
            if !(stored.contains(&file.sha256) && self.is_whole(&file).await?) {
                self.upload(&file, &content).await?;
                uploaded += 1;
                bytes += file.size;
            }
            files.push(file);
        }
        ensure!(!files.is_empty(), "a version without files is of no use");
        let now = UnixMillis::now();
        let manifest = Manifest::new(wish.version.clone(), minimum, now, files);
        if let Some(before) = before
            && before.version == manifest.version
        {
            let same = before.files == manifest.files;
            if same && before.minimum == manifest.minimum {
                return Ok(Outcome::Unchanged);
            }
            ensure!(
                same || wish.force,
                "{} is published with other files: give a higher version, so that clients notice; or --force",
                manifest.version
            );
        }
        self.write(&manifest, current.revision).await?;
        if let Err(error) = self.retire().await {
            tracing::warn!("files of old versions are left for the next publish: {error:#}");
        }
        Ok(Outcome::Published {
            files: manifest.files.len(),
            uploaded,
            bytes,
        })
    }

    /// From now on, clients below `minimum` are not let in.
    pub(crate) async fn set_minimum(&self, minimum: Version) -> anyhow::Result<Manifest> {
        let current = self.current(false).await?;
        let Some(mut manifest) = current.manifest else {
            bail!("nothing is published yet, so there is no version to update to");
        };
        possible(&minimum, &manifest.version)?;
        manifest.minimum = minimum;
        self.write(&manifest, current.revision).await?;
        Ok(manifest)
    }

    /// The one write that is seen.
    pub(super) async fn write(
        &self,
        manifest: &Manifest,
        revision: Sequence,
    ) -> anyhow::Result<()> {
        let written = self
            .bucket
            .update(MANIFEST, manifest.encode().into(), revision);
        match written.await {
            Ok(_) => Ok(()),
            Err(UpdateError::Conflict { .. }) => bail!(
                "somebody else has published meanwhile: look at `worldline resources list` and run this again"
            ),
            Err(error) => Err(error).context("writing the manifest"),
        }
    }

    /// Content that is in the store and will stay there until this publish is done.
    async fn trusted(&self) -> anyhow::Result<HashSet<ContentHash>> {
        let kept = self.kept().await?;
        let named: HashSet<_> = kept
            .iter()
            .flat_map(|manifest| manifest.files.iter().map(|file| file.sha256))
            .collect();
        let fresh = UnixMillis::now().0.saturating_sub(FRESH_MILLIS);
        let there = self.store.list().await?;
        let there = there.iter().filter_map(|info| {
            let hash = ContentHash(info.sha256);
            let named = named.contains(&hash) || info.put_at.0 > fresh;
            (named && info.name == hash.to_string()).then_some(hash)
        });
        Ok(there.collect())
    }

    /// Whether what is in the store is what its name says.
    async fn is_whole(&self, file: &File) -> anyhow::Result<bool> {
        match self.store.get(&file.sha256.to_string()).await {
            Ok(content) => Ok(ContentHash::of(&content) == file.sha256),
            Err(ObjectError::NotFound { .. } | ObjectError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("reading {}", file.path)),
        }
    }

    /// Stores a file and reads it back.
    async fn upload(&self, file: &File, content: &[u8]) -> anyhow::Result<()> {
        let name = file.sha256.to_string();
        let kind = Some(file.content_type.as_str());
        let whole = |info: &ObjectInfo| info.sha256 == file.sha256.0 && info.size == file.size;
        match self.store.put_bytes(&name, kind, content).await {
            Ok(_) => {}
            // Another publisher has the same file; that is as good.
            Err(ObjectError::Conflict { .. })
                if self.store.info(&name).await?.as_ref().is_some_and(whole) => {}
            Err(error) => return Err(error).with_context(|| format!("uploading {}", file.path)),
        }
        ensure!(
            self.is_whole(file).await?,
            "{} is not in the store what it was here; run this again",
            file.path
        );
        Ok(())
    }
}

/// What stands in the manifest about a file, and its content.
async fn described(upload: &Upload) -> anyhow::Result<(File, Vec<u8>)> {
    let content = upload.read().await?;
    let size = content.len() as u64;
    // It may have grown since it was looked at.
    ensure!(
        size <= MAX_FILE_BYTES,
        "{} has {size} bytes; a file may have {MAX_FILE_BYTES}",
        upload.path
    );
    let kind = mime_guess::from_path(&upload.path).first_or_octet_stream();
    let file = File {
        path: upload.path.clone(),
        sha256: ContentHash::of(&content),
        size,
        content_type: kind.to_string(),
    };
    Ok((file, content))
}

/// What the files are made of, before anything is uploaded.
pub(crate) async fn content(uploads: &[Upload]) -> anyhow::Result<ContentHash> {
    let mut files = BTreeMap::new();
    for upload in uploads {
        let (file, _) = described(upload).await?;
        files.insert(file.path.clone(), file);
    }
    let files: Vec<_> = files.into_values().collect();
    Ok(Manifest::content(&files))
}

fn minimum(wish: &Wish, before: Option<&Manifest>) -> anyhow::Result<Version> {
    let kept = || before.map(|manifest| manifest.minimum.clone());
    let minimum = wish.minimum.clone().or_else(kept);
    let minimum = minimum.unwrap_or(Version::new(0, 0, 0));
    possible(&minimum, &wish.version)?;
    Ok(minimum)
}

fn possible(minimum: &Version, version: &Version) -> anyhow::Result<()> {
    ensure!(
        minimum.cmp_precedence(version) != Ordering::Greater,
        "the minimum {minimum} is above the version {version} itself: nobody could play"
    );
    Ok(())
}

fn not_older(wish: &Wish, before: Option<&Manifest>) -> anyhow::Result<()> {
    let Some(before) = before else { return Ok(()) };
    let older = wish.version.cmp_precedence(&before.version) == Ordering::Less;
    ensure!(
        !older || wish.force,
        "{} is older than {}, which is published; --force goes back to it",
        wish.version,
        before.version
    );
    Ok(())
}
