//! The loop of one tick thread, in two shapes: on a thread of its own, and as a task of a simulation.
//!
//! Both look at what has come before what is due: an acknowledgement may be what a tick waits for.

use std::sync::mpsc::{Receiver, RecvTimeoutError};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

use super::Wake;
use super::driver::Driver;

/// Drives areas until nobody can send any more.
pub(super) fn drive(wakes: &Receiver<Wake>, mut driver: Driver) {
    loop {
        let wake = match driver.next() {
            None => wakes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => wakes.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match wake {
            Ok(wake) => driver.on(wake),
            Err(RecvTimeoutError::Timeout) => driver.tick(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// As [`drive`], in simulated time.
pub(super) async fn drive_simulated(mut wakes: UnboundedReceiver<Wake>, mut driver: Driver) {
    loop {
        let wake = match driver.next() {
            None => Ok(wakes.recv().await),
            Some(at) => timeout_at(at, wakes.recv()).await,
        };
        match wake {
            Ok(Some(wake)) => driver.on(wake),
            Err(_) => driver.tick(),
            Ok(None) => return,
        }
    }
}
