//! Messages that are not stored: hints, heartbeats, answers. At most once.

use bytes::Bytes;

use crate::EventLog;
use crate::ask::ask;
use crate::backend::{Backend, Lane, PublishFault, RawCore, RawSubscription};
use crate::error::{ReadError, SendError};

/// A message that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreMessage {
    /// Where it was published.
    pub subject: String,
    /// What.
    pub payload: Bytes,
    /// Where an answer is awaited.
    pub reply: Option<String>,
}

impl From<RawCore> for CoreMessage {
    fn from(raw: RawCore) -> Self {
        Self {
            subject: raw.subject,
            payload: raw.payload,
            reply: raw.reply,
        }
    }
}

/// A subscription to a core subject; ends when dropped. When 4,096 messages wait, more are lost.
pub struct CoreSubscription(Box<dyn RawSubscription>);

impl EventLog {
    /// Publishes without storing: hints, heartbeats, answers. At most once.
    ///
    /// # Errors
    /// When it could not even be handed to the connection.
    pub async fn publish_core(&self, subject: &str, payload: Bytes) -> Result<(), SendError> {
        publish_on(self.backend.as_ref(), Lane::FanOut, subject, payload).await
    }

    /// Listens to a core subject (wildcards allowed). When this returns, the broker knows of it: what is
    /// asked afterwards cannot have been missed.
    ///
    /// # Errors
    /// When the subscription cannot be made.
    pub async fn subscribe_core(&self, subject: &str) -> Result<CoreSubscription, ReadError> {
        let question = || self.backend.subscribe(subject);
        let subscribed = ask("a subscription", subject, question).await?;
        Ok(CoreSubscription(subscribed))
    }
}

/// Hands a message to the connection of `lane`.
pub(crate) async fn publish_on(
    backend: &dyn Backend,
    lane: Lane,
    subject: &str,
    payload: Bytes,
) -> Result<(), SendError> {
    let size = payload.len();
    let published = backend.publish_core(lane, subject, payload).await;
    let subject = subject.to_owned();
    published.map_err(|fault| match fault {
        PublishFault::TooLarge => SendError::TooLarge { subject, size },
        PublishFault::Denied => SendError::Denied { subject },
        PublishFault::Refused(reason) | PublishFault::WrongLast(reason) => {
            SendError::Refused { subject, reason }
        }
        PublishFault::Full(reason)
        | PublishFault::Silent(reason)
        | PublishFault::NotNow(reason) => SendError::Unavailable { subject, reason },
        PublishFault::InFlight => SendError::Unavailable {
            subject,
            reason: "in flight".to_owned(),
        },
    })
}

impl CoreSubscription {
    /// The next message; `None` when the connection is closed for good, or the broker's user may not
    /// listen there. Cancel safe.
    pub async fn next(&mut self) -> Option<CoreMessage> {
        self.0.next().await.map(CoreMessage::from)
    }

    /// A message if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<CoreMessage> {
        self.0.try_next().map(CoreMessage::from)
    }
}
