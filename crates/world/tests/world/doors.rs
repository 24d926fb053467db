//! Going from area to area, and back to the lobby.

use schemas::command::PlayerAsk;
use schemas::effect::{EffectPayload, EntryPoint};
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::outcome::Reason;
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{AreaId, SessionFence};
use world::Command;
use world::rules::{FORWARD_TICKS, SWEEP_TICKS};

use crate::support::{ANN, BEN, EDGE, RIGHT, World, drawn, floor, traveller};

fn elsewhere() -> AggregateId {
    AggregateId::Area(AreaId::new("elsewhere-1").unwrap())
}

fn house() -> World {
    World::given(drawn(&["......", ".SD...", "######"])).with(ANN)
}

#[test]
fn a_door_takes_who_stands_at_it_into_the_next_area() {
    let mut world = house();
    world.holds(ANN, RIGHT);
    world.ticks(3);
    let ask = world.asks(ANN, PlayerAsk::UseDoor);
    let frame = world.tick([ask]);
    assert!(matches!(
        &frame.facts[..],
        [Fact::Departed { to: Destination::Area { spawn, .. }, reason: DepartureReason::Door, .. }]
            if spawn == "gate"
    ));
    let [effect] = &frame.effects[..] else {
        panic!("one effect");
    };
    assert_eq!(effect.target, elsewhere());
    let EffectPayload::Enter { traveller, entry } = &effect.payload else {
        panic!("an entry");
    };
    assert_eq!(entry, &EntryPoint::Spawn("gate".into()));
    assert_eq!((traveller.character, traveller.last_seq), (ANN, 2));
    assert_eq!(traveller.held, RIGHT);
    assert!(world.state.by_character(ANN).is_none());
    assert_eq!(world.state.pending_effects().count(), 1);
}

#[test]
fn without_a_door_in_reach_nothing_happens() {
    let mut world = World::given(floor()).with(ANN);
    let ask = world.asks(ANN, PlayerAsk::UseDoor);
    let frame = world.tick([ask]);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::NoDoor);
    assert!(world.state.by_character(ANN).is_some());
}

#[test]
fn what_comes_later_in_the_tick_finds_nobody() {
    let mut world = house();
    world.holds(ANN, RIGHT);
    world.ticks(3);
    let door = world.asks(ANN, PlayerAsk::UseDoor);
    let late = crate::support::command(
        ANN,
        SessionFence(1),
        world.next_seq(ANN) + 1,
        PlayerAsk::UseDoor,
    );
    let frame = world.tick([door, late]);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::NotHere);
    assert_eq!(frame.outcomes.rejected[0].seq, 3);
}

#[test]
fn what_comes_for_someone_who_left_follows_through_the_door() {
    let mut world = house();
    world.holds(ANN, RIGHT);
    world.ticks(3);
    let door = world.asks(ANN, PlayerAsk::UseDoor);
    world.tick([door]);
    let take = EffectPayload::TakeSession {
        character: ANN,
        session: SessionFence(2),
        edge: EDGE,
        resumed: false,
    };
    let command = world.lobby_sends(ANN, take.clone());
    let frame = world.tick([command]);
    let [effect] = &frame.effects[..] else {
        panic!("forwarded");
    };
    assert_eq!((&effect.target, effect.number), (&elsewhere(), 2));
    assert_eq!(effect.payload, take);
}

#[test]
fn what_comes_for_a_stranger_is_told_to_the_lobby() {
    let mut world = World::given(floor());
    let take = EffectPayload::TakeSession {
        character: BEN,
        session: SessionFence(2),
        edge: EDGE,
        resumed: false,
    };
    let command = world.lobby_sends(BEN, take.clone());
    let frame = world.tick([command]);
    let [effect] = &frame.effects[..] else {
        panic!("bounced");
    };
    assert_eq!(effect.target, AggregateId::Character(BEN));
    assert!(matches!(&effect.payload, EffectPayload::NotHere { bounced, .. } if **bounced == take));
}

