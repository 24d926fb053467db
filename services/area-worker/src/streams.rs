//! What is known of the two streams of areas: which life of theirs this is, and how far they reach.
//!
//! A claim needs it before it may write, and a hundred claims at once need the same. So it is asked
//! once and remembered for a few seconds: as long as a running area goes on without asking at all.
//! While replicas are kept the answer is fresh whenever one of them is to be taken.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{ReadError, StreamInfo};
use schemas::Incarnation;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::shared::Shared;

/// An answer is used for so long.
const FRESH: Duration = Duration::from_secs(5);
/// How often it is renewed while replicas are kept.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// How often the broker's clock is heard in any case.
const TIME_EVERY: Duration = Duration::from_secs(10);

/// What has been heard of the streams.
#[derive(Debug, Default)]
pub(crate) struct KnownStreams {
    events: Known,
    commands: Known,
}

#[derive(Debug, Default)]
struct Known(Mutex<Option<(Instant, StreamInfo)>>);

impl Known {
    /// Those who ask at the same time wait for the same answer.
    async fn get(
        &self,
        shared: &Shared,
        stream: &str,
        fresh: Duration,
    ) -> Result<StreamInfo, ReadError> {
        let mut known = self.0.lock().await;
        if let Some((at, info)) = known.as_ref()
            && at.elapsed() < fresh
        {
            return Ok(info.clone());
        }
        *known = None;
        let info = shared.log.stream_info(stream).await?;
        if let Some(shown) = info.told_at {
            shared.time.heard(shown);
        }
        *known = Some((Instant::now(), info.clone()));
        Ok(info)
    }
}

impl KnownStreams {
    /// Which life of the stream of frames this is.
    pub(crate) async fn events(&self, shared: &Shared) -> Result<Incarnation, ReadError> {
        let info = self.events.get(shared, AREA_EVENTS, FRESH).await?;
        Ok(info.incarnation)
    }

    /// The stream of commands as it was a few seconds ago at most; it may have grown since.
    pub(crate) async fn commands(&self, shared: &Shared) -> Result<StreamInfo, ReadError> {
        self.commands.get(shared, AREA_COMMANDS, FRESH).await
    }

    /// The stream of commands as it is now.
    pub(crate) async fn commands_now(&self, shared: &Shared) -> Result<StreamInfo, ReadError> {
        self.commands
            .get(shared, AREA_COMMANDS, Duration::ZERO)
            .await
    }
}

/// Renews what is known as long as replicas are kept, and now and then in any case, for the time; until it is dropped.
pub(crate) async fn keep_fresh(shared: Arc<Shared>) {
    let mut beat = interval(RENEW_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let recent = |age| age < TIME_EVERY;
        if shared.replicas.kept() == 0 && shared.time.age().is_some_and(recent) {
            continue;
        }
        let known = &shared.streams;
        let commands = known.commands.get(&shared, AREA_COMMANDS, RENEW_EVERY / 2);
        let events = known.events.get(&shared, AREA_EVENTS, RENEW_EVERY / 2);
        if let Err(error) = tokio::try_join!(commands, events) {
            tracing::debug!(%error, "the streams could not be asked; whoever needs it asks again");
        }
    }
}
