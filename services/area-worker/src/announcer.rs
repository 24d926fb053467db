//! Writes this worker's entry in the membership, apart from the supervisor: a broker that takes its
//! time must not hold up a hand-over. Only the latest entry counts.

use std::sync::Arc;
use std::time::Duration;

use eventlog::membership;
use schemas::control::Member;
use tokio::sync::watch;

use crate::shared::Shared;

/// Between two entries: what changes within it is one.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes whatever comes, until nothing more can.
pub(crate) async fn announce(shared: Arc<Shared>, mut entries: watch::Receiver<Option<Member>>) {
    while entries.changed().await.is_ok() {
        let Some(member) = entries.borrow_and_update().clone() else {
            continue;
        };
        if let Err(error) = membership::announce(&shared.log, &member).await {
            tracing::warn!(%error, "this worker could not announce itself; it will again in a second");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
