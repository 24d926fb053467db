//! Hashing on a bounded number of threads: as many at once as there are cores, so many waiting, and
//! no more. Whoever is one too many is told at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use argon2::Block;
use runtime::metric_definitions::{HASH_SECONDS, HASH_WAITING};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::phc::{HashParameters, PasswordHash};

/// More wait than may: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more passwords wait to be hashed than may")]
pub struct Busy;

/// Whether a password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// It was; with a hash of today's parameters if the old one had others.
    Right {
        /// The new hash.
        rehashed: Option<PasswordHash>,
    },
    /// It was not, or there was none to compare with.
    Wrong,
}

/// The pool.
#[derive(Debug, Clone)]
pub struct HashPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parameters: HashParameters,
    /// Compared with where there is nothing to compare with, so that it takes as long.
    dummy: PasswordHash,
    threads: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
    /// What the threads that hash work in: getting so much memory anew costs a fifth of a hash.
    memories: Mutex<Vec<Vec<Block>>>,
}

impl HashPool {
    /// `workers` at once, `queue` waiting. `None` when the parameters are none.
    #[must_use]
    pub fn new(parameters: HashParameters, workers: usize, queue: usize) -> Option<Self> {
        let mut memory = Vec::new();
        let nobody: [u8; 16] = rand::random();
        let dummy = PasswordHash::of(&format!("{nobody:?}"), parameters, &mut memory)?;
        Some(Self(Arc::new(Inner {
            parameters,
            dummy,
            threads: Semaphore::new(workers.max(1)),
            waiting: AtomicUsize::new(0),
            queue,
            memories: Mutex::new(vec![memory]),
        })))
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<PasswordHash, Busy> {
        let parameters = self.0.parameters;
        let hashing = move |memory: &mut Vec<Block>| {
            PasswordHash::of(&password, parameters, memory).ok_or(Busy)
        };
        self.work(hashing).await?
    }

    /// Whether `password` is the one that was hashed. Takes as long when there is no hash.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        hash: Option<PasswordHash>,
    ) -> Result<Verified, Busy> {
        let parameters = self.0.parameters;
        let dummy = self.0.dummy.clone();
        let verifying = move |memory: &mut Vec<Block>| {
            let known = hash.is_some();
            let hash = hash.unwrap_or(dummy);
            let same = hash.is_of(&password, memory);
            if !(same && known) {
                return Verified::Wrong;
            }
            let outdated = hash.parameters() != parameters;
            let anew = || PasswordHash::of(&password, parameters, memory);
            Verified::Right {
                rehashed: outdated.then(anew).flatten(),
            }
        };
        self.work(verifying).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let inner = Arc::clone(&self.0);
        let _permit = match inner.threads.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let _place = Place::take(&inner)?;
                inner.threads.acquire().await.map_err(|_| Busy)?
            }
        };
        let pool = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let mut memory = pool.memory().pop().unwrap_or_default();
            let began = Instant::now();
            let done = work(&mut memory);
            metrics::histogram!(HASH_SECONDS).record(began.elapsed().as_secs_f64());
            pool.memory().push(memory);
            done
        });
        // A task that is gone has panicked, or the program ends: nobody is logged in by that.
        done.await.map_err(|_| Busy)
    }
}

impl Inner {
    fn memory(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait.
struct Place<'a>(&'a Inner);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Result<Self, Busy> {
        let before = inner.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(inner);
        if before >= inner.queue {
            return Err(Busy);
        }
        #[expect(clippy::cast_precision_loss, reason = "a queue of 2^52 is not one")]
        metrics::gauge!(HASH_WAITING).set((before + 1) as f64);
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let before = self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a queue of 2^52 is not one")]
        metrics::gauge!(HASH_WAITING).set(before.saturating_sub(1) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: HashParameters = HashParameters {
        memory: 64,
        passes: 1,
        lanes: 1,
    };

    fn password(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_nothing_is_right_where_nothing_is_known() {
        let pool = HashPool::new(QUICK, 2, 2).unwrap();
        let hash = pool.hash(password("correct horse")).await.unwrap();
        let verify = async |text: &str, hash: Option<PasswordHash>| {
            pool.verify(password(text), hash).await.unwrap()
        };
        let right = verify("correct horse", Some(hash.clone())).await;
        assert_eq!(right, Verified::Right { rehashed: None });
        assert_eq!(verify("wrong", Some(hash)).await, Verified::Wrong);
        assert_eq!(verify("correct horse", None).await, Verified::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_made_anew() {
        let old = HashPool::new(QUICK, 1, 1).unwrap();
        let hash = old.hash(password("correct horse")).await.unwrap();
        let stronger = HashParameters { passes: 2, ..QUICK };
        let new = HashPool::new(stronger, 1, 1).unwrap();
        let verified = new.verify(password("correct horse"), Some(hash)).await;
        let Ok(Verified::Right {
            rehashed: Some(anew),
        }) = verified
        else {
            panic!("{verified:?}");
        };
        assert_eq!(anew.parameters(), stronger);
    }

    #[tokio::test]
    async fn one_too_many_is_told_at_once() {
        let pool = HashPool::new(QUICK, 1, 1).unwrap();
        let busy = pool.0.threads.try_acquire().unwrap();
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.hash(password("second")).await }
        });
        while pool.0.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.hash(password("third")).await, Err(Busy));
        drop(busy);
        assert!(waiting.await.unwrap().is_ok());
        assert_eq!(pool.0.waiting.load(Ordering::Relaxed), 0);
    }
}
