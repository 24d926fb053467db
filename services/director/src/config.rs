//! What an operator may turn.

use runtime::{Section, Span, Wrong};
use schemas::AreaId;
use serde::Deserialize;

/// `[director]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Areas that are opened at the start. Default `harbor-1,forest-1,meadow-1`;
    /// `WORLDLINE_DIRECTOR_AREAS`.
    pub areas: Vec<String>,
    /// Maps of which further areas (`<map>-<n>`) are opened when somebody wants in. Default
    /// `harbor,forest,meadow`; `WORLDLINE_DIRECTOR_MAPS`.
    pub maps: Vec<String>,
    /// Silence after which a worker is suspected and its areas are placed elsewhere. Default
    /// `300ms`; `WORLDLINE_DIRECTOR_SUSPECT_AFTER`.
    pub suspect_after: Span,
    /// Silence after which a worker is forgotten. Default `3s`; `WORLDLINE_DIRECTOR_GONE_AFTER`.
    pub gone_after: Span,
    /// A worker whose last tick was this late is given nothing more. Default `200ms`;
    /// `WORLDLINE_DIRECTOR_LATE_AFTER`.
    pub late_after: Span,
    /// How many areas may be on their way between workers merely to even things out. Default 2;
    /// `WORLDLINE_DIRECTOR_MOVES`.
    pub moves: usize,
}

impl Default for Config {
    fn default() -> Self {
        let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
        Self {
            areas: names(["harbor-1", "forest-1", "meadow-1"]),
            maps: names(["harbor", "forest", "meadow"]),
            suspect_after: Span::from_millis(300),
            gone_after: Span::from_secs(3),
            late_after: Span::from_millis(200),
            moves: 2,
        }
    }
}

impl Config {
    /// The areas of `areas`, checked.
    pub(crate) fn areas(&self) -> Result<Vec<AreaId>, Wrong> {
        let checked = self.areas.iter().map(|area| area.parse::<AreaId>());
        let areas: Vec<AreaId> = checked
            .collect::<Result<_, _>>()
            .map_err(|why| Wrong::new("areas", why.to_string()))?;
        match areas
            .iter()
            .find(|area| !self.maps.iter().any(|map| map == area.map()))
        {
            Some(area) => Err(Wrong::new(
                "areas",
                format!("`{area}` is of no map in `maps`"),
            )),
            None => Ok(areas),
        }
    }
}

impl Section for Config {
    const NAME: &'static str = "director";

    fn check(&self) -> Result<(), Wrong> {
        self.areas()?;
        if self.suspect_after.duration().as_millis() < 200 {
            return Err(Wrong::new(
                "suspect_after",
                "two heartbeats of 100 ms must fit; give at least 200ms",
            ));
        }
        if self.gone_after < self.suspect_after {
            return Err(Wrong::new("gone_after", "shorter than `suspect_after`"));
        }
        Ok(())
    }
}
