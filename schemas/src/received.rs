//! Commands as they come out of their streams: believed as far as their subject vouches for them.
//!
//! The broker lets an edge publish on edges' subjects only, and other aggregates on theirs. So a
//! **subject** says which kind of sender a message has, and a message of another kind, or one that
//! names another source than its subject does, is *forged*: whoever reads a command stream treats
//! it as a message that cannot be decoded. Everybody reads through these two functions, because
//! the owner, the next owner and a replay must agree on what a message was.

use serde::de::DeserializeOwned;

use crate::codec::{DecodeError, decode};
use crate::command::AreaMessage;
use crate::keyed::KeyedMessage;
use crate::subjects::{AggregateId, Sender, Subject};

/// Why a message in a command stream is no command. Reject it and go on.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Nobody who may send commands stands in its subject.
    #[error("{0:?} names no sender that may command")]
    Subject(String),
    /// Its bytes are no message that this build knows.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its content is not its sender's to send.
    #[error("{subject} may not carry {what}")]
    Forged {
        /// Where it was published.
        subject: String,
        /// What it says to be.
        what: &'static str,
    },
}

impl AreaMessage {
    /// The message that was published on `subject` to an area.
    ///
    /// # Errors
    /// When it is none: one rejection.
    pub fn received(subject: &str, payload: &[u8]) -> Result<Self, ReceiveError> {
        let Subject::AreaCommand(_, Some(sender)) = Subject::parse(subject) else {
            return Err(ReceiveError::Subject(subject.to_owned()));
        };
        let message: Self = decode(payload)?;
        let (fits, what) = match &message {
            Self::Players(batch) => (sender == Sender::Edge(batch.edge), "that edge's commands"),
            Self::Effect(effect) => (is(&sender, &effect.source), "that source's effect"),
            Self::Confirmation(receipt) => (is(&sender, &receipt.target), "that target's receipt"),
        };
        vouched(fits, subject, what, message)
    }
}

fn is(sender: &Sender, source: &AggregateId) -> bool {
    matches!(sender, Sender::Aggregate(aggregate) if aggregate == source)
}

impl<C: DeserializeOwned> KeyedMessage<C> {
    /// The key that a message published on `subject` is for, and the message.
    ///
    /// # Errors
    /// When it is none: one rejection.
    pub fn received(subject: &str, payload: &[u8]) -> Result<(String, Self), ReceiveError> {
        let Subject::KeyedCommand(_, _, key, from) = Subject::parse(subject) else {
            return Err(ReceiveError::Subject(subject.to_owned()));
        };
        let message: Self = decode(payload)?;
        let (fits, what) = match &message {
            Self::Command { .. } => (from.is_none(), "an asker's command"),
            Self::Effect(effect) => (
                from.as_ref() == Some(&effect.source),
                "that source's effect",
            ),
            Self::Confirmation(receipt) => (
                from.as_ref() == Some(&receipt.target),
                "that target's receipt",
            ),
        };
        vouched(fits, subject, what, (key, message))
    }
}

fn vouched<M>(
    fits: bool,
    subject: &str,
    what: &'static str,
    message: M,
) -> Result<M, ReceiveError> {
    if fits {
        Ok(message)
    } else {
        Err(ReceiveError::Forged {
            subject: subject.to_owned(),
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::PlayerBatch;
    use crate::effect::{Cause, Confirmation, Effect, EffectMessage, EffectPayload};
    use crate::subjects::{Domain, area_command, keyed_command};
    use crate::{AreaId, CharacterId, EdgeId, Sequence, SessionFence, UnixMillis, encode};

    const EDGE: EdgeId = EdgeId(7);
    const ANN: AggregateId = AggregateId::Character(CharacterId(1));

    fn area(name: &str) -> AreaId {
        AreaId::new(name).unwrap()
    }

    fn forest() -> AggregateId {
        AggregateId::Area(area("forest-1"))
    }

    fn effect(source: AggregateId, target: AggregateId) -> EffectMessage {
        EffectMessage {
            source,
            cause: Cause {
                stream: "AREA_EVENTS".into(),
                sequence: Sequence(1),
            },
            effect: Effect {
                target,
                number: 1,
                issued_at: UnixMillis(1),
                payload: EffectPayload::Located {
                    character: CharacterId(1),
                    area: area("forest-1"),
                    session: SessionFence(1),
                },
            },
        }
    }

    /// Who can have `message` believed in the harbor.
    fn believed(message: &AreaMessage) -> Vec<Sender> {
        let senders = [
            Sender::Edge(EDGE),
            Sender::Edge(EdgeId(8)),
            Sender::Aggregate(forest()),
            Sender::Aggregate(ANN),
        ];
        let fits = |sender: &Sender| {
            let subject = area_command(&area("harbor-1"), sender);
            AreaMessage::received(&subject, &encode(message)).is_ok()
        };
        senders.into_iter().filter(fits).collect()
    }

    #[test]
    fn an_area_hears_each_sender_about_itself_only() {
        let batch = PlayerBatch {
            edge: EDGE,
            ..PlayerBatch::default()
        };
        let players = AreaMessage::Players(batch);
        assert_eq!(believed(&players), [Sender::Edge(EDGE)]);
        let harbor = AggregateId::Area(area("harbor-1"));
        let effect = AreaMessage::Effect(effect(forest(), harbor));
        assert_eq!(believed(&effect), [Sender::Aggregate(forest())]);
        let receipt = AreaMessage::Confirmation(Confirmation {
            target: ANN,
            up_to: 3,
        });
        assert_eq!(believed(&receipt), [Sender::Aggregate(ANN)]);
        let nobody = AreaMessage::received("cmd.area.harbor-1.x", &encode(&receipt));
        assert!(matches!(nobody, Err(ReceiveError::Subject(_))));
        let garbage = AreaMessage::received("cmd.area.harbor-1.area-forest-1", b"?");
        assert!(matches!(garbage, Err(ReceiveError::Decode(_))));
    }

    #[test]
    fn a_key_hears_askers_and_aggregates_on_subjects_of_their_own() {
        let key = CharacterId(1).to_string();
        let asked = keyed_command(Domain::Lobby, &key);
        let subjects = [
            asked,
            ANN.command_subject(&forest()),
            ANN.command_subject(&AggregateId::Area(area("harbor-1"))),
        ];
        let believed = |message: &KeyedMessage<u8>| {
            subjects.clone().map(|subject| {
                let received = KeyedMessage::<u8>::received(&subject, &encode(message));
                received.is_ok_and(|(to, same)| to == key && same == *message)
            })
        };
        let command = KeyedMessage::Command {
            request: 1,
            reply: None,
            body: 1,
        };
        assert_eq!(believed(&command), [true, false, false]);
        let effect = KeyedMessage::Effect(effect(forest(), ANN));
        assert_eq!(believed(&effect), [false, true, false]);
        let receipt = KeyedMessage::Confirmation(Confirmation {
            target: forest(),
            up_to: 3,
        });
        assert_eq!(believed(&receipt), [false, true, false]);
    }
}
