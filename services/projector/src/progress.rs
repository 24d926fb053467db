//! How far a rebuild is, and how long it will still take.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};

use crate::driver::Surroundings;
use crate::name::Name;

/// How often it is told.
const PERIOD: Duration = Duration::from_secs(1);
/// The rate is of so many of the last periods.
const WINDOW: usize = 10;

/// How far the folding is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// Messages folded, over all streams that are folded.
    pub done: u64,
    /// Messages there are.
    pub total: u64,
    /// Messages a second, of the last ten seconds.
    pub per_second: u64,
    /// Seconds left at this rate; `None`: nobody knows.
    pub seconds_left: Option<u64>,
    /// The projection that has most to do.
    pub slowest: Name,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.done * 100).checked_div(self.total).unwrap_or(100);
        write!(
            f,
            "{} of {} messages ({percent} %), {} a second",
            self.done, self.total, self.per_second
        )?;
        match self.seconds_left {
            Some(left) => write!(f, ", {} left", Left(left)),
            None => Ok(()),
        }
    }
}

struct Left(u64);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..100 => write!(f, "{seconds} s"),
            seconds @ 100..6000 => write!(f, "{} min", seconds.div_ceil(60)),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

/// What was seen when.
struct Window(Vec<(Instant, u64)>);

impl Window {
    /// Messages a second since the oldest that is known.
    fn rate(&mut self, now: Instant, done: u64) -> u64 {
        self.0.push((now, done));
        if self.0.len() > WINDOW {
            self.0.remove(0);
        }
        let Some((since, before)) = self.0.first() else {
            return 0;
        };
        let millis = u64::try_from(now.duration_since(*since).as_millis()).unwrap_or(u64::MAX);
        (done.saturating_sub(*before) * 1000)
            .checked_div(millis)
            .unwrap_or(0)
    }
}

/// Tells `listener` every second, until it is dropped.
pub(crate) async fn tell(around: &Surroundings, listener: impl Fn(&Progress)) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut window = Window(Vec::new());
    // What is quick is not told of.
    period.tick().await;
    loop {
        period.tick().await;
        let board = &around.board;
        let left = |name: &Name| board.head(*name).0.saturating_sub(board.folded(*name).0);
        let total: u64 = Name::ALL.iter().map(|name| board.head(*name).0).sum();
        let open: u64 = Name::ALL.iter().map(left).sum();
        let done = total.saturating_sub(open);
        let per_second = window.rate(Instant::now(), done);
        let slowest = Name::ALL.into_iter().max_by_key(left);
        listener(&Progress {
            done,
            total,
            per_second,
            seconds_left: open.checked_div(per_second),
            slowest: slowest.unwrap_or(Name::Areas),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_left_in_units_of_people() {
        let progress = |done, per_second, seconds_left| Progress {
            done,
            total: 10_000_000,
            per_second,
            seconds_left,
            slowest: Name::Areas,
        };
        for (progress, line) in [
            (
                progress(2_500_000, 50_000, Some(150)),
                "2500000 of 10000000 messages (25 %), 50000 a second, 3 min left",
            ),
            (
                progress(9_999_999, 20_000, Some(0)),
                "9999999 of 10000000 messages (99 %), 20000 a second, 0 s left",
            ),
            (
                progress(0, 0, None),
                "0 of 10000000 messages (0 %), 0 a second",
            ),
            (
                progress(0, 1000, Some(10_000)),
                "0 of 10000000 messages (0 %), 1000 a second, 2 h 46 min left",
            ),
        ] {
            assert_eq!(progress.to_string(), line);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_of_the_last_seconds() {
        let mut window = Window(Vec::new());
        let mut rate = 0;
        for second in 0..40_u64 {
            // Slow at first, then ten times as fast.
            let done = if second < 20 {
                second
            } else {
                20 + (second - 20) * 10
            };
            rate = window.rate(Instant::now(), done);
            tokio::time::sleep(PERIOD).await;
        }
        assert_eq!(rate, 10);
    }
}
