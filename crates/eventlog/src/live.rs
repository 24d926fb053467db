//! Following one subject as it is written: the broker republishes what it has stored on
//! `live.<subject>`, without a promise that every copy arrives.
//!
//! So every copy is checked: it names the sequence of the message before it on its subject. A hole
//! is filled from the stream, what is already known is passed over, and after a silence the leader is asked
//! whether there was really nothing. The subscription stands before the first fill begins,
//! so that nothing falls between the two.

use std::time::Duration;

use schemas::{Sequence, UnixMillis, subjects};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::EventLog;
use crate::ask::{Pauses, ask, read_error, stream_of};
use crate::backend::{AskFault, Lane, Raw, RawCore, RawSubscription, header, read_time};
use crate::error::ReadError;
use crate::outlet::{Flow, Gone, Inlet, Outlet, pair};
use crate::read::Follow;
use crate::record::Record;

/// After this much silence the leader is asked; an awake area writes every second.
const SILENCE: Duration = Duration::from_secs(2);
/// While nothing comes, that long is doubled up to here.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Every message of one subject after a sequence, in order, once. At most 1,024 messages or 8 MiB
/// wait in it; beyond that, 4,096 at the connection; beyond that they are read again from the stream.
pub struct Live {
    inlet: Inlet,
    position: Sequence,
}

struct Following {
    log: EventLog,
    stream: String,
    subject: String,
    position: Sequence,
    /// Whether `position` is that of a message handed out.
    begun: bool,
    outlet: Outlet,
    disturbed: watch::Receiver<u64>,
}

/// A republished message with the one before it on its subject.
struct Copy {
    raw: Raw,
    before: Sequence,
}

impl EventLog {
    /// Follows one exact event subject as it is written, beginning after `after`: no gap, no
    /// double. For wildcards, [`EventLog::read`] with [`Follow::Tail`].
    ///
    /// # Errors
    /// When the subscription cannot be made.
    pub async fn live(&self, subject: &str, after: Sequence) -> Result<Live, ReadError> {
        let stream = stream_of(subject)?;
        let live = subjects::live(subject);
        let subscribed = ask("the live subject", &stream, || {
            self.backend.subscribe(&live)
        })
        .await?;
        let (outlet, inlet) = pair();
        let following = Following {
            log: self.clone(),
            stream,
            subject: subject.to_owned(),
            position: after,
            begun: false,
            outlet,
            disturbed: self.backend.disturbances(Lane::FanOut),
        };
        let cancelled = following.outlet.cancelled.clone();
        ambient::spawn(async move {
            cancelled
                .run_until_cancelled(following.follow(subscribed))
                .await;
        });
        Ok(Live {
            inlet,
            position: after,
        })
    }
}

impl Live {
    /// The next message. Cancel safe.
    ///
    /// # Errors
    /// When a hole cannot be filled for 20 s, or what was in it is gone. After the former it may be
    /// asked again and goes on where it stood.
    pub async fn next(&mut self) -> Result<Record, ReadError> {
        loop {
            match self.inlet.next().await {
                Flow::Message(raw) => {
                    self.position = raw.sequence;
                    return Ok(raw.into());
                }
                Flow::Failed(error) => return Err(error),
                Flow::Head => {}
            }
        }
    }

    /// A message if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<Record> {
        loop {
            match self.inlet.try_next()? {
                Flow::Message(raw) => {
                    self.position = raw.sequence;
                    return Some(raw.into());
                }
                Flow::Failed(error) => tracing::warn!(%error, "a live reader waits for the broker"),
                Flow::Head => {}
            }
        }
    }

    /// The sequence of the last message handed out.
    #[must_use]
    pub fn position(&self) -> Sequence {
        self.position
    }
}

