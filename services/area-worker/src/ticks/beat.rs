//! When an area's next tick is due.
//!
//! Ticks are 40 ms apart; each area has a phase of its own, taken from its name, so that the areas
//! of a thread do not all want it at once. A tick is never skipped: what a late area owes it makes
//! up by ticking up to twice as fast, as long as it owes no more than [`MOST_OWED`]. What it owes
//! beyond that is forgiven: the area goes on in its phase and has run slow, which everybody sees
//! in its frames' `at`.

use std::time::Duration;

use schemas::AreaId;
use schemas::ids::TICK_MILLIS;
use schemas::subjects::fixed_hash;
use tokio::time::Instant;

/// Between two ticks of an area that is on time.
pub(crate) const TICK: Duration = Duration::from_millis(TICK_MILLIS);
/// Between two ticks of an area that is catching up.
const HURRY: Duration = Duration::from_millis(TICK_MILLIS / 2);
/// The delay that is made up; three ticks.
const MOST_OWED: Duration = Duration::from_millis(3 * TICK_MILLIS);

/// The beat of one area.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    anchor: Instant,
    /// When the next tick should be, had there never been a delay.
    planned: Instant,
    /// When it will be.
    due: Instant,
}

impl Beat {
    /// The beat of `area`, whose first tick is the first in its phase after `now`.
    pub(crate) fn new(area: &AreaId, anchor: Instant, now: Instant) -> Self {
        let phase = Duration::from_millis(fixed_hash(area.as_str()) % TICK_MILLIS);
        let anchor = anchor + phase;
        let first = in_phase_after(anchor, now);
        Self {
            anchor,
            planned: first,
            due: first,
        }
    }

    /// When the next tick is due.
    pub(crate) const fn due(&self) -> Instant {
        self.due
    }

    /// A tick began at `now`.
    pub(crate) fn ticked(&mut self, now: Instant) {
        self.planned = if now.saturating_duration_since(self.planned) > MOST_OWED {
            in_phase_after(self.anchor, now)
        } else {
            self.planned + TICK
        };
        self.due = self.planned.max(now + HURRY);
    }
}

fn in_phase_after(anchor: Instant, now: Instant) -> Instant {
    let Some(since) = now.checked_duration_since(anchor) else {
        return anchor;
    };
    let rest = TICK.as_nanos() - since.as_nanos() % TICK.as_nanos();
    now + Duration::from_nanos(u64::try_from(rest).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat() -> (Instant, Beat) {
        let start = Instant::now();
        let area = AreaId::new("harbor-1").unwrap();
        let beat = Beat::new(&area, start, start);
        (beat.due(), beat)
    }

    #[test]
    fn an_area_on_time_ticks_every_forty_milliseconds() {
        let (first, mut beat) = beat();
        for n in 1..=100 {
            beat.ticked(beat.due() + Duration::from_micros(300));
            assert_eq!(beat.due(), first + TICK * n);
        }
    }

    #[test]
    fn a_small_delay_is_made_up_at_twice_the_speed() {
        let (first, mut beat) = beat();
        let mut now = first + Duration::from_millis(110);
        let mut ticks = 0_u32;
        loop {
            beat.ticked(now);
            ticks += 1;
            if beat.due() == first + TICK * ticks {
                break;
            }
            assert_eq!(beat.due(), now + HURRY, "at twice the speed");
            now = beat.due();
        }
        assert!(ticks > 3 && ticks < 9, "{ticks}");
    }

    #[test]
    fn a_long_pause_is_forgiven_and_the_phase_kept() {
        let (first, mut beat) = beat();
        beat.ticked(first + Duration::from_millis(5_010));
        assert_eq!(beat.due(), first + TICK * 126);
    }

    #[test]
    fn areas_do_not_all_tick_at_once() {
        let start = Instant::now();
        let due = |n: u32| {
            let area = AreaId::new(format!("forest-{n}")).unwrap();
            Beat::new(&area, start, start).due()
        };
        let all: std::collections::BTreeSet<Instant> = (1..=20).map(due).collect();
        assert!(all.len() > 8, "{} of 20 phases differ", all.len());
    }
}
