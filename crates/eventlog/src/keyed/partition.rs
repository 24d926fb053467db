//! A partition: a durable consumer that hands out one message at a time.
//!
//! One unacknowledged message at most is what keeps the order within a key with any number of
//! instances, and what makes `handled` a watermark: everything below it has been handled
//! (docs/adr/0006).

use std::sync::Arc;
use std::time::Duration;

use schemas::subjects::keyed_partition;
use tokio_util::sync::CancellationToken;

use super::aggregate::Aggregate;
use super::error::KeyedError;
use super::handle::Handler;
use crate::EventLog;
use crate::error::ReadError;
use crate::lineage::Lineage;
use crate::work::{Job, Work, WorkOptions};

/// How long an instance may be silent about a message before another gets it.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(2);
/// How often an instance says that it is still at it.
const STILL_WORKING: Duration = Duration::from_millis(600);
/// How long to wait after something that may pass.
const PAUSE: Duration = Duration::from_millis(500);

/// One partition of a domain, served by this instance as long as it is its turn.
pub(super) struct Partition<A: Aggregate> {
    work: Work,
    handler: Handler<A>,
}

impl<A: Aggregate> Partition<A> {
    pub(super) async fn open(
        log: &EventLog,
        aggregate: Arc<A>,
        lineage: Lineage,
        number: u64,
    ) -> Result<Self, KeyedError> {
        let options = WorkOptions {
            ack_wait: ACK_WAIT,
            max_ack_pending: 1,
            // One message at a time keeps the order by itself; a pin would make the partition wait
            // for a dead instance to be noticed.
            pinned: false,
            ..WorkOptions::new(
                A::DOMAIN.command_stream(),
                format!("{}-{number}", A::DOMAIN.token()),
                keyed_partition(A::DOMAIN, number),
            )
        };
        Ok(Self {
            work: log.work(options).await?,
            handler: Handler::new(log.clone(), aggregate, lineage),
        })
    }

    /// Serves until the shutdown; a message that has been begun is finished.
    pub(super) async fn serve(mut self, shutdown: CancellationToken) -> Result<(), KeyedError> {
        while let Some(next) = shutdown.run_until_cancelled(self.work.next()).await {
            match next {
                Ok(job) => self.perform(job).await?,
                Err(error) => pause_if_it_passes(error.into(), &shutdown).await?,
            }
        }
        Ok(())
    }

    async fn perform(&mut self, job: Job) -> Result<(), KeyedError> {
        match self.handle_while_saying_so(&job).await {
            // Lost acknowledgements are harmless: the message comes again and is recognised.
            Ok(()) => acknowledged(job.done().await),
            Err(error) if error.passes() => {
                tracing::warn!(
                    command.subject = job.record.subject,
                    command.seq = job.record.sequence.0,
                    %error,
                    "a command is put back for a moment"
                );
                acknowledged(job.again(PAUSE).await)
            }
            Err(error) => Err(error),
        }
    }

    async fn handle_while_saying_so(&mut self, job: &Job) -> Result<(), KeyedError> {
        let mut handling = Box::pin(self.handler.handle(job));
        loop {
            tokio::select! {
                biased;
                handled = &mut handling => return handled,
                () = tokio::time::sleep(STILL_WORKING) => acknowledged(job.working().await)?,
            }
        }
    }
}

fn acknowledged(told: Result<(), ReadError>) -> Result<(), KeyedError> {
    match told.map_err(KeyedError::from) {
        Err(error) if !error.passes() => Err(error),
        Err(error) => {
            tracing::debug!(%error, "an acknowledgement was lost; the command comes again");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

pub(super) async fn pause_if_it_passes(
    error: KeyedError,
    shutdown: &CancellationToken,
) -> Result<(), KeyedError> {
    if !error.passes() {
        return Err(error);
    }
    tracing::warn!(%error, "trying again shortly");
    shutdown
        .run_until_cancelled(tokio::time::sleep(PAUSE))
        .await;
    Ok(())
}
