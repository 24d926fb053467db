//! A player's command: who may command, how often, and in which order.

use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::outcome::Reason;
use schemas::segment::InputBits;
use schemas::{Handle, UnixMillis};

use super::deciding::Deciding;
use super::{departure, speech};

/// Decides `command`; a `fault` is refused where it would have been looked at.
pub(super) fn player(
    area: &mut Deciding<'_>,
    command: &PlayerCommand,
    stored_at: UnixMillis,
    fault: bool,
) {
    let PlayerCommand {
        character,
        session,
        seq,
        ask,
    } = command;
    let Some(body) = area.next.by_character(*character) else {
        return area.reject(*character, *seq, Reason::NotHere);
    };
    let handle = body.handle;
    let last = body.last_seq();
    if *session < body.session {
        return area.reject(*character, *seq, Reason::StaleSession);
    }
    if *session > body.session {
        // The effect that brings this session is still on its way.
        return area.reject(*character, *seq, Reason::NotHere);
    }
    if *seq <= last {
        let answered = body
            .rejections
            .iter()
            .find(|(refused, _)| refused == seq)
            .map(|(_, reason)| *reason);
        super::links::hear(area, handle);
        area.accept(handle, *character, last);
        if let Some(reason) = answered {
            area.reject(*character, *seq, reason);
        }
        return;
    }
    if seq - last > area.rules.max_sequence_gap {
        return area.reject(*character, *seq, Reason::OutOfOrder);
    }
    super::links::hear(area, handle);
    area.accept(handle, *character, *seq);
    let waited = area.at.0.saturating_sub(stored_at.0);
    let verdict = if fault {
        Err(Reason::Fault)
    } else if waited > u64::from(area.rules.command_lifetime_millis) {
        Err(Reason::Expired)
    } else {
        act(area, handle, ask)
    };
    if let Err(reason) = verdict {
        area.reject(*character, *seq, reason);
    }
}

fn act(area: &mut Deciding<'_>, handle: Handle, ask: &PlayerAsk) -> Result<(), Reason> {
    match ask {
        PlayerAsk::Input {
            bits, client_step, ..
        } => {
            if !InputBits::ALL.holds(*bits) {
                return Err(Reason::Invalid);
            }
            super::movement::press(area, handle, *bits, *client_step);
            Ok(())
        }
        PlayerAsk::Say { text } => speech::say(area, handle, text),
        PlayerAsk::UseDoor => departure::use_door(area, handle),
        PlayerAsk::Leave => departure::leave(area, handle),
        PlayerAsk::Unknown => Err(Reason::Unknown),
    }
}
