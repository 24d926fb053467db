//! The commands of one session that have not had their outcome yet, kept so that they can be sent again.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use schemas::ClientSeq;
use schemas::wire::{ClientMessage, Encoding};
use tokio::time::Instant;

use crate::tally::Tally;

/// How many refusals are remembered, to know one that is told twice (live, and again on resuming).
const REMEMBERED: usize = 64;

/// One session's commands.
#[derive(Default)]
pub(crate) struct Ledger {
    last_seq: ClientSeq,
    waiting: VecDeque<Waiting>,
    refused: VecDeque<ClientSeq>,
}

struct Waiting {
    seq: ClientSeq,
    since: Instant,
    bytes: Bytes,
    is_input: bool,
}

impl Ledger {
    /// Numbers a command, notes it and returns it as bytes to send.
    pub(crate) fn issue(
        &mut self,
        tally: &Tally,
        command: impl FnOnce(ClientSeq) -> ClientMessage,
    ) -> Bytes {
        let seq = self.next_seq();
        self.last_seq = seq;
        let command = command(seq);
        let bytes = Bytes::from(Encoding::MsgPack.encode(&command));
        self.waiting.push_back(Waiting {
            seq,
            since: Instant::now(),
            bytes: bytes.clone(),
            is_input: matches!(command, ClientMessage::Input { .. }),
        });
        tally.sent.fetch_add(1, Relaxed);
        tally.outstanding.fetch_add(1, Relaxed);
        bytes
    }

    /// The number of the next command.
    pub(crate) fn next_seq(&self) -> ClientSeq {
        self.last_seq + 1
    }

    /// All commands up to `seq` have had their outcome, says a frame that arrived now.
    pub(crate) fn acknowledge(&mut self, seq: ClientSeq, tally: &Tally) {
        let now = Instant::now();
        while self.waiting.front().is_some_and(|first| first.seq <= seq) {
            let Some(done) = self.waiting.pop_front() else {
                return;
            };
            if done.is_input && !self.refused.contains(&done.seq) {
                tally.latency.record(now - done.since);
            }
            tally.answered.fetch_add(1, Relaxed);
            tally.outstanding.fetch_sub(1, Relaxed);
        }
    }

    /// One was refused. Its acknowledgement may have come before, may follow, or never come. Returns the reason's
    /// name; nothing if that was known.
    pub(crate) fn refuse(&mut self, seq: ClientSeq, reason: u8, tally: &Tally) -> Option<String> {
        if self.refused.contains(&seq) || seq > self.last_seq {
            return None;
        }
        if self.refused.len() == REMEMBERED {
            self.refused.pop_front();
        }
        self.refused.push_back(seq);
        let name = tally.refused(reason);
        if let Ok(place) = self.waiting.binary_search_by_key(&seq, |w| w.seq) {
            self.waiting.remove(place);
            tally.answered.fetch_add(1, Relaxed);
            tally.outstanding.fetch_sub(1, Relaxed);
        }
        Some(name)
    }

    /// What has to be sent again on a new socket, in order.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.waiting.iter().map(|command| command.bytes.clone())
    }

    /// The session is over: what still waits will not be answered, and numbers begin anew.
    pub(crate) fn close(&mut self, tally: &Tally) {
        let lost = self.waiting.len() as u64;
        tally.unanswered.fetch_add(lost, Relaxed);
        tally
            .outstanding
            .fetch_sub(i64::try_from(lost).unwrap_or(i64::MAX), Relaxed);
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(seq: ClientSeq) -> ClientMessage {
        ClientMessage::Input {
            client_seq: seq,
            client_step: 0,
            bits: 1,
            view_step: 0,
        }
    }

    fn counts(tally: &Tally) -> (u64, u64, u64, i64) {
        (
            tally.sent.load(Relaxed),
            tally.answered.load(Relaxed),
            tally.rejected.sum(),
            tally.outstanding.load(Relaxed),
        )
    }

    #[test]
    fn a_refusal_counts_once_whether_it_comes_before_or_after_the_acknowledgement() {
        let (tally, mut ledger) = (Tally::default(), Ledger::default());
        for _ in 0..4 {
            ledger.issue(&tally, input);
        }
        ledger.refuse(2, 5, &tally);
        ledger.acknowledge(3, &tally);
        ledger.refuse(3, 5, &tally);
        ledger.refuse(2, 5, &tally);
        ledger.refuse(99, 5, &tally);
        assert_eq!(counts(&tally), (4, 3, 2, 1));
        assert_eq!(tally.rejected.counts()["no_door"], 2);
    }

    #[test]
    fn what_waits_is_sent_again_as_it_was_and_a_closed_session_numbers_anew() {
        let (tally, mut ledger) = (Tally::default(), Ledger::default());
        let sent: Vec<Bytes> = (0..3).map(|_| ledger.issue(&tally, input)).collect();
        ledger.acknowledge(1, &tally);
        assert!(ledger.waiting().eq(sent[1..].iter().cloned()));
        ledger.close(&tally);
        assert_eq!(ledger.next_seq(), 1);
        assert_eq!(tally.unanswered.load(Relaxed), 2);
        assert_eq!(counts(&tally), (3, 1, 0, 0));
    }
}
