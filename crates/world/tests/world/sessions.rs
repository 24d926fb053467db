//! Whose commands count: fences, sequences, repetitions, silence.

use schemas::SessionFence;
use schemas::command::PlayerAsk;
use schemas::effect::EffectPayload;
use schemas::fact::{DepartureReason, Fact};
use schemas::outcome::Reason;
use schemas::segment::InputBits;

use crate::support::{ANN, BEN, EDGE, JUMP, NOTHING, RIGHT, World, command, floor, input};
use world::Command;

fn take(world: &mut World, session: u64, resumed: bool) -> Command {
    world.lobby_sends(
        ANN,
        EffectPayload::TakeSession {
            character: ANN,
            session: SessionFence(session),
            edge: EDGE,
            resumed,
        },
    )
}

#[test]
fn a_newer_session_takes_over_and_the_older_one_is_refused() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    let taken = take(&mut world, 2, false);
    world.tick([taken]);
    assert_eq!(world.body(ANN).last_seq(), 0);
    assert_eq!(world.body(ANN).controller.input, NOTHING);
    let frame = world.tick([command(ANN, SessionFence(1), 2, input(RIGHT))]);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::StaleSession);
    let frame = world.tick([command(ANN, SessionFence(2), 1, input(RIGHT))]);
    assert!(frame.outcomes.rejected.is_empty());
}

#[test]
fn a_resumed_session_goes_on_counting_and_running() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    let taken = take(&mut world, 2, true);
    world.tick([taken]);
    assert_eq!(world.body(ANN).last_seq(), 1);
    assert_eq!(world.body(ANN).controller.input, RIGHT);
}

#[test]
fn a_session_taken_over_waits_for_the_next_tick_after_commands_of_the_old_one() {
    let mut world = World::given(floor()).with(ANN);
    let old = world.asks(ANN, input(RIGHT));
    let taken = take(&mut world, 2, false);
    let commands = world.incoming([old, taken]);
    let frame = world.decide(commands.clone());
    assert_eq!(frame.pos, commands[0].position);
    world.decide(commands[1..].to_vec());
    assert_eq!(world.body(ANN).session, SessionFence(2));
    assert_eq!(world.body(ANN).last_seq(), 0);
}

#[test]
fn a_repeated_command_changes_nothing_and_a_repeated_refusal_is_repeated() {
    let mut world = World::given(floor()).with(ANN);
    world.tick([command(ANN, SessionFence(1), 1, PlayerAsk::UseDoor)]);
    world.tick([command(ANN, SessionFence(1), 2, input(JUMP))]);
    let before = world.body(ANN).segment;
    let frame = world.tick([
        command(ANN, SessionFence(1), 1, PlayerAsk::UseDoor),
        command(ANN, SessionFence(1), 2, input(RIGHT)),
    ]);
    assert_eq!(world.body(ANN).segment, before);
    assert_eq!(frame.outcomes.rejected.len(), 1);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::NoDoor);
    assert_eq!(frame.outcomes.accepted, [0, 2]);
}

#[test]
fn a_sequence_far_ahead_is_out_of_order_and_does_not_count() {
    let mut world = World::given(floor()).with(ANN);
    let frame = world.tick([command(ANN, SessionFence(1), 5_000, input(RIGHT))]);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::OutOfOrder);
    assert_eq!(world.body(ANN).last_seq(), 0);
}

#[test]
fn a_command_that_waited_more_than_five_seconds_has_expired_and_counts() {
    let mut world = World::given(floor()).with(ANN);
    let ask = world.asks(ANN, input(RIGHT));
    let commands = world.incoming([ask]);
    world.now.0 += 5_001;
    let frame = world.decide(commands);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::Expired);
    assert_eq!(world.body(ANN).last_seq(), 1);
    assert_eq!(world.body(ANN).controller.input, NOTHING);
}

#[test]
fn nobody_commands_a_character_that_is_not_here() {
    let mut world = World::given(floor()).with(ANN);
    let frame = world.tick([command(BEN, SessionFence(1), 1, input(RIGHT))]);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::NotHere);
}

#[test]
fn a_silent_session_lets_go_of_its_keys_and_departs_after_the_grace() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    world.ticks(75);
    assert!(world.body(ANN).link_lost.is_some());
    assert_eq!(world.body(ANN).controller.input, InputBits(0));
    world.ticks(749);
    assert!(world.state.by_character(ANN).is_some());
    let frame = world.tick([]);
    assert!(matches!(
        &frame.facts[..],
        [Fact::Departed {
            reason: DepartureReason::LinkDead,
            ..
        }]
    ));
}

#[test]
fn a_session_heard_again_is_restored() {
    let mut world = World::given(floor()).with(ANN);
    world.ticks(80);
    assert!(world.body(ANN).link_lost.is_some());
    let frame = world.keep_alive();
    assert!(matches!(&frame.facts[..], [Fact::LinkRestored { .. }]));
    world.ticks(74);
    assert!(world.body(ANN).link_lost.is_none());
}

#[test]
fn the_keep_alive_of_an_older_session_does_not_count() {
    let mut world = World::given(floor()).with(ANN);
    let taken = take(&mut world, 2, false);
    world.tick([taken]);
    let frame = world.tick([Command::Alive {
        edge: EDGE,
        handles: vec![(0, SessionFence(1)), (9, SessionFence(1))],
    }]);
    assert!(frame.outcomes.heard.is_empty());
}

#[test]
fn a_fault_is_refused_without_being_looked_at() {
    let mut world = World::given(floor()).with(ANN);
    let ask = world.asks(ANN, input(RIGHT));
    let commands: Vec<_> = world
        .incoming([ask])
        .into_iter()
        .map(world::Incoming::as_fault)
        .collect();
    let frame = world.decide(commands);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::Fault);
    assert_eq!(world.body(ANN).last_seq(), 1);
    assert_eq!(world.body(ANN).controller.input, NOTHING);
}

#[test]
fn a_message_that_is_none_is_one_rejection() {
    let mut world = World::given(floor());
    let frame = world.tick([Command::Undecodable]);
    assert_eq!(frame.outcomes.undecodable, 1);
}
