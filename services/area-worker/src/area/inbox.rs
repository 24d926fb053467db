//! An area's commands on their way from the log to a tick.
//!
//! The queue between reader and tick is bounded; when it is full the reader waits, and the rest
//! waits in the stream, where it is safe. One message may hold many commands and a tick may take
//! only some of them, so what is left of a message stays here, and a new owner skips what the one
//! before had consumed of it.

use std::collections::VecDeque;

use eventlog::Record;
use runtime::TraceContext;
use schemas::Sequence;
use schemas::command::AreaMessage;
use schemas::ids::{CommandPosition, Incarnation};
use tokio::sync::mpsc;
use world::Incoming;

/// How many messages wait between reader and tick.
pub(crate) const WAITING_MESSAGES: usize = 1024;

/// What one tick is given.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Commands in the order of the stream.
    pub(crate) commands: Vec<Incoming>,
    /// The trace of one of them that is sampled.
    pub(crate) trace: Option<String>,
}

/// The tick's end of the queue.
pub(crate) struct Inbox {
    messages: mpsc::Receiver<Record>,
    /// Taken apart and not yet consumed.
    begun: VecDeque<Incoming>,
    /// What the area had consumed when this owner began.
    start: CommandPosition,
    incarnation: Incarnation,
}

impl Inbox {
    /// The inbox of an area that had consumed up to `start`, which is a position of the stream's life
    /// `incarnation` or of one that it was restored from: the numbers are the same.
    pub(crate) fn new(
        messages: mpsc::Receiver<Record>,
        start: CommandPosition,
        incarnation: Incarnation,
    ) -> Self {
        Self {
            messages,
            begun: VecDeque::new(),
            start: CommandPosition {
                incarnation,
                ..start
            },
            incarnation,
        }
    }

    /// At least `most` commands if there are so many, and whole messages. Never waits.
    pub(crate) fn take(&mut self, most: usize) -> Batch {
        let mut batch = Batch {
            commands: self.begun.drain(..).collect(),
            trace: None,
        };
        while batch.commands.len() < most
            && let Ok(record) = self.messages.try_recv()
        {
            batch.commands.extend(self.take_apart(&record));
            let traced = batch.trace.as_deref().is_some_and(is_sampled);
            if !traced && record.trace.as_deref().is_some_and(is_sampled) {
                batch.trace = record.trace;
            }
        }
        batch
    }

    /// Puts back what the tick has not consumed.
    pub(crate) fn put_back(&mut self, rest: Vec<Incoming>) {
        for incoming in rest.into_iter().rev() {
            self.begun.push_front(incoming);
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.messages.is_empty()
    }

    fn take_apart(&self, record: &Record) -> Vec<Incoming> {
        let mut commands = match AreaMessage::received(&record.subject, &record.payload) {
            Ok(message) => {
                world::incoming(message, self.incarnation, record.sequence, record.stored_at)
            }
            Err(error) => {
                tracing::warn!(subject = record.subject, event.seq = %record.sequence, %error, "a message that is no command");
                vec![world::undecodable(
                    self.incarnation,
                    record.sequence,
                    record.stored_at,
                )]
            }
        };
        // Only the first message after a take-over may have been consumed in part.
        commands.retain(|incoming| incoming.position > self.start);
        commands
    }
}

fn is_sampled(trace: &str) -> bool {
    TraceContext::parse(trace).is_ok_and(|trace| trace.sampled())
}

/// Where reading begins for an area that has consumed up to `position`: with the message that it
/// may have consumed in part.
pub(crate) const fn read_after(position: CommandPosition) -> Sequence {
    Sequence(position.sequence.0.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use schemas::command::{PlayerAsk, PlayerBatch, PlayerCommand};
    use schemas::encode;
    use schemas::subjects::{Sender, area_command};
    use schemas::{AreaId, CharacterId, EdgeId, UnixMillis};

    use super::*;

    const EDGE: EdgeId = EdgeId(7);

    fn message(sequence: u64, commands: u32) -> Record {
        let command = |seq| PlayerCommand {
            character: CharacterId(1),
            session: 1.into(),
            seq,
            ask: PlayerAsk::Leave,
        };
        let batch = PlayerBatch {
            edge: EDGE,
            commands: (1..=commands).map(command).collect(),
            alive: Vec::new(),
        };
        Record {
            payload: encode(&AreaMessage::Players(batch)).into(),
            ..undecodable(sequence)
        }
    }

    fn undecodable(sequence: u64) -> Record {
        Record {
            stream: "AREA_COMMANDS".into(),
            subject: area_command(&AreaId::new("harbor-1").unwrap(), &Sender::Edge(EDGE)),
            sequence: Sequence(sequence),
            payload: Bytes::from_static(b"?"),
            stored_at: UnixMillis(5),
            trace: None,
        }
    }

    fn inbox(start: (u64, u32), records: impl IntoIterator<Item = Record>) -> Inbox {
        let (sender, messages) = mpsc::channel(WAITING_MESSAGES);
        for record in records {
            sender.try_send(record).unwrap();
        }
        let start = CommandPosition {
            // The life that the stream was restored from.
            incarnation: Incarnation(1),
            sequence: Sequence(start.0),
            index: start.1,
        };
        Inbox::new(messages, start, Incarnation(7))
    }

    fn places(batch: &Batch) -> Vec<(u64, u32)> {
        let place = |i: &Incoming| (i.position.sequence.0, i.position.index);
        batch.commands.iter().map(place).collect()
    }

    #[test]
    fn a_new_owner_skips_what_was_consumed_of_a_message() {
        let mut inbox = inbox((3, 2), [message(3, 4), message(9, 1)]);
        assert_eq!(places(&inbox.take(100)), [(3, 3), (3, 4), (9, 1)]);
        assert_eq!(read_after(inbox.start), Sequence(2));
    }

    #[test]
    fn what_a_tick_leaves_comes_first_in_the_next() {
        let mut inbox = inbox((0, 0), [message(1, 3), message(2, 1), message(3, 1)]);
        let mut batch = inbox.take(2);
        assert_eq!(places(&batch), [(1, 1), (1, 2), (1, 3)]);
        inbox.put_back(batch.commands.split_off(1));
        assert!(!inbox.is_empty());
        assert_eq!(places(&inbox.take(3)), [(1, 2), (1, 3), (2, 1)]);
        assert_eq!(places(&inbox.take(3)), [(3, 1)]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn what_nobody_can_read_is_one_command() {
        let mut inbox = inbox((0, 0), [undecodable(4)]);
        let batch = inbox.take(9);
        assert_eq!(places(&batch), [(4, 1)]);
        assert_eq!(batch.commands[0].command, world::Command::Undecodable);
    }

    #[test]
    fn what_its_sender_may_not_say_is_one_command_however_many_it_holds() {
        let forged = Record {
            subject: "cmd.area.harbor-1.area-forest-1".into(),
            ..message(4, 3)
        };
        let batch = inbox((0, 0), [forged]).take(9);
        assert_eq!(places(&batch), [(4, 1)]);
        assert_eq!(batch.commands[0].command, world::Command::Undecodable);
    }
}
