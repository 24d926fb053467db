//! Saying something to those who are near. Who that is, the edges know.

use schemas::Handle;
use schemas::fact::Fact;
use schemas::outcome::Reason;
use schemas::sealed::Sealed;

use super::deciding::Deciding;
use crate::rules::MAX_SEALED_BYTES;

pub(super) fn say(area: &mut Deciding<'_>, handle: Handle, text: &Sealed) -> Result<(), Reason> {
    #[cfg(feature = "fault-injection")]
    assert!(text.key != "panic", "a fault was injected");
    let short = text.bytes.len() <= MAX_SEALED_BYTES && text.key.len() + text.nonce.len() <= 96;
    if text.bytes.is_empty() || !short {
        return Err(Reason::Invalid);
    }
    let spoken = area.spoken.entry(handle).or_default();
    *spoken += 1;
    if *spoken > area.rules.max_spoken_per_tick {
        return Err(Reason::TooMany);
    }
    let character = area.next.body(handle).ok_or(Reason::NotHere)?.character;
    area.happen(Fact::Spoken {
        handle,
        character,
        text: text.clone(),
    });
    Ok(())
}
