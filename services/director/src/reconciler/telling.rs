//! What an operator reads at three in the morning: lines with reasons, and numbers.

use std::collections::BTreeMap;

use eventlog::UpdateError;
use runtime::metric_definitions::{
    AREAS_OPEN, AREAS_WAITING, DIRECTOR_LEADS, INSTANCE_STEPS_TOTAL, MEMBERS, PLACEMENTS_TOTAL,
    SUSPICIONS_TOTAL,
};
use schemas::{AreaId, Sequence};

use crate::fleet::{Change as FleetChange, Fleet};
use crate::instances::Step;
use crate::plan::{Change, Reason, Standing, Waiting};
use crate::situation::Situation;

const STANDINGS: [Standing; 5] = [
    Standing::Serving,
    Standing::Watched,
    Standing::Cordoned,
    Standing::Draining,
    Standing::Suspected,
];

#[expect(clippy::cast_precision_loss, reason = "counted in thousands")]
const fn number(count: usize) -> f64 {
    count as f64
}

pub(super) fn fleet(fleet: &Fleet, changes: impl IntoIterator<Item = FleetChange>) {
    for change in changes {
        match change {
            FleetChange::Joined(worker) => tracing::info!(worker, "a worker has joined"),
            FleetChange::Suspected(worker) => {
                metrics::counter!(SUSPICIONS_TOTAL, "outcome" => "suspected").increment(1);
                tracing::warn!(
                    worker,
                    "a worker is silent while others are heard; its areas are placed elsewhere"
                );
            }
            FleetChange::Stuck(worker) => {
                metrics::counter!(SUSPICIONS_TOTAL, "outcome" => "suspected").increment(1);
                tracing::warn!(
                    worker,
                    "a worker's frames hang while others' are taken; its areas are placed elsewhere"
                );
            }
            FleetChange::FalseAlarm(worker, exempt) => {
                metrics::counter!(SUSPICIONS_TOTAL, "outcome" => "false_alarm").increment(1);
                tracing::warn!(
                    worker,
                    exempt_ms = exempt.as_millis(),
                    "a suspected worker is well again; it will not be suspected for a while"
                );
            }
            FleetChange::Gone(worker) => tracing::info!(worker, "a worker is gone"),
            FleetChange::Silence => {
                tracing::warn!(
                    "no worker is heard: it is the broker, or this director; nothing is placed anew meanwhile"
                );
            }
            FleetChange::Heard(after) => {
                tracing::warn!(duration_ms = after.as_millis(), "workers are heard again");
            }
            FleetChange::Standstill => {
                tracing::warn!(
                    "workers' frames hang and none are taken: it is the broker; their areas stay where they are"
                );
            }
            FleetChange::Taking(after) => {
                tracing::warn!(duration_ms = after.as_millis(), "frames are taken again");
            }
        }
    }
    let standings: Vec<Standing> = fleet.members().map(|(_, standing)| standing).collect();
    for state in STANDINGS {
        let count = standings
            .iter()
            .filter(|standing| **standing == state)
            .count();
        metrics::gauge!(MEMBERS, "state" => state.name()).set(number(count));
    }
}

pub(super) fn leads(leads: bool) {
    metrics::gauge!(DIRECTOR_LEADS).set(f64::from(u8::from(leads)));
}

/// Says how writing a placement went; its revision if it is written.
pub(super) fn placed(change: &Change, outcome: Result<Sequence, UpdateError>) -> Option<Sequence> {
    let Change {
        placement,
        from,
        reason,
    } = change;
    let area = &placement.area;
    let revision = match outcome {
        Ok(revision) => revision,
        // Another director or an operator was faster; the watch brings what it wrote.
        Err(UpdateError::Conflict { .. }) => return None,
        Err(error) => {
            tracing::warn!(area.id = %area, %error, "a placement could not be written");
            return None;
        }
    };
    metrics::counter!(PLACEMENTS_TOTAL, "reason" => reason.name()).increment(1);
    let worker = placement.worker.as_deref().unwrap_or("nobody");
    let from = from.as_deref().unwrap_or("nobody");
    match reason {
        Reason::Quarantined => {
            tracing::error!(area.id = %area, "an area is in quarantine: its rules keep breaking, or frames of its log are gone; what its last owner logged says which; then `worldline director readmit`");
        }
        Reason::Successor => {
            let successor = placement.successor.as_deref().unwrap_or("nobody");
            tracing::debug!(area.id = %area, worker, successor, "an area has another successor");
        }
        reason => {
            tracing::info!(area.id = %area, from, worker, %reason, generation = placement.generation, "area placed");
        }
    }
    Some(revision)
}

/// Says once why an area is nobody's.
pub(super) fn waiting(before: &BTreeMap<AreaId, Waiting>, now: &BTreeMap<AreaId, Waiting>) {
    for (area, why) in now {
        if before.get(area) != Some(why) {
            tracing::warn!(area.id = %area, %why, "nobody can own an area as things are");
        }
    }
    metrics::gauge!(AREAS_WAITING).set(number(now.len()));
}

pub(super) fn step(step: &Step) {
    let kind = match step {
        Step::Open { area, reason } => {
            tracing::info!(area.id = %area, reason, "another instance is opened");
            "opened"
        }
        Step::Steer {
            area,
            closed: true,
            overflow,
            reason,
            ..
        } => {
            tracing::info!(area.id = %area, ?overflow, reason, "an instance is closed");
            "closed"
        }
        Step::Steer {
            area,
            overflow: Some(overflow),
            reason,
            ..
        } => {
            tracing::info!(area.id = %area, %overflow, reason, "an area is full and sends on who comes");
            "overflow"
        }
        Step::Steer { area, reason, .. } => {
            tracing::info!(area.id = %area, reason, "an area takes everybody again");
            "cleared"
        }
    };
    metrics::counter!(INSTANCE_STEPS_TOTAL, "step" => kind).increment(1);
}

pub(super) fn areas(situation: &Situation) {
    let (mut open, mut closed, mut full) = (0, 0, 0);
    for (_, area) in situation.book.iter() {
        closed += usize::from(area.control.closed);
        open += usize::from(!area.control.closed);
        full += usize::from(!area.control.closed && area.control.overflow.is_some());
    }
    for (state, count) in [("open", open), ("closed", closed), ("full", full)] {
        metrics::gauge!(AREAS_OPEN, "state" => state).set(number(count));
    }
}
