//! What happens when: drawn from a seed, printed, read back.
//!
//! One line is one fault: `+3200ms worker-kill w1 for 800ms`. Two faults of a drawn schedule never hold the same target
//! at the same time, of which `workers` is every worker. A fault that waits for a worker's orderly end does not meet one of
//! the broker, without which no worker can hand over: while it waits, nothing is mended.

use std::fmt;
use std::str::FromStr;

use anyhow::Context;

use super::catalogue::{self, Card, Fault, Hits};
use super::ground::Layout;
use super::random::Random;

/// One fault at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// When it strikes, ms after the play began.
    pub at: u64,
    /// The fault's name.
    pub fault: String,
    /// Whom it hits.
    pub target: String,
    /// After how many ms it is healed.
    pub lasts: u64,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            fault,
            target,
            lasts,
        } = self;
        write!(f, "+{at}ms {fault} {target} for {lasts}ms")
    }
}

impl FromStr for Injection {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let wrong = || format!("`{line}` is not like `+3200ms worker-kill w1 for 800ms`");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, fault, target, "for", lasts] = words[..] else {
            anyhow::bail!(wrong());
        };
        let millis = |text: &str| {
            let number = text.trim_start_matches('+').trim_end_matches("ms");
            number.parse::<u64>().with_context(wrong)
        };
        Ok(Self {
            at: millis(at)?,
            fault: fault.to_owned(),
            target: target.to_owned(),
            lasts: millis(lasts)?,
        })
    }
}

/// A run's faults, in the order in which they strike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// What everything else of the run is drawn from, too.
    pub seed: u64,
    /// How long the play goes on, ms.
    pub length: u64,
    /// The faults.
    pub injections: Vec<Injection>,
}

impl Schedule {
    /// Draws a schedule of `length` ms with a fault about every `every` ms from these kinds.
    #[must_use]
    pub fn draw(
        seed: u64,
        length: u64,
        every: u64,
        kinds: &[&'static dyn Fault],
        layout: &Layout,
    ) -> Self {
        let mut random = Random::new(seed);
        let mut injections: Vec<Injection> = Vec::new();
        let mut at = random.between(every / 4, every / 2);
        // Kinds come round before any comes again: a short run sees as many as fit.
        let mut deck: Vec<&'static dyn Fault> = Vec::new();
        while at < length {
            if deck.is_empty() {
                deck = kinds.to_vec();
            }
            if deck.is_empty() {
                break;
            }
            let card = usize::try_from(random.below(deck.len() as u64)).unwrap_or(0);
            let fault = deck.swap_remove(card);
            let targets = layout.of(fault.card().hits);
            let (shortest, longest) = fault.card().lasts;
            let lasts = random.between(shortest, longest);
            if let Some(target) = random.one_of(&targets) {
                let injection = Injection {
                    at,
                    fault: fault.card().name.to_owned(),
                    target: target.clone(),
                    lasts,
                };
                if !injections.iter().any(|other| other.collides(&injection)) {
                    injections.push(injection);
                }
            }
            at += random.between(every / 2, every + every / 2);
        }
        Self {
            seed,
            length,
            injections,
        }
    }

    /// Reads what [`fmt::Display`] wrote; lines that begin with `#` are notes.
    ///
    /// # Errors
    /// Where a line cannot be read.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut schedule = Self::default();
        for line in text.lines().map(str::trim) {
            if let Some(head) = line.strip_prefix("seed ") {
                let words: Vec<&str> = head.split_whitespace().collect();
                let [seed, "length", length] = words[..] else {
                    anyhow::bail!("`{line}` is not like `seed 7 length 20000ms`");
                };
                schedule.seed = seed.parse()?;
                schedule.length = length.trim_end_matches("ms").parse()?;
            } else if !line.is_empty() && !line.starts_with('#') {
                schedule.injections.push(line.parse()?);
            }
        }
        Ok(schedule)
    }

