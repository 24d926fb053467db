//! Simulated processes: many in one thread, each with its own tasks, clock and entropy.
//!
//! A [`Process`] is what its tasks have in common. While one of them is polled it is *current*, and
//! everything that this crate hands out is the current process's. A paused process is not polled: its
//! timers run out and its messages pile up, as with SIGSTOP. A killed one is dropped wherever
//! it stood.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rand::distr::{Distribution, StandardUniform};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

thread_local! {
    static CURRENT: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// A simulated process; clones are the same one.
#[derive(Clone)]
pub struct Process(Arc<Mutex<Inner>>);

struct Inner {
    name: String,
    standing: Standing,
    entropy: Xoshiro256PlusPlus,
    /// The wall clock when the process began, and when that was.
    wall: Duration,
    since: Instant,
    /// One waker for each task that has been polled and has not ended.
    tasks: BTreeMap<u64, Waker>,
    numbered: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Running,
    Paused,
    Killed,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("Process")
            .field("name", &inner.name)
            .field("standing", &inner.standing)
            .finish_non_exhaustive()
    }
}

impl Process {
    /// One with this seed, whose wall clock shows `wall` now. Must be called in a Tokio runtime
    /// whose time is paused.
    #[must_use]
    pub fn new(name: impl Into<String>, seed: u64, wall: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            name: name.into(),
            standing: Standing::Running,
            entropy: Xoshiro256PlusPlus::seed_from_u64(seed),
            wall,
            since: Instant::now(),
            tasks: BTreeMap::new(),
            numbered: 0,
        })))
    }

    /// The one whose task is being polled.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.inner().name.clone()
    }

    /// `future` as the work of a task of this process.
    pub fn run<F: Future>(&self, future: F) -> Here<F> {
        Here {
            task: Some((self.clone(), None)),
            future: Some(Box::pin(future)),
        }
    }

    /// Does something as this process.
    pub fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _back = Entered(CURRENT.replace(Some(self.clone())));
        act()
    }

    /// Stops polling its tasks.
    pub fn pause(&self) {
        let mut inner = self.inner();
        if inner.standing == Standing::Running {
            inner.standing = Standing::Paused;
        }
    }

    /// Goes on with all of them.
    pub fn resume(&self) {
        let mut inner = self.inner();
        if inner.standing == Standing::Paused {
            inner.standing = Standing::Running;
        }
        inner.wake_all();
    }

    /// Ends it: its tasks are dropped where they stand, as soon as the runtime comes to them, and
    /// nothing of it is polled again.
    pub fn kill(&self) {
        let mut inner = self.inner();
        inner.standing = Standing::Killed;
        inner.wake_all();
    }

    /// Whether it was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.inner().standing == Standing::Killed
    }

    /// Sets its wall clock forward, or back.
    pub fn shift_clock(&self, millis: i64) {
        let mut inner = self.inner();
        let by = Duration::from_millis(millis.unsigned_abs());
        inner.wall = if millis < 0 {
            inner.wall.saturating_sub(by)
        } else {
            inner.wall + by
        };
    }

    /// A number from its seed.
    pub fn draw<T>(&self) -> T
    where
        StandardUniform: Distribution<T>,
    {
        self.inner().entropy.random()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wake_all(&self) {
        self.tasks.values().for_each(Waker::wake_by_ref);
    }

    /// Notes how to wake a task; what to do with it now.
    fn polled(&mut self, number: &mut Option<u64>, waker: &Waker) -> Standing {
        let number = *number.get_or_insert_with(|| {
            self.numbered += 1;
            self.numbered
        });
        match self.tasks.get_mut(&number) {
            Some(known) if known.will_wake(waker) => {}
            Some(known) => known.clone_from(waker),
            None => {
                self.tasks.insert(number, waker.clone());
            }
        }
        self.standing
    }
}

