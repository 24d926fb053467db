//! What comes from the twin over a link.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::link::{Link, Way, Weather};
use crate::backend::{Lane, RawCore, RawReader, RawSubscription, ReadEvent};

/// A consumer's deliveries, each on its way for a while. What is lost leaves a gap in the count.
pub(super) struct LinkReader {
    link: Arc<Link>,
    inner: Box<dyn RawReader>,
    /// On its way, and when it arrives.
    coming: Option<(Instant, ReadEvent)>,
}

impl LinkReader {
    pub(super) fn new(link: &Arc<Link>, inner: Box<dyn RawReader>) -> Self {
        Self {
            link: Arc::clone(link),
            inner,
            coming: None,
        }
    }
}

#[async_trait]
impl RawReader for LinkReader {
    async fn next(&mut self) -> ReadEvent {
        loop {
            if let Some((at, _)) = &self.coming {
                sleep_until(*at).await;
                if let Some((_, event)) = self.coming.take() {
                    return event;
                }
            }
            let event = self.inner.next().await;
            let lost = |weather: &Weather| weather.lost_messages;
            self.coming = self
                .link
                .arrival(Lane::Bulk, Way::Back, lost)
                .map(|at| (at.max(self.link.network.quiet_until()), event));
        }
    }

    async fn close(&mut self) {
        // Over a cut link nobody hears of it; the broker forgets the consumer by itself.
        if !self.link.is_cut() {
            self.inner.close().await;
        }
    }
}

/// A core subscription; the network puts into it what arrives.
pub(super) struct LinkSubscription(pub(super) mpsc::UnboundedReceiver<RawCore>);

#[async_trait]
impl RawSubscription for LinkSubscription {
    async fn next(&mut self) -> Option<RawCore> {
        self.0.recv().await
    }

    fn try_next(&mut self) -> Option<RawCore> {
        self.0.try_recv().ok()
    }
}
