//! What all parts of one edge share.

use std::sync::Arc;

use eventlog::{EventLog, ReadError, Requester};
use runtime::Wrong;
use schemas::sealed::RealmKey;
use schemas::subjects::AREA_EVENTS;
use schemas::{EdgeId, Incarnation};
use tokio::sync::Semaphore;

use crate::attempts::Attempts;
use crate::characters::Ranked;
use crate::config::{Config, Rates};
use crate::edges::Edges;
use crate::keys::{IdentityKeys, Keys};
use crate::meters::Meters;
use crate::online::Online;
use crate::persons::Persons;
use crate::recording::Recording;
use crate::replica::Replicas;
use crate::resources::Resources;
use crate::revoked::Revoked;
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
    /// Fetches persons' keys.
    pub(crate) persons: Persons,
    /// What identity seals with and signs with now.
    pub(crate) identity_keys: IdentityKeys,
    /// Where everything happens.
    pub(crate) log: EventLog,
    /// Asks identity and lobby.
    pub(crate) requester: Requester,
    /// How often addresses have tried to log in.
    pub(crate) attempts: Attempts,
    /// Room for passwords that are on their way to be hashed.
    pub(crate) hashing: Semaphore,
    /// Login sessions that have ended.
    pub(crate) revoked: Revoked,
    /// Who plays here.
    pub(crate) online: Arc<Online>,
    /// The other edges.
    pub(crate) edges: Edges,
    /// Who has played longest.
    pub(crate) ranked: Ranked,
    /// What is shown instead of the living world.
    pub(crate) recording: Option<Arc<Recording>>,
    /// Room for those who look without a character.
    pub(crate) observers: Arc<Semaphore>,
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
    /// The broker does not answer, or refuses, or lacks what `worldline streams apply` makes.
    #[error("preparing what the edge reads of the log")]
    Read(#[from] ReadError),
}

/// Keys come from where the recording is read, or from where everything else does.
async fn persons(
    recording: Option<&Recording>,
    log: &EventLog,
    texts: &RealmKey,
) -> Result<Persons, ReadError> {
    if let Some(recorded) = recording.and_then(Recording::log) {
        match Persons::begin(recorded, texts.clone()).await {
            Ok(persons) => return Ok(persons),
            Err(error) => {
                tracing::warn!(%error, "persons' keys cannot be read: what they wrote stays unreadable")
            }
        }
    }
    Persons::begin(log, texts.clone()).await
}

impl Realm {
    /// Prepares an edge under a fresh id.
    ///
    /// # Errors
    /// See [`BeginError`].
    pub(crate) async fn begin(
        config: Config,
        log: EventLog,
        recording: Option<Recording>,
    ) -> Result<Arc<Self>, BeginError> {
        let edge = EdgeId(rand::random());
        let online = Arc::new(Online::begin(&log, edge).await?);
        let mut keys = Keys::from_config(&config).map_err(BeginError::Keys)?;
        if let Some(texts) = recording
            .as_ref()
            .and_then(|recording| recording.texts.clone())
        {
            keys.realm = texts;
        }
        let texts = keys.realm.clone();
        Ok(Arc::new(Self {
            edge,
            rates: Rates::of(&config),
            keys,
            persons: persons(recording.as_ref(), &log, &texts).await?,
            identity_keys: IdentityKeys::begin(&log).await?,
            attempts: Attempts::begin(&log).await?,
            hashing: Semaphore::new(config.passwords_in_flight),
            revoked: Revoked::begin(&log, Arc::clone(&online), texts).await?,
            online,
            requester: Requester::new(log.clone(), edge).await?,
            resources: Resources::begin(log.clone()).await,
            edges: Edges::begin(&log, edge).await?,
            ranked: Ranked::begin(&log).await?,
            log,
            recording: recording.map(Arc::new),
            observers: Arc::new(Semaphore::new(config.observers)),
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
