//! Command messages, taken apart into commands that each get an outcome.

use schemas::command::{AreaMessage, PlayerCommand};
use schemas::effect::{Confirmation, EffectMessage};
use schemas::ids::{CommandPosition, Incarnation};
use schemas::{EdgeId, Handle, Sequence, SessionFence, UnixMillis};

/// One command, with its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// How far the stream is consumed when this command is.
    pub position: CommandPosition,
    /// When the broker stored its message.
    pub stored_at: UnixMillis,
    /// The command.
    pub command: Command,
}

/// What an area may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// By a player.
    Player {
        /// Through which edge.
        edge: EdgeId,
        /// What.
        cmd: PlayerCommand,
    },
    /// By an edge: these sessions are alive.
    Alive {
        /// Which edge.
        edge: EdgeId,
        /// Bodies and the sessions it holds of them.
        handles: Vec<(Handle, SessionFence)>,
    },
    /// By another aggregate.
    Effect(EffectMessage),
    /// By another aggregate: it has taken effects of this area.
    Confirmation(Confirmation),
    /// A message that is none.
    Undecodable,
    /// A command on which the rules broke: it is refused without being looked at.
    Fault {
        /// The command.
        of: Box<Command>,
    },
}

impl Incoming {
    /// The same command, to be refused as a fault.
    #[must_use]
    pub fn as_fault(self) -> Self {
        let command = match self.command {
            fault @ Command::Fault { .. } => fault,
            of => Command::Fault { of: Box::new(of) },
        };
        Self { command, ..self }
    }
}

/// The commands in `message`, which stands at `sequence` of the stream's life `incarnation`.
#[must_use]
pub fn incoming(
    message: AreaMessage,
    incarnation: Incarnation,
    sequence: Sequence,
    stored_at: UnixMillis,
) -> Vec<Incoming> {
    let commands: Vec<Command> = match message {
        AreaMessage::Players(batch) => {
            let edge = batch.edge;
            let alive = (!batch.alive.is_empty()).then_some(Command::Alive {
                edge,
                handles: batch.alive,
            });
            batch
                .commands
                .into_iter()
                .map(|cmd| Command::Player { edge, cmd })
                .chain(alive)
                .collect()
        }
        AreaMessage::Effect(effect) => vec![Command::Effect(effect)],
        AreaMessage::Confirmation(confirmation) => vec![Command::Confirmation(confirmation)],
    };
    (1..)
        .zip(commands)
        .map(|(index, command)| Incoming {
            position: CommandPosition {
                incarnation,
                sequence,
                index,
            },
            stored_at,
            command,
        })
        .collect()
}

/// The one command that a message is which cannot be decoded.
#[must_use]
pub const fn undecodable(
    incarnation: Incarnation,
    sequence: Sequence,
    stored_at: UnixMillis,
) -> Incoming {
    Incoming {
        position: CommandPosition {
            incarnation,
            sequence,
            index: 1,
        },
        stored_at,
        command: Command::Undecodable,
    }
}
