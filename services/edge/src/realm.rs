//! What all parts of one edge share.

use std::sync::Arc;

use eventlog::{EventLog, ReadError, Requester};
use runtime::Wrong;
use schemas::subjects::AREA_EVENTS;
use schemas::{EdgeId, Incarnation};

use crate::config::{Config, Rates};
use crate::keys::Keys;
use crate::meters::Meters;
use crate::replica::Replicas;
use crate::resources::Resources;
use crate::ws::Connections;

/// One running edge.
pub(crate) struct Realm {
    /// This edge.
    pub(crate) edge: EdgeId,
    /// What the operator has set.
    pub(crate) config: Config,
    /// How fast a client may ask.
    pub(crate) rates: Rates,
    /// What it may open and check.
    pub(crate) keys: Keys,
    /// Where everything happens.
    pub(crate) log: EventLog,
    /// Asks identity and lobby.
    pub(crate) requester: Requester,
    /// The areas that are looked at.
    pub(crate) replicas: Arc<Replicas>,
    /// What clients shall have.
    pub(crate) resources: Resources,
    /// Those who look.
    pub(crate) connections: Connections,
    /// What is counted.
    pub(crate) meters: Meters,
}

/// Why an edge cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    /// A key is missing or wrong.
    #[error("the edge's keys: {0:?}")]
    Keys(Wrong),
    /// The broker does not answer, or refuses.
    #[error("listening for answers")]
    Listen(#[from] ReadError),
}

impl Realm {
    /// Prepares an edge under a fresh id.
    ///
    /// # Errors
    /// See [`BeginError`].
    pub(crate) async fn begin(config: Config, log: EventLog) -> Result<Arc<Self>, BeginError> {
        let edge = EdgeId(rand::random());
        Ok(Arc::new(Self {
            edge,
            rates: Rates::of(&config),
            keys: Keys::from_config(&config).map_err(BeginError::Keys)?,
            requester: Requester::new(log.clone(), edge).await?,
            resources: Resources::begin(log.clone()).await,
            log,
            replicas: Arc::default(),
            connections: Connections::new(config.max_connections),
            meters: Meters::new(),
            config,
        }))
    }

    /// Which life of the event stream sequences count in now.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) async fn incarnation(&self) -> Result<Incarnation, ReadError> {
        Ok(self.log.stream_info(AREA_EVENTS).await?.incarnation)
    }
}
