//! What an operator may turn: `[archive]`.

use past::{LEAST_DELAY, Location};
use runtime::{Section, Span, Wrong};
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};
use serde::Deserialize;

use crate::size::Size;

/// `[archive]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A directory, or `s3://bucket/prefix` (credentials and region from the usual `AWS_…` variables). Default: none,
    /// and nothing is archived or purged; `WORLDLINE_ARCHIVE_WHERE`.
    #[serde(rename = "where")]
    pub place: Option<String>,
    /// The size to which each of the streams in `purge` is held in the broker. What must not be purged may exceed it.
    /// Default `4GiB`; `WORLDLINE_ARCHIVE_LIVE_BYTES`.
    pub live_bytes: Size,
    /// Nothing younger is purged, whatever the size: players resume from it, and who reads behind has time. Default
    /// `15m`; `WORLDLINE_ARCHIVE_LIVE_AGE`.
    pub live_age: Span,
    /// How much of a stream, before compression, makes a segment; at most a quarter of `live_bytes`. Default `64MiB`;
    /// `WORLDLINE_ARCHIVE_SEGMENT_BYTES`.
    pub segment_bytes: Size,
    /// A message is archived at the latest when it is so old, even if that makes a small segment, and in any case
    /// before it is a quarter as old as its stream lets it grow. Default `1h`; `WORLDLINE_ARCHIVE_SEAL_AFTER`.
    pub seal_after: Span,
    /// How often the streams are looked at. Default `1m`; `WORLDLINE_ARCHIVE_EVERY`.
    pub every: Span,
    /// Between a purge's announcement in the archive and its beginning: for so long readers rely on what they know.
    /// Default `20s`, at least `1s`, and never shorter than
    /// it was for this archive; `WORLDLINE_ARCHIVE_PURGE_DELAY`.
    pub purge_delay: Span,
    /// Streams that are purged once archived; only streams of events may be. Default `AREA_EVENTS`: the others' newest
    /// messages hold all, so that they are small; `WORLDLINE_ARCHIVE_PURGE`.
    pub purge: Vec<String>,
    /// The most that is read from the broker in a second. Default `32MiB`; `WORLDLINE_ARCHIVE_MAX_RATE`.
    pub max_rate: Size,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            place: None,
            live_bytes: Size(4 << 30),
            live_age: Span::from_secs(15 * 60),
            segment_bytes: Size(64 << 20),
            seal_after: Span::from_secs(3600),
            every: Span::from_secs(60),
            purge_delay: Span::from_secs(20),
            purge: vec![AREA_EVENTS.to_owned()],
            max_rate: Size(32 << 20),
        }
    }
}

impl Config {
    /// Where the archive is; `None`: there is none.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        // Checked when it was read.
        self.place.as_ref()?.parse().ok()
    }

    /// How much of a stream makes a segment, in bytes before compression.
    pub(crate) fn segment(&self) -> u64 {
        self.segment_bytes.0.min(self.live_bytes.0 / 4).max(1)
    }

    /// `purge_delay` in milliseconds.
    pub(crate) fn delay(&self) -> u64 {
        let delay = self.purge_delay.duration().max(LEAST_DELAY);
        u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The streams that are archived.
#[must_use]
pub fn streams() -> Vec<&'static str> {
    let domains = Domain::ALL
        .into_iter()
        .flat_map(|domain| [domain.command_stream(), domain.event_stream()]);
    [AREA_COMMANDS, AREA_EVENTS]
        .into_iter()
        .chain(domains)
        .collect()
}

impl Section for Config {
    const NAME: &'static str = "archive";

    fn check(&self) -> Result<(), Wrong> {
        if let Some(place) = &self.place
            && let Err(error) = place.parse::<Location>()
        {
            return Err(Wrong::new("where", error.to_string()));
        }
        let positive = [
            ("live_bytes", self.live_bytes),
            ("segment_bytes", self.segment_bytes),
            ("max_rate", self.max_rate),
        ];
        for (key, size) in positive {
            if size.0 == 0 {
                return Err(Wrong::new(key, "expected more than nothing"));
            }
        }
        if self.segment_bytes > Size(1 << 30) {
            return Err(Wrong::new(
                "segment_bytes",
                "expected at most `1GiB`: a segment is made in memory",
            ));
        }
        if self.purge_delay.duration() < LEAST_DELAY {
            return Err(Wrong::new(
                "purge_delay",
                "expected at least `1s`: readers rely on it",
            ));
        }
        if self.every.duration().is_zero() {
            return Err(Wrong::new("every", "expected more than nothing"));
        }
        let known = streams();
        for stream in &self.purge {
            if !stream.ends_with("_EVENTS") || !known.contains(&stream.as_str()) {
                return Err(Wrong::new(
                    "purge",
                    format!(
                        "`{stream}` is no stream of events, such as `AREA_EVENTS`; commands age out by themselves"
                    ),
                ));
            }
        }
        Ok(())
    }
}