#[test]
fn who_comes_from_another_area_keeps_running_and_is_told_to_the_lobby() {
    let mut world = World::given(floor());
    let mut ann = traveller(ANN, SessionFence(4));
    ann.held = InputBits::RIGHT;
    ann.last_seq = 17;
    let enter = EffectPayload::Enter {
        traveller: Box::new(ann),
        entry: EntryPoint::Spawn("start".into()),
    };
    let command = world.effect(elsewhere(), 1, enter);
    let frame = world.tick([command]);
    assert!(matches!(&frame.facts[..], [Fact::Arrived { .. }]));
    assert!(
        matches!(&frame.effects[0].payload, EffectPayload::Located { session, .. } if session.0 == 4)
    );
    assert_eq!(world.body(ANN).last_seq(), 17);
    world.ticks(5);
    assert!(world.velocity(ANN).0 > 0);
}

#[test]
fn who_leaves_goes_to_the_lobby_with_the_place_where_it_stood() {
    let mut world = World::given(floor()).with(ANN);
    let at = world.at(ANN);
    let ask = world.asks(ANN, PlayerAsk::Leave);
    let frame = world.tick([ask]);
    let EffectPayload::Returned {
        last_seen, reason, ..
    } = &frame.effects[0].payload
    else {
        panic!("returned");
    };
    let seen = last_seen.as_ref().unwrap();
    assert_eq!((seen.x, seen.y), at);
    assert_eq!(*reason, DepartureReason::Logout);
}

#[test]
fn who_comes_back_where_a_wall_is_now_stands_beside_it() {
    let mut world = World::given(drawn(&["....", "....", "S...", "####"]));
    let enter = EffectPayload::Enter {
        traveller: Box::new(traveller(ANN, SessionFence(1))),
        entry: EntryPoint::At {
            x: 4096,
            y: 3 * 4096,
        },
    };
    let command = world.lobby_sends(ANN, enter);
    world.tick([command]);
    world.ticks(30);
    let (x, y) = world.at(ANN);
    assert!(!world.map.is_blocked(x, y));
}

#[test]
fn a_handle_is_not_used_again_in_the_tick_that_freed_it() {
    let mut world = World::given(floor()).with(ANN);
    let leave = world.asks(ANN, PlayerAsk::Leave);
    let enter = world.enter(BEN, SessionFence(1));
    world.tick([leave, enter]);
    assert_eq!(world.body(BEN).handle, 1);
}

#[test]
fn who_is_already_here_is_not_doubled() {
    let mut world = World::given(floor()).with(ANN);
    let enter = EffectPayload::Enter {
        traveller: Box::new(traveller(ANN, SessionFence(1))),
        entry: EntryPoint::Spawn("start".into()),
    };
    let command = world.effect(elsewhere(), 1, enter);
    let frame = world.tick([command]);
    assert!(matches!(
        &frame.effects[0].payload,
        EffectPayload::Returned {
            reason: DepartureReason::SentOn,
            ..
        }
    ));
    assert_eq!(world.state.population(), 1);
}

#[test]
fn what_is_forgotten_in_a_tick_without_a_frame_is_forgotten_by_readers_alike() {
    let mut world = house();
    world.holds(ANN, RIGHT);
    world.ticks(3);
    let ask = world.asks(ANN, PlayerAsk::UseDoor);
    let left = world.tick([ask]).tick.0;
    // Nobody is here any more, so the tick in which old entries are swept out has no frame; in the frame after it ANN
    // has been gone for long enough to be forgotten, and was not yet when it was due.
    world.silently(SWEEP_TICKS - world.state.tick().0);
    world.silently(left);
    let frame = world.tick([Command::Undecodable]);
    assert!(frame.tick.0 - left > FORWARD_TICKS);
    // By the next time it is due she is.
    world.silently(SWEEP_TICKS);
    world.tick([Command::Undecodable]);
}
