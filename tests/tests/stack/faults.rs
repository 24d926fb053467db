//! What is killed, paused and cut off, and what must be true afterwards.

mod broker;
mod door;
mod edge;
mod paused;
mod rest;
mod worker;

use bots::{Args, Report, Running};
use worldline_tests::{PATIENCE, Stack, eventually};

/// Bots that play on these edges until the test has done what it wants to do.
async fn load(stack: &Stack, edges: &[&str], players: u32) -> anyhow::Result<Running> {
    let mut running = bots::start(Args {
        url: edges.iter().map(|edge| stack.url(edge)).collect(),
        players,
        seconds: 0,
        speak_every: 3,
        ..Args::default()
    })?;
    tokio::time::timeout(PATIENCE, running.playing()).await?;
    Ok(running)
}

/// Waits until the bots have had so many more answers.
async fn goes_on(bots: &Running, answers: u64) -> anyhow::Result<()> {
    let wanted = bots.answered() + answers;
    eventually("the bots are answered", || async {
        Ok(bots.answered() >= wanted)
    })
    .await
}

/// Every command had its outcome and every session lived, whatever happened to the stack.
fn nobody_lost_anything(report: &Report) {
    assert_eq!(report.connected, u64::from(report.players), "{report}");
    assert_eq!(report.commands_unanswered, 0, "{report}");
    assert_eq!(report.sessions_lost, 0, "{report}");
    assert_eq!(
        report.commands_sent,
        report.commands_accepted + report.commands_rejected,
        "{report}"
    );
    // A world that stands still for more than five seconds refuses what has waited so long; nothing else is refused.
    let refused: Vec<_> = report.rejected_by_reason.keys().collect();
    assert!(
        refused.iter().all(|reason| *reason == "expired"),
        "{report}"
    );
}
