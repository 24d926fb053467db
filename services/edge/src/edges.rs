//! Where players may connect: every edge that has a public address announces it, and tells
//! clients of the others'.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use eventlog::membership::{announce_edge, edge_of, leave_edge};
use eventlog::{EventLog, ReadError, membership};
use schemas::EdgeId;
use schemas::control::EdgeMember;
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;

use crate::realm::Realm;
use crate::watching::keep_up;

/// An entry goes by itself after 3 s.
const AGAIN: Duration = Duration::from_secs(1);
/// More addresses than this help nobody.
const MOST_TOLD: usize = 8;

/// The other edges' websocket addresses.
type Addresses = BTreeMap<EdgeId, String>;

/// The edges that are there, kept up to date.
pub(crate) struct Edges {
    others: Arc<RwLock<Addresses>>,
    _watching: AbortOnDropHandle<()>,
}

impl Edges {
    /// Reads and follows who is there.
    ///
    /// # Errors
    /// When the bucket is not there or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog, this: EdgeId) -> Result<Self, ReadError> {
        let bucket = log.bucket(membership::BUCKET).await?;
        let others = Arc::<RwLock<Addresses>>::default();
        let known = Arc::clone(&others);
        let watching = tokio::spawn(keep_up(bucket, move |entry| {
            let Some(edge) = edge_of(&entry.key).filter(|edge| *edge != this) else {
                return;
            };
            let member = entry
                .value
                .map(|value| schemas::decode::<EdgeMember>(&value));
            let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
            match member {
                Some(Ok(member)) => drop(known.insert(edge, member.url)),
                Some(Err(_)) | None => drop(known.remove(&edge)),
            }
        }));
        Ok(Self {
            others,
            _watching: AbortOnDropHandle::new(watching),
        })
    }

    /// Where to connect: `first`, then the other edges, a few.
    pub(crate) fn beginning_with(&self, first: String) -> Vec<String> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = vec![first];
        let others = others.values().filter(|url| **url != all[0]);
        let others: Vec<_> = others.take(MOST_TOLD - 1).cloned().collect();
        all.extend(others);
        all
    }
}

/// Announces this edge for as long as it takes new players; without a public address it does not.
pub(crate) async fn announce(realm: Weak<Realm>) {
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        let Some(realm) = realm.upgrade() else {
            return;
        };
        let Some(url) = realm.config.websocket_url() else {
            return;
        };
        let member = EdgeMember {
            edge: realm.edge,
            url,
            connections: u32::try_from(realm.connections.count()).unwrap_or(u32::MAX),
        };
        if let Err(error) = announce_edge(&realm.log, &member).await {
            tracing::warn!(%error, "this edge is not announced for a moment");
        }
    }
}

/// This edge takes no more players; its entry would go by itself, but a little later.
pub(crate) async fn leave(realm: &Realm) {
    if realm.config.websocket_url().is_some()
        && let Err(error) = leave_edge(&realm.log, realm.edge).await
    {
        tracing::debug!(%error, "this edge's entry goes by itself");
    }
}
