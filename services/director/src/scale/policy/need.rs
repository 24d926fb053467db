//! How many workers of the fleet the load needs.

use super::super::{Config, View};
use crate::plan::{BODIES_PER_COST, Standing};

/// Areas of a worker of which nobody is there to say.
const CAPACITY: u32 = 2000;

/// So many of the fleet's workers carry `percent` of the load there is, those who do not belong to
/// the fleet helping; without regard to the bounds.
pub(super) fn need(config: &Config, view: &View, percent: u64) -> u32 {
    let workers = &view.workers;
    let is_ours = |name: &str| {
        let number = name.strip_prefix(config.name.as_str());
        let number = number.and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    // What was measured lags behind those who come.
    let load = |load: u32, bodies: u32| u64::from(load.max(bodies / BODIES_PER_COST));
    let load: u64 = workers.iter().map(|w| load(w.load, w.population)).sum();
    let areas: u64 = workers.iter().map(|w| w.areas as u64).sum();
    let areas = areas + view.homeless as u64;
    let capacity = workers.iter().map(|w| w.capacity).filter(|c| *c > 0).min();
    let capacity = capacity.unwrap_or(CAPACITY);
    let parts = |whole: u64, part: u32| (whole * percent).div_ceil(100 * u64::from(part));
    let needed = parts(load, config.worker_load).max(parts(areas, capacity));
    let needed = u32::try_from(needed)
        .unwrap_or(u32::MAX)
        .saturating_add(config.spare);
    let helpers = workers.iter().filter(|worker| {
        let carries = matches!(worker.standing, Standing::Serving | Standing::Watched);
        carries && !is_ours(&worker.name)
    });
    needed.saturating_sub(u32::try_from(helpers.count()).unwrap_or(u32::MAX))
}
