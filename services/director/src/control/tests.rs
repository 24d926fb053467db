use eventlog::keyed::given::given;
use schemas::WorkerId;

use super::*;

fn areas() -> Areas {
    Areas {
        maps: vec!["harbor".into()],
    }
}

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

fn open(name: &str) -> ControlCommand {
    ControlCommand::OpenArea {
        area: area(name),
        seed: 5,
    }
}

fn opened(name: &str) -> ControlEvent {
    ControlEvent::AreaOpened {
        area: area(name),
        map: area(name).map().to_owned(),
        seed: 5,
    }
}

fn by(who: &str) -> Order {
    Order {
        by: who.into(),
        reason: "a test".into(),
    }
}

fn steer(closed: bool, overflow: Option<&str>, who: &str) -> ControlCommand {
    ControlCommand::Steer {
        area: area("harbor-1"),
        closed,
        overflow: overflow.map(area),
        soft: 0,
        order: by(who),
    }
}

fn steered(closed: bool, overflow: Option<&str>, who: &str) -> ControlEvent {
    ControlEvent::Steered {
        closed,
        overflow: overflow.map(area),
        soft: 0,
        order: by(who),
    }
}

fn told(closed: bool, overflow: Option<&str>) -> (AggregateId, EffectPayload) {
    let payload = EffectPayload::Steer {
        closed,
        overflow: overflow.map(area),
        soft: 0,
    };
    (AggregateId::Area(area("harbor-1")), payload)
}

fn pin(worker: Option<&str>) -> ControlCommand {
    ControlCommand::Pin {
        area: area("harbor-1"),
        worker: worker.map(WorkerId::from),
        order: by("ann"),
    }
}

fn pinned(worker: Option<&str>) -> ControlEvent {
    ControlEvent::Pinned {
        worker: worker.map(WorkerId::from),
        order: by("ann"),
    }
}

#[test]
fn an_area_is_opened_with_its_map_and_seed() {
    given(&areas(), "harbor-2", [])
        .when(open("harbor-2"))
        .then([opened("harbor-2")])
        .asking_nobody();
}

#[test]
fn opening_what_is_open_is_no_error_and_changes_nothing() {
    given(&areas(), "harbor-2", [opened("harbor-2")])
        .when(open("harbor-2"))
        .then([]);
}

#[test]
fn unknown_maps_and_wrong_keys_are_refused() {
    given(&areas(), "swamp-1", [])
        .when(open("swamp-1"))
        .refused("no_such_map");
    given(&areas(), "harbor-2", [])
        .when(open("harbor-3"))
        .refused("wrong_key");
}

#[test]
fn an_open_area_is_told_how_it_is_steered() {
    let after = given(&areas(), "harbor-1", [opened("harbor-1")])
        .when(steer(false, Some("harbor-2"), "director"))
        .then([steered(false, Some("harbor-2"), "director")])
        .asking([told(false, Some("harbor-2"))]);
    assert_eq!(after.state.overflow, Some(area("harbor-2")));
    assert_eq!(after.state.steered, Some(by("director")));
}

#[test]
fn the_same_word_again_says_nothing_and_from_another_only_who() {
    let closed = [opened("harbor-1"), steered(true, None, "director")];
    given(&areas(), "harbor-1", closed.clone())
        .when(steer(true, None, "director"))
        .then([])
        .asking_nobody();
    given(&areas(), "harbor-1", closed)
        .when(steer(true, None, "ann"))
        .then([steered(true, None, "ann")])
        .asking_nobody();
}

#[test]
fn an_area_sends_on_to_another_instance_of_its_map_only() {
    for other in ["harbor-1", "forest-2"] {
        given(&areas(), "harbor-1", [opened("harbor-1")])
            .when(steer(false, Some(other), "ann"))
            .then([])
            .refused("bad_overflow");
    }
}

#[test]
fn what_is_not_open_is_neither_steered_nor_bound() {
    given(&areas(), "harbor-1", [])
        .when(steer(true, None, "ann"))
        .refused("not_open");
    given(&areas(), "harbor-1", [])
        .when(pin(Some("w1")))
        .refused("not_open");
}

#[test]
fn an_area_without_a_map_stays_closed() {
    let void = ControlEvent::AreaOpened {
        area: area("harbor-1"),
        map: VOID.into(),
        seed: 5,
    };
    let after = given(&areas(), "harbor-1", [void])
        .when(steer(false, None, "ann"))
        .refused("void");
    assert!(after.state.closed);
}

#[test]
fn an_area_is_bound_to_a_worker_that_need_not_be_there() {
    let after = given(&areas(), "harbor-1", [opened("harbor-1")])
        .when(pin(Some("w9")))
        .then([pinned(Some("w9"))])
        .asking_nobody();
    assert_eq!(after.state.pinned.as_deref(), Some("w9"));
    let bound = [opened("harbor-1"), pinned(Some("w9"))];
    given(&areas(), "harbor-1", bound.clone())
        .when(pin(Some("w9")))
        .then([]);
    given(&areas(), "harbor-1", bound)
        .when(pin(None))
        .then([pinned(None)]);
}
