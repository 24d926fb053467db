//! Reading in order: the task that keeps a consumer alive.
//!
//! A consumer can die in silence: with its server, by an election, by a lost connection. So it is
//! never trusted for long. It must show a sign of life every second and count its messages without
//! a gap; and when it says that there is nothing, the leader is asked now and then whether that is
//! so. Whatever is found wrong, the answer is the same: build another from the last message seen.

use std::sync::Arc;
use std::time::Duration;

use schemas::Sequence;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::ask::{ASK_DEADLINE, Pauses, read_error};
use crate::backend::{
    AskFault, Backend, Delivery, Lane, Raw, RawReader, ReadEvent, ReadSpec, Start,
};
use crate::error::ReadError;
use crate::metric_names::READER_REBUILT_TOTAL;
use crate::outlet::{Gone, Outlet, TOGETHER};
use crate::read::Follow;

/// Without a sign of life for this long, a consumer is built anew. It gives one every second.
const SILENCE: Duration = Duration::from_millis(3500);
/// How often a quiet consumer is held against the leader.
const SUSPICION: Duration = Duration::from_secs(4);

/// Why a consumer was left.
enum End {
    /// The reader is gone, or has read all it wanted.
    Finished,
    Rebuild(&'static str),
}

/// One reader's task.
pub(crate) struct Reading {
    backend: Arc<dyn Backend>,
    spec: ReadSpec,
    follow: Follow,
    outlet: Outlet,
    /// The last message handed out.
    position: Option<Sequence>,
    /// With [`Follow::UntilHead`], the last message there was.
    head: Option<Sequence>,
    disturbed: watch::Receiver<u64>,
    /// Since when the broker has not answered.
    unanswered: Option<Instant>,
    /// Whether the leader had something newer when it was last asked.
    suspected: bool,
    asked: Instant,
}

impl Reading {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        spec: ReadSpec,
        follow: Follow,
        outlet: Outlet,
    ) -> Self {
        Self {
            disturbed: backend.disturbances(Lane::Bulk),
            backend,
            spec,
            follow,
            outlet,
            position: None,
            head: None,
            unanswered: None,
            suspected: false,
            asked: Instant::now(),
        }
    }

    pub(crate) async fn run(mut self) {
        let cancelled = self.outlet.cancelled.clone();
        // Dropping the consumer unclosed is harmless: the broker forgets it after a minute.
        cancelled.run_until_cancelled(self.read()).await;
    }

    async fn read(&mut self) {
        let mut pauses = Pauses::new();
        loop {
            let before = self.position;
            let mut consumer = match self.open().await {
                Ok(Some(consumer)) => consumer,
                Ok(None) => return,
                Err(fault) => {
                    self.unanswered(fault);
                    pauses.pause().await;
                    continue;
                }
            };
            let outlet = self.outlet.cancelled.clone();
            let end = tokio::select! {
                biased;
                end = self.consume(consumer.as_mut()) => end,
                () = outlet.cancelled() => End::Finished,
            };
            consumer.close().await;
            let End::Rebuild(reason) = end else {
                return;
            };
            metrics::counter!(READER_REBUILT_TOTAL, "reason" => reason).increment(1);
            tracing::debug!(stream = %self.spec.stream, reason, "a reader is built anew");
            if self.position == before {
                pauses.pause().await;
            } else {
                pauses = Pauses::new();
            }
        }
    }

    /// A consumer that goes on where the last one stood; `None` when there is nothing (more) to
    /// read and that was all that was wanted.
    async fn open(&mut self) -> Result<Option<Box<dyn RawReader>>, AskFault> {
        if self.follow == Follow::UntilHead && self.head.is_none() {
            let head = self.leaders_last().await?;
            self.head = head.as_ref().map(|head| head.sequence);
            let too_old = |head: &Raw| match self.spec.start {
                Start::After(sequence) => head.sequence <= sequence,
                Start::Time(from) => head.stored_at < from,
                Start::LastPerSubject => false,
            };
            if head.as_ref().is_none_or(too_old) {
                self.outlet.head().await.ok();
                return Ok(None);
            }
        }
        if let Some(position) = self.position {
            self.spec.start = Start::After(position);
        }
        self.disturbed.mark_unchanged();
        self.backend.open_read(&self.spec).await.map(Some)
    }

