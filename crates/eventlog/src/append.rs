//! An appender: the one owner's pen on one exact subject.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Sequence, UnixMillis};

use crate::EventLog;
use crate::ask::{ask, stream_of};
use crate::backend::{Backend, EXPECTED_LAST, Lane, Outgoing};
use crate::conditioned::{self, Refusal};
use crate::error::{AppendError, ReadError};
use crate::record::Record;
use crate::{Defect, seeded};

/// Writes to one exact subject, each message conditioned on the one before.
///
/// One append is on its way at a time. When its outcome stays unknown, or its future is dropped, the appender
/// remembers it, and only [`Appender::resume`] leads on.
pub struct Appender {
    backend: Arc<dyn Backend>,
    stream: String,
    subject: String,
    last: Option<Record>,
    undecided: Option<Undecided>,
    fenced: Option<Sequence>,
    gone: Option<Sequence>,
}

struct Undecided {
    message: Outgoing,
    trace: Option<String>,
}

impl EventLog {
    /// Opens an appender on one exact event subject, standing after its last message as the
    /// leader tells it.
    ///
    /// # Errors
    /// When the leader cannot be asked.
    pub async fn appender(&self, subject: &str) -> Result<Appender, ReadError> {
        let stream = stream_of(subject)?;
        let question = || self.backend.last(Lane::Hot, &stream, subject);
        let last = ask("the last message", &stream, question).await?;
        Ok(Appender {
            backend: Arc::clone(&self.backend),
            subject: subject.to_owned(),
            stream,
            last: last.map(Record::from),
            undecided: None,
            fenced: None,
            gone: None,
        })
    }

    /// Opens an appender that stands after `last`, without asking the leader whether that is still
    /// the last message of its subject: the first append's condition asks, and `Fenced` says no.
    ///
    /// # Errors
    /// When the record is of a subject that no stream holds.
    pub fn appender_after(&self, last: Record) -> Result<Appender, ReadError> {
        Ok(Appender {
            backend: Arc::clone(&self.backend),
            stream: stream_of(&last.subject)?,
            subject: last.subject.clone(),
            last: Some(last),
            undecided: None,
            fenced: None,
            gone: None,
        })
    }
}

impl Appender {
    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The last message of the subject: found at the opening, or appended since (then `stored_at`
    /// is this process's clock).
    #[must_use]
    pub fn last(&self) -> Option<&Record> {
        self.last.as_ref()
    }

    /// Its sequence; 0 when there is none.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.last.as_ref().map_or(Sequence(0), |last| last.sequence)
    }

    /// Whether an append is undecided.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.undecided.is_some()
    }

    /// Appends after [`Appender::last`]; returns once the broker has it on disk, or definitely not.
    ///
    /// # Errors
    /// See [`AppendError`]; only `Unavailable` leaves it open whether the message was stored.
    pub async fn append(
        &mut self,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, AppendError> {
        let subject = || self.subject.clone();
        if let Some(by) = self.fenced {
            let subject = subject();
            return Err(AppendError::Fenced { subject, by });
        }
        if let Some(last) = self.gone {
            let (subject, known) = (subject(), self.sequence());
            return Err(AppendError::Gone {
                subject,
                known,
                last,
            });
        }
        if self.undecided.is_some() {
            return Err(AppendError::Undecided { subject: subject() });
        }
        let message = Outgoing::new(&self.subject, payload, trace);
        let message = if seeded(Defect::FenceDropped) {
            message
        } else {
            message.with(EXPECTED_LAST, self.sequence())
        };
        // Before the first await: a dropped future leaves it here.
        self.undecided = Some(Undecided {
            message,
            trace: trace.map(ToOwned::to_owned),
        });
        self.pursue().await
    }

    /// Goes on with the append that ended in [`AppendError::Unavailable`] (or whose future was
    /// dropped): the identical message again. `Ok(None)` when none is undecided.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn resume(&mut self) -> Result<Option<Sequence>, AppendError> {
        match self.undecided {
            Some(_) => self.pursue().await.map(Some),
            None => Ok(None),
        }
    }

    async fn pursue(&mut self) -> Result<Sequence, AppendError> {
        let expected = self.sequence();
        let Some(undecided) = &self.undecided else {
            return Ok(expected);
        };
        let message = &undecided.message;
        let size = message.payload.len();
        let outcome = conditioned::store(&self.backend, &self.stream, message, expected).await;
        let subject = self.subject.clone();
        let error = match outcome {
            Ok(sequence) => {
                self.advance(sequence);
                return Ok(sequence);
            }
            Err(Refusal::Unknown(reason)) => {
                return Err(AppendError::Unavailable { subject, reason });
            }
            Err(Refusal::Fenced(by)) => {
                self.fenced = Some(by);
                AppendError::Fenced { subject, by }
            }
            Err(Refusal::Gone(last)) => {
                let known = expected;
                self.gone = Some(last);
                AppendError::Gone {
                    subject,
                    known,
                    last,
                }
            }
            Err(Refusal::Full) => AppendError::Full { subject },
            Err(Refusal::TooLarge) => AppendError::TooLarge { subject, size },
            Err(Refusal::Denied) => AppendError::Denied { subject },
            Err(Refusal::Refused(reason)) => AppendError::Refused { subject, reason },
        };
        self.undecided = None;
        Err(error)
    }

    fn advance(&mut self, sequence: Sequence) {
        if let Some(stored) = self.undecided.take() {
            self.last = Some(Record {
                stream: self.stream.clone(),
                subject: self.subject.clone(),
                sequence,
                payload: stored.message.payload,
                stored_at: UnixMillis::now(),
                trace: stored.trace,
            });
        }
    }
}
