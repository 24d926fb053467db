//! That the suite can fail: the binary under test has bugs that it shows when told to, and each must be caught.
//!
//! Each defect is tried under the faults that bring it out, with one seed after the other, until it is caught; one that is
//! not is a hole in the suite.

use eventlog::Defect;

use super::catalogue::{self, Fault};
use super::run::{self, Settings};
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

/// What came of one defect.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub defect: Defect,
    /// The checkers that caught it, the seed, and the first finding; `None`: nobody did.
    pub caught: Option<(Vec<&'static str>, u64, String)>,
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
            let (checks, first) = match run::run(&with, &schedule).await {
                Ok(verdict) => {
                    let mut checks: Vec<&'static str> = verdict
                        .findings
                        .iter()
                        .map(|finding| finding.check)
                        .collect();
                    checks.sort_unstable();
                    checks.dedup();
                    let first = verdict.findings.first().map(ToString::to_string);
                    (checks, first.unwrap_or_default())
                }
                // A world so broken that it cannot be played on to the end is noticed, too.
                Err(error) => (vec!["run"], format!("{error:#}")),
            };
            if !checks.is_empty() {
                println!("caught by {checks:?}: {first}\n");
                caught = Some((checks, seed, first));
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
