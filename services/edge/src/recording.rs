//! A recorded world: what an edge shows that has no living one.
//!
//! Its areas are read through [`Past`], so they may lie in an archive, in a broker, or in both. How an area stood at a
//! moment is found by whoever started the edge; from there on this edge folds the frames itself, as it does live ones.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use eventlog::{EventLog, Follow};
use past::{Past, PastReader};
use schemas::frame::Frame;
use schemas::sealed::RealmKey;
use schemas::subjects::{AREA_EVENTS, Subject, area_events};
use schemas::{AreaId, Sequence, UnixMillis, decode};
use world::AreaState;

/// An area as it stood after the last frame at or before a moment, and the sequence of that frame.
pub type Stood = (AreaState, Sequence);

/// Finds it.
pub type Finding = Pin<Box<dyn Future<Output = anyhow::Result<Stood>> + Send>>;

/// Asks for it.
pub type Find = Arc<dyn Fn(AreaId, UnixMillis) -> Finding + Send + Sync>;

/// What an edge shows instead of the living world.
#[derive(Clone)]
pub struct Recording {
    past: Past,
    find: Find,
    /// The area that is shown to whoever names none.
    pub area: AreaId,
    /// The moment with which one begins, ms since 1970; 0: the beginning.
    pub at: UnixMillis,
    /// How fast, hundredths of the speed at which it was played.
    pub speed: u32,
    /// With whom the page goes along: a character's id or name; empty: nobody.
    pub follow: String,
    /// What opens names and words; `None`: the key in the edge's configuration.
    pub texts: Option<RealmKey>,
}

/// As it stands in an address.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let put = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(put).collect()
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("area", &self.area)
            .field("at", &self.at)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

/// From when to when an area was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first frame.
    pub(crate) from: UnixMillis,
    /// Its last one, as far as is known now.
    pub(crate) to: UnixMillis,
}

impl Recording {
    /// What `past` holds; `find` opens it at a moment. Shows `area` from its beginning, as fast as it was played.
    #[must_use]
    pub fn new(past: Past, find: Find, area: AreaId) -> Self {
        Self {
            past,
            find,
            area,
            at: UnixMillis(0),
            speed: 100,
            follow: String::new(),
            texts: None,
        }
    }

    /// Where the page shows it, on this server: `/?watch=harbor-1&speed=1`.
    #[must_use]
    pub fn page(&self) -> String {
        let (whole, part) = (self.speed / 100, self.speed % 100);
        let mut page = format!("/?watch={}&speed={whole}.{part:02}", self.area);
        if self.at > UnixMillis(0) {
            page.push_str(&format!("&at={}", self.at.0));
        }
        if !self.follow.is_empty() {
            page.push_str(&format!("&follow={}", encoded(&self.follow)));
        }
        page
    }

    /// The broker, if it is read: the keys of persons lie there.
    pub(crate) const fn log(&self) -> Option<&EventLog> {
        self.past.log()
    }

    /// Everything that was recorded, by name.
    pub(crate) async fn areas(&self) -> anyhow::Result<Vec<AreaId>> {
        let subjects = self.past.subjects(AREA_EVENTS, "evt.area.*").await?;
        let area = |(subject, _): &(String, u64)| match Subject::parse(subject) {
            Subject::AreaEvents(area) => Some(area),
            _ => None,
        };
        Ok(subjects.iter().filter_map(area).collect())
    }

    /// Whether anything was recorded of `area`.
    pub(crate) async fn has(&self, area: &AreaId) -> anyhow::Result<bool> {
        Ok(self.past.last(&area_events(area)).await?.is_some())
    }

    /// From when to when `area` was played; `None`: never.
    pub(crate) async fn span(&self, area: &AreaId) -> anyhow::Result<Option<Span>> {
        let Some(first) = self.frames(area, Sequence(0)).next().await? else {
            return Ok(None);
        };
        let last = self.past.last(&area_events(area)).await?;
        let at = |payload: &[u8]| Ok::<_, anyhow::Error>(decode::<Frame>(payload)?.at);
        let from = at(&first.payload).with_context(|| format!("the first frame of {area}"))?;
        let to = last.map(|last| at(&last.payload)).transpose();
        let to = to.with_context(|| format!("the last frame of {area}"))?;
        Ok(Some(Span {
            from,
            to: to.unwrap_or(from).max(from),
        }))
    }

    /// `area` as it stood at `at`.
    pub(crate) async fn stood(&self, area: &AreaId, at: UnixMillis) -> anyhow::Result<Stood> {
        (self.find)(area.clone(), at).await
    }

    /// The frames of `area` after `after`, up to those that are there now.
    pub(crate) fn frames(&self, area: &AreaId, after: Sequence) -> PastReader {
        let filters = vec![area_events(area)];
        self.past
            .read(AREA_EVENTS, filters, after, Follow::UntilHead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_is_told_what_to_show() {
        let (log, _) = eventlog::EventLog::in_memory();
        let find: Find = Arc::new(|_, _| Box::pin(async { anyhow::bail!("nobody asks") }));
        let harbor = AreaId::new("harbor-1").expect("a name");
        let mut recording = Recording::new(Past::of_log(log), find, harbor);
        assert_eq!(recording.page(), "/?watch=harbor-1&speed=1.00");
        recording.at = UnixMillis(1_769_860_800_000);
        recording.speed = 250;
        recording.follow = "Ann & Bo".into();
        assert_eq!(
            recording.page(),
            "/?watch=harbor-1&speed=2.50&at=1769860800000&follow=Ann%20%26%20Bo"
        );
    }
}
