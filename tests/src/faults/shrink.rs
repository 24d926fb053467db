//! Making a failing schedule smaller: which of its faults can be left out, and it still fails?
//!
//! Delta debugging: leave out one half, then a quarter, and so on, as long as time allows. A run is not wholly
//! repeatable (machines are not), so what counts is that a smaller schedule failed once.

use std::time::{Duration, Instant};

use super::run::{self, Settings, Verdict};
use super::schedule::Injection;

/// Shrinks the schedule of a failed run; returns the smallest failing run found.
///
/// # Errors
/// When a run could not be done.
pub async fn shrink(
    settings: &Settings,
    failed: Verdict,
    budget: Duration,
) -> anyhow::Result<Verdict> {
    let until = Instant::now() + budget;
    let mut smallest = failed;
    let mut search = Search::begin(smallest.schedule.injections.clone());
    while let Some(rest) = search.next() {
        if Instant::now() >= until {
            break;
        }
        println!(
            "shrinking: {} of {} faults",
            rest.len(),
            smallest.schedule.injections.len()
        );
        let verdict = run::run(settings, &smallest.schedule.with(rest)).await?;
        let fails = !verdict.findings.is_empty();
        search.tried(fails);
        if fails {
            smallest = verdict;
        }
    }
    Ok(smallest)
}

/// What is tried next, and what follows from it.
struct Search {
    /// The smallest list that fails.
    all: Vec<Injection>,
    /// Into so many parts it is cut, of which one is left out.
    parts: usize,
    /// Where the part begins that is left out next.
    from: usize,
}

impl Search {
    const fn begin(all: Vec<Injection>) -> Self {
        Self {
            all,
            parts: 2,
            from: 0,
        }
    }

    fn size(&self) -> usize {
        self.all.len().div_ceil(self.parts)
    }

    /// A smaller list to try; `None` when nothing more can be left out.
    fn next(&mut self) -> Option<Vec<Injection>> {
        if self.all.len() < 2 {
            return None;
        }
        if self.from >= self.all.len() {
            if self.parts >= self.all.len() {
                return None;
            }
            self.parts = (self.parts * 2).min(self.all.len());
            self.from = 0;
        }
        let to = (self.from + self.size()).min(self.all.len());
        Some([&self.all[..self.from], &self.all[to..]].concat())
    }

    /// Whether the list that was given last fails.
    fn tried(&mut self, fails: bool) {
        let to = (self.from + self.size()).min(self.all.len());
        if fails {
            self.all.drain(self.from..to);
            self.parts = (self.parts - 1).max(2);
            self.from = 0;
        } else {
            self.from = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Schedule;

    #[test]
    fn what_two_faults_do_together_shrinks_to_these_two() -> anyhow::Result<()> {
        let lines: Vec<String> = (0..13)
            .map(|n| format!("+{n}ms worker-kill w{n} for 1ms"))
            .collect();
        let schedule = Schedule::parse(&lines.join("\n"))?;
        let guilty = ["w3", "w11"];
        let mut search = Search::begin(schedule.injections);
        let mut tries = 0;
        while let Some(rest) = search.next() {
            let has = |name: &str| rest.iter().any(|one| one.target == name);
            search.tried(guilty.into_iter().all(has));
            tries += 1;
        }
        let left: Vec<&str> = search.all.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(left, guilty);
        assert!(tries < 40, "{tries}");
        Ok(())
    }
}
