//! What operators want of this worker: the worker's own aggregate, `evt.fleet.<name>`.
//!
//! Only a drain concerns the worker itself, and only one that is meant for this life of its name;
//! a cordon is the director's business. What was wanted before the worker began to listen is read
//! first. Until the log can be read, SIGTERM still does the same.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{ReadError, Record};
use schemas::control::{Duty, FleetEvent, WorkerControl};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, keyed_events};
use schemas::{Sequence, decode};
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// Between two attempts when the duty cannot be read.
const PAUSE: Duration = Duration::from_secs(5);

/// Waits for an order to drain and passes it on.
pub(crate) async fn follow(shared: Arc<Shared>, drain: CancellationToken) {
    while let Err(error) = until_drain(&shared, &drain).await {
        tracing::warn!(%error, "what operators want of this worker cannot be read; trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_drain(shared: &Shared, drain: &CancellationToken) -> Result<(), ReadError> {
    let subject = keyed_events(Domain::Fleet, &shared.me);
    let last = shared.log.last(&subject).await?;
    let mut seen = Sequence(0);
    if let Some(last) = last {
        if is_drain(shared, &last) {
            drain.cancel();
            return Ok(());
        }
        seen = last.sequence;
    }
    let mut entries = shared.log.live(&subject, seen).await?;
    loop {
        let entry = match entries.next().await {
            Err(ReadError::Unavailable { .. }) => continue,
            other => other?,
        };
        if is_drain(shared, &entry) {
            drain.cancel();
            return Ok(());
        }
    }
}

fn is_drain(shared: &Shared, entry: &Record) -> bool {
    let control = match decode::<KeyedEntry<FleetEvent, WorkerControl>>(&entry.payload) {
        Ok(entry) => entry.state,
        Err(error) => {
            tracing::warn!(error = ?error, "an entry about this worker cannot be read; a newer build wrote it");
            return false;
        }
    };
    let is_drain = control.duty_of(shared.life) == Duty::Drain;
    if is_drain {
        let order = &control.order;
        tracing::info!(by = order.by, reason = order.reason, "ordered to drain");
    }
    is_drain
}
