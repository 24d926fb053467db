//! Leaving an area: through a door, or for the lobby. From the frame that says so on, the
//! character is in the effect of the same frame and nowhere else.

use schemas::Handle;
use schemas::effect::{EffectPayload, EntryPoint, LastSeen, Traveller};
use schemas::fact::{DepartureReason, Destination, Fact, Spot};
use schemas::outcome::Reason;
use schemas::subjects::AggregateId;

use super::deciding::Deciding;

/// Goes through the door at which the body stands.
pub(super) fn use_door(area: &mut Deciding<'_>, handle: Handle) -> Result<(), Reason> {
    let body = area.next.body(handle).ok_or(Reason::NotHere)?;
    let (x, y) = body.position(area.standing());
    let door = area
        .map
        .door_at(x, y)
        .filter(|door| door.to_area != *area.next.area())
        .ok_or(Reason::NoDoor)?;
    let to = Destination::Area {
        area: door.to_area.clone(),
        spawn: door.to_spawn.clone(),
    };
    let entry = EntryPoint::Spawn(door.to_spawn.clone());
    let target = AggregateId::Area(door.to_area.clone());
    let traveller = Box::new(take(area, handle, to, DepartureReason::Door).ok_or(Reason::NotHere)?);
    area.send(target, EffectPayload::Enter { traveller, entry });
    Ok(())
}

/// Leaves the world because the player wants to.
pub(super) fn leave(area: &mut Deciding<'_>, handle: Handle) -> Result<(), Reason> {
    to_lobby(area, handle, DepartureReason::Logout);
    Ok(())
}

/// Leaves the world for `reason`.
pub(super) fn to_lobby(area: &mut Deciding<'_>, handle: Handle, reason: DepartureReason) {
    let Some(body) = area.next.body(handle) else {
        return;
    };
    let (x, y) = body.position(area.standing());
    let last_seen = Some(LastSeen {
        area: area.next.area().clone(),
        x,
        y,
    });
    if let Some(traveller) = take(area, handle, Destination::Lobby, reason) {
        send_back(area, traveller, last_seen, reason);
    }
}

/// Sends who was not let in back to the lobby, which still knows where it was before.
pub(super) fn turn_away(area: &mut Deciding<'_>, handle: Handle) {
    let reason = DepartureReason::SentOn;
    if let Some(traveller) = take(area, handle, Destination::Lobby, reason) {
        send_back(area, traveller, None, reason);
    }
}

/// Gives a character back to the lobby.
pub(super) fn send_back(
    area: &mut Deciding<'_>,
    traveller: Traveller,
    last_seen: Option<LastSeen>,
    reason: DepartureReason,
) {
    area.send(
        AggregateId::Character(traveller.character),
        EffectPayload::Returned {
            traveller: Box::new(traveller),
            last_seen,
            reason,
        },
    );
}

/// Takes the character out of the area.
pub(super) fn take(
    area: &mut Deciding<'_>,
    handle: Handle,
    to: Destination,
    reason: DepartureReason,
) -> Option<Traveller> {
    let held = area.held(handle);
    let body = area.next.body(handle)?;
    let (x, y) = body.position(area.standing());
    let traveller = Traveller {
        held,
        ..body.traveller()
    };
    area.pressing.remove(&handle);
    area.happen(Fact::Departed {
        handle,
        character: traveller.character,
        account: Some(traveller.account),
        to,
        reason,
        stood: Some(Spot { x, y }),
    });
    Some(traveller)
}
