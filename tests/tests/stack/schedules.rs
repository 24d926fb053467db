//! The fault suite with a few fixed seeds, and one defect that it must catch; `cargo xtask faults` runs it for longer.

use eventlog::Defect;
use worldline_tests::faults::ground::Layout;
use worldline_tests::faults::{Schedule, Settings, catalogue, defects, run};

fn settings() -> Settings {
    Settings {
        binary: crate::BINARY.into(),
        layout: Layout::default(),
        actors: 4,
        bots: 6,
        variables: Vec::new(),
        keep: std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults"),
    }
}

async fn is_clean(seed: u64, names: &[&str]) -> anyhow::Result<()> {
    let settings = settings();
    let kinds: Vec<_> = names
        .iter()
        .map(|name| catalogue::by_name(name))
        .collect::<anyhow::Result<_>>()?;
    let schedule = Schedule::draw(seed, 18_000, 2500, &kinds, &settings.layout);
    eprintln!("{schedule}");
    let verdict = run::run(&settings, &schedule).await?;
    assert!(verdict.findings.is_empty(), "{schedule}\n{verdict}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_that_die_pause_and_lose_the_network_leave_a_whole_log() -> anyhow::Result<()> {
    let names = ["worker-kill", "worker-pause", "worker-deaf", "worker-term"];
    is_clean(4, &names).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_that_die_and_lose_the_network_lose_nobody_anything() -> anyhow::Result<()> {
    let names = ["edge-kill", "edge-deaf", "edge-cut", "edge-late"];
    is_clean(4, &names).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_die_and_stand_still_lose_nothing() -> anyhow::Result<()> {
    let names = ["broker-kill", "broker-pause", "postgres-kill", "lobby-kill"];
    is_clean(4, &names).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_an_outcome_is_caught() -> anyhow::Result<()> {
    let outcomes = defects::hunt(&settings(), &[Defect::OutcomeSkipped], 1, 6_000).await?;
    let caught = outcomes.first().and_then(|one| one.caught.as_ref());
    assert!(caught.is_some(), "{outcomes:?}");
    Ok(())
}
