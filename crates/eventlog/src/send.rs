//! Commands: stored once, on no condition.
//!
//! The identical message is sent until the broker says yes or no. Within the streams' dedupe window
//! (20 s) it recognises the id and stores nothing twice; the pursuit ends before the window does.
//! Beyond that the aggregates recognise what they have had.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::{Claim, Sequence};
use tokio::time::Instant;

use crate::ask::Pauses;
use crate::backend::{Backend, MESSAGE_ID, Outgoing, PublishFault};
use crate::conditioned::Attempts;
use crate::error::SendError;
use crate::metric_names::STORED_MESSAGES_TOTAL;
use crate::{Defect, EventLog, seeded};

/// How long the outcome is pursued: the last attempt must end within the streams' dedupe window.
const DEADLINE: Duration = Duration::from_secs(17);

/// The id under which the broker recognises a message sent twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// A fresh one.
    #[must_use]
    pub fn random() -> Self {
        Self(Claim(ambient::random()).to_string())
    }

    /// One of the caller's own making: must be unique within the stream for 20 s.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventLog {
    /// Stores a command: resends the identical message, with a dedupe id, until the answer is
    /// definite or 17 s have passed.
    ///
    /// # Errors
    /// See [`SendError`]; only `Unavailable` leaves it open whether the message was stored.
    pub async fn send(
        &self,
        subject: &str,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, SendError> {
        self.send_as(&MessageId::random(), subject, payload, trace)
            .await
    }

    /// As [`EventLog::send`], under an id of the caller's, so that sending the same again within
    /// 20 s of the first time stores nothing twice.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_as(
        &self,
        id: &MessageId,
        subject: &str,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, SendError> {
        let message = Outgoing::new(subject, payload, trace).with(MESSAGE_ID, id.as_str());
        store(&self.backend, &message).await
    }
}

/// Stores a message that carries a dedupe id.
pub(crate) async fn store(
    backend: &Arc<dyn Backend>,
    message: &Outgoing,
) -> Result<Sequence, SendError> {
    let deadline = Instant::now() + DEADLINE;
    let subject = || message.subject.clone();
    let mut pauses = Pauses::new();
    let mut attempts = Attempts::new();
    // Whether a copy may have been stored without our knowing.
    let mut loose = false;
    loop {
        let reason = match backend.publish(message, attempts.next()).await {
            Ok(stored) => {
                if !stored.duplicate {
                    metrics::counter!(STORED_MESSAGES_TOTAL, "stream" => stored.stream)
                        .increment(1);
                }
                return Ok(stored.sequence);
            }
            Err(PublishFault::Full(_)) if !loose => {
                return Err(SendError::Full { subject: subject() });
            }
            Err(PublishFault::TooLarge) => {
                let size = message.payload.len();
                let subject = subject();
                return Err(SendError::TooLarge { subject, size });
            }
            Err(PublishFault::Denied) => return Err(SendError::Denied { subject: subject() }),
            Err(PublishFault::Refused(reason) | PublishFault::WrongLast(reason)) if !loose => {
                let subject = subject();
                return Err(SendError::Refused { subject, reason });
            }
            Err(PublishFault::Silent(_)) if seeded(Defect::GroupForgotten) => {
                return Ok(Sequence(0));
            }
            Err(PublishFault::Silent(reason)) => {
                loose = true;
                reason
            }
            Err(
                PublishFault::Full(reason)
                | PublishFault::Refused(reason)
                | PublishFault::WrongLast(reason)
                | PublishFault::NotNow(reason),
            ) => reason,
            Err(PublishFault::InFlight) => "still in flight".to_owned(),
        };
        if Instant::now() >= deadline {
            let subject = subject();
            return Err(SendError::Unavailable { subject, reason });
        }
        pauses.pause().await;
    }
}
