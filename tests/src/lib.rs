//! The house of the tests that need more than one process.
//!
//! A [`Stack`] is everything that `worldline up` would start, but each role a process of its own, so that any of them
//! can be killed, stopped and woken while the others go on. A [`Player`] is a client that folds all it is sent. After
//! whatever a test has done to a stack, [`checks`] ask the questions that must always have the same answers: is the
//! log whole, are the rows what the log says, is everybody in exactly one place.
//!
//! Nothing here waits for a while; everything waits for a condition, with a deadline that only a failure reaches.

pub mod account;
pub mod browser;
pub mod checks;
pub mod faults;
pub mod fold;
pub mod metrics;
pub mod player;
pub mod proxy;
pub mod role;
pub mod secrets;
pub mod small_disk;
pub mod stack;
mod walking;

pub use account::Account;
pub use browser::Browser;
pub use player::{Player, View};
pub use role::Role;
pub use stack::Stack;

use std::future::Future;
use std::time::Duration;

use anyhow::Context;

/// How long anything may take before the test fails. Generous: a debug build, two cores, and a stack that recovers.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Asks again and again until the answer is yes.
///
/// # Errors
/// When it was not within [`PATIENCE`]; names what was awaited and the last error, if there was one.
pub async fn eventually<F>(what: &str, mut ask: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<bool>>,
{
    let mut last = None;
    let asking = async {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        loop {
            beat.tick().await;
            match ask().await {
                Ok(true) => return,
                Ok(false) => last = None,
                Err(error) => last = Some(error),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(()) => Ok(()),
        Err(_) => match last {
            Some(error) => Err(error).with_context(|| format!("waiting until {what}")),
            None => anyhow::bail!("not within {PATIENCE:?}: {what}"),
        },
    }
}
