//! Walking, running, jumping, falling, and what stops a body.

use schemas::segment::{InputBits, Mode, Segment};
use world::Rules;
use world::rules::{BODY_HEIGHT, BODY_WIDTH};

use crate::support::{ANN, DOWN, JUMP, LEFT, NOTHING, RIGHT, RUN_RIGHT, TILE, World, drawn, floor};

#[test]
fn a_body_that_nothing_moves_is_at_rest_forever() {
    let mut world = World::given(floor()).with(ANN);
    assert_eq!(world.body(ANN).segment.until, Segment::FOREVER);
    let frame = world.tick([]);
    assert!(frame.motion.0.is_empty());
}

#[test]
fn a_walker_runs_up_to_walking_speed_and_a_runner_to_running_speed() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    world.ticks(10);
    assert_eq!(world.velocity(ANN), (Rules::DEFAULT.walk_speed, 0));
    world.holds(ANN, RUN_RIGHT);
    world.ticks(10);
    assert_eq!(world.velocity(ANN), (Rules::DEFAULT.run_speed, 0));
    world.holds(ANN, NOTHING);
    world.ticks(10);
    assert_eq!(world.velocity(ANN), (0, 0));
    assert_eq!(world.body(ANN).segment.until, Segment::FOREVER);
}

#[test]
fn a_runner_on_level_ground_costs_nothing_for_seconds() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    world.ticks(5);
    for _ in 0..60 {
        assert!(world.keep_alive().motion.0.is_empty());
    }
    assert_eq!(world.velocity(ANN), (Rules::DEFAULT.walk_speed, 0));
}

#[test]
fn a_turn_is_told_in_two_segments() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, RIGHT);
    world.ticks(10);
    let mut records = 0;
    let mut frame = world.holds(ANN, LEFT);
    for _ in 0..20 {
        let reader = world.reader.clone();
        let base = frame.tick.first_step();
        records += frame
            .motion
            .unpack(base, |h| {
                reader.body(h).map(|b| (&b.segment, &b.controller))
            })
            .unwrap()
            .len();
        frame = world.tick([]);
    }
    assert_eq!(records, 2);
    assert_eq!(world.velocity(ANN), (-Rules::DEFAULT.walk_speed, 0));
}

#[test]
fn a_wall_stops_a_body_that_touches_it_exactly() {
    let mut world = World::given(drawn(&["......#", ".S....#", "#######"])).with(ANN);
    world.holds(ANN, RUN_RIGHT);
    world.ticks(40);
    assert_eq!(world.at(ANN).0, 6 * TILE - BODY_WIDTH);
    assert_eq!(world.velocity(ANN), (0, 0));
    assert_eq!(world.body(ANN).segment.until, Segment::FOREVER);
}

/// The highest point above the floor, 1/256 px.
fn height_of_jump(hold: u64) -> i32 {
    let mut world = World::given(floor()).with(ANN);
    let ground = world.at(ANN).1;
    let mut highest = 0;
    world.holds(ANN, JUMP);
    for tick in 0..40 {
        highest = highest.max(ground - world.at(ANN).1);
        if tick == hold {
            world.holds(ANN, NOTHING);
        } else {
            world.tick([]);
        }
    }
    assert_eq!(world.at(ANN).1, ground);
    assert_eq!(world.body(ANN).segment.mode, Mode::Ground);
    highest
}

#[test]
fn a_jump_is_the_higher_the_longer_it_is_held() {
    let (short, middle, long) = (height_of_jump(0), height_of_jump(5), height_of_jump(30));
    assert!(short < middle && middle < long, "{short} {middle} {long}");
    assert!((4 * TILE..5 * TILE).contains(&long), "{long}");
}

#[test]
fn a_tap_within_one_step_is_a_jump() {
    let mut world = World::given(floor()).with(ANN);
    let press = world.asks(ANN, crate::support::input(JUMP));
    let release = crate::support::command(
        ANN,
        schemas::SessionFence(1),
        world.next_seq(ANN) + 1,
        crate::support::input(NOTHING),
    );
    world.tick([press, release]);
    assert_eq!(world.body(ANN).segment.mode, Mode::Air);
    assert_eq!(world.body(ANN).last_seq(), 2);
}

#[test]
fn holding_jump_jumps_once() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, JUMP);
    world.ticks(50);
    assert_eq!(world.body(ANN).segment.mode, Mode::Ground);
}

#[test]
fn a_jump_pressed_shortly_before_landing_happens_on_landing() {
    let mut world = World::given(floor()).with(ANN);
    world.holds(ANN, JUMP);
    world.holds(ANN, NOTHING);
    let ground = 13 * TILE - BODY_HEIGHT;
    world.until(|w| w.velocity(ANN).1 > 0 && w.at(ANN).1 > ground - 2 * TILE / 3);
    world.holds(ANN, JUMP);
    world.until(|w| w.velocity(ANN).1 < 0);
    assert_eq!(world.body(ANN).segment.mode, Mode::Air);
}

