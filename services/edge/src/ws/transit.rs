//! On the way between two areas: what the player is told, and where the connection looks next.

use schemas::fact::{DepartureReason, Destination};
use schemas::wire::{CloseCode, ServerMessage};

use super::closing::End;
use super::connection::Connection;
use crate::replica::Departed;

impl Connection {
    /// The character has left an area, whether it had been seen there or not.
    pub(super) fn departed(&mut self, departed: Departed) -> Result<(), End> {
        let Departed { to, reason, by, .. } = departed;
        let Destination::Area { area, .. } = to else {
            return self.left_the_world(reason);
        };
        let moved = reason == DepartureReason::Overflow;
        self.say(&ServerMessage::Transit {
            area: area.to_string(),
            status: if moved { "moved" } else { "leaving" }.into(),
        })?;
        if moved {
            let message = format!("There is no room for you here just now: you go on to {area}.");
            self.notice("moved", message)?;
        }
        self.follow(&area, by)
    }

    fn left_the_world(&mut self, reason: DepartureReason) -> Result<(), End> {
        let (code, why) = match reason {
            DepartureReason::SentOn => {
                let message = "The area takes nobody just now: you are back in the lobby.";
                self.notice("sent_to_lobby", message.into())?;
                let why = "the area is full or closed; come in again shortly";
                (CloseCode::Unavailable, why)
            }
            _ => (CloseCode::SessionEnded, "the character has left the world"),
        };
        Err(End::close(code, why))
    }

    fn notice(&mut self, code: &str, message: String) -> Result<(), End> {
        self.say(&ServerMessage::Notice {
            code: code.into(),
            message,
        })
    }
}
