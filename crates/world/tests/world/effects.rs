//! Effects between aggregates: each exactly once, in order; and what a frame can hold.

use schemas::command::PlayerAsk;
use schemas::effect::{Confirmation, EffectPayload, EntryPoint};
use schemas::fact::{DepartureReason, Fact};
use schemas::outcome::EffectVerdict;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, SessionFence, Tick};
use world::{Command, Rules, TickInput, decide_tick};

use crate::support::{ANN, BEN, RIGHT, World, floor, traveller};

fn enter(character: CharacterId) -> EffectPayload {
    EffectPayload::Enter {
        traveller: Box::new(traveller(character, SessionFence(1))),
        entry: EntryPoint::Spawn("start".into()),
    }
}

fn verdict(world: &mut World, command: Command) -> EffectVerdict {
    world.tick([command]).outcomes.effects[0].verdict
}

#[test]
fn an_effect_is_applied_once_and_confirmed_again() {
    let mut world = World::given(floor());
    let source = AggregateId::Character(ANN);
    let first = world.effect(source.clone(), 1, enter(ANN));
    let commands = world.incoming([first.clone(), first]);
    let batch = TickInput {
        tick: Tick(1),
        at: world.now,
        commands,
        first_facts: vec![],
    };
    let decision = decide_tick(&Rules::DEFAULT, &world.state, &world.map, batch);
    let verdicts: Vec<_> = decision
        .outcomes
        .effects
        .iter()
        .map(|o| o.verdict)
        .collect();
    assert_eq!(verdicts, [EffectVerdict::Applied, EffectVerdict::Repeated]);
    assert_eq!(decision.confirms, [(source, 1)]);
    assert_eq!(decision.next.population(), 1);
}

#[test]
fn a_gap_is_neither_applied_nor_confirmed() {
    let mut world = World::given(floor());
    let command = world.effect(AggregateId::Character(ANN), 2, enter(ANN));
    assert_eq!(verdict(&mut world, command), EffectVerdict::Gap);
    assert_eq!(world.state.population(), 0);
}

#[test]
fn an_effect_for_somebody_else_is_not_applied() {
    let mut world = World::given(floor());
    let Command::Effect(mut message) = world.effect(AggregateId::Character(ANN), 1, enter(ANN))
    else {
        unreachable!()
    };
    message.effect.target = AggregateId::Area(AreaId::new("other-1").unwrap());
    assert_eq!(
        verdict(&mut world, Command::Effect(message)),
        EffectVerdict::Gap
    );
}

#[test]
fn effects_stay_pending_until_confirmed() {
    let mut world = World::given(floor()).with(ANN).with(BEN);
    for who in [ANN, BEN] {
        let leave = world.asks(who, PlayerAsk::Leave);
        world.tick([leave]);
    }
    assert_eq!(world.state.pending_effects().count(), 2);
    let confirm = |target, up_to| Command::Confirmation(Confirmation { target, up_to });
    let frame = world.tick([confirm(AggregateId::Character(ANN), 99)]);
    assert!(matches!(
        &frame.facts[..],
        [Fact::EffectsConfirmed { up_to: 1, .. }]
    ));
    assert_eq!(world.state.pending_effects().count(), 1);
    let frame = world.tick([confirm(AggregateId::Character(ANN), 1)]);
    assert!(frame.facts.is_empty());
}

#[test]
fn an_area_that_is_full_sends_on_to_the_lobby_in_the_same_frame() {
    let mut world = World::given(floor());
    let mut next = 1;
    let hard = usize::try_from(Rules::DEFAULT.hard_capacity).unwrap();
    while world.state.population() < hard {
        let commands: Vec<_> = (0..200)
            .map(|_| {
                next += 1;
                let who = CharacterId(next);
                world.effect(AggregateId::Character(who), 1, enter(who))
            })
            .collect();
        let mut commands = world.incoming(commands);
        while !commands.is_empty() {
            let frame = world.decide(commands.clone());
            commands.retain(|c| c.position > frame.pos);
        }
    }
    let command = world.effect(AggregateId::Character(ANN), 1, enter(ANN));
    let frame = world.tick([command]);
    assert!(matches!(
        &frame.facts[..],
        [
            Fact::Arrived { .. },
            Fact::Departed {
                reason: DepartureReason::SentOn,
                ..
            }
        ]
    ));
    assert!(matches!(
        &frame.effects[0].payload,
        EffectPayload::Returned { .. }
    ));
    assert_eq!(world.state.population(), hard);

    // All of them fall silent at once: the frames that tell it stay within their bounds.
    for _ in 0..900 {
        world.decide(Vec::new());
    }
    assert_eq!(world.state.population(), 0);
}

#[test]
fn more_commands_than_a_frame_can_tell_wait_for_the_next_tick() {
    let mut world = World::given(floor());
    for id in 1..=300 {
        world = world.with(CharacterId(id));
    }
    let lines: Vec<_> = (1..=2)
        .flat_map(|seq| (1..=300).map(move |id| (seq, CharacterId(id))))
        .map(|(seq, who)| {
            let text = crate::support::sealed(&[9; 1600]);
            crate::support::command(who, SessionFence(1), seq, PlayerAsk::Say { text })
        })
        .collect();
    let mut commands = world.incoming(lines);
    let mut ticks = 0;
    while !commands.is_empty() {
        let frame = world.decide(commands.clone());
        commands.retain(|c| c.position > frame.pos);
        ticks += 1;
    }
    assert!((4..=12).contains(&ticks), "{ticks}");
}

