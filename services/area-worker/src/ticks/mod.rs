//! The threads that tick.
//!
//! A few operating system threads, each driving several areas, and nothing else runs on them: no
//! socket, no codec of the broker's, no task of the async runtime. What they have to say to the
//! broker goes through channels to tasks, and comes back as a [`Wake`]. Why threads of their own
//! and not tasks: docs/adr/0003-tick-threads.md. Only in a simulation, where everything is on one
//! thread, each of them is a task.

mod beat;
mod driver;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use schemas::Sequence;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::area::run_loop::Running;
use crate::broker_time::BrokerTime;

pub(crate) use beat::{Beat, TICK};

use self::driver::Driver;

/// Everything that wakes a tick thread, besides the beat of its areas.
pub(crate) enum Wake {
    /// Drive this area from now on.
    Adopt(Box<Running>),
    /// The area's frame is in the log.
    Appended(Key, Sequence),
    /// The log has refused the area's frame for good: forget the area.
    Lost(Key),
    /// Write a last frame and let the area go.
    Release(Key),
}

/// One life of an area on a tick thread; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u64);

#[cfg(test)]
impl Key {
    /// One with this number.
    pub(crate) const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

/// All tick threads of a worker; they end when this and every [`Seat`] is dropped.
pub(crate) struct TickThreads {
    threads: Vec<Thread>,
    anchor: Instant,
    keys: AtomicU64,
}

/// Where wakes go.
#[derive(Clone)]
enum Sender {
    Thread(mpsc::Sender<Wake>),
    Simulated(UnboundedSender<Wake>),
}

struct Thread {
    sender: Sender,
    gauges: Arc<Gauges>,
}

/// What a thread tells about itself.
#[derive(Debug)]
pub(crate) struct Gauges {
    /// How many areas it has, or is about to have.
    seats: AtomicU64,
    /// When its next tick is due, in ms since the anchor; `u64::MAX` when none is.
    next_due: AtomicU64,
    /// How late its last tick began, in ms.
    last_late: AtomicU64,
}

impl TickThreads {
    /// Starts so many threads (0: half the cores, at least one), which stamp frames with `time`.
    pub(crate) fn start(count: usize, time: &Arc<BrokerTime>) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if count == 0 { cores / 2 } else { count }.max(1);
        let anchor = Instant::now();
        let threads = (0..count).map(|number| {
            let gauges = Arc::new(Gauges {
                seats: AtomicU64::new(0),
                next_due: AtomicU64::new(u64::MAX),
                last_late: AtomicU64::new(0),
            });
            let driver = Driver::new(Arc::clone(&gauges), anchor, Arc::clone(time));
            let sender = start(number, driver)?;
            Ok(Thread { sender, gauges })
        });
        Ok(Self {
            threads: threads.collect::<std::io::Result<_>>()?,
            anchor,
            keys: AtomicU64::new(0),
        })
    }

    /// A seat on the thread with the fewest areas.
    pub(crate) fn seat(&self) -> Option<Seat> {
        let seats = |thread: &&Thread| thread.gauges.seats.load(Ordering::Relaxed);
        let thread = self.threads.iter().min_by_key(seats)?;
        thread.gauges.seats.fetch_add(1, Ordering::Relaxed);
        Some(Seat {
            key: Key(self.keys.fetch_add(1, Ordering::Relaxed)),
            sender: thread.sender.clone(),
            gauges: Arc::clone(&thread.gauges),
            anchor: self.anchor,
        })
    }

    /// How late the threads are: the latest of the ticks last begun and of those overdue now.
    pub(crate) fn lateness(&self) -> Duration {
        let now = millis(self.anchor.elapsed());
        let late = |thread: &Thread| {
            let due = thread.gauges.next_due.load(Ordering::Relaxed);
            let last = thread.gauges.last_late.load(Ordering::Relaxed);
            last.max(now.saturating_sub(due))
        };
        Duration::from_millis(self.threads.iter().map(late).max().unwrap_or(0))
    }
}

fn start(number: usize, driver: Driver) -> std::io::Result<Sender> {
    if ambient::simulated() {
        let (sender, wakes) = unbounded_channel();
        drop(ambient::spawn(thread::drive_simulated(wakes, driver)));
        return Ok(Sender::Simulated(sender));
    }
    let (sender, wakes) = mpsc::channel();
    std::thread::Builder::new()
        .name(format!("tick-{number}"))
        .spawn(move || thread::drive(&wakes, driver))?;
    Ok(Sender::Thread(sender))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An area's place on a tick thread.
pub(crate) struct Seat {
    key: Key,
    sender: Sender,
    gauges: Arc<Gauges>,
    anchor: Instant,
}

impl Seat {
    /// The area's key there.
    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// From when the phases of all areas are counted.
    pub(crate) const fn anchor(&self) -> Instant {
        self.anchor
    }

    /// Tells the thread; a thread that is gone has nobody left to tell.
    pub(crate) fn wake(&self, wake: Wake) {
        let sent = match &self.sender {
            Sender::Thread(sender) => sender.send(wake).is_ok(),
            Sender::Simulated(sender) => sender.send(wake).is_ok(),
        };
        if !sent {
            tracing::debug!("a tick thread has ended");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gauges.seats.fetch_sub(1, Ordering::Relaxed);
    }
}
