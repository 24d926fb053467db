//! Leaving in order: clients are sent away one after the other, so that the edge they go to is
//! not overrun.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::realm::Realm;
use crate::ws::{Item, Signal};

/// How often it is looked whether everybody has gone.
const LOOK: Duration = Duration::from_millis(50);
/// The last ones get so long.
const LAST: Duration = Duration::from_secs(4);

/// Sends all clients away over `spread`, and waits until they have gone.
pub(crate) async fn drain(realm: &Arc<Realm>, spread: Duration) {
    let all = realm.connections.all();
    if all.is_empty() {
        return;
    }
    tracing::info!(connections = all.len(), "sending clients away");
    let pause = spread / u32::try_from(all.len()).unwrap_or(u32::MAX);
    for mailbox in all {
        mailbox.put(Item::Signal(Signal::Drain));
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    let until = Instant::now() + LAST;
    while realm.connections.count() > 0 && Instant::now() < until {
        sleep(LOOK).await;
    }
}
