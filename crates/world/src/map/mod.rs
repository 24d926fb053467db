//! What an area stands on: a grid of tiles that are walls, one-way platforms or nothing, named
//! spawn points, and doors.
//!
//! Beyond its left, right and lower border a map is solid; above its upper border it is open.

mod client;
mod error;
mod tmx;

use std::collections::BTreeMap;

use schemas::segment::SUBPIXELS;
use schemas::{AreaId, CharacterId, Digest};

pub use client::{ClientDoor, ClientLayer, ClientMap, ClientTileset};
pub use error::MapError;

use crate::random;
use crate::rules::{BODY_HEIGHT, BODY_WIDTH};

/// What a tile is to a body; of tiles in several layers a wall counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Tile {
    /// Nothing.
    #[default]
    Empty = 0,
    /// A wall from all sides.
    Solid = 1,
    /// Holds what comes from above; lets through what comes from elsewhere.
    OneWay = 2,
}

/// A way into another area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its name on the map.
    pub name: String,
    /// Left edge, 1/256 px.
    pub x: i32,
    /// Top edge, 1/256 px.
    pub y: i32,
    /// Width, 1/256 px.
    pub width: i32,
    /// Height, 1/256 px.
    pub height: i32,
    /// Where it leads.
    pub to_area: AreaId,
    /// The spawn point there.
    pub to_spawn: String,
}

/// A parsed map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// Its name.
    pub name: String,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Width and height of a tile, px.
    pub tile_px: i32,
    /// Spawn points by name: where a body's upper left corner comes to be, 1/256 px.
    pub spawns: BTreeMap<String, (i32, i32)>,
    /// Ways out.
    pub doors: Vec<Door>,
    /// Digest of the map file.
    pub digest: Digest,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) client: ClientMap,
}

impl Map {
    /// Width and height of a tile, 1/256 px.
    #[must_use]
    pub const fn tile_size(&self) -> i32 {
        self.tile_px * SUBPIXELS
    }

    /// The tile at `column` and `row`, also beyond the borders.
    #[must_use]
    pub fn tile(&self, column: i32, row: i32) -> Tile {
        if column < 0 || column >= self.width || row >= self.height {
            return Tile::Solid;
        }
        if row < 0 {
            return Tile::Empty;
        }
        let index = usize::try_from(row * self.width + column).unwrap_or(usize::MAX);
        self.tiles.get(index).copied().unwrap_or_default()
    }

    /// The column or row that holds the coordinate.
    #[must_use]
    pub const fn cell(&self, coordinate: i32) -> i32 {
        coordinate.div_euclid(self.tile_size())
    }

    /// Whether any tile of that kind lies in the columns and rows (both ends included).
    #[must_use]
    pub(crate) fn any(
        &self,
        columns: (i32, i32),
        rows: (i32, i32),
        wanted: impl Fn(Tile) -> bool,
    ) -> bool {
        (rows.0..=rows.1)
            .any(|row| (columns.0..=columns.1).any(|column| wanted(self.tile(column, row))))
    }

    /// Whether a body with its upper left corner at (x, y) would stand in a wall.
    #[must_use]
    pub fn is_blocked(&self, x: i32, y: i32) -> bool {
        let columns = (self.cell(x), self.cell(x.saturating_add(BODY_WIDTH - 1)));
        let rows = (self.cell(y), self.cell(y.saturating_add(BODY_HEIGHT - 1)));
        self.any(columns, rows, |tile| tile == Tile::Solid)
    }

    /// The free place nearest to (x, y): itself when it is not in a wall.
    #[must_use]
    pub fn nearest_free(&self, x: i32, y: i32) -> (i32, i32) {
        let tile = self.tile_size();
        let x = x.clamp(0, (self.width * tile - BODY_WIDTH).max(0));
        let y = y.clamp(
            -self.height * tile,
            (self.height * tile - BODY_HEIGHT).max(0),
        );
        if !self.is_blocked(x, y) {
            return (x, y);
        }
        let (column, row) = (self.cell(x), self.cell(y));
        for radius in 1..=self.width.max(self.height) {
            for (dx, dy) in ring(radius) {
                let (x, y) = ((column + dx) * tile, (row + dy) * tile);
                if !self.is_blocked(x, y) {
                    return (x, y);
                }
            }
        }
        self.spawns.values().next().copied().unwrap_or((0, 0))
    }

    /// Where `character` comes to be when it enters at spawn point `name`. Several points
    /// `name`, `name-1`, `name-2` … share those who come, by a hash of the character.
    #[must_use]
    pub fn spawn(&self, name: &str, character: CharacterId) -> (i32, i32) {
        let numbered = |candidate: &str| {
            candidate.strip_prefix(name).is_some_and(|rest| {
                rest.is_empty()
                    || rest.strip_prefix('-').is_some_and(|number| {
                        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
                    })
            })
        };
        let points: Vec<_> = self
            .spawns
            .iter()
            .filter(|(candidate, _)| numbered(candidate))
            .map(|(_, point)| *point)
            .collect();
        let bits = random::draw(
            0,
            schemas::Tick(0),
            character.0,
            random::Purpose::SpawnPoint,
        );
        points
            .get(random::below(bits, points.len()))
            .or_else(|| self.spawns.get("start"))
            .or_else(|| self.spawns.values().next())
            .copied()
            .unwrap_or((0, 0))
    }

    /// The door at which a body with its upper left corner at (x, y) stands.
    #[must_use]
    pub fn door_at(&self, x: i32, y: i32) -> Option<&Door> {
        self.doors.iter().find(|door| {
            x < door.x + door.width
                && door.x < x.saturating_add(BODY_WIDTH)
                && y < door.y + door.height
                && door.y < y.saturating_add(BODY_HEIGHT)
        })
    }

    /// The map as a browser draws it.
    #[must_use]
    pub const fn to_client(&self) -> &ClientMap {
        &self.client
    }
}

/// The cells at `radius` around the middle, the upper ones first.
fn ring(radius: i32) -> impl Iterator<Item = (i32, i32)> {
    (-radius..=radius).flat_map(move |dy| {
        let step = if dy.abs() == radius { 1 } else { 2 * radius };
        (-radius..=radius)
            .step_by(usize::try_from(step).unwrap_or(1))
            .map(move |dx| (dx, dy))
    })
}
