//! A broker that stops answering one process at a chosen point, as if that process had died there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::Sequence;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::EventLog;
use crate::backend::{
    AskFault, Backend, Lane, Outgoing, PublishFault, Raw, RawReader, RawSubscription, ReadSpec,
    Settle, Stored, StreamState,
};
use crate::work::WorkOptions;

/// Counts the moments before and after whatever writes, asks or acknowledges.
pub(super) struct Halting {
    shared: Arc<Shared>,
}

struct Shared {
    inner: EventLog,
    left: AtomicU32,
    halted: Notify,
}

impl Halting {
    /// Lets `n` such moments pass.
    pub(super) fn over(inner: EventLog, n: u32) -> Self {
        let shared = Shared {
            inner,
            left: AtomicU32::new(n),
            halted: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) fn log(&self) -> EventLog {
        EventLog {
            backend: self.shared.clone(),
        }
    }

    /// Waits until the point has been reached.
    pub(super) async fn halted(&self) {
        self.shared.halted.notified().await;
    }
}

impl Shared {
    async fn point(&self) {
        let one_less = |left: u32| left.checked_sub(1);
        let passes = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        if passes.is_err() {
            self.halted.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn around<T>(&self, operation: impl Future<Output = T>) -> T {
        self.point().await;
        let answer = operation.await;
        self.point().await;
        answer
    }
}

#[async_trait]
impl Backend for Shared {
    async fn publish(&self, message: &Outgoing, wait: Duration) -> Result<Stored, PublishFault> {
        self.around(self.inner.backend.publish(message, wait)).await
    }

    async fn last(&self, lane: Lane, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault> {
        let asking = self.inner.backend.last(lane, stream, subject);
        match lane {
            Lane::Hot => self.around(asking).await,
            // A reader that looks whether it is behind: when is a matter of timers.
            Lane::FanOut | Lane::Bulk => asking.await,
        }
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        self.around(self.inner.backend.settle(token, how)).await
    }

    async fn publish_core(
        &self,
        lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault> {
        self.around(self.inner.backend.publish_core(lane, subject, payload))
            .await
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        self.inner.backend.get(stream, sequence, subject).await
    }

    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault> {
        self.inner.backend.state(stream, subjects).await
    }

    async fn create_stream(&self, config: &Value) -> Result<(), AskFault> {
        self.inner.backend.create_stream(config).await
    }

    async fn update_stream(&self, config: &Value) -> Result<(), AskFault> {
        self.inner.backend.update_stream(config).await
    }

    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault> {
        self.inner.backend.purge(stream, subject, below).await
    }

    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault> {
        self.inner.backend.erase(stream, sequence).await
    }

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        self.inner.backend.open_read(spec).await
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        self.inner.backend.open_work(options).await
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        self.inner.backend.subscribe(subject).await
    }

    fn disturbances(&self, lane: Lane) -> watch::Receiver<u64> {
        self.inner.backend.disturbances(lane)
    }

    async fn reconnect(&self) {
        self.inner.backend.reconnect().await;
    }
}
