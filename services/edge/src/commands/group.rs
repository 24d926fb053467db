//! What leaves together.

use std::collections::VecDeque;
use std::sync::Arc;

use schemas::command::{PlayerAsk, PlayerCommand};
use tokio::time::Instant;

use crate::ws::Mailbox;

/// Commands in one group.
const MOST_COMMANDS: usize = 1024;
/// Their bytes in one group, roughly.
const MOST_BYTES: usize = 96 * 1024;

/// A command that waits to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    /// What.
    pub(crate) command: PlayerCommand,
    /// Since when.
    pub(crate) at: Instant,
    /// Who hears if it cannot be sent.
    pub(crate) from: Arc<Mailbox>,
}

/// Takes the next group, in the order of arrival.
pub(crate) fn take_group(waiting: &mut VecDeque<Queued>) -> Vec<Queued> {
    let mut bytes = 0;
    let fits = waiting
        .iter()
        .take(MOST_COMMANDS)
        .take_while(|queued| {
            bytes += size(&queued.command);
            bytes <= MOST_BYTES
        })
        .count();
    waiting.drain(..fits).collect()
}

fn size(command: &PlayerCommand) -> usize {
    match &command.ask {
        PlayerAsk::Say { text } => 100 + text.bytes.len(),
        _ => 48,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::sealed::Sealed;
    use schemas::{CharacterId, SessionFence};

    fn queue(count: usize, ask: &PlayerAsk) -> VecDeque<Queued> {
        (1..)
            .take(count)
            .map(|seq| Queued {
                command: PlayerCommand {
                    character: CharacterId(1),
                    session: SessionFence(1),
                    seq,
                    ask: ask.clone(),
                },
                at: Instant::now(),
                from: Arc::default(),
            })
            .collect()
    }

    #[test]
    fn a_group_is_bounded_in_number_and_size_and_keeps_the_order() {
        let mut waiting = queue(1500, &PlayerAsk::UseDoor);
        assert_eq!(take_group(&mut waiting).len(), MOST_COMMANDS);
        assert_eq!(waiting.front().map(|queued| queued.command.seq), Some(1025));
        let text = Sealed {
            bytes: vec![0; 1600],
            ..Sealed::default()
        };
        let mut waiting = queue(100, &PlayerAsk::Say { text });
        let group = take_group(&mut waiting);
        assert!((50..60).contains(&group.len()), "{}", group.len());
        assert_eq!(group.len() + waiting.len(), 100);
    }
}
