//! What an operator may turn.

use runtime::{Section, Span, Wrong};
use schemas::AreaId;
use serde::Deserialize;

use crate::scale;

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
    /// How many areas may be on their way from workers that lead them well, to even things out or
    /// because one leaves. Default 6; `WORLDLINE_DIRECTOR_MOVES`.
    pub moves: usize,
    /// Bodies at which an area is full, so that another instance of its map is opened and who comes
    /// is sent on to that. An area keeps the number that it was told when it was first full. Default
    /// 1000, as the rules say; `WORLDLINE_DIRECTOR_INSTANCE_SOFT`.
    pub instance_soft: u32,
    /// An instance that is not in `areas` is closed after it has been empty for so long. Default
    /// `10m`; `WORLDLINE_DIRECTOR_RETIRE_AFTER`.
    pub retire_after: Span,
    /// An area that is bound to a worker belongs to nobody after that has been away for so long.
    /// Default `30s`; `WORLDLINE_DIRECTOR_PINNED_GRACE`.
    pub pinned_grace: Span,
    /// Who starts and ends workers: the section `[fleet]`.
    #[serde(skip)]
    pub fleet: scale::Config,
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
            moves: 6,
            instance_soft: world::Rules::DEFAULT.soft_capacity,
            retire_after: Span::from_secs(600),
            pinned_grace: Span::from_secs(30),
            fleet: scale::Config::default(),
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
        if self.moves == 0 {
            return Err(Wrong::new(
                "moves",
                "nobody could ever leave; give at least 1",
            ));
        }
        if self.instance_soft == 0 {
            return Err(Wrong::new(
                "instance_soft",
                "every area would be full; give at least 1",
            ));
        }
        if self.gone_after < self.suspect_after {
            return Err(Wrong::new("gone_after", "shorter than `suspect_after`"));
        }
        Ok(())
    }
}
