//! Handling one message of a partition: load, prepare, decide, append, send effects, confirm, answer.
//!
//! The order is what makes a crash harmless. Before the append nothing has happened; after it,
//! the message is delivered again, is found at or below `handled`, and everything after the
//! append is done once more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use schemas::effect::Effect;
use schemas::keyed::KeyedMessage;
use schemas::subjects::{AggregateId, wake};
use schemas::{Sequence, UnixMillis, encode};

use super::aggregate::Aggregate;
use super::answer::answer;
use super::error::KeyedError;
use super::fault::{self, fault};
use super::loaded::{Cache, Known, Loaded};
use super::prepare::prepared;
use super::step::{Handling, Step, step};
use crate::error::AppendError;
use crate::lineage::Lineage;
use crate::metric_names::COMMANDS_TOTAL;
use crate::outbox::{Outgoing, confirmation_message, effect_message};
use crate::work::Job;
use crate::{EventLog, Record};

/// Handles the messages of one partition, one after the other.
pub(super) struct Handler<A: Aggregate> {
    log: EventLog,
    aggregate: Arc<A>,
    lineage: Lineage,
    cache: Cache<A>,
}

impl<A: Aggregate> Handler<A> {
    pub(super) fn new(log: EventLog, aggregate: Arc<A>, lineage: Lineage) -> Self {
        Self {
            cache: Cache::new(log.clone(), lineage.clone()),
            log,
            aggregate,
            lineage,
        }
    }

    /// Handles the job to its end; the caller acknowledges it after that, not before.
    pub(super) async fn handle(&mut self, job: &Job) -> Result<(), KeyedError> {
        let record = &job.record;
        let received = KeyedMessage::<A::Command>::received(&record.subject, &record.payload);
        let (key, message) = match received {
            Ok(received) => received,
            Err(error) => {
                note(&record.subject, record.sequence, &error);
                return Ok(());
            }
        };
        let (step, written) = self.decide_and_append(&key, message, record).await?;
        count::<A>(step.outcome.name());
        if let Some(id) = self.aggregate.id(&key) {
            self.send_effects(&id, &step.effects, written, record.trace.as_deref())
                .await?;
            if let Some((source, up_to)) = &step.confirm {
                let receipt = confirmation_message(source, &id, *up_to);
                send(&self.log, receipt, record.trace.as_deref()).await?;
            }
        }
        if let Some(reply) = step.reply {
            answer(job, reply).await?;
        }
        Ok(())
    }

    /// Decides, and appends unless nothing changes; on a conflict loads and decides again.
    async fn decide_and_append(
        &mut self,
        key: &str,
        mut message: KeyedMessage<A::Command>,
        record: &Record,
    ) -> Result<(Step<A>, Sequence), KeyedError> {
        let (mut loaded, mut newest) = self.cache.take(key).await?;
        loop {
            let mut step =
                match prepared(self.aggregate.as_ref(), key, &loaded, message, record).await {
                    Ok(prepared) => {
                        message = prepared;
                        self.decide(key, &loaded, &message, record)
                    }
                    Err(fault) => return Ok((*fault, loaded.appender.sequence())),
                };
            let Some(entry) = step.entry.take() else {
                // Nothing to write means no condition that could find out a stale cache.
                if newest {
                    let sequence = loaded.appender.sequence();
                    self.cache.keep(key, loaded);
                    return Ok((step, sequence));
                }
                loaded = self.cache.freshly(key).await?;
                newest = true;
                continue;
            };
            let payload = encode(&entry).into();
            match loaded
                .appender
                .append(payload, record.trace.as_deref())
                .await
            {
                Ok(sequence) => {
                    loaded.state = Known::Entry(Box::new(entry));
                    self.cache.keep(key, loaded);
                    return Ok((step, sequence));
                }
                Err(AppendError::Fenced { .. }) => {
                    loaded = self.cache.freshly(key).await?;
                    newest = true;
                }
                // Of this key more was known than there is now. It is refused from now on; the others live.
                Err(error @ AppendError::Gone { .. }) => {
                    tracing::error!(
                        %error,
                        "an aggregate is not served any more; see docs/runbook/log-is-not-the-one-we-knew.md"
                    );
                    self.cache.refuse(key);
                    loaded = self.cache.freshly(key).await?;
                    newest = true;
                }
                // Whether it was stored is found out by reading, when the message comes again.
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn decide(
        &self,
        key: &str,
        loaded: &Loaded<A>,
        message: &KeyedMessage<A::Command>,
        record: &Record,
    ) -> Step<A> {
        if matches!(loaded.state, Known::Unreadable) {
            return fault(message, "the state of what was asked cannot be read");
        }
        let handling = Handling {
            incarnation: self.lineage.incarnation(),
            sequence: record.sequence,
            stored_at: record.stored_at,
            now: UnixMillis::now(),
        };
        let deciding = || {
            step(
                self.aggregate.as_ref(),
                key,
                loaded.entry(),
                message,
                &handling,
            )
        };
        catch_unwind(AssertUnwindSafe(deciding)).unwrap_or_else(|_| {
            fault::note(record);
            fault(message, fault::BROKEN)
        })
    }

    async fn send_effects(
        &self,
        source: &AggregateId,
        effects: &[Effect],
        event: Sequence,
        trace: Option<&str>,
    ) -> Result<(), KeyedError> {
        for effect in effects {
            let message = effect_message(source, A::DOMAIN.event_stream(), event, effect);
            send(&self.log, message, trace).await?;
            wake_up(&self.log, &effect.target).await;
        }
        Ok(())
    }
}

pub(super) async fn send(
    log: &EventLog,
    message: Outgoing,
    trace: Option<&str>,
) -> Result<(), KeyedError> {
    log.send(&message.subject, message.payload, trace).await?;
    Ok(())
}

/// A sleeping area has no consumer: whoever waits for it says so until it answers.
pub(super) async fn wake_up(log: &EventLog, target: &AggregateId) {
    if let AggregateId::Area(area) = target
        && let Err(error) = log.publish_core(&wake(area), bytes::Bytes::new()).await
    {
        tracing::debug!(area.id = %area, %error, "the hint was not sent; the sweeper repeats it");
    }
}

/// One rejection: nobody can be told, so it is passed over and counted.
fn note(subject: &str, sequence: Sequence, why: impl std::fmt::Display) {
    metrics::counter!(COMMANDS_TOTAL, "kind" => "keyed", "outcome" => "undecodable").increment(1);
    tracing::warn!(
        command.subject = subject,
        command.seq = sequence.0,
        %why,
        "a command cannot be decoded and is passed over"
    );
}

fn count<A: Aggregate>(outcome: &'static str) {
    metrics::counter!(COMMANDS_TOTAL, "kind" => A::DOMAIN.token(), "outcome" => outcome)
        .increment(1);
}
