//! Changes of owner, as the log tells them.

use anyhow::Context;
use eventlog::Follow;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject};
use schemas::{AreaId, Sequence, UnixMillis};

use crate::Stack;

/// One owner after another; times are the broker's.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// When the last frame before was stored.
    before: UnixMillis,
    /// Whether that was the old owner's farewell.
    pub(super) released: bool,
    /// When the new owner's first frame was.
    pub(super) owned_at: UnixMillis,
    /// When its first tick after that was; `None`: not yet.
    pub(super) first_tick_at: Option<UnixMillis>,
}

impl Change {
    /// For how long nobody wrote, ms.
    pub(super) fn gap(&self) -> f64 {
        self.owned_at.0.saturating_sub(self.before.0) as f64
    }
}

/// All changes of an area's owner after the first owner.
pub(super) async fn changes(stack: &Stack, area: &str) -> anyhow::Result<Vec<Change>> {
    let area = AreaId::new(area)?;
    let log = stack.log("replay").await?;
    let filter = vec![schemas::subjects::area_events(&area)];
    let mut frames = log.read(AREA_EVENTS, filter, Sequence(0), Follow::UntilHead);
    let mut changes: Vec<Change> = Vec::new();
    let mut last: Option<(UnixMillis, bool)> = None;
    while let Some(record) = frames.next().await? {
        let frame: Frame = schemas::decode(&record.payload)?;
        if let Some(change) = changes.last_mut()
            && change.first_tick_at.is_none()
        {
            change.first_tick_at = Some(record.stored_at);
        }
        if let (Some(Fact::Owned { .. }), Some((before, released))) = (frame.facts.first(), last) {
            changes.push(Change {
                before,
                released,
                owned_at: record.stored_at,
                first_tick_at: None,
            });
        }
        let farewell = |fact: &Fact| matches!(fact, Fact::Released { .. });
        last = Some((record.stored_at, frame.facts.iter().any(farewell)));
    }
    Ok(changes)
}

/// The areas that have frames.
pub(super) async fn areas(stack: &Stack) -> anyhow::Result<Vec<String>> {
    let log = stack.log("replay").await?;
    let subjects = log.subjects(AREA_EVENTS, "evt.area.*").await?;
    let areas = subjects
        .iter()
        .filter_map(|(subject, _)| match Subject::parse(subject) {
            Subject::AreaEvents(area) => Some(area.to_string()),
            _ => None,
        });
    Ok(areas.collect())
}

/// The area with the most frames, and who owns it.
pub(super) async fn busiest(stack: &Stack) -> anyhow::Result<(String, String)> {
    let log = stack.log("replay").await?;
    let subjects = log.subjects(AREA_EVENTS, "evt.area.*").await?;
    let busiest = subjects.iter().max_by_key(|(_, frames)| *frames);
    let (subject, _) = busiest.context("no area has frames")?;
    let Subject::AreaEvents(area) = Subject::parse(subject) else {
        anyhow::bail!("{subject} is no area's");
    };
    let owner = owner(stack, area.as_str()).await?;
    Ok((area.to_string(), owner))
}

/// Who owns an area, or did last.
pub(super) async fn owner(stack: &Stack, area: &str) -> anyhow::Result<String> {
    let log = stack.log("replay").await?;
    let filter = vec![schemas::subjects::area_events(&AreaId::new(area)?)];
    let mut frames = log.read(AREA_EVENTS, filter, Sequence(0), Follow::UntilHead);
    let mut owner = None;
    while let Some(record) = frames.next().await? {
        let frame: Frame = schemas::decode(&record.payload)?;
        if let Some(Fact::Owned { worker, .. }) = frame.facts.first() {
            owner = Some(worker.clone());
        }
    }
    owner.with_context(|| format!("{area} has no owner"))
}
