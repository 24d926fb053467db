//! The fence: storing a message on the condition that a given one is still the last of its subject.
//!
//! The answer to such a write can be lost, or be a refusal of *our own* second copy. What is done
//! about each is the heart of "nothing is lost or doubled":
//!
//! - an **ack** is definite: stored;
//! - **10071** (the condition does not hold) is definite too: the leader's last message of the subject tells
//!   which. If it is ours to the byte, an earlier copy was stored and its ack lost. Anything newer
//!   is somebody else's: fenced. Anything older means that what was acknowledged is gone;
//! - **10164** (one is in flight), a timeout, "no responders", a passing refusal: unknown. The identical
//!   message is sent again; it cannot be stored twice, for its condition can hold only once.

use std::sync::Arc;
use std::time::Duration;

use schemas::Sequence;
use tokio::time::Instant;

use crate::ask::Pauses;
use crate::backend::{AskFault, Backend, Lane, Outgoing, PublishFault, Raw, header};
use crate::metric_names::{
    APPEND_RETRIES_TOTAL, APPEND_SECONDS, FENCE_REFUSED_TOTAL, STORED_MESSAGES_TOTAL,
};

/// How long the first attempt waits for its answer; each further one twice as long, up to four times that. What is on its way
/// when a leader steps down is never answered, and a disk that is that slow can bear one more copy.
const FIRST_ATTEMPT: Duration = Duration::from_millis(500);
/// How long the outcome is pursued: an election takes up to 9 s, a restart may take longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How long each attempt waits for its answer.
pub(crate) struct Attempts(Duration);

impl Attempts {
    pub(crate) const fn new() -> Self {
        Self(FIRST_ATTEMPT)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let this = self.0;
        self.0 = (this * 2).min(FIRST_ATTEMPT * 4);
        this
    }
}

/// So many times the leader must say that its last message lies *before* the one we stand on.
const BEHIND_TIMES: u32 = 3;

/// How a conditioned write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Somebody else's message stands there; the leader's last sequence of the subject.
    Fenced(Sequence),
    /// The message we stand on is not there any more; the leader's last sequence of the subject.
    Gone(Sequence),
    Full,
    TooLarge,
    Denied,
    Refused(String),
    /// The deadline has passed, and it may be stored.
    Unknown(String),
}

enum Verdict {
    Ours(Sequence),
    Foreign(Sequence),
    Behind(Sequence),
    Unknown(String),
}

/// Stores `message`, which carries its condition, after `expected`.
pub(crate) async fn store(
    backend: &Arc<dyn Backend>,
    stream: &str,
    message: &Outgoing,
    expected: Sequence,
) -> Result<Sequence, Refusal> {
    let begun = Instant::now();
    let deadline = begun + DEADLINE;
    let mut pauses = Pauses::new();
    let mut attempts = Attempts::new();
    // Whether a copy may have been stored without our knowing.
    let mut loose = false;
    let mut behind = 0;
    loop {
        let (label, reason) = match backend.publish(message, attempts.next()).await {
            Ok(stored) => {
                metrics::counter!(STORED_MESSAGES_TOTAL, "stream" => stored.stream).increment(1);
                metrics::histogram!(APPEND_SECONDS).record(begun.elapsed().as_secs_f64());
                return Ok(stored.sequence);
            }
            Err(PublishFault::WrongLast(said)) => {
                match judge(backend, stream, message, expected).await {
                    Verdict::Ours(sequence) => {
                        metrics::counter!(STORED_MESSAGES_TOTAL, "stream" => stream.to_owned())
                            .increment(1);
                        metrics::histogram!(APPEND_SECONDS).record(begun.elapsed().as_secs_f64());
                        return Ok(sequence);
                    }
                    Verdict::Foreign(by) => return Err(fenced(message, expected, by)),
                    Verdict::Behind(by) => {
                        behind += 1;
                        if behind >= BEHIND_TIMES {
                            return Err(gone(message, expected, by));
                        }
                        (
                            "undecided",
                            format!("{said}, and the leader stands at {by}"),
                        )
                    }
                    Verdict::Unknown(reason) => ("undecided", reason),
                }
            }
            Err(PublishFault::TooLarge) => return Err(Refusal::TooLarge),
            Err(PublishFault::Denied) => return Err(Refusal::Denied),
            Err(PublishFault::Full(_)) if !loose => return Err(Refusal::Full),
            Err(PublishFault::Refused(reason)) if !loose => return Err(Refusal::Refused(reason)),
            Err(PublishFault::Full(reason) | PublishFault::Refused(reason)) => ("refused", reason),
            Err(PublishFault::InFlight) => ("in_flight", "still in flight".to_owned()),
            Err(PublishFault::NotNow(reason)) => ("not_now", reason),
            Err(PublishFault::Silent(reason)) => {
                loose = true;
                ("silent", reason)
            }
        };
        metrics::counter!(APPEND_RETRIES_TOTAL, "reason" => label).increment(1);
        if Instant::now() >= deadline {
            return Err(Refusal::Unknown(reason));
        }
        pauses.pause().await;
    }
}

fn fenced(message: &Outgoing, expected: Sequence, by: Sequence) -> Refusal {
    metrics::counter!(FENCE_REFUSED_TOTAL).increment(1);
    tracing::info!(
        subject = %message.subject, event.seq = by.0, expected = expected.0,
        "the log refuses an append: somebody else has written"
    );
    Refusal::Fenced(by)
}

fn gone(message: &Outgoing, expected: Sequence, by: Sequence) -> Refusal {
    metrics::counter!(FENCE_REFUSED_TOTAL).increment(1);
    tracing::error!(
        subject = %message.subject, event.seq = by.0, expected = expected.0,
        "the log refuses an append: what stood there is gone"
    );
    Refusal::Gone(by)
}

/// Whose message is the last one, as the leader tells it.
async fn judge(
    backend: &Arc<dyn Backend>,
    stream: &str,
    message: &Outgoing,
    expected: Sequence,
) -> Verdict {
    match backend.last(Lane::Hot, stream, &message.subject).await {
        Ok(Some(last)) if last.sequence > expected => {
            if is_ours(&last, message) {
                Verdict::Ours(last.sequence)
            } else {
                Verdict::Foreign(last.sequence)
            }
        }
        // Refused, and yet nothing newer is there: what is in flight will decide.
        Ok(Some(last)) if last.sequence == expected => {
            Verdict::Unknown("the leader has nothing newer yet".to_owned())
        }
        Ok(None) if expected == Sequence(0) => {
            Verdict::Unknown("the leader has nothing newer yet".to_owned())
        }
        Ok(last) => Verdict::Behind(last.map_or(Sequence(0), |last| last.sequence)),
        Err(AskFault::NoStream) => Verdict::Unknown("there is no such stream".to_owned()),
        Err(AskFault::Silent(reason) | AskFault::Refused(reason) | AskFault::Denied(reason)) => {
            Verdict::Unknown(reason)
        }
    }
}

/// Byte for byte: the payload, and every header we sent.
fn is_ours(stored: &Raw, sent: &Outgoing) -> bool {
    let same = |(name, value): &(String, String)| header(&stored.headers, name) == Some(value);
    stored.payload == sent.payload
        && stored.headers.len() == sent.headers.len()
        && sent.headers.iter().all(same)
}
