//! How areas are steered and bound, and what operators want of workers.

use schemas::control::{
    AreaControl, ControlCommand, ControlEvent, Duty, DutySet, FleetCommand, FleetEvent, Order,
    WorkerControl,
};
use schemas::keyed::Reply;

use super::golden::{area, entry, golden, keyed};

fn order() -> Order {
    Order {
        by: "ann".into(),
        reason: "the machine gets a new disk".into(),
    }
}

#[test]
fn what_is_asked_of_areas_as_such_stays_readable() {
    let commands = vec![
        ControlCommand::Steer {
            area: area("harbor-1"),
            closed: false,
            overflow: Some(area("harbor-2")),
            soft: 800,
            order: order(),
        },
        ControlCommand::Pin {
            area: area("harbor-1"),
            worker: Some("w1".into()),
            order: order(),
        },
    ];
    for (n, message) in (3..).zip(keyed(commands)) {
        golden(&format!("control-message.1.{n}"), &message);
    }
    let events = vec![
        ControlEvent::Steered {
            closed: true,
            overflow: None,
            soft: 0,
            order: order(),
        },
        ControlEvent::Pinned {
            worker: Some("w1".into()),
            order: order(),
        },
    ];
    let state = AreaControl {
        map: Some("harbor".into()),
        seed: 9,
        closed: true,
        overflow: Some(area("harbor-2")),
        soft: 800,
        steered: Some(order()),
        pinned: Some("w1".into()),
    };
    golden("control-entry.2", &entry(events, state));
}

#[test]
fn what_is_wanted_of_workers_stays_readable() {
    let command = FleetCommand::SetDuty {
        worker: "w1".into(),
        life: 7,
        duty: Duty::Drain,
        order: order(),
    };
    for (n, message) in (1..).zip(keyed(vec![command])) {
        golden(&format!("fleet-message.1.{n}"), &message);
    }
    let event = FleetEvent::DutySet {
        life: 7,
        duty: Duty::Cordon,
        order: order(),
    };
    let state = WorkerControl {
        life: 7,
        duty: Duty::Cordon,
        order: order(),
    };
    golden("fleet-entry.1", &entry(vec![event], state));
    golden(
        "reply-duty-set.1",
        &Reply {
            request: 1,
            result: Ok(DutySet { duty: Duty::Serve }),
        },
    );
}

#[test]
fn a_drain_ends_with_the_life_it_was_meant_for_and_a_cordon_stays() {
    let of = |duty| WorkerControl {
        life: 7,
        duty,
        order: order(),
    };
    assert_eq!(of(Duty::Drain).duty_of(7), Duty::Drain);
    assert_eq!(of(Duty::Drain).duty_of(8), Duty::Serve);
    assert_eq!(of(Duty::Cordon).duty_of(8), Duty::Cordon);
}
