//! Asking a keyed aggregate and waiting for its answer.
//!
//! The command goes through its stream like every command; the answer comes over core NATS to
//! `reply.<edge>.<request>`, once, unstored. One wildcard subscription per process hears them all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use schemas::keyed::{KeyedMessage, Refusal, Reply};
use schemas::subjects::{Domain, keyed_command, reply};
use schemas::{DecodeError, EdgeId, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use crate::core::CoreSubscription;
use crate::error::{ReadError, SendError};
use crate::{EventLog, MessageId};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The command was not stored, or perhaps was: the inner error tells. Asking anew is safe
    /// where the aggregate calls it so.
    #[error("the command was not taken")]
    Send(#[from] SendError),
    /// Nobody has answered in time. The command may be handled yet; ask again, or look.
    #[error("no answer from {domain} about {key} within {waited:?}")]
    NoAnswer {
        /// The domain asked.
        domain: &'static str,
        /// The key asked about.
        key: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The answer makes no sense to this build.
    #[error("the answer cannot be read")]
    Unreadable(#[from] DecodeError),
    /// The connection is closed for good.
    #[error("the connection on which answers come is closed")]
    Closed,
}

/// Asks on behalf of one edge. Cheap to share by reference or `Arc`.
pub struct Requester {
    log: EventLog,
    edge: EdgeId,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    _listener: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Waiting(Mutex<Askers>);

#[derive(Default)]
struct Askers {
    closed: bool,
    by_subject: HashMap<String, oneshot::Sender<Bytes>>,
}

impl Requester {
    /// Begins to listen for the answers to `edge`, an id that no other process has.
    ///
    /// # Errors
    /// When the subscription cannot be made.
    pub async fn new(log: EventLog, edge: EdgeId) -> Result<Self, ReadError> {
        let answers = log.subscribe_core(&format!("reply.{edge}.*")).await?;
        let waiting = Arc::new(Waiting::default());
        let listening = listen(answers, waiting.clone());
        Ok(Self {
            log,
            edge,
            next: AtomicU64::new(1),
            waiting,
            _listener: AbortOnDropHandle::new(ambient::spawn(listening)),
        })
    }

    /// Sends `command` to `key` of `domain` and waits for the answer, `deadline` in all.
    ///
    /// # Errors
    /// See [`RequestError`]; a refusal is not an error but an answer.
    pub async fn ask<C, R>(
        &self,
        domain: Domain,
        key: &str,
        command: &C,
        deadline: Duration,
    ) -> Result<Result<R, Refusal>, RequestError>
    where
        C: Serialize + Sync,
        R: DeserializeOwned,
    {
        self.ask_traced(domain, key, command, deadline, None).await
    }

    /// As [`Requester::ask`], with the `traceparent` of what the asking is part of.
    ///
    /// # Errors
    /// As [`Requester::ask`].
    pub async fn ask_traced<C, R>(
        &self,
        domain: Domain,
        key: &str,
        command: &C,
        deadline: Duration,
        trace: Option<&str>,
    ) -> Result<Result<R, Refusal>, RequestError>
    where
        C: Serialize + Sync,
        R: DeserializeOwned,
    {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        let to = reply(self.edge, request);
        let message = KeyedMessage::Command {
            request,
            reply: Some(to.clone()),
            body: command,
        };
        let (asker, answer) = oneshot::channel();
        let _asking = self.waiting.begin(&to, asker)?;
        let asked = async {
            let payload = encode(&message).into();
            self.log
                .send_as(
                    &MessageId::new(&to),
                    &keyed_command(domain, key),
                    payload,
                    trace,
                )
                .await?;
            answer.await.map_err(|_| RequestError::Closed)
        };
        match tokio::time::timeout(deadline, asked).await {
            Ok(answer) => Ok(decode::<Reply<R>>(&answer?)?.result),
            Err(_) => Err(RequestError::NoAnswer {
                domain: domain.token(),
                key: key.to_owned(),
                waited: deadline,
            }),
        }
    }
}

async fn listen(mut answers: CoreSubscription, waiting: Arc<Waiting>) {
    while let Some(message) = answers.next().await {
        let asker = waiting.lock().by_subject.remove(&message.subject);
        // Nobody waits when it came too late or a second time.
        if let Some(asker) = asker {
            drop(asker.send(message.payload));
        }
    }
    let mut askers = waiting.lock();
    askers.closed = true;
    askers.by_subject.clear();
}

impl Waiting {
    /// The map is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Askers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin<'a>(
        &'a self,
        subject: &'a str,
        asker: oneshot::Sender<Bytes>,
    ) -> Result<Asking<'a>, RequestError> {
        let mut askers = self.lock();
        if askers.closed {
            return Err(RequestError::Closed);
        }
        askers.by_subject.insert(subject.to_owned(), asker);
        Ok(Asking {
            waiting: self,
            subject,
        })
    }
}

/// Forgets an asker who has gone.
struct Asking<'a> {
    waiting: &'a Waiting,
    subject: &'a str,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.waiting.lock().by_subject.remove(self.subject);
    }
}
