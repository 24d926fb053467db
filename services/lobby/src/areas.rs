//! Which areas there are: those that were opened and whose map this build knows. One that is
//! closed leads to the instance to which it sends on.
//!
//! What the lobby decides by it (where a character goes in) is recorded with the decision, so it
//! does not matter that another instance, or the same one later, knows of more areas.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use eventlog::{EventLog, Follow, ReadError, Reader, Record};
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use schemas::{AreaId, Sequence};
use tokio_util::sync::CancellationToken;
use world::maps::{VOID, builtin};

/// Before the stream is asked again after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// The areas that there are; shared with whoever follows the log.
#[derive(Debug, Clone, Default)]
pub struct OpenAreas(Option<Arc<RwLock<BTreeMap<AreaId, Way>>>>);

/// How one comes into an area.
#[derive(Debug, Clone, Default)]
struct Way {
    closed: bool,
    overflow: Option<AreaId>,
}

/// How many closed areas may send on to one another.
const MOST_CLOSED: usize = 4;

impl OpenAreas {
    /// Every area that can be named.
    #[must_use]
    pub const fn all() -> Self {
        Self(None)
    }

    /// These.
    #[must_use]
    pub fn only(areas: impl IntoIterator<Item = AreaId>) -> Self {
        let open = areas.into_iter().map(|area| (area, Way::default()));
        Self(Some(Arc::new(RwLock::new(open.collect()))))
    }

    /// Where one comes in who wants to `area`: there, or, where that is closed, in the instance
    /// to which it sends on. `None`: nowhere.
    #[must_use]
    pub fn way_in(&self, area: &AreaId) -> Option<AreaId> {
        let Some(areas) = &self.0 else {
            return Some(area.clone());
        };
        let areas = areas.read().unwrap_or_else(PoisonError::into_inner);
        let mut area = area;
        for _ in 0..MOST_CLOSED {
            match areas.get(area)? {
                Way { closed: false, .. } => return Some(area.clone()),
                Way { overflow, .. } => area = overflow.as_ref()?,
            }
        }
        None
    }

    fn note(&self, record: &Record) {
        let Subject::KeyedEvents(Domain::Control, key) = Subject::parse(&record.subject) else {
            return;
        };
        let entry = schemas::decode::<KeyedEntry<ControlEvent, AreaControl>>(&record.payload);
        let control = entry.map(|entry| entry.state).unwrap_or_default();
        let map = control.map.as_deref();
        // Into an area whose map nobody has one only comes to be sent back.
        let known = map.is_some_and(|map| map != VOID && builtin(map).is_some());
        if let (Some(areas), Ok(area)) = (&self.0, key.parse::<AreaId>()) {
            let mut areas = areas.write().unwrap_or_else(PoisonError::into_inner);
            if known {
                let AreaControl {
                    closed, overflow, ..
                } = control;
                areas.insert(area, Way { closed, overflow });
            } else {
                areas.remove(&area);
            }
        }
    }
}

/// Keeps the areas as the log says.
pub(crate) struct Following {
    areas: OpenAreas,
    reader: Reader,
}

impl Following {
    /// Reads up to the head.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub(crate) async fn open(log: &EventLog) -> Result<Self, ReadError> {
        let stream = Domain::Control.event_stream();
        let areas = OpenAreas::only([]);
        let mut read = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
        let mut after = Sequence(0);
        while let Some(record) = read.next().await? {
            areas.note(&record);
            after = record.sequence;
        }
        let reader = log.read(stream, Vec::new(), after, Follow::Tail);
        Ok(Self { areas, reader })
    }

    /// The areas, now and later.
    pub(crate) fn areas(&self) -> OpenAreas {
        self.areas.clone()
    }

    /// Follows until the shutdown. While the log cannot be read, what is known stays known.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let following = async {
            loop {
                match self.reader.next().await {
                    Ok(Some(record)) => self.areas.note(&record),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "which areas there are cannot be read now");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(following).await;
    }
}