#[test]
fn a_new_owner_steps_the_world_on_without_commands() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    let mut patient = World::given(floor()).with(ANN);
    patient.holds(ANN, RIGHT);
    patient.ticks(20);
    let resume = Tick(world.state.tick().0 + 20);
    let owned = world.owned(resume);
    let decision = world::resume(&Rules::DEFAULT, &world.state, &world.map, owned, world.now);
    let header = world::FrameHeader {
        epoch: schemas::Epoch(2),
        claim: schemas::Claim(3),
    };
    let (frame, bytes, next) = decision.seal(&header);
    world
        .reader
        .fold(&frame, schemas::Digest::of(&bytes))
        .unwrap();
    assert_eq!(world.reader, next);
    assert_eq!(next.tick(), resume);
    let ann = next.by_character(ANN).unwrap();
    assert_eq!(ann.position(next.step()), patient.at(ANN));
}

#[test]
fn a_frame_of_a_former_owner_or_out_of_turn_is_refused() {
    let mut world = World::given(floor()).with(ANN);
    let loser = decide_tick(
        &Rules::DEFAULT,
        &world.state,
        &world.map,
        TickInput {
            tick: world.state.tick().next(),
            at: world.now,
            ..TickInput::default()
        },
    );
    let (frame, bytes, _) = loser.seal(&world::FrameHeader {
        claim: schemas::Claim(1234),
        ..crate::support::HEADER
    });
    let digest = schemas::Digest::of(&bytes);
    let error = world.reader.clone().fold(&frame, digest).unwrap_err();
    assert!(
        matches!(error, world::FoldError::BrokenChain { .. }),
        "{error}"
    );
    world.ticks(1);
    let again: schemas::frame::Frame = schemas::decode(world.frames.last().unwrap()).unwrap();
    let error = world.reader.fold(&again, digest).unwrap_err();
    assert!(
        matches!(error, world::FoldError::BrokenChain { .. }),
        "{error}"
    );
}

#[test]
fn a_frame_that_tells_another_state_is_found_out() {
    let mut world = World::given(floor()).with(ANN);
    let mut before = world.reader.clone();
    world.holds(ANN, RIGHT);
    let bytes = world.frames.last().unwrap().clone();
    let mut frame: schemas::frame::Frame = schemas::decode(&bytes).unwrap();
    frame.motion.0[4] += 1;
    let error = before
        .fold(&frame, schemas::Digest::of(&bytes))
        .unwrap_err();
    assert!(
        matches!(error, world::FoldError::HashMismatch { .. }),
        "{error}"
    );
}

#[test]
fn an_idle_counter_is_forgotten_after_a_day_and_its_source_is_still_understood() {
    let mut world = World::given(floor()).with(ANN);
    let leave = world.asks(ANN, PlayerAsk::Leave);
    world.tick([leave]);
    let source = AggregateId::Character(ANN);
    let day = world::rules::FORGET_COUNTER_TICKS + world::rules::SWEEP_TICKS;
    let later = TickInput {
        tick: Tick(world.state.tick().0 + day),
        at: schemas::UnixMillis(world.now.0 + day * 40),
        ..TickInput::default()
    };
    world.now = later.at;
    let decision = decide_tick(&Rules::DEFAULT, &world.state, &world.map, later);
    world.commit(decision);
    assert_eq!(world.state.received(&source), 0);

    let Command::Effect(mut old) = world.effect(source.clone(), 2, enter(ANN)) else {
        unreachable!()
    };
    old.effect.issued_at.0 -= world::rules::EFFECT_WINDOW_MILLIS + 1;
    assert_eq!(
        verdict(&mut world, Command::Effect(old)),
        EffectVerdict::Expired
    );
    let young = world.effect(source.clone(), 2, enter(ANN));
    assert_eq!(verdict(&mut world, young), EffectVerdict::Applied);
    assert_eq!(world.state.received(&source), 2);
}

#[test]
fn on_a_new_map_nobody_is_left_standing_in_a_wall() {
    let mut world = World::given(floor()).with(ANN);
    let mut rows = vec![".".repeat(120); 9];
    rows.extend(vec!["#".repeat(120); 5]);
    rows[8].replace_range(4..5, "S");
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    world.map = crate::support::drawn(&rows);
    let (x, y) = world.at(ANN);
    assert!(world.map.is_blocked(x, y));
    let owned = world.owned(world.state.tick());
    let decision = world::resume(&Rules::DEFAULT, &world.state, &world.map, owned, world.now);
    let header = world::FrameHeader {
        epoch: schemas::Epoch(2),
        claim: schemas::Claim(3),
    };
    let (frame, bytes, next) = decision.seal(&header);
    world
        .reader
        .fold(&frame, schemas::Digest::of(&bytes))
        .unwrap();
    assert_eq!(world.reader, next);
    let ann = next.by_character(ANN).unwrap();
    let (x, y) = ann.position(next.step());
    assert!(!world.map.is_blocked(x, y));
}
