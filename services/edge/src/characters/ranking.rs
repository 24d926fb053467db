//! Who has played longest, as the projector last said in the bucket `ranking`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use eventlog::{EventLog, ReadError};
use schemas::CharacterId;
use schemas::lobby::Ranking;
use tokio_util::task::AbortOnDropHandle;

use crate::watching::keep_up;

/// Places by character.
type Places = HashMap<CharacterId, u32>;

/// The ranking, kept up to date.
pub(crate) struct Ranked {
    places: Arc<RwLock<Places>>,
    _watching: AbortOnDropHandle<()>,
}

impl Ranked {
    /// Reads and follows it.
    ///
    /// # Errors
    /// When the bucket is not there or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog) -> Result<Self, ReadError> {
        let bucket = log.bucket(Ranking::BUCKET).await?;
        let places = Arc::<RwLock<Places>>::default();
        let known = Arc::clone(&places);
        let watching = tokio::spawn(keep_up(bucket, move |entry| {
            let value = entry.value.filter(|_| entry.key == Ranking::KEY);
            let Some(Ok(ranking)) = value.map(|value| schemas::decode::<Ranking>(&value)) else {
                return;
            };
            let characters = ranking.characters.into_iter().map(|(who, _)| who);
            let places = characters.zip(1..).collect();
            *known.write().unwrap_or_else(PoisonError::into_inner) = places;
        }));
        Ok(Self {
            places,
            _watching: AbortOnDropHandle::new(watching),
        })
    }

    /// Its place, from 1; `None`: it is not among the first.
    pub(crate) fn place_of(&self, character: CharacterId) -> Option<u32> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.get(&character).copied()
    }
}
