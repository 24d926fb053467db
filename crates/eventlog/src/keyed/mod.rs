//! Keyed aggregates: accounts, characters, areas' opening. Small, many, loaded on demand.
//!
//! - An **entry** is a message on `evt.<domain>.<key>`: events, the state after them, and
//!   `handled`, the last command that has been handled. Loading is reading the last entry.
//! - A **partition** is one of sixteen shares of a domain's keys, served in strict order by
//!   whichever instance has its turn.
//! - The **sweeper** sends pending effects again until they are confirmed.
//!
//! An aggregate's rules are an [`Aggregate`]; [`serve_keyed`] runs them. What one message leads
//! to is the pure [`step()`], which tests may drive without a broker.

mod aggregate;
mod answer;
mod error;
mod fault;
pub mod given;
mod handle;
mod loaded;
mod partition;
mod prepare;
mod step;
mod sweeper;

use std::sync::Arc;

use schemas::subjects::{PARTITIONS, keyed_events};
use schemas::{Sequence, decode};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use aggregate::{Aggregate, Context, EntryOf, Input, Verdict};
pub use error::KeyedError;
pub use step::{Answering, Handling, Outcome, Step, step};

use crate::EventLog;
use crate::error::ReadError;
use partition::Partition;
use sweeper::Sweeper;

/// Serves a domain until `shutdown`, beside any number of other instances.
///
/// # Errors
/// When the broker lacks the streams or refuses; what passes is tried again and not returned.
pub async fn serve_keyed<A: Aggregate>(
    log: EventLog,
    aggregate: Arc<A>,
    shutdown: CancellationToken,
) -> Result<(), KeyedError> {
    Keyed::open(log, aggregate).await?.serve(shutdown).await
}

/// A domain whose consumers stand: commands sent from now on will be handled.
pub struct Keyed<A: Aggregate> {
    partitions: Vec<Partition<A>>,
    sweeper: Sweeper<A>,
}

impl<A: Aggregate> Keyed<A> {
    /// Takes part in all partitions of the domain.
    ///
    /// # Errors
    /// When the broker lacks the streams or cannot be asked.
    pub async fn open(log: EventLog, aggregate: Arc<A>) -> Result<Self, KeyedError> {
        let commands = log.stream_info(A::DOMAIN.command_stream()).await?;
        let lineage = commands.lineage;
        let opening =
            (0..PARTITIONS).map(|n| Partition::open(&log, aggregate.clone(), lineage.clone(), n));
        Ok(Self {
            partitions: futures_util::future::try_join_all(opening).await?,
            sweeper: Sweeper::new(log.clone(), aggregate, lineage.clone()),
        })
    }

    /// Serves until `shutdown`; messages that have been begun are finished.
    ///
    /// # Errors
    /// As [`serve_keyed`].
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), KeyedError> {
        let shutdown = shutdown.child_token();
        let mut parts = JoinSet::new();
        for partition in self.partitions {
            let shutdown = shutdown.clone();
            parts.spawn(ambient::here(async move {
                (partition.serve(shutdown).await, "a partition")
            }));
        }
        let sweeping = self.sweeper.run(shutdown.clone());
        parts.spawn(ambient::here(
            async move { (sweeping.await, "the sweeper") },
        ));
        let mut outcome = Ok(());
        while let Some(ended) = parts.join_next().await {
            let (result, part) = ended.unwrap_or((Ok(()), "a part"));
            if !shutdown.is_cancelled() && result.is_ok() {
                outcome = Err(KeyedError::Panicked { part });
            } else if outcome.is_ok() {
                outcome = result;
            }
            shutdown.cancel();
        }
        outcome
    }
}

/// What the last entry of a key says, for readers that are not its service; `None` when there is
/// no entry, or none that this build can read.
///
/// # Errors
/// When the leader cannot be asked.
pub async fn load<A: Aggregate>(
    log: &EventLog,
    key: &str,
) -> Result<Option<(Sequence, EntryOf<A>)>, ReadError> {
    let last = log.last(&keyed_events(A::DOMAIN, key)).await?;
    Ok(last.and_then(|record| Some((record.sequence, decode(&record.payload).ok()?))))
}

#[cfg(test)]
mod crash_test;
