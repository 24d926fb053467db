//! Instances of one map: full ones and closed ones send on who comes, parties stay together.

use schemas::command::PlayerAsk;
use schemas::effect::{EffectPayload, EntryPoint, Traveller};
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::frame::Frame;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, SessionFence};
use world::Rules;
use world::rules::PARTY_TICKS;

const MAX_HOPS: u8 = Rules::DEFAULT.max_hops;

use crate::support::{ANN, BEN, RIGHT, World, floor, traveller};

const CLEO: CharacterId = CharacterId(3);
const DAN: CharacterId = CharacterId(4);

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

/// Somebody comes from the lobby, belonging to a party and having been sent on so often.
fn comes(world: &mut World, who: CharacterId, party: CharacterId, hops: u8) -> Frame {
    let payload = EffectPayload::Enter {
        traveller: Box::new(Traveller {
            party,
            hops,
            ..traveller(who, SessionFence(1))
        }),
        entry: EntryPoint::Spawn("start".into()),
    };
    let source = AggregateId::Character(who);
    let number = world.state.received(&source) + 1;
    let enter = world.effect(source, number, payload);
    world.tick([enter])
}

fn alone(world: &mut World, who: CharacterId) -> Frame {
    comes(world, who, CharacterId(0), 0)
}

/// Where the frame sends the one who came in it: area, entry point and hops.
fn sent_on(frame: &Frame) -> Option<(AreaId, EntryPoint, u8)> {
    let arrived = frame
        .facts
        .iter()
        .any(|f| matches!(f, Fact::Arrived { .. }));
    let left = frame.facts.iter().find_map(|fact| match fact {
        Fact::Departed {
            to: Destination::Area { area, .. },
            reason: DepartureReason::Overflow,
            ..
        } => Some(area.clone()),
        _ => None,
    })?;
    assert!(arrived, "who is sent on came in the same frame");
    frame
        .effects
        .iter()
        .find_map(|effect| match &effect.payload {
            EffectPayload::Enter { traveller, entry } => {
                assert_eq!(effect.target, AggregateId::Area(left.clone()));
                Some((left.clone(), entry.clone(), traveller.hops))
            }
            _ => None,
        })
}

/// Who is not let in has stood nowhere here: the lobby shall not send it here again.
fn sent_to_lobby(frame: &Frame) -> bool {
    frame.effects.iter().any(|effect| {
        matches!(
            &effect.payload,
            EffectPayload::Returned {
                reason: DepartureReason::SentOn,
                ..
            }
        )
    })
}

/// An instance that is full with one body.
fn full() -> World {
    let mut world = World::given(floor());
    world.steer(false, Some("drawn-2"), 1);
    alone(&mut world, ANN);
    world
}

#[test]
fn a_full_instance_sends_who_comes_on_to_the_other_in_the_same_frame() {
    let mut world = full();
    let frame = alone(&mut world, BEN);
    let entry = EntryPoint::Spawn("start".into());
    assert_eq!(sent_on(&frame), Some((area("drawn-2"), entry, 1)));
    assert!(world.state.by_character(BEN).is_none());
    assert!(
        world.state.by_character(ANN).is_some(),
        "nobody is pushed out"
    );
}

#[test]
fn without_an_overflow_the_soft_capacity_is_no_bound() {
    let mut world = World::given(floor());
    world.steer(false, None, 1);
    alone(&mut world, ANN);
    alone(&mut world, BEN);
    assert_eq!(world.state.population(), 2);
}

#[test]
fn only_the_areas_own_control_steers_it() {
    let mut world = World::given(floor());
    let payload = EffectPayload::Steer {
        closed: true,
        overflow: None,
        soft: 0,
    };
    for source in [
        AggregateId::Control(area("drawn-2")),
        AggregateId::Area(area("drawn-2")),
        AggregateId::Character(ANN),
    ] {
        let steer = world.effect(source, 1, payload.clone());
        assert!(world.tick([steer]).facts.is_empty());
    }
    assert!(!world.state.steering().closed);
    assert!(matches!(
        &world.steer(true, None, 0).facts[..],
        [Fact::Steered { closed: true, .. }]
    ));
    assert!(
        world.steer(true, None, 0).facts.is_empty(),
        "it is so already"
    );
}

#[test]
fn an_area_never_overflows_into_itself() {
    let mut world = World::given(floor());
    world.steer(true, Some("drawn-1"), 0);
    assert_eq!(world.state.steering().overflow, None);
    assert!(sent_to_lobby(&alone(&mut world, ANN)));
}

#[test]
fn members_of_a_party_are_let_in_where_one_of_them_is() {
    let mut world = full();
    // Ann travels alone, so a party that is joined to her is named after her.
    assert_eq!(sent_on(&comes(&mut world, BEN, ANN, 0)), None);
    assert_eq!(sent_on(&comes(&mut world, CLEO, ANN, 0)), None);
    assert!(sent_on(&comes(&mut world, DAN, DAN, 0)).is_some());
    assert_eq!(world.state.population(), 3);
    assert_eq!(
        world.body(BEN).traveller().party,
        ANN,
        "it goes on with them"
    );
}

#[test]
fn the_rest_of_a_party_follows_to_where_one_of_it_was_sent() {
    let mut world = full();
    assert!(sent_on(&comes(&mut world, BEN, CLEO, 0)).is_some());
    // Another instance is opened, and there is room here again: they stay together all the same.
    world.steer(false, Some("drawn-3"), 1);
    let leave = world.asks(ANN, PlayerAsk::Leave);
    world.tick([leave]);
    let (to, _, hops) = sent_on(&comes(&mut world, CLEO, CLEO, 0)).unwrap();
    assert_eq!((to, hops), (area("drawn-2"), 1));
    assert_eq!(sent_on(&alone(&mut world, DAN)), None, "others are let in");
}