    /// The same run with these faults only.
    #[must_use]
    pub fn with(&self, injections: Vec<Injection>) -> Self {
        Self {
            injections,
            ..*self
        }
    }
}

impl Injection {
    const fn ends(&self) -> u64 {
        self.at + self.lasts
    }

    fn collides(&self, other: &Self) -> bool {
        // A role that has just come back may recover first.
        let meet = other.at < self.ends() + 300 && self.at < other.ends() + 300;
        meet && (self.target == other.target || self.excludes(other) || other.excludes(self))
    }

    /// Whether it cannot be done while something else is broken that `other` breaks.
    fn excludes(&self, other: &Self) -> bool {
        let (Some(card), Some(other)) = (self.card(), other.card()) else {
            return false;
        };
        match other.hits {
            Hits::Worker => card.hits == Hits::AllWorkers,
            Hits::Broker => card.orderly,
            _ => false,
        }
    }

    /// A schedule that was written by hand may name a fault that does not exist.
    fn card(&self) -> Option<Card> {
        catalogue::by_name(&self.fault).ok().map(Fault::card)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} length {}ms", self.seed, self.length)?;
        for injection in &self.injections {
            writeln!(f, "{injection}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::catalogue;

    fn drawn(seed: u64) -> Schedule {
        let layout = Layout::default();
        Schedule::draw(seed, 60_000, 2000, &catalogue::ALL, &layout)
    }

    #[test]
    fn a_seed_draws_the_same_schedule_and_another_another() {
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7).injections, drawn(8).injections);
        assert!(drawn(7).injections.len() > 10, "{}", drawn(7));
    }

    #[test]
    fn what_is_printed_can_be_read() -> anyhow::Result<()> {
        let schedule = drawn(3);
        let text = format!("# a note\n{schedule}");
        assert_eq!(Schedule::parse(&text)?, schedule);
        assert!(Schedule::parse("+1ms kill").is_err());
        Ok(())
    }

    #[test]
    fn nobody_is_asked_to_leave_in_order_who_could_not() -> anyhow::Result<()> {
        for (one, other, together) in [
            (
                "+5000ms worker-pause w1 for 4000ms",
                "+7000ms rolling-restart workers for 100ms",
                false,
            ),
            (
                "+5000ms rolling-restart workers for 100ms",
                "+5200ms worker-cut w3 for 1000ms",
                false,
            ),
            (
                "+5000ms broker-pause broker for 3000ms",
                "+7000ms rolling-restart workers for 100ms",
                false,
            ),
            (
                "+5000ms broker-kill broker for 2000ms",
                "+6000ms worker-term w2 for 800ms",
                false,
            ),
            (
                "+5000ms worker-drain w2 for 900ms",
                "+5500ms broker-pause broker for 3000ms",
                false,
            ),
            (
                "+5000ms worker-pause w1 for 4000ms",
                "+9300ms rolling-restart workers for 100ms",
                true,
            ),
            (
                "+5000ms worker-pause w1 for 4000ms",
                "+7000ms worker-term w2 for 800ms",
                true,
            ),
            (
                "+5000ms broker-pause broker for 3000ms",
                "+7000ms worker-kill w1 for 800ms",
                true,
            ),
            (
                "+5000ms edge-pause edge-1 for 4000ms",
                "+7000ms rolling-restart workers for 100ms",
                true,
            ),
        ] {
            let (first, second): (Injection, Injection) = (one.parse()?, other.parse()?);
            assert_eq!(!first.collides(&second), together, "{one}; {other}");
            assert_eq!(!second.collides(&first), together, "{other}; {one}");
        }
        Ok(())
    }

    #[test]
    fn no_target_is_hit_while_it_is_down() {
        for seed in 0..200 {
            let all = drawn(seed).injections;
            for (number, one) in all.iter().enumerate() {
                assert!(!all[number + 1..].iter().any(|other| one.collides(other)));
            }
        }
    }
}
