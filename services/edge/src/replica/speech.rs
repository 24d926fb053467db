//! What was said in an area lately, for those who come back after a lost socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Handle, Sequence};
use tokio::time::Instant;

use crate::interest::{Cell, CellRect};

/// As long as a resume token is good.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// Lines kept at most.
const MOST: usize = 4096;

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// In which frame.
    pub(crate) sequence: Sequence,
    /// By whom.
    pub(crate) handle: Handle,
    /// Where it was heard; `None`: by a body that left in the same moment.
    pub(crate) cell: Option<Cell>,
    /// What.
    pub(crate) text: Arc<str>,
}

/// The last lines of one area, oldest first.
#[derive(Debug)]
pub(crate) struct Speech {
    lines: VecDeque<(Instant, Said)>,
    /// Everything said after this frame is here.
    complete_after: Sequence,
}

impl Speech {
    /// Begins to listen after a frame.
    pub(crate) fn after(sequence: Sequence) -> Self {
        Self {
            lines: VecDeque::new(),
            complete_after: sequence,
        }
    }

    /// Everything said after this frame is here.
    pub(crate) const fn complete_after(&self) -> Sequence {
        self.complete_after
    }

    /// Notes a line.
    pub(crate) fn note(&mut self, said: Said) {
        let now = Instant::now();
        self.lines.push_back((now, said));
        while self.lines.len() > MOST
            || self
                .lines
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > KEPT_FOR)
        {
            let Some((_, old)) = self.lines.pop_front() else {
                return;
            };
            self.complete_after = self.complete_after.max(old.sequence);
        }
    }

    /// What was said after the frame `since` and heard within `view`.
    pub(crate) fn since(&self, since: Sequence, view: CellRect) -> Vec<(Handle, String)> {
        self.lines
            .iter()
            .map(|(_, said)| said)
            .filter(|said| said.sequence > since)
            .filter(|said| said.cell.is_none_or(|cell| view.contains(cell)))
            .map(|said| (said.handle, said.text.to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sequence: u64, cell: Option<Cell>) -> Said {
        Said {
            sequence: Sequence(sequence),
            handle: 7,
            cell,
            text: Arc::from(sequence.to_string()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_kept_for_five_minutes_and_heard_where_they_were_said() {
        let (near, far) = (Cell { x: 0, y: 0 }, Cell { x: 9, y: 0 });
        let view = CellRect {
            from: near,
            to: near,
        };
        let mut speech = Speech::after(Sequence(10));
        for (sequence, cell) in [
            (11, Some(near)),
            (12, Some(far)),
            (13, None),
            (14, Some(near)),
        ] {
            speech.note(said(sequence, cell));
        }
        let texts = |speech: &Speech, since| -> Vec<String> {
            let heard = speech.since(Sequence(since), view);
            heard.into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts(&speech, 10), ["11", "13", "14"]);
        assert_eq!(texts(&speech, 13), ["14"]);
        assert_eq!(speech.complete_after(), Sequence(10));
        tokio::time::advance(KEPT_FOR + Duration::from_secs(1)).await;
        speech.note(said(15, Some(near)));
        assert_eq!(texts(&speech, 10), ["15"]);
        assert_eq!(
            speech.complete_after(),
            Sequence(14),
            "older ones are for the log to tell"
        );
    }
}
