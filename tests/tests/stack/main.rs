//! Whole stacks: played on, killed, paused, loaded, and lied to.
//!
//! One binary, because each is a link; one stack at a time, because each wants the machine.

mod accounts;
mod backup;
mod bad_input;
mod contract;
mod erased;
mod faults;
mod object_store;
mod quarantine;
mod schedules;
mod up;

use worldline_tests::Stack;

/// The `worldline` that is tested.
const BINARY: &str = env!("CARGO_BIN_EXE_worldline-under-test");

/// A stack with these workers, of its own and alone on the machine.
async fn stack(workers: &[&str]) -> anyhow::Result<Stack> {
    Stack::with_workers(BINARY, workers).await
}
