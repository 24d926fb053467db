//! Which areas are open, and opening more.
//!
//! An area is open when its subject in the control domain says so; nobody writes an area's first
//! frame before that. Opening is an append on condition that nothing stands there, so that two
//! directors open an area once.

use bytes::Bytes;
use eventlog::{AppendError, EventLog, ReadError};
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, Sequence, UnixMillis, encode};

/// The highest instance that a hint may open.
pub(crate) const MOST_INSTANCES: u32 = 9_999;
/// The map of areas that cannot be: empty, and closed by its rules. Whoever was sent to one comes
/// back through the lobby.
pub const VOID: &str = "void";

/// Why an area was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log could not be asked; try again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log did not take it; `Fenced` means that somebody else has just opened it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Opens `area` with `map` unless it is open.
///
/// # Errors
/// When the log cannot be asked or does not take it.
pub async fn open(log: &EventLog, area: &AreaId, map: &str) -> Result<(), OpenError> {
    let mut appender = log
        .appender(&keyed_events(Domain::Control, area.as_str()))
        .await?;
    if appender.last().is_some() {
        return Ok(());
    }
    let commands = log.stream_info(Domain::Control.command_stream()).await?;
    let map = map.to_owned();
    let seed = ambient::random();
    let entry = KeyedEntry {
        v: 1,
        at: UnixMillis::now(),
        incarnation: commands.incarnation,
        handled: Sequence(0),
        events: vec![ControlEvent::AreaOpened {
            area: area.clone(),
            map: map.clone(),
            seed,
        }],
        state: AreaControl {
            closed: map == VOID,
            map: Some(map),
            seed,
            ..AreaControl::default()
        },
        outbox: Outbox::default(),
        answered: None,
    };
    match appender.append(Bytes::from(encode(&entry)), None).await {
        Ok(_) => tracing::info!(area.id = %area, map = entry.state.map, "area opened"),
        Err(AppendError::Fenced { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether somebody who knocks at `area` may have it opened: its map is known and it is named as
/// an instance is, `<map>-<n>` with n from 1 and no leading zero.
#[must_use]
pub fn may_be_opened(area: &AreaId, maps: &[String]) -> bool {
    let Some((map, number)) = area.as_str().rsplit_once('-') else {
        return false;
    };
    let counts = number
        .parse::<u32>()
        .is_ok_and(|n| (1..=MOST_INSTANCES).contains(&n) && n.to_string() == number);
    counts && map != VOID && maps.iter().any(|known| known == map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instances_of_known_maps_are_opened_for_those_who_knock() {
        let maps = ["harbor".to_owned()];
        let may = |area: &str| may_be_opened(&AreaId::new(area).unwrap(), &maps);
        assert!(may("harbor-1") && may("harbor-9999"));
        for area in [
            "harbor",
            "harbor-0",
            "harbor-01",
            "harbor-10000",
            "swamp-1",
            "harbor-x",
        ] {
            assert!(!may(area), "{area}");
        }
    }

    #[tokio::test]
    async fn an_area_is_opened_once() {
        let (log, _) = EventLog::in_memory();
        let area = AreaId::new("harbor-1").unwrap();
        open(&log, &area, "harbor").await.unwrap();
        open(&log, &area, "harbor").await.unwrap();
        let info = log
            .stream_info(Domain::Control.event_stream())
            .await
            .unwrap();
        assert_eq!(info.messages, 1);
    }
}
