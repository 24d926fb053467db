//! Waiting for the owner before.
//!
//! A planned hand-over is polite: the former owner writes a last frame that says so, and only then
//! does the next one take the area. Nobody waits for the dead, and nobody waits for ever: the fence
//! makes a mistake cost a moment, never an item.

use std::time::Duration;

use schemas::subjects::area_events;
use tokio::time::Instant;

use super::restore::{RestoreError, Restored};
use crate::shared::Shared;

/// How often the owner's heartbeat is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// An owner that is alive and does not let go for so long is fenced.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Follows the area's frames until its owner has let go, is believed dead, or is this worker itself
/// in an earlier life.
pub(crate) async fn wait_for(shared: &Shared, restored: &mut Restored) -> Result<(), RestoreError> {
    if !holds_on(shared, restored) {
        return Ok(());
    }
    let deadline = Instant::now() + LONGEST_WAIT;
    let subject = area_events(restored.state.area());
    let mut frames = shared.log.live(&subject, restored.sequence).await?;
    while holds_on(shared, restored) && Instant::now() < deadline {
        if let Ok(record) = tokio::time::timeout(LOOK_EVERY, frames.next()).await {
            restored.fold_all(vec![record?]).await?;
        }
    }
    Ok(())
}

fn holds_on(shared: &Shared, restored: &Restored) -> bool {
    let owner = restored.state.owner().filter(|owner| owner.present);
    owner.is_some_and(|owner| owner.worker != shared.me && shared.peers.may_be_alive(&owner.worker))
}