#[test]
fn who_joins_somebody_that_went_alone_follows_too() {
    let mut world = full();
    alone(&mut world, BEN);
    world.steer(false, Some("drawn-3"), 1);
    let (to, ..) = sent_on(&comes(&mut world, CLEO, BEN, 0)).unwrap();
    assert_eq!(to, area("drawn-2"));
}

#[test]
fn after_a_minute_nobody_knows_where_a_party_went() {
    let mut world = full();
    comes(&mut world, BEN, CLEO, 0);
    let leave = world.asks(ANN, PlayerAsk::Leave);
    world.tick([leave]);
    for _ in 0..=PARTY_TICKS {
        world.decide(Vec::new());
    }
    assert_eq!(sent_on(&comes(&mut world, CLEO, CLEO, 0)), None);
}

#[test]
fn a_party_is_not_sent_back_to_an_instance_that_sent_it_away() {
    let mut world = full();
    comes(&mut world, BEN, CLEO, 0);
    let enter = EffectPayload::Enter {
        traveller: Box::new(Traveller {
            party: CLEO,
            hops: 1,
            ..traveller(BEN, SessionFence(1))
        }),
        entry: EntryPoint::Spawn("start".into()),
    };
    let back = world.effect(AggregateId::Area(area("drawn-2")), 1, enter);
    let frame = world.tick([back]);
    assert_eq!(
        sent_on(&frame),
        None,
        "full or not, it would only come back"
    );
    assert_eq!(world.state.party_away(CLEO, world.state.tick()), None);
}

#[test]
fn after_too_many_hops_a_full_instance_lets_in_and_a_closed_one_sends_to_the_lobby() {
    let mut world = full();
    assert!(sent_on(&comes(&mut world, BEN, BEN, MAX_HOPS - 1)).is_some());
    assert_eq!(sent_on(&comes(&mut world, CLEO, CLEO, MAX_HOPS)), None);
    assert!(world.state.by_character(CLEO).is_some());
    world.steer(true, Some("drawn-2"), 0);
    assert!(sent_to_lobby(&comes(&mut world, DAN, DAN, MAX_HOPS)));
}

#[test]
fn a_closed_area_sends_on_those_who_are_in_it_to_where_they_stand() {
    let mut world = World::given(floor()).with(ANN).with(BEN);
    world.holds(ANN, RIGHT);
    world.ticks(5);
    let (x, y) = world.at(ANN);
    let frame = world.steer(true, Some("drawn-2"), 0);
    assert_eq!(world.state.population(), 0);
    let EffectPayload::Enter { traveller, entry } = &frame.effects[0].payload else {
        panic!("an entry");
    };
    assert_eq!((traveller.character, traveller.hops), (ANN, 1));
    assert_eq!(traveller.held, RIGHT);
    assert_eq!(*entry, EntryPoint::At { x, y });
    // And the next one is not taken, whoever it is; opened again, it is.
    assert!(sent_on(&alone(&mut world, CLEO)).is_some());
    world.steer(false, None, 0);
    assert_eq!(sent_on(&alone(&mut world, DAN)), None);
}

#[test]
fn closing_a_crowded_area_takes_several_ticks_and_loses_nobody() {
    let mut world = World::given(floor());
    let crowd = 150;
    for id in 1..=crowd {
        world = world.with(CharacterId(id));
    }
    world.steer(true, Some("drawn-2"), 0);
    let left = world.state.population();
    assert!(left > 0, "more than a frame may tell");
    world.ticks(20);
    assert_eq!(world.state.population(), 0);
    let gone: std::collections::BTreeSet<_> = world
        .state
        .pending_effects()
        .filter_map(|e| e.payload.character())
        .collect();
    assert_eq!(gone.len() as u64, crowd);
}

#[test]
fn a_state_that_was_never_steered_is_stored_and_hashed_as_before_there_were_instances() {
    let world = World::under(1, "drawn-1", floor()).with(ANN);
    let stored = serde_json::to_value(&world.state).unwrap();
    assert!(stored.get("instances").is_none());
    assert!(stored["bodies"][0].get("party").is_none());
    // Taken with the build before there were instances, which named rules 1.
    assert_eq!(world.state.hash().full, HASH_BEFORE);
    let mut steered = World::given(floor()).with(ANN);
    steered.steer(true, None, 0);
    steered.steer(false, None, 0);
    let stored = serde_json::to_value(&steered.state).unwrap();
    assert!(
        stored.get("instances").is_none(),
        "and so is one that is steered no more"
    );
}

#[test]
fn a_snapshot_of_a_steered_area_is_read_as_it_was() {
    let mut world = full();
    comes(&mut world, BEN, CLEO, 0);
    let stored = schemas::encode(&world.state);
    let restored: world::AreaState = schemas::decode(&stored).unwrap();
    assert_eq!(restored, world.state);
    assert_eq!(restored.steering().soft_capacity(&Rules::DEFAULT), 1);
    let away = restored.party_away(CLEO, restored.tick());
    assert_eq!(away, Some(&area("drawn-2")));
}

/// The full hash of a floor with Ann on it.
const HASH_BEFORE: u64 = 17_862_329_868_640_007_622;
