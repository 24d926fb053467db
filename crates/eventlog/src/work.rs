//! Sharing work: a durable consumer whose messages are acknowledged one by one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::EventLog;
use crate::ask::{ASK_DEADLINE, Pauses, ask, read_error};
use crate::backend::{AskFault, Backend, Delivery, Lane, RawReader, ReadEvent, Settle};
use crate::core::publish_on;
use crate::error::{ReadError, SendError};
use crate::metric_names::READER_REBUILT_TOTAL;
use crate::record::Record;

/// Without a sign of life for this long, a consumer is asked for anew.
const SILENCE: Duration = Duration::from_secs(5);

/// Which work to take part in.
#[derive(Debug, Clone)]
pub struct WorkOptions {
    /// The command stream.
    pub stream: String,
    /// The durable consumer's name, the same for all who take part.
    pub durable: String,
    /// The subjects it takes: one partition.
    pub filter: String,
    /// A message not acknowledged for so long is delivered again.
    pub ack_wait: Duration,
    /// How many may be delivered and not yet acknowledged. With more than one, the order is lost
    /// when a participant dies: what it held comes again *after* what followed.
    pub max_ack_pending: u32,
    /// Whether one participant is given all messages until it leaves. If not, whoever waits is
    /// given the next one, and nobody waits for a dead participant to be noticed.
    pub pinned: bool,
}

impl WorkOptions {
    /// `durable` takes `filter` of `stream`; 30 s to acknowledge, one at a time.
    #[must_use]
    pub fn new(
        stream: impl Into<String>,
        durable: impl Into<String>,
        filter: impl Into<String>,
    ) -> Self {
        Self {
            stream: stream.into(),
            durable: durable.into(),
            filter: filter.into(),
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 1,
            pinned: true,
        }
    }
}

/// One participant. If the consumer is pinned, one of all participants is given the messages, until
/// it leaves, or is gone or silent for five seconds; then another.
pub struct Work {
    backend: Arc<dyn Backend>,
    options: WorkOptions,
    consumer: Option<Box<dyn RawReader>>,
    disturbed: watch::Receiver<u64>,
    since: Instant,
}

impl EventLog {
    /// Takes part in the work of a durable consumer, which is created if need be.
    ///
    /// # Errors
    /// When the consumer cannot be made.
    pub async fn work(&self, options: WorkOptions) -> Result<Work, ReadError> {
        let disturbed = self.backend.disturbances(Lane::Bulk);
        let question = || self.backend.open_work(&options);
        let consumer = ask("a durable consumer", &options.stream, question).await?;
        Ok(Work {
            backend: Arc::clone(&self.backend),
            options,
            consumer: Some(consumer),
            disturbed,
            since: Instant::now(),
        })
    }
}

impl Work {
    /// The next job. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 20 s, or refuses. It may be asked again.
    pub async fn next(&mut self) -> Result<Job, ReadError> {
        self.since = Instant::now();
        let mut pauses = Pauses::new();
        loop {
            let consumer = match self.consumer.as_mut() {
                Some(consumer) => consumer,
                None => match self.reopen().await {
                    Ok(()) => continue,
                    Err(Some(error)) => return Err(error),
                    Err(None) => {
                        pauses.pause().await;
                        continue;
                    }
                },
            };
            let event = tokio::select! {
                biased;
                Ok(()) = self.disturbed.changed() => Ok(ReadEvent::Lost("disturbed".to_owned())),
                event = timeout(SILENCE, consumer.next()) => event,
            };
            match event {
                Ok(ReadEvent::Delivered(delivery)) => return Ok(self.job(delivery)),
                Ok(ReadEvent::Idle) => {}
                Ok(ReadEvent::Lost(reason)) => self.lost(&reason),
                Err(_) => self.lost("silent"),
            }
        }
    }

    /// A job if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<Job> {
        loop {
            let event = self.consumer.as_mut()?.next().now_or_never()?;
            match event {
                ReadEvent::Delivered(delivery) => return Some(self.job(delivery)),
                ReadEvent::Idle => {}
                ReadEvent::Lost(reason) => self.lost(&reason),
            }
        }
    }

    fn job(&self, delivery: Delivery) -> Job {
        Job {
            record: delivery.raw.into(),
            deliveries: delivery.deliveries,
            token: delivery.token,
            backend: Arc::clone(&self.backend),
        }
    }

    fn lost(&mut self, reason: &str) {
        metrics::counter!(READER_REBUILT_TOTAL, "reason" => "work").increment(1);
        tracing::debug!(durable = %self.options.durable, reason, "a durable consumer is asked for anew");
        self.consumer = None;
    }

    /// `Err(None)`: not yet.
    async fn reopen(&mut self) -> Result<(), Option<ReadError>> {
        self.disturbed.mark_unchanged();
        match self.backend.open_work(&self.options).await {
            Ok(consumer) => {
                self.consumer = Some(consumer);
                self.since = Instant::now();
                Ok(())
            }
            Err(AskFault::Silent(_)) if self.since.elapsed() < ASK_DEADLINE => Err(None),
            Err(fault) => {
                let what = format!("working on {}", self.options.filter);
                Err(Some(read_error(what, &self.options.stream, fault)))
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Gives up the pin, so that the next in line need not wait for it to expire.
        if let (Some(mut consumer), Ok(runtime)) = (self.consumer.take(), Handle::try_current()) {
            runtime.spawn(ambient::here(async move { consumer.close().await }));
        }
    }
}

/// A message to be handled and acknowledged. Dropped without [`Job::done`], it comes again.
pub struct Job {
    /// The message.
    pub record: Record,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
    token: String,
    backend: Arc<dyn Backend>,
}

impl Job {
    /// Answers whoever sent it, without storing, and on the connection of [`Job::done`]: a broker that knows that it
    /// is handled has passed the answer on.
    ///
    /// # Errors
    /// When it could not even be handed to the connection.
    pub async fn answer(&self, subject: &str, payload: Bytes) -> Result<(), SendError> {
        publish_on(self.backend.as_ref(), Lane::Bulk, subject, payload).await
    }

    /// It is handled: waits until the broker knows.
    ///
    /// # Errors
    /// When the broker does not answer; then it may be delivered again.
    pub async fn done(self) -> Result<(), ReadError> {
        self.settle(Settle::Done).await
    }

    /// It cannot be handled now: deliver it again after `delay`.
    ///
    /// # Errors
    /// When that could not be handed to the connection.
    pub async fn again(self, delay: Duration) -> Result<(), ReadError> {
        self.settle(Settle::Again(delay)).await
    }

    /// It is still being worked on: begin `ack_wait` anew.
    ///
    /// # Errors
    /// When that could not be handed to the connection.
    pub async fn working(&self) -> Result<(), ReadError> {
        self.settle(Settle::Working).await
    }

    async fn settle(&self, how: Settle) -> Result<(), ReadError> {
        let settled = self.backend.settle(&self.token, how).await;
        settled.map_err(|fault| read_error("acknowledging", &self.record.stream, fault))
    }
}
