//! A character comes. An area never refuses it: it admits, or sends on to another instance or to
//! the lobby.

use schemas::effect::{EffectPayload, EntryPoint, Traveller};
use schemas::fact::{DepartureReason, Fact};
use schemas::segment::{Controller, InputBits};
use schemas::subjects::AggregateId;

use super::deciding::Deciding;
use super::instance::{Admission, admission};
use super::{departure, effect, instance};
use crate::physics::{Kinetic, plan};

pub(super) fn enter(
    area: &mut Deciding<'_>,
    source: &AggregateId,
    traveller: &Traveller,
    entry: &EntryPoint,
) {
    let character = traveller.character;
    if let Some(here) = area.next.by_character(character) {
        // It cannot be in two places; if a broken source says so, the one here stays.
        if here.session < traveller.session {
            effect::take_session(area, character, traveller.session, traveller.edge, false);
        } else {
            departure::send_back(area, traveller.clone(), None, DepartureReason::SentOn);
        }
        return;
    }
    let Some(handle) = area.free_handle() else {
        return departure::send_back(area, traveller.clone(), None, DepartureReason::SentOn);
    };
    let (x, y) = match entry {
        EntryPoint::Spawn(name) => area.map.spawn(name, character),
        EntryPoint::At { x, y } => area.map.nearest_free(*x, *y),
    };
    // Who comes through a door goes on as held; who comes from the lobby begins anew.
    let input = match source {
        AggregateId::Area(_) => InputBits(traveller.held.0 & InputBits::ALL.0),
        AggregateId::Character(_) | AggregateId::Control(_) => InputBits::default(),
    };
    let from = area.standing();
    let body = Kinetic::placed(area.map, x, y);
    let controller = Controller {
        mode: body.mode,
        input,
        since: from.next(),
        last_seq: traveller.last_seq,
        ..Controller::default()
    };
    let admission = admission(area, source, traveller);
    area.happen(Fact::Arrived {
        handle,
        traveller: Box::new(traveller.clone()),
        from: source.clone(),
        segment: plan(area.rules, area.map, &body, &controller, from),
        controller,
    });
    match admission {
        Admission::Here => {}
        Admission::On(to) => {
            return instance::send_on(area, handle, traveller.hops, to, entry.clone());
        }
        Admission::Lobby => return departure::turn_away(area, handle),
    }
    area.arrived.insert(handle);
    if let AggregateId::Area(_) = source {
        let located = EffectPayload::Located {
            character,
            area: area.next.area().clone(),
            session: traveller.session,
        };
        area.send(AggregateId::Character(character), located);
    }
}
