//! Instances: whom an area takes, and to which instance of its map it sends on the others.
//!
//! An area is told by its control when it is *closed* (one whose map nobody has always is), from how many bodies on it is full
//! (*soft*), and which instance takes those whom it does not take (*overflow*). Who is sent on
//! leaves in the frame in which it came: an area never refuses. Members of a *party* stay
//! together: where one of them is, the others are let in up to the hard capacity; where one of
//! them was sent lately, the others are sent, too. A *hop* is one sending on; after
//! `max_hops` of them somebody is let in wherever there is room at all, so that instances that
//! point at one another cannot play ball with anybody for ever.

use schemas::AreaId;
use schemas::effect::{EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::subjects::AggregateId;

use super::budget::DEPARTURE;
use super::deciding::Deciding;
use super::departure;
use crate::state::{Steering, capacity};

/// What an area does with somebody who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is let in.
    Here,
    /// It goes on to this instance.
    On(AreaId),
    /// It goes back to the lobby.
    Lobby,
}

/// Judges who comes from `source`.
pub(super) fn admission(
    area: &Deciding<'_>,
    source: &AggregateId,
    traveller: &Traveller,
) -> Admission {
    let state = &area.next;
    let steering = state.steering();
    let population = state.population();
    let overflow = steering.overflow.as_ref();
    let may_hop = traveller.hops < area.rules.max_hops;
    let elsewhere = |to: &&AreaId| *source != AggregateId::Area((*to).clone());
    if state.is_closed() || population >= capacity(area.rules.hard_capacity) {
        return match overflow {
            Some(to) if may_hop => Admission::On(to.clone()),
            _ => Admission::Lobby,
        };
    }
    let party = traveller.party_id();
    if !may_hop || state.is_with(party) {
        return Admission::Here;
    }
    if let Some(to) = state.party_away(party, area.tick).filter(elsewhere)
        && overflow.is_some()
    {
        return Admission::On(to.clone());
    }
    match overflow.filter(elsewhere) {
        Some(to) if population >= steering.soft_capacity(area.rules) => Admission::On(to.clone()),
        _ => Admission::Here,
    }
}

/// Sends the body on to another instance, where it appears at `entry`.
pub(super) fn send_on(
    area: &mut Deciding<'_>,
    handle: schemas::Handle,
    hops: u8,
    to: AreaId,
    entry: EntryPoint,
) {
    let spawn = match &entry {
        EntryPoint::Spawn(name) => name.clone(),
        EntryPoint::At { .. } => String::new(),
    };
    let destination = Destination::Area {
        area: to.clone(),
        spawn,
    };
    let left = departure::take(area, handle, destination, DepartureReason::Overflow);
    if let Some(traveller) = left {
        let traveller = Box::new(Traveller {
            hops: hops.saturating_add(1),
            ..traveller
        });
        area.send(
            AggregateId::Area(to),
            EffectPayload::Enter { traveller, entry },
        );
    }
}

/// The area's control tells how to treat those who come. Nobody else may.
pub(super) fn steer(
    area: &mut Deciding<'_>,
    message: &EffectMessage,
    closed: bool,
    overflow: Option<&AreaId>,
    soft: u32,
) {
    let own = area.next.area().clone();
    if message.source != AggregateId::Control(own.clone()) {
        return;
    }
    let steering = Steering {
        closed,
        overflow: overflow.filter(|to| **to != own).cloned(),
        soft,
    };
    if *area.next.steering() != steering {
        area.happen(Fact::Steered {
            closed,
            overflow: steering.overflow,
            soft,
        });
    }
}

/// Sends on those who are in a closed area, each to where it stands; those for whom the frame
/// has no room left go with the next one.
pub(super) fn clear(area: &mut Deciding<'_>) {
    if !area.next.is_closed() {
        return;
    }
    let handles: Vec<_> = area.next.bodies().map(|body| body.handle).collect();
    for handle in handles {
        if !area.budget.take(DEPARTURE) {
            return;
        }
        let Some(body) = area.next.body(handle) else {
            continue;
        };
        let (x, y) = body.position(area.standing());
        match area.next.steering().overflow.clone() {
            Some(to) => send_on(area, handle, 0, to, EntryPoint::At { x, y }),
            None => departure::to_lobby(area, handle, DepartureReason::SentOn),
        }
    }
}