impl Following {
    async fn follow(mut self, mut subscribed: Box<dyn RawSubscription>) {
        let Ok(()) = self.fill().await else { return };
        let mut silence = SILENCE;
        loop {
            let heard = tokio::select! {
                biased;
                Ok(()) = self.disturbed.changed() => None,
                message = subscribed.next() => match message {
                    Some(message) => Some(message),
                    None => match self.subscribe_again().await {
                        Ok(again) => { subscribed = again; None }
                        Err(Gone) => return,
                    },
                },
                () = sleep(silence) => {
                    silence = (silence * 2).min(LONGEST_SILENCE);
                    None
                }
            };
            let went_on = match heard.map(|message| copy(&self.stream, message)) {
                Some(Some(copy)) => {
                    silence = SILENCE;
                    self.take(copy).await
                }
                // Silence, a disturbance, or a copy that does not say its place.
                Some(None) | None => self.fill_if_behind().await,
            };
            if went_on.is_err() {
                return;
            }
        }
    }

    async fn subscribe_again(&self) -> Result<Box<dyn RawSubscription>, Gone> {
        let live = subjects::live(&self.subject);
        let mut pauses = Pauses::new();
        loop {
            match self.log.backend.subscribe(&live).await {
                Ok(subscribed) => return Ok(subscribed),
                Err(AskFault::Silent(_)) => pauses.pause().await,
                Err(fault) => {
                    let what = format!("following {}", self.subject);
                    let error = read_error(what, &self.stream, fault);
                    return Err(self.outlet.last_word(error).await);
                }
            }
        }
    }

    async fn take(&mut self, copy: Copy) -> Result<(), Gone> {
        if copy.raw.sequence <= self.position {
            return Ok(());
        }
        if copy.before > self.position {
            tracing::debug!(subject = %self.subject, after = self.position.0, "filling a hole");
            self.fill().await?;
        }
        if copy.raw.sequence <= self.position {
            return Ok(());
        }
        if copy.before > self.position {
            // The stream has nothing more, and yet a message stood between.
            return Err(self.gone(copy.before).await);
        }
        self.hand_out(copy.raw).await
    }

    async fn gone(&self, wanted: Sequence) -> Gone {
        let error = ReadError::Gone {
            stream: self.stream.clone(),
            subject: self.subject.clone(),
            wanted,
        };
        self.outlet.last_word(error).await
    }

    async fn hand_out(&mut self, raw: Raw) -> Result<(), Gone> {
        let sequence = raw.sequence;
        self.outlet.message(raw).await?;
        self.position = sequence;
        self.begun = true;
        Ok(())
    }

    async fn fill_if_behind(&mut self) -> Result<(), Gone> {
        let backend = &self.log.backend;
        match backend
            .last(Lane::FanOut, &self.stream, &self.subject)
            .await
        {
            Ok(Some(last)) if last.sequence > self.position => self.fill().await,
            // The newest message of a subject is never removed: this is not the stream it was.
            Ok(last)
                if self.begun
                    && last
                        .as_ref()
                        .is_none_or(|last| last.sequence < self.position) =>
            {
                Err(self.gone(self.position).await)
            }
            // Nothing new, or no answer: there will be a next time.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Hands out what the stream holds after the position, up to its present head.
    async fn fill(&mut self) -> Result<(), Gone> {
        let filters = vec![self.subject.clone()];
        let (log, stream) = (self.log.clone(), self.stream.clone());
        let mut reader = log.read(&stream, filters, self.position, Follow::UntilHead);
        loop {
            match reader.next_raw().await {
                Ok(Some(raw)) => self.hand_out(raw).await?,
                Ok(None) => return Ok(()),
                Err(error) => self.outlet.failed(error),
            }
        }
    }
}

/// Reads the headers that republishing adds; `None` if they are not there.
fn copy(stream: &str, message: RawCore) -> Option<Copy> {
    let number = |name: &str| header(&message.headers, name)?.parse().ok().map(Sequence);
    let sequence = number("Nats-Sequence")?;
    let before = number("Nats-Last-Sequence")?;
    let subject = header(&message.headers, "Nats-Subject")?.to_owned();
    let stored_at = header(&message.headers, "Nats-Time-Stamp").and_then(read_time);
    let stored_at = stored_at.unwrap_or_else(UnixMillis::now);
    Some(Copy {
        before,
        raw: Raw {
            stream: stream.to_owned(),
            subject,
            sequence,
            payload: message.payload,
            stored_at,
            headers: message.headers,
        },
    })
}
