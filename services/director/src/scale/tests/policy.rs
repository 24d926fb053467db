//! What the policy does, case by case.

use std::time::Duration;

use super::plant::Plant;
use crate::plan::Standing;
use crate::scale::policy::{Action, Reason, member_name};
use crate::scale::{Config, Worker};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn config() -> Config {
    Config {
        max: 6,
        spare: 0,
        worker_load: 500,
        ..Config::default()
    }
}

fn down(plant: &Plant, number: u32, to: u32) -> [Action; 2] {
    let life = u64::from(number) + 1;
    let worker = member_name(&plant.config.name, number);
    [Action::Drain { worker, life }, Action::Down { to }]
}

#[test]
fn a_load_that_stays_for_seconds_brings_as_many_as_it_needs_at_once() {
    let mut plant = Plant::new(config(), 1);
    plant.load = 400;
    plant.pass(30 * SECOND);
    assert_eq!(plant.actions(), []);
    plant.load = 1900;
    plant.pass(SECOND);
    assert_eq!(plant.actions(), [], "not for a moment");
    plant.pass(2 * SECOND);
    assert_eq!(plant.actions(), [Action::Up { to: 4 }]);
    plant.load = 100_000;
    plant.pass(MINUTE);
    assert_eq!(
        plant.actions()[1..],
        [Action::Up { to: 6 }],
        "never more than the most"
    );
}

#[test]
fn fewer_suffice_one_after_the_other_each_drained_first() {
    let mut plant = Plant::new(config(), 3);
    plant.load = 100;
    plant.pass(5 * MINUTE);
    assert_eq!(plant.actions(), [], "minutes of calm are needed");
    plant.pass(3 * MINUTE);
    let expected = [down(&plant, 2, 2), down(&plant, 1, 1)].concat();
    assert_eq!(plant.actions(), expected);
    for pair in plant.steps.chunks(2) {
        assert!(
            pair[1].0 - pair[0].0 >= plant.hand_over,
            "not before it is empty"
        );
    }
    assert!(
        plant.steps[2].0 - plant.steps[1].0 >= MINUTE,
        "with a rest in between"
    );
}

#[test]
fn a_little_less_load_takes_nobody_away() {
    let mut plant = Plant::new(config(), 2);
    // One could carry it just so, and would be full.
    plant.load = 450;
    plant.pass(30 * MINUTE);
    assert_eq!(plant.actions(), []);
}

#[test]
fn one_that_comes_back_before_the_number_is_lowered_goes_all_the_same() {
    let mut plant = Plant::new(config(), 2);
    plant.comes_back = true;
    plant.hand_over = 3 * SECOND;
    plant.load = 100;
    plant.pass(10 * MINUTE);
    assert_eq!(plant.actions(), down(&plant, 1, 1));
}

#[test]
fn nothing_is_done_while_somebody_is_suspected_or_the_director_is_new() {
    let mut plant = Plant::new(config(), 1);
    plant.load = 3000;
    assert_eq!(plant.beat().reason, Reason::JustBegun);
    plant.pass(9 * SECOND);
    assert_eq!(plant.actions(), []);
    plant.stands(0, Standing::Suspected);
    plant.pass(MINUTE);
    assert_eq!(plant.actions(), []);
    plant.stands(0, Standing::Serving);
    plant.pass(3 * SECOND);
    assert_eq!(plant.actions(), [Action::Up { to: 6 }]);
    // It stops leading for a while, and begins again.
    plant.load = 0;
    plant.now += MINUTE;
    assert_eq!(plant.beat().reason, Reason::JustBegun);
}

#[test]
fn nobody_is_taken_away_while_one_is_late_or_missing() {
    let mut plant = Plant::new(config(), 3);
    plant.load = 10;
    plant.stands(0, Standing::Watched);
    plant.pass(10 * MINUTE);
    assert_eq!(plant.actions(), []);
    plant.stands(0, Standing::Draining);
    assert_eq!(plant.beat().reason, Reason::Incomplete);
    plant.stands(0, Standing::Serving);
    plant.beat();
    assert_eq!(plant.actions(), down(&plant, 2, 2)[..1]);
}

#[test]
fn a_new_director_takes_up_a_drain_that_it_finds() {
    let mut plant = Plant::new(config(), 2);
    plant.load = 10;
    plant.stands(1, Standing::Draining);
    plant.pass(6 * MINUTE);
    assert_eq!(plant.actions(), [Action::Down { to: 1 }]);
}

#[test]
fn workers_that_somebody_else_started_help() {
    let mut plant = Plant::new(config(), 1);
    let other = |name: &str| Worker {
        name: name.into(),
        life: 1,
        standing: Standing::Serving,
        capacity: 100,
        areas: 0,
        load: 0,
        population: 0,
    };
    plant.others = vec![other("by-hand"), other("worldline-worker-x")];
    plant.load = 1400;
    plant.pass(MINUTE);
    assert_eq!(plant.actions(), []);
    plant.others.pop();
    plant.pass(MINUTE);
    assert_eq!(plant.actions(), [Action::Up { to: 2 }]);
}

#[test]
fn bodies_and_areas_count_where_nothing_was_measured_yet() {
    let mut plant = Plant::new(config(), 1);
    plant.areas = 350;
    plant.pass(MINUTE);
    assert_eq!(plant.actions(), [Action::Up { to: 4 }], "100 areas each");
    let mut plant = Plant::new(config(), 1);
    plant.others = vec![Worker {
        name: "by-hand".into(),
        life: 1,
        standing: Standing::Cordoned,
        capacity: 100,
        areas: 1,
        load: 5,
        population: 20_000,
    }];
    plant.pass(MINUTE);
    assert_eq!(
        plant.actions(),
        [Action::Up { to: 3 }],
        "20,000 bodies are 1.25 cores"
    );
}
