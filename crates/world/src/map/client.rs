//! A map as a browser draws it.

use schemas::Digest;
use serde::Serialize;

/// What the edge serves at `/maps/<name>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientMap {
    /// Its name.
    pub name: String,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Width and height of a tile, px.
    pub tile_px: i32,
    /// Tile layers from back to front.
    pub layers: Vec<ClientLayer>,
    /// The picture that the layers' numbers point into.
    pub tileset: ClientTileset,
    /// Ways out.
    pub doors: Vec<ClientDoor>,
    /// What each tile is to a body, row by row: 0 nothing, 1 wall, 2 one-way platform.
    pub collision: Vec<u8>,
    /// Digest of the map file.
    pub digest: Digest,
}

/// A layer of tiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientLayer {
    /// Its name.
    pub name: String,
    /// Row by row: 0 for nothing, otherwise the tile's number in the tileset plus 1.
    pub tiles: Vec<u32>,
}

/// A picture of tiles, `columns` in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientTileset {
    /// File name of the picture, served beside the map.
    pub image: String,
    /// Tiles in a row of it.
    pub columns: u32,
    /// Tiles in all.
    pub count: u32,
}

/// A way out, in px.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientDoor {
    /// Its name on the map.
    pub name: String,
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
    /// The area it leads to.
    pub to_area: String,
}