#[test]
fn a_jump_pressed_shortly_after_the_edge_still_counts_and_later_does_not() {
    for (late, jumps) in [(0, true), (1, true), (4, false)] {
        let map = drawn(&[
            ".........",
            ".........",
            "S........",
            "##.......",
            ".........",
            ".........",
            ".........",
            ".........",
            "#########",
        ]);
        let mut world = World::given(map).with(ANN);
        world.holds(ANN, RIGHT);
        world.until(|w| w.body(ANN).segment.mode == Mode::Air);
        world.ticks(late);
        world.holds(ANN, InputBits(RIGHT.0 | JUMP.0));
        assert_eq!(world.velocity(ANN).1 < 0, jumps, "{late} ticks late");
    }
}

#[test]
fn a_one_way_platform_lets_through_from_below_and_holds_from_above() {
    let mut world = World::given(drawn(&[
        "....", "....", "....", "====", "....", ".S..", "####",
    ]))
    .with(ANN);
    world.holds(ANN, JUMP);
    world.until(|w| w.body(ANN).segment.mode == Mode::Ground);
    assert_eq!(world.at(ANN).1, 3 * TILE - BODY_HEIGHT);
    world.holds(ANN, DOWN);
    world.until(|w| w.body(ANN).segment.mode == Mode::Ground);
    assert_eq!(world.at(ANN).1, 6 * TILE - BODY_HEIGHT);
}

#[test]
fn a_wall_below_is_not_dropped_through() {
    let mut world = World::given(floor()).with(ANN);
    let before = world.at(ANN);
    world.holds(ANN, DOWN);
    world.ticks(5);
    assert_eq!(world.at(ANN), before);
    assert_eq!(world.body(ANN).segment.mode, Mode::Ground);
}

#[test]
fn a_ceiling_ends_the_rise() {
    let mut world = World::given(drawn(&["####", "....", "....", ".S..", "####"])).with(ANN);
    world.holds(ANN, JUMP);
    for _ in 0..4 {
        assert!(world.at(ANN).1 >= TILE);
        world.tick([]);
    }
    assert!(world.velocity(ANN).1 > 0);
}

#[test]
fn a_fall_has_a_highest_speed_and_ends_on_the_floor() {
    let mut rows = vec!["..S.", "..=."];
    rows.extend(["...."; 80]);
    rows.push("####");
    let mut world = World::given(drawn(&rows)).with(ANN);
    world.holds(ANN, DOWN);
    let mut fastest = 0;
    for _ in 0..90 {
        fastest = fastest.max(world.velocity(ANN).1);
        world.keep_alive();
    }
    assert_eq!(fastest, Rules::DEFAULT.terminal_speed);
    assert_eq!(world.at(ANN).1, 82 * TILE - BODY_HEIGHT);
}

#[test]
fn the_borders_of_the_map_are_walls() {
    let mut world = World::given(drawn(&["....", "....", ".S..", "####"])).with(ANN);
    world.holds(ANN, LEFT);
    world.ticks(30);
    assert_eq!(world.at(ANN).0, 0);
    world.holds(ANN, RIGHT);
    world.ticks(30);
    assert_eq!(world.at(ANN).0, 4 * TILE - BODY_WIDTH);
}

#[test]
fn a_pit_swallows_a_runner() {
    let map = drawn(&[
        "..........",
        "..........",
        "S.........",
        "#####..###",
        "#####..###",
        "#####..###",
        "##########",
    ]);
    let mut world = World::given(map).with(ANN);
    world.holds(ANN, RUN_RIGHT);
    world.ticks(60);
    assert_eq!(world.at(ANN).1, 6 * TILE - BODY_HEIGHT);
}

#[test]
fn keys_that_do_not_exist_are_refused() {
    let mut world = World::given(floor()).with(ANN);
    let frame = world.holds(ANN, InputBits(64));
    assert_eq!(
        frame.outcomes.rejected[0].reason,
        schemas::outcome::Reason::Invalid
    );
    assert_eq!(world.body(ANN).last_seq(), 1);
}

#[test]
fn input_for_the_second_step_of_a_tick_acts_there() {
    let mut world = World::given(floor()).with(ANN);
    let step = world.state.tick().next().first_step().0 + 1;
    let ask = world.asks(
        ANN,
        schemas::command::PlayerAsk::Input {
            bits: JUMP,
            client_step: step,
            view_step: 0,
        },
    );
    world.tick([ask]);
    assert_eq!(world.body(ANN).segment.from.0, step - 1);
    assert_eq!(world.body(ANN).segment.vy, -Rules::DEFAULT.jump_speed);
}
