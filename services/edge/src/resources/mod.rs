//! What clients shall have: the published version, seen by every edge at once, and its files.
//!
//! The manifest is watched, so a new version or a new minimum holds here as soon as it is written. Files of
//! the last few versions are served, because a client may be half way through the one before; what
//! no kept manifest names is not looked for at all, so that guessing costs the broker nothing.

mod cache;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{Bucket, EventLog, ObjectError, Objects, ReadError};
use schemas::resources::{
    BUCKET, ContentHash, File, MANIFEST, Manifest, STORE, Version, announced,
};
use tokio::sync::OnceCell;
use tokio_util::task::AbortOnDropHandle;

use self::cache::Cache;

/// Bytes of files kept in memory: a thousand clients of one file are one read of the store.
const CACHED_BYTES: u64 = 64 << 20;
/// How long to wait before the bucket is looked for again.
const AGAIN: Duration = Duration::from_secs(5);

/// The published version and its files.
pub(crate) struct Resources {
    shared: Arc<Shared>,
    /// Ends with the edge.
    _watching: AbortOnDropHandle<()>,
}

struct Shared {
    log: EventLog,
    published: RwLock<Arc<Published>>,
    store: OnceCell<Objects>,
    cache: Cache,
}

/// What is known of the published versions.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// The version clients shall have; `None`: nothing was ever published, everybody is let in.
    pub(crate) current: Option<Manifest>,
    /// All files of the versions that are kept.
    files: HashMap<ContentHash, File>,
}

/// Why a file cannot be served.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FileError {
    /// No version has it.
    #[error("no version that is kept has this file")]
    Unknown,
    /// It should be there and is not, or the broker does not answer.
    #[error("the file cannot be read")]
    Unreadable(#[source] Arc<ObjectError>),
}

/// A file in memory.
pub(crate) struct Served {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: String,
    /// Whether the store had to be asked.
    pub(crate) was_read: bool,
}

impl Resources {
    /// Learns what is published and watches it from then on.
    pub(crate) async fn begin(log: EventLog) -> Self {
        let shared = Arc::new(Shared {
            log,
            published: RwLock::default(),
            store: OnceCell::new(),
            cache: Cache::new(CACHED_BYTES),
        });
        // Whoever connects first is judged by what is published already.
        if let Err(error) = shared.begin().await {
            tracing::warn!(%error, "which version clients shall have is not known yet");
        }
        let watching = tokio::spawn(Arc::clone(&shared).watch());
        Self {
            shared,
            _watching: AbortOnDropHandle::new(watching),
        }
    }

    /// What is published now.
    pub(crate) fn published(&self) -> Arc<Published> {
        self.shared.now()
    }

    /// If a client that announces itself so is too old: its version and the least that is let in.
    pub(crate) fn refuses(&self, client: &str) -> Option<(Version, Version)> {
        let published = self.published();
        let manifest = published.current.as_ref()?;
        let version = announced(client)?;
        let refused = manifest.refuses(&version);
        refused.then(|| (version, manifest.minimum.clone()))
    }

    /// A file of a version that is kept.
    pub(crate) async fn file(&self, hash: ContentHash) -> Result<Served, FileError> {
        let published = self.published();
        let file = published.files.get(&hash).ok_or(FileError::Unknown)?;
        let shared = Arc::clone(&self.shared);
        let read = async move { shared.read(hash).await.map_err(Arc::new) };
        let (bytes, was_read) = self.shared.cache.get(hash, file.size, read).await;
        Ok(Served {
            bytes: bytes.map_err(FileError::Unreadable)?,
            content_type: file.content_type.clone(),
            was_read,
        })
    }
}

impl Shared {
    async fn begin(&self) -> Result<(), ReadError> {
        let bucket = self.log.bucket(BUCKET).await?;
        self.learn(&bucket).await
    }

    /// Never ends.
    async fn watch(self: Arc<Self>) {
        loop {
            let Err(error) = self.follow().await;
            tracing::warn!(%error, "new versions are not noticed for a moment");
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn follow(&self) -> Result<std::convert::Infallible, ReadError> {
        let bucket = self.log.bucket(BUCKET).await?;
        let mut watch = bucket.watch().await?;
        loop {
            if watch.next().await?.key == MANIFEST {
                self.learn(&bucket).await?;
            }
        }
    }

    async fn learn(&self, bucket: &Bucket) -> Result<(), ReadError> {
        let is_there = bucket.get(MANIFEST).await?.is_some();
        let mut published = Published::default();
        for entry in bucket.history(MANIFEST).await? {
            match Manifest::decode(&entry.value.unwrap_or_default()) {
                Ok(manifest) => {
                    let files = manifest
                        .files
                        .iter()
                        .map(|file| (file.sha256, file.clone()));
                    published.files.extend(files);
                    published.current = Some(manifest);
                }
                // Then the version before it holds: nobody is locked out by a slip.
                Err(error) => {
                    tracing::error!(%error, revision = entry.revision.0, "a version cannot be read");
                }
            }
        }
        published.current = published.current.filter(|_| is_there);
        self.show(published);
        Ok(())
    }

    fn now(&self) -> Arc<Published> {
        let published = self.published.read();
        Arc::clone(&published.unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, published: Published) {
        let before = self.now();
        let news = published.current.as_ref();
        if let Some(manifest) = news.filter(|_| before.current != published.current) {
            tracing::info!(
                version = %manifest.version, minimum = %manifest.minimum, files = manifest.files.len(),
                "clients shall have this version"
            );
        }
        let mut place = self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(published);
    }

    async fn read(&self, hash: ContentHash) -> Result<Bytes, ObjectError> {
        let open = || self.log.objects(STORE);
        let store = self.store.get_or_try_init(open).await?;
        store.get(&hash.to_string()).await
    }
}
