//! Faults a test can ask for, of the twin and of the real broker alike.

use std::time::Duration;

/// Controls of a log under test.
#[derive(Clone, Default)]
pub struct Faults {}

impl Faults {
    /// The next `n` stored messages' acks are lost: stored, but the sender hears nothing.
    pub fn lose_acks(&self, n: u32) {
        todo!("{n}")
    }

    /// The next `n` messages are lost on the way to the broker.
    pub fn lose_messages(&self, n: u32) {
        todo!("{n}")
    }

    /// The next `n` conditioned messages are answered "in flight" (10164) and not stored.
    pub fn in_flight(&self, n: u32) {
        todo!("{n}")
    }

    /// For so long nobody responds.
    pub fn no_responders(&self, time: Duration) {
        todo!("{time:?}")
    }

    /// For so long nothing comes out of the broker: no acks, no messages, no answers.
    pub fn stall(&self, time: Duration) {
        todo!("{time:?}")
    }

    /// Whether reads that do not ask the leader miss the newest messages.
    pub fn stale_reads(&self, on: bool) {
        todo!("{on}")
    }

    /// Whether streams refuse because they are full.
    pub fn full(&self, on: bool) {
        todo!("{on}")
    }

    /// The next `n` messages to subscribers of core subjects (live ones too) are lost.
    pub fn lose_core(&self, n: u32) {
        todo!("{n}")
    }

    /// Every open reader falls silent, as when its consumer died with a server.
    pub fn silence_readers(&self) {
        todo!()
    }

    /// The connection is lost and comes back at once.
    pub fn disconnect(&self) {
        todo!()
    }
}