    async fn consume(&mut self, consumer: &mut dyn RawReader) -> End {
        let mut expected = 1;
        self.suspected = false;
        self.asked = Instant::now();
        loop {
            let event = tokio::select! {
                biased;
                Ok(()) = self.disturbed.changed() => return End::Rebuild("disturbed"),
                event = timeout(SILENCE, consumer.next()) => event,
            };
            let end = match event {
                Err(_) => return End::Rebuild("silent"),
                Ok(ReadEvent::Lost(reason)) => {
                    tracing::debug!(stream = %self.spec.stream, reason, "a consumer is gone");
                    return End::Rebuild("lost");
                }
                Ok(ReadEvent::Idle) => self.idle().await,
                Ok(ReadEvent::Delivered(first)) => {
                    self.delivered(first, consumer, &mut expected).await
                }
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Hands out a delivery and those that have come with it.
    async fn delivered(
        &mut self,
        first: Delivery,
        consumer: &mut dyn RawReader,
        expected: &mut u64,
    ) -> Option<End> {
        let mut together = Vec::new();
        let mut after = None;
        let mut next = Some(ReadEvent::Delivered(first));
        while let Some(event) = next {
            match event {
                ReadEvent::Delivered(delivery) if delivery.consumer_sequence == *expected => {
                    *expected += 1;
                    together.push(delivery.raw);
                }
                ReadEvent::Delivered(_) => after = Some(End::Rebuild("gap")),
                ReadEvent::Lost(reason) => {
                    tracing::debug!(stream = %self.spec.stream, reason, "a consumer is gone");
                    after = Some(End::Rebuild("lost"));
                }
                // A sign of life: so are the messages.
                ReadEvent::Idle => {}
            }
            if after.is_some() || together.len() >= TOGETHER {
                break;
            }
            next = consumer.try_next();
        }
        self.hand_out(together).await.or(after)
    }

    async fn hand_out(&mut self, mut together: Vec<Raw>) -> Option<End> {
        self.unanswered = None;
        self.suspected = false;
        self.asked = Instant::now();
        if let Some(position) = self.position {
            together.retain(|raw| raw.sequence > position);
        }
        if self.follow == Follow::UntilHead {
            // What has come since reading began is another reader's; but the first beyond the head shows that the head
            // is not there any more.
            let head = self.head;
            let beyond = together.iter().position(|raw| head <= Some(raw.sequence));
            together.truncate(beyond.map_or(together.len(), |at| at + 1));
        }
        let last = together.last()?.sequence;
        if let Err(Gone) = self.outlet.messages(together).await {
            return Some(End::Finished);
        }
        self.position = Some(last);
        self.at_head(last).await
    }

    async fn at_head(&self, position: Sequence) -> Option<End> {
        let at_head = self.follow == Follow::UntilHead && self.head <= Some(position);
        if !at_head {
            return None;
        }
        self.outlet.head().await.ok();
        Some(End::Finished)
    }

    /// The consumer lives and says there is nothing. Is that so?
    async fn idle(&mut self) -> Option<End> {
        let until_head = self.follow == Follow::UntilHead;
        if !until_head && !self.suspected && self.asked.elapsed() < SUSPICION {
            return None;
        }
        self.asked = Instant::now();
        let last = match self.leaders_last().await {
            Ok(last) => last,
            Err(fault) => {
                self.unanswered(fault);
                return None;
            }
        };
        self.unanswered = None;
        if until_head {
            // The head itself may have been purged since.
            let newest = last.as_ref().map_or(Sequence(0), |last| last.sequence);
            self.head = self.head.map(|head| head.min(newest));
            let position = self.position.unwrap_or(self.begun());
            if let Some(end) = self.at_head(position).await {
                return Some(end);
            }
        }
        let newest = last.as_ref().map_or(Sequence(0), |last| last.sequence);
        if self.position.is_some_and(|position| newest < position) {
            self.hold_against_the_head().await;
            return None;
        }
        let behind = last.is_some_and(|last| self.is_new(&last));
        // Twice, because the first time it may be on its way.
        if behind && self.suspected {
            return Some(End::Rebuild("behind"));
        }
        self.suspected = behind;
        None
    }

    /// What was read last is not there any more. It may have aged out; but if the stream itself ends
    /// before it, this is not the stream it was.
    async fn hold_against_the_head(&self) {
        let Ok(state) = self.backend.state(&self.spec.stream, None).await else {
            return;
        };
        if let Some(position) = self.position.filter(|position| state.last < *position) {
            self.outlet.failed(ReadError::Gone {
                stream: self.spec.stream.clone(),
                subject: self.spec.filters.join(", "),
                wanted: position,
            });
        }
    }

    fn begun(&self) -> Sequence {
        match self.spec.start {
            Start::After(sequence) => sequence,
            Start::Time(_) | Start::LastPerSubject => Sequence(0),
        }
    }

    fn is_new(&self, raw: &Raw) -> bool {
        match (self.position, self.spec.start) {
            (Some(position), _) => raw.sequence > position,
            (None, Start::After(sequence)) => raw.sequence > sequence,
            (None, Start::Time(from)) => raw.stored_at >= from,
            (None, Start::LastPerSubject) => true,
        }
    }

    /// The newest message that this reader is about, as the leader tells it.
    async fn leaders_last(&self) -> Result<Option<Raw>, AskFault> {
        let whole = [">".to_owned()];
        let filters = match self.spec.filters.as_slice() {
            [] => &whole,
            filters => filters,
        };
        let mut newest: Option<Raw> = None;
        for filter in filters {
            let last = self.backend.last(Lane::Bulk, &self.spec.stream, filter);
            if let Some(last) = last.await?
                && newest.as_ref().is_none_or(|n| n.sequence < last.sequence)
            {
                newest = Some(last);
            }
        }
        Ok(newest)
    }

    /// Tells the reader's owner of a definite refusal at once, of silence after a while.
    fn unanswered(&mut self, fault: AskFault) {
        let since = *self.unanswered.get_or_insert_with(Instant::now);
        if matches!(fault, AskFault::Silent(_)) && since.elapsed() < ASK_DEADLINE {
            return;
        }
        self.unanswered = None;
        let what = format!("reading {}", self.spec.stream);
        self.outlet
            .failed(read_error(what, &self.spec.stream, fault));
    }
}
