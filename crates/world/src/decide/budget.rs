//! How much one frame may tell: an estimate that is never too small.
//!
//! Commands may fill three quarters of a frame; the last quarter is for what time brings
//! (sessions that fall silent). What does not fit waits for the next tick.

use schemas::command::PlayerAsk;
use schemas::frame::MAX_FRAME_BYTES;

use super::Command;

/// Motion of one body in one tick, with its outcome.
const MOTION: usize = 96;
/// A departure: its fact, and the effect that carries the character.
pub(super) const DEPARTURE: usize = 2_048;
/// A silence noticed: its fact, and the keys let go.
pub(super) const SILENCE: usize = 192;

/// What a frame has left, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    commands: usize,
    time: usize,
}

impl Budget {
    /// A frame in which `due` bodies will move by themselves.
    pub(super) const fn new(due: usize) -> Self {
        let all = MAX_FRAME_BYTES - 8 * 1024;
        let commands = all / 4 * 3;
        Self {
            commands: commands.saturating_sub(due * MOTION / 2),
            time: all - commands,
        }
    }

    pub(super) fn fits(&self, command: &Command) -> bool {
        cost(command) <= self.commands
    }

    pub(super) fn spend(&mut self, command: &Command) {
        self.commands = self.commands.saturating_sub(cost(command));
    }

    /// Takes `bytes` for what time brings, if they are left.
    pub(super) const fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.time;
        if fits {
            self.time -= bytes;
        }
        fits
    }
}

fn cost(command: &Command) -> usize {
    match command {
        Command::Player { cmd, .. } => match &cmd.ask {
            PlayerAsk::Input { .. } => MOTION,
            PlayerAsk::Say { text } => {
                MOTION + 160 + text.key.len() + text.nonce.len() + text.bytes.len()
            }
            PlayerAsk::UseDoor | PlayerAsk::Leave => DEPARTURE,
            PlayerAsk::Unknown => MOTION,
        },
        Command::Alive { handles, .. } => 16 + handles.len() * 4 + handles.len() * 16,
        // The payload may be told twice: in a fact, and sent on.
        Command::Effect(message) => 2_048 + 2 * schemas::encode(&message.effect.payload).len(),
        Command::Confirmation(_) => 192,
        Command::Undecodable => 16,
        Command::Fault { of } => cost(of),
    }
}
