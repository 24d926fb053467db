//! What each area takes, smoothed: a plan that followed every breath would move areas to and fro.
//!
//! An area that has just changed hands is idle by its new owner's account until that has measured
//! it, so for a while it counts as what it was before.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::control::Member;
use schemas::{AreaId, WorkerId};
use tokio::time::Instant;

use crate::plan::Load;

/// What was measured so long ago counts as much as what is measured now.
const MEMORY: Duration = Duration::from_secs(5);
/// For so long a new owner's account is believed only when it is higher.
const NEW_OWNER: Duration = Duration::from_secs(5);
/// What nobody has spoken of for so long is forgotten.
const FORGET: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Measured(BTreeMap<AreaId, Sample>);

#[derive(Debug)]
struct Sample {
    owner: WorkerId,
    owned_since: Instant,
    core: f64,
    bodies: u32,
    at: Instant,
}

impl Measured {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a worker's account of its areas.
    pub(super) fn announced(&mut self, member: &Member, now: Instant) {
        let bodies: BTreeMap<&AreaId, u32> = member
            .population
            .iter()
            .map(|(area, n)| (area, *n))
            .collect();
        for (area, core) in &member.areas {
            let bodies = bodies.get(area).copied().unwrap_or(0);
            let core = f64::from(*core);
            match self.0.get_mut(area) {
                Some(sample) => sample.add(&member.worker, core, bodies, now),
                None => {
                    let sample = Sample {
                        owner: member.worker.clone(),
                        owned_since: now,
                        core,
                        bodies,
                        at: now,
                    };
                    self.0.insert(area.clone(), sample);
                }
            }
        }
    }

    pub(super) fn forget(&mut self, now: Instant) {
        self.0
            .retain(|_, sample| now.saturating_duration_since(sample.at) < FORGET);
    }

    pub(super) fn loads(&self) -> BTreeMap<AreaId, Load> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a core in 1/1000, never negative"
        )]
        let load = |sample: &Sample| Load {
            core: sample.core.round() as u32,
            bodies: sample.bodies,
        };
        self.0
            .iter()
            .map(|(area, sample)| (area.clone(), load(sample)))
            .collect()
    }
}

impl Sample {
    fn add(&mut self, owner: &str, core: f64, bodies: u32, now: Instant) {
        if self.owner != owner {
            owner.clone_into(&mut self.owner);
            self.owned_since = now;
        }
        let is_new = now.saturating_duration_since(self.owned_since) < NEW_OWNER;
        let age = now.saturating_duration_since(self.at).as_secs_f64();
        let weight = (age / MEMORY.as_secs_f64()).min(1.0);
        if !is_new || core > self.core {
            self.core += (core - self.core) * weight;
        }
        self.bodies = bodies;
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(worker: &str, core: u32) -> Member {
        Member {
            worker: worker.into(),
            areas: vec![(AreaId::new("harbor-1").unwrap(), core)],
            ..Member::default()
        }
    }

    fn core(measured: &Measured) -> u32 {
        measured.loads()[&AreaId::new("harbor-1").unwrap()].core
    }

    #[test]
    fn a_peak_is_smoothed_and_a_change_is_followed() {
        let (start, mut measured) = (Instant::now(), Measured::new());
        measured.announced(&says("ann", 400), start);
        assert_eq!(core(&measured), 400, "the first word is all there is");
        let later = start + Duration::from_secs(10);
        measured.announced(&says("ann", 400), later);
        measured.announced(&says("ann", 900), later + Duration::from_secs(1));
        assert_eq!(core(&measured), 500);
        for second in 2..40 {
            measured.announced(&says("ann", 900), later + Duration::from_secs(second));
        }
        assert_eq!(core(&measured), 900);
    }

    #[test]
    fn a_new_owner_does_not_make_an_area_idle() {
        let (start, mut measured) = (Instant::now(), Measured::new());
        measured.announced(&says("ann", 400), start);
        let at = |seconds| start + Duration::from_secs(seconds);
        measured.announced(&says("ben", 0), at(3));
        measured.announced(&says("ben", 0), at(7));
        assert_eq!(core(&measured), 400);
        measured.announced(&says("ben", 0), at(13));
        assert_eq!(core(&measured), 0);
    }
}
