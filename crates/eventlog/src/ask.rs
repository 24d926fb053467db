//! Asking the broker until it answers.
//!
//! Questions change nothing, so they may be asked again: an election answers "no responders" for
//! some seconds, a restart nothing at all.

use std::future::Future;
use std::time::Duration;

use schemas::subjects::{self, Domain};
use tokio::time::{Instant, sleep};

use crate::backend::AskFault;
use crate::error::ReadError;

/// How long a question is repeated before its asker is told that nobody answers.
pub(crate) const ASK_DEADLINE: Duration = Duration::from_secs(20);

/// Pauses between attempts: 20 ms, doubling up to half a second.
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) const fn new() -> Self {
        Self(Duration::from_millis(20))
    }

    pub(crate) async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_millis(500));
    }
}

/// What a fault means for the caller.
pub(crate) fn read_error(what: impl Into<String>, stream: &str, fault: AskFault) -> ReadError {
    let what = what.into();
    match fault {
        AskFault::Silent(reason) => ReadError::Unavailable { what, reason },
        AskFault::Denied(subject) => ReadError::Denied { what, subject },
        AskFault::NoStream => ReadError::NoStream {
            stream: stream.to_owned(),
        },
        AskFault::Refused(reason) => ReadError::Refused { what, reason },
    }
}

/// Repeats a question while nobody answers it.
pub(crate) async fn ask<T, F>(
    what: &str,
    stream: &str,
    mut question: impl FnMut() -> F,
) -> Result<T, ReadError>
where
    F: Future<Output = Result<T, AskFault>>,
{
    let deadline = Instant::now() + ASK_DEADLINE;
    let mut pauses = Pauses::new();
    loop {
        match question().await {
            Ok(answer) => return Ok(answer),
            Err(AskFault::Silent(_)) if Instant::now() < deadline => pauses.pause().await,
            Err(fault) => {
                return Err(read_error(format!("{what} of {stream}"), stream, fault));
            }
        }
    }
}

/// The stream that holds `subject`, which may end in wildcards.
pub(crate) fn stream_of(subject: &str) -> Result<String, ReadError> {
    let mut tokens = subject.split('.');
    let (kind, family) = (tokens.next(), tokens.next());
    let domain = |token: &str| Domain::ALL.into_iter().find(|d| d.token() == token);
    let stream = match (kind, family) {
        (Some("cmd"), Some("area")) => Some(subjects::AREA_COMMANDS.to_owned()),
        (Some("evt"), Some("area")) => Some(subjects::AREA_EVENTS.to_owned()),
        (Some("cmd"), Some(token)) => domain(token).map(|d| d.command_stream().to_owned()),
        (Some("evt"), Some(token)) => domain(token).map(|d| d.event_stream().to_owned()),
        (Some("$KV"), Some(bucket)) => Some(format!("KV_{bucket}")),
        _ => None,
    };
    stream.ok_or_else(|| ReadError::Refused {
        what: "looking for its stream".to_owned(),
        reason: format!("{subject} is a subject of no stream"),
    })
}

#[cfg(test)]
mod tests {
    use super::stream_of;

    #[test]
    fn every_stored_subject_has_its_stream() {
        for (subject, stream) in [
            ("cmd.area.harbor-1.e1", "AREA_COMMANDS"),
            ("evt.area.harbor-1", "AREA_EVENTS"),
            ("cmd.lobby.3.>", "LOBBY_COMMANDS"),
            ("evt.identity.*", "IDENTITY_EVENTS"),
            ("$KV.members.w1", "KV_members"),
        ] {
            assert_eq!(stream_of(subject).unwrap(), stream);
        }
        assert!(stream_of("wake.area.harbor-1").is_err());
        assert!(stream_of("evt.nobody.x").is_err());
    }
}
