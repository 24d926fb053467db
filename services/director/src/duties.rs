//! The fleet domain: what operators want of each worker.
//!
//! A **duty** is set by a command and stands in the log, so it outlives every director. Who follows
//! it: the director, which gives nothing to those who are cordoned and takes everything from those
//! who drain, and the worker itself. Any name may have one; a worker that comes later finds it.

use eventlog::keyed::{Aggregate, Context, Input, Verdict};
use schemas::control::{Duty, DutySet, FleetCommand, FleetEvent, WorkerControl};
use schemas::keyed::Refusal;
use schemas::subjects::Domain;

/// The rules of workers' duties.
#[derive(Debug, Clone, Copy)]
pub struct Duties;

impl Aggregate for Duties {
    const DOMAIN: Domain = Domain::Fleet;
    type Command = FleetCommand;
    type Event = FleetEvent;
    type State = WorkerControl;
    type Answer = DutySet;

    fn decide(
        &self,
        key: &str,
        state: &WorkerControl,
        input: Input<'_, FleetCommand>,
        _: &Context,
    ) -> Verdict<FleetEvent> {
        let Input::Command(FleetCommand::SetDuty {
            worker,
            life,
            duty,
            order,
        }) = input
        else {
            return Verdict::unchanged();
        };
        if worker != key {
            return Verdict::refused(Refusal::new(
                "wrong_key",
                format!("{worker} was asked of {key}; send it to {worker}"),
            ));
        }
        // A drain that comes late must not end the life that followed.
        if *duty == Duty::Drain && *life < state.life {
            return Verdict::refused(old_life());
        }
        if (state.life, state.duty) == (*life, *duty) {
            return Verdict::unchanged();
        }
        Verdict::events([FleetEvent::DutySet {
            life: *life,
            duty: *duty,
            order: order.clone(),
        }])
    }

    fn evolve(state: &mut WorkerControl, event: &FleetEvent) {
        if let FleetEvent::DutySet { life, duty, order } = event {
            *state = WorkerControl {
                life: *life,
                duty: *duty,
                order: order.clone(),
            };
        }
    }

    fn answer(&self, _: &str, state: &WorkerControl, _: &FleetCommand, _: &Context) -> DutySet {
        DutySet { duty: state.duty }
    }

    fn refusal(&self, code: &str) -> Refusal {
        match code {
            "old_life" => old_life(),
            _ => Refusal::new(code, "refused, as it was before"),
        }
    }
}

fn old_life() -> Refusal {
    Refusal::new(
        "old_life",
        "that life of the worker is over; see `worldline worker list`, and drain the one that runs now",
    )
}

#[cfg(test)]
mod tests {
    use eventlog::keyed::given::given;
    use schemas::control::Order;

    use super::*;

    fn set(worker: &str, life: u64, duty: Duty) -> FleetCommand {
        FleetCommand::SetDuty {
            worker: worker.into(),
            life,
            duty,
            order: Order::default(),
        }
    }

    fn was_set(life: u64, duty: Duty) -> FleetEvent {
        FleetEvent::DutySet {
            life,
            duty,
            order: Order::default(),
        }
    }

    #[test]
    fn a_worker_that_nobody_knows_may_have_a_duty() {
        let after = given(&Duties, "w1", [])
            .when(set("w1", 7, Duty::Drain))
            .then([was_set(7, Duty::Drain)])
            .asking_nobody();
        assert_eq!(after.answer(), Some(DutySet { duty: Duty::Drain }));
    }

    #[test]
    fn a_cordon_is_lifted_by_serving() {
        let cordoned = was_set(7, Duty::Cordon);
        given(&Duties, "w1", [cordoned.clone()])
            .when(set("w1", 7, Duty::Cordon))
            .then([]);
        given(&Duties, "w1", [cordoned])
            .when(set("w1", 7, Duty::Serve))
            .then([was_set(7, Duty::Serve)]);
    }

    #[test]
    fn a_late_drain_does_not_end_the_next_life() {
        given(&Duties, "w1", [was_set(9, Duty::Serve)])
            .when(set("w1", 7, Duty::Drain))
            .then([])
            .refused("old_life");
        given(&Duties, "w1", [])
            .when(set("w2", 7, Duty::Drain))
            .refused("wrong_key");
    }
}
