//! Which areas there are.

use std::collections::BTreeMap;

use eventlog::{Follow, Record};
use past::{Past, PastError};
use schemas::subjects::{AREA_EVENTS, Subject};
use schemas::{AreaId, Sequence};

use crate::ReplayError;
use crate::progress::Progress;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

/// An area, and what of it stands in the log.
pub(crate) struct Known {
    pub(crate) area: AreaId,
    pub(crate) frames: u64,
    pub(crate) first: Option<Record>,
    pub(crate) last: Option<Record>,
}

/// Their names, in order.
pub(crate) async fn names(past: &Past, skips: &mut Skips) -> Result<Vec<AreaId>, ReplayError> {
    let subjects = match past.subjects(AREA_EVENTS, "evt.area.>").await {
        Err(error) if skips.may_leave_out(&error) => {
            let areas = looked_through(past, skips).await?.into_iter();
            return Ok(areas.map(|known| known.area).collect());
        }
        subjects => subjects?,
    };
    let area = |(subject, _): (String, u64)| match Subject::parse(&subject) {
        Subject::AreaEvents(area) => Some(area),
        _ => None,
    };
    Ok(subjects.into_iter().filter_map(area).collect())
}

/// All of them with their ends, by name.
pub(crate) async fn known(past: &Past, skips: &mut Skips) -> Result<Vec<Known>, ReplayError> {
    match asked(past).await {
        Err(error) if skips.may_leave_out(&error) => looked_through(past, skips).await,
        areas => Ok(areas?),
    }
}

async fn asked(past: &Past) -> Result<Vec<Known>, PastError> {
    let mut subjects = past.subjects(AREA_EVENTS, "evt.area.>").await?;
    subjects.sort();
    let mut areas = Vec::new();
    for (subject, frames) in subjects {
        let Subject::AreaEvents(area) = Subject::parse(&subject) else {
            continue;
        };
        let filters = vec![subject.clone()];
        let mut reader = past.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
        areas.push(Known {
            area,
            frames,
            first: reader.next().await?,
            last: past.last(&subject).await?,
        });
    }
    Ok(areas)
}

/// What cannot be asked because something is damaged is found by reading everything else.
async fn looked_through(past: &Past, skips: &mut Skips) -> Result<Vec<Known>, ReplayError> {
    let total = past.span(AREA_EVENTS).await?.messages;
    let mut progress = Progress::new("frames looked through", total);
    let mut areas: BTreeMap<AreaId, Known> = BTreeMap::new();
    let from = From::After(Sequence(0));
    let mut reader = Reading::open(past, AREA_EVENTS, Vec::new(), from, Follow::UntilHead);
    while let Some(record) = reader.next(skips).await? {
        progress.step();
        let Subject::AreaEvents(area) = Subject::parse(&record.subject) else {
            continue;
        };
        let known = areas.entry(area.clone()).or_insert_with(|| Known {
            area,
            frames: 0,
            first: Some(record.clone()),
            last: None,
        });
        known.frames += 1;
        known.last = Some(record);
    }
    Ok(areas.into_values().collect())
}