/// The wall clock of the current process.
pub(crate) fn wall_clock() -> Option<Duration> {
    let process = Process::current()?;
    let inner = process.inner();
    Some(inner.wall + inner.since.elapsed())
}

/// A number of the current process.
pub(crate) fn random<T>() -> Option<T>
where
    StandardUniform: Distribution<T>,
{
    Process::current().map(|process| process.draw())
}

/// Puts the process back that was current before.
struct Entered(Option<Process>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The work of a task, in the process to which it belongs.
pub struct Here<F> {
    /// The process, and the task's number there once it has been polled. `None`: no simulation.
    task: Option<(Process, Option<u64>)>,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Here<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            task: Process::current().map(|process| (process, None)),
            future: Some(Box::pin(future)),
        }
    }
}

impl<F: Future> Future for Here<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let Some(future) = this.future.as_mut() else {
            // Killed: nobody is left who could be told.
            return Poll::Pending;
        };
        let Some((process, number)) = &mut this.task else {
            return future.as_mut().poll(cx);
        };
        let standing = process.inner().polled(number, cx.waker());
        match standing {
            Standing::Running => {
                let polled = process.within(|| future.as_mut().poll(cx));
                if polled.is_ready() {
                    self.forget();
                }
                polled
            }
            Standing::Paused => Poll::Pending,
            Standing::Killed => {
                self.forget();
                Poll::Pending
            }
        }
    }
}

impl<F> Here<F> {
    /// Drops the work as its process, so that what its parts do then is that process's doing.
    fn forget(&mut self) {
        let future = self.future.take();
        if let Some((process, number)) = &self.task {
            if let Some(number) = number {
                process.inner().tasks.remove(number);
            }
            process.within(|| drop(future));
        }
    }
}

impl<F> Drop for Here<F> {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn count(to: Arc<AtomicU32>) {
        loop {
            sleep(SECOND).await;
            to.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn counting() -> (Process, Arc<AtomicU32>) {
        let process = Process::new("p", 1, SECOND * 1000);
        let counted = Arc::new(AtomicU32::new(0));
        let to = Arc::clone(&counted);
        // A task of a task is of the same process.
        tokio::spawn(process.run(async { drop(crate::spawn(count(to))) }));
        (process, counted)
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_process_stands_still_and_goes_on() {
        let (process, counted) = counting();
        sleep(SECOND * 2 + SECOND / 2).await;
        process.pause();
        sleep(SECOND * 10).await;
        assert_eq!(counted.load(Ordering::SeqCst), 2);
        process.resume();
        sleep(SECOND * 2).await;
        assert_eq!(counted.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_process_is_dropped_with_all_its_tasks() {
        let (process, counted) = counting();
        sleep(SECOND * 2 + SECOND / 2).await;
        assert_eq!(Arc::strong_count(&counted), 2);
        process.kill();
        sleep(SECOND * 10).await;
        assert_eq!(counted.load(Ordering::SeqCst), 2);
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn clock_and_entropy_are_the_processes_own() {
        let seen = |seed, shift| {
            let process = Process::new("p", seed, SECOND * 1000);
            process.shift_clock(shift);
            process.run(async {
                sleep(SECOND).await;
                (crate::wall_clock(), crate::random::<u64>())
            })
        };
        let (one, again) = (seen(1, 0).await, seen(1, -500).await);
        assert_eq!(one.0, SECOND * 1001);
        assert_eq!(again.0, one.0 - SECOND / 2);
        assert_eq!(one.1, again.1);
        assert_ne!(one.1, seen(2, 0).await.1);
        assert!(!crate::simulated());
    }

    #[tokio::test]
    async fn outside_a_simulation_everything_is_the_systems() {
        assert!(crate::wall_clock() > SECOND * 1_600_000_000);
        assert_eq!(crate::blocking(|| 5).await, Ok(5));
        assert_eq!(crate::spawn(async { 5 }).await.unwrap(), 5);
        assert_ne!(crate::random::<u64>(), crate::random::<u64>());
    }
}
