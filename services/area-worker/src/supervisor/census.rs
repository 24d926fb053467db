//! What this worker tells of itself: its entry in the membership, and its gauges.

use std::sync::atomic::{AtomicU32, Ordering};

use runtime::metric_definitions::{AREAS_OWNED, AREAS_QUARANTINED, AREAS_STOPPED};
use schemas::UnixMillis;
use schemas::control::Member;

use super::Supervisor;
use super::slots::Slot;

/// The entry as it should be now.
pub(super) fn count(supervisor: &Supervisor) -> Member {
    let Supervisor { shared, slots, .. } = supervisor;
    let mut member = Member {
        worker: shared.me.clone(),
        life: shared.life,
        capacity: shared.config.capacity,
        draining: supervisor.draining,
        quarantined: supervisor.quarantined.iter().cloned().collect(),
        at: UnixMillis::now(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        ..Member::default()
    };
    let (mut asleep, mut awake, mut stopped) = (0_u32, 0_u32, 0_u32);
    let read = |number: &AtomicU32| number.load(Ordering::Relaxed);
    for (area, slot) in slots {
        match slot {
            Slot::Asleep => {
                asleep += 1;
                member.areas.push((area.clone(), 0));
            }
            Slot::Living(living) if living.is_owned() => {
                awake += 1;
                let vitals = &living.vitals;
                member.areas.push((area.clone(), read(&vitals.load)));
                let population = read(&vitals.population);
                member.population.push((area.clone(), population));
            }
            Slot::Living(living) if living.vitals.replica.load(Ordering::Relaxed) => {
                member.replicas.push(area.clone());
            }
            Slot::Resting { stopped: true, .. } => stopped += 1,
            Slot::Dozing | Slot::Living(_) | Slot::Resting { .. } => {}
        }
    }
    let quarantined = u32::try_from(member.quarantined.len()).unwrap_or(u32::MAX);
    metrics::gauge!(AREAS_OWNED, "state" => "asleep").set(f64::from(asleep));
    metrics::gauge!(AREAS_OWNED, "state" => "awake").set(f64::from(awake));
    metrics::gauge!(AREAS_QUARANTINED).set(f64::from(quarantined));
    metrics::gauge!(AREAS_STOPPED).set(f64::from(stopped));
    member
}
