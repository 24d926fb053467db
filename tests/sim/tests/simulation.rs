//! The simulation itself: the same for the same seed, quiet about a sound system, loud about a broken one.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use worldline_sim::{Schedule, run, shrink};

/// Seeds of every run; others by hand: `cargo run --release -p worldline-sim`.
const SEEDS: std::ops::Range<u64> = 1..41;

#[test]
fn the_same_schedule_leads_to_the_same_log() {
    for seed in [3, 7] {
        let schedule = Schedule::draw(seed);
        let (one, other) = (run(&schedule).unwrap(), run(&schedule).unwrap());
        assert_eq!(one, other);
        assert_ne!(one.digest, run(&Schedule::draw(seed + 1)).unwrap().digest);
    }
}

#[test]
fn whatever_is_done_nothing_is_lost_or_doubled_and_all_comes_to_rest() {
    let next = AtomicU64::new(SEEDS.start);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !SEEDS.contains(&seed) {
                return;
            }
            let schedule = Schedule::draw(seed);
            let outcome = run(&schedule).unwrap();
            if !outcome.findings.is_empty() {
                let smallest = shrink(&schedule, 30);
                let report = format!("{schedule}{outcome}shrunk: {smallest}");
                failed.lock().unwrap().push(report);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The seeded defects of the fault suite that are within reach, each with who finds it.
#[test]
fn seeded_defects_are_found() {
    for (defect, checkers) in [
        ("fence_dropped", &["chain"][..]),
        ("effects_not_resent", &["effects"]),
        ("outcome_skipped", &["decide"]),
        ("commands_passed_over", &["decide"]),
    ] {
        let found = Command::new(env!("CARGO_BIN_EXE_worldline-sim"))
            .args(["--seed", "1", "--schedules", "60", "--no-shrink"])
            .env("WORLDLINE_DEFECT", defect)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&found.stdout);
        assert_eq!(found.status.code(), Some(1), "{defect}: {said}");
        let named = |checker: &&str| said.lines().any(|line| line.starts_with(*checker));
        assert!(checkers.iter().any(named), "{defect}: {said}");
    }
}
