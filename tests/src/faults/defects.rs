//! That the suite can fail: the binary under test has bugs that it shows when told to, and each must be caught.
//!
//! Each defect is tried under the faults that bring it out, with one seed after the other, until one of those finds it who
//! must; if none does, that is a hole in the suite. What others find may have any cause, and a run that broke off found
//! nothing.

use eventlog::Defect;

use super::catalogue::{self, Fault};
use super::run::{self, Settings, Verdict};
use super::schedule::Schedule;

/// How many seeds may pass a defect by before the suite counts as blind to it.
const TRIES: u64 = 4;

/// How a defect is brought out: by which faults, about how often, ms.
const fn brought_out_by(defect: Defect) -> (&'static [&'static str], u64) {
    match defect {
        Defect::FenceDropped => (&["worker-pause", "worker-silent", "worker-cut"], 2500),
        Defect::GroupForgotten => (&["edge-hole"], 3000),
        Defect::EffectsNotResent => (&["worker-trap"], 2500),
        Defect::OutcomeSkipped => (&["slow-acks"], 8000),
        Defect::CommandsPassedOver => (&["worker-kill", "worker-pause"], 3000),
        Defect::CheckpointOutside => (&["projector-kill", "postgres-kill"], 1200),
    }
}

/// Who must find it: one of these, in a run that came to its end.
const fn found_by(defect: Defect) -> &'static [&'static str] {
    match defect {
        Defect::FenceDropped => &["chain"],
        Defect::GroupForgotten => &["commands", "stuck", "bots"],
        Defect::EffectsNotResent => &["effects"],
        Defect::OutcomeSkipped | Defect::CommandsPassedOver => &["commands", "decide"],
        Defect::CheckpointOutside => &["rows"],
    }
}

/// What came of one defect.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub defect: Defect,
    /// Those who must find it and did, and the seed; `None`: none of them did.
    pub caught: Option<(Vec<&'static str>, u64)>,
}

/// Tries these defects for `length` ms of play each time.
///
/// # Errors
/// When a fault that is needed does not exist.
pub async fn hunt(
    settings: &Settings,
    defects: &[Defect],
    seed: u64,
    length: u64,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for defect in defects {
        println!("==> {}", defect.name());
        let mut with = settings.clone();
        let chosen = ("WORLDLINE_DEFECT".to_owned(), defect.name().to_owned());
        with.variables.push(chosen);
        let (names, every) = brought_out_by(*defect);
        let kinds: Vec<&'static dyn Fault> = names
            .iter()
            .map(|name| catalogue::by_name(name))
            .collect::<anyhow::Result<_>>()?;
        let mut caught = None;
        for seed in seed..seed + TRIES {
            let schedule = Schedule::draw(seed, length, every, &kinds, &with.layout);
            println!("{schedule}");
            let done = run::run(&with, &schedule).await;
            let checks = caught_by(*defect, &done);
            match &done {
                Ok(verdict) => println!("{verdict}"),
                Err(error) => println!("it proves nothing: {error:#}"),
            }
            if !checks.is_empty() {
                println!("caught by {checks:?}\n");
                caught = Some((checks, seed));
                break;
            }
            println!("passed by\n");
        }
        outcomes.push(Outcome {
            defect: *defect,
            caught,
        });
    }
    Ok(outcomes)
}

/// Who of those who must find it has.
fn caught_by(defect: Defect, done: &anyhow::Result<Verdict>) -> Vec<&'static str> {
    let Ok(verdict) = done else {
        return Vec::new();
    };
    let has_found = |check: &&str| verdict.findings.iter().any(|one| one.check == *check);
    let must = found_by(defect).iter().copied();
    must.filter(has_found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::check::Finding;

    fn found(checks: &[&'static str]) -> anyhow::Result<Verdict> {
        let finding = |check: &&'static str| Finding::new(check, "it is not as it should be");
        Ok(Verdict {
            schedule: Schedule::default(),
            findings: checks.iter().map(finding).collect(),
            looked_at: String::new(),
            logs: None,
        })
    }

    #[test]
    fn only_who_must_find_a_defect_catches_it() {
        let by = |checks| caught_by(Defect::OutcomeSkipped, &found(checks));
        assert_eq!(
            by(&["socket", "decide", "commands", "decide"]),
            ["commands", "decide"]
        );
        assert!(by(&["socket", "rows"]).is_empty());
        assert!(by(&[]).is_empty());
    }

    #[test]
    fn a_run_that_broke_off_catches_nothing() {
        for defect in Defect::ALL {
            let broken = Err(anyhow::anyhow!("the stack does not start"));
            assert!(caught_by(defect, &broken).is_empty(), "{}", defect.name());
        }
    }
}
