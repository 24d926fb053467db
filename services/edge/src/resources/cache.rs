//! Files in memory, so many bytes of them; who asks for one that is being read waits for that read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use eventlog::ObjectError;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use schemas::resources::ContentHash;

/// A read that failed is told to all who waited for it, and not kept.
type Read = Result<Bytes, Arc<ObjectError>>;

/// Files by content.
pub(super) struct Cache {
    limit: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: HashMap<ContentHash, Entry>,
    /// Of all files, those being read included.
    bytes: u64,
    /// Rises with every use.
    uses: u64,
}

struct Entry {
    read: Shared<BoxFuture<'static, Read>>,
    size: u64,
    used: u64,
}

impl Cache {
    /// One that keeps at most `limit` bytes; what is larger alone is kept until the next comes.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            kept: Mutex::default(),
        }
    }

    /// The file `hash` of `size` bytes, by `read` if it is neither kept nor being read; and whether it was read for
    /// this.
    pub(super) async fn get(
        &self,
        hash: ContentHash,
        size: u64,
        read: impl Future<Output = Read> + Send + 'static,
    ) -> (Read, bool) {
        let (shared, was_read) = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.uses += 1;
            let uses = kept.uses;
            if let Some(entry) = kept.files.get_mut(&hash) {
                entry.used = uses;
                (entry.read.clone(), false)
            } else {
                kept.make_room(self.limit.saturating_sub(size));
                let read = read.boxed().shared();
                kept.insert(hash, size, read.clone());
                (read, true)
            }
        };
        let outcome = shared.clone().await;
        if outcome.is_err() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.forget_failed(hash, &shared);
        }
        (outcome, was_read)
    }
}

impl Kept {
    fn insert(&mut self, hash: ContentHash, size: u64, read: Shared<BoxFuture<'static, Read>>) {
        let used = self.uses;
        self.bytes += size;
        self.files.insert(hash, Entry { read, size, used });
    }

    fn remove(&mut self, hash: ContentHash) {
        if let Some(entry) = self.files.remove(&hash) {
            self.bytes -= entry.size;
        }
    }

    /// Forgets those not used for longest until at most `bytes` are kept. There are few files: a walk is cheap beside a
    /// read.
    fn make_room(&mut self, bytes: u64) {
        while self.bytes > bytes {
            let oldest = self.files.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else {
                return;
            };
            self.remove(oldest);
        }
    }

    /// Unless somebody is reading it anew already.
    fn forget_failed(&mut self, hash: ContentHash, failed: &Shared<BoxFuture<'static, Read>>) {
        let entry = self.files.get(&hash);
        if entry.is_some_and(|entry| entry.read.ptr_eq(failed)) {
            self.remove(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn hash(n: u8) -> ContentHash {
        ContentHash([n; 32])
    }

    fn unavailable() -> Read {
        let (store, name) = ("resources".to_owned(), "x".to_owned());
        Err(Arc::new(ObjectError::NotFound { store, name }))
    }

    #[tokio::test]
    async fn a_thousand_who_ask_at_once_are_one_read() {
        let cache = Cache::new(100);
        let reads = Arc::new(AtomicU32::new(0));
        let ask = || {
            let reads = Arc::clone(&reads);
            cache.get(hash(1), 3, async move {
                reads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(Bytes::from_static(b"map"))
            })
        };
        let all = futures_util::future::join_all((0..1000).map(|_| ask())).await;
        assert!(all.iter().all(|(read, _)| read.as_ref().unwrap() == "map"));
        assert_eq!(all.iter().filter(|(_, was_read)| *was_read).count(), 1);
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_was_not_used_for_longest_makes_room() {
        let cache = Cache::new(10);
        let get = |n: u8| cache.get(hash(n), 4, async { Ok(Bytes::from_static(b"four")) });
        assert!(get(1).await.1);
        assert!(get(2).await.1);
        assert!(!get(1).await.1);
        assert!(get(3).await.1, "the second has to go");
        assert!(!get(1).await.1);
        assert!(get(2).await.1);
        assert!(cache.kept.lock().unwrap().bytes <= 10);
    }

    #[tokio::test]
    async fn a_failed_read_is_told_and_not_kept() {
        let cache = Cache::new(10);
        assert!(
            cache
                .get(hash(1), 1, async { unavailable() })
                .await
                .0
                .is_err()
        );
        let again = cache.get(hash(1), 1, async { Ok(Bytes::from_static(b"x")) });
        assert_eq!(again.await.0.unwrap(), "x");
    }
}
