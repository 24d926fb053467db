//! Reading maps from Tiled's TMX.
//!
//! Tile layers are drawn; a tile is a wall or a one-way platform by its tileset's custom
//! property `collision` (`solid` or `oneway`), in whichever layer it lies. Points of the object
//! layer `spawns` say where feet come to stand; rectangles of the object layer `doors` have the
//! properties `to_area` and `to_spawn`.
//!
//! This is the one file of the crate with floats: Tiled's format has them, and they end here.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use schemas::segment::SUBPIXELS;
use schemas::{AreaId, Digest};
use tiled::{LayerType, Loader, ObjectShape, PropertyValue};

use super::{ClientDoor, ClientLayer, ClientMap, ClientTileset, Door, Map, MapError, Tile};
use crate::maps;
use crate::rules::{BODY_HEIGHT, BODY_WIDTH};

impl Map {
    /// Reads a map; its tilesets are looked up among the embedded files.
    ///
    /// # Errors
    /// When the bytes are no TMX or do not follow the conventions above.
    pub fn parse_tmx(name: &str, bytes: &[u8]) -> Result<Self, MapError> {
        let own = format!("{name}.tmx");
        let reader = |path: &Path| -> std::io::Result<Cursor<Vec<u8>>> {
            let file = path
                .file_name()
                .and_then(|f| f.to_str())
                .unwrap_or_default();
            if file == own {
                return Ok(Cursor::new(bytes.to_vec()));
            }
            maps::asset(file)
                .map(|bytes| Cursor::new(bytes.to_vec()))
                .ok_or_else(|| std::io::Error::other(format!("{file} is not an embedded file")))
        };
        let parsed = Loader::with_reader(reader)
            .load_tmx_map(&own)
            .map_err(|source| MapError::Unreadable {
                map: name.to_owned(),
                source,
            })?;
        Reading { name, map: &parsed }.map(Digest::of(bytes))
    }
}

struct Reading<'a> {
    name: &'a str,
    map: &'a tiled::Map,
}

impl Reading<'_> {
    fn unfit(&self, what: impl Into<String>) -> MapError {
        MapError::Unfit {
            map: self.name.to_owned(),
            what: what.into(),
        }
    }

    fn map(&self, digest: Digest) -> Result<Map, MapError> {
        let size = |what: &str, value: u32| {
            i32::try_from(value)
                .ok()
                .filter(|v| (1..=8192).contains(v))
                .ok_or_else(|| self.unfit(format!("{what} is {value}, must be 1 to 8192")))
        };
        let width = size("its width", self.map.width)?;
        let height = size("its height", self.map.height)?;
        let tile_px = size("the width of a tile", self.map.tile_width)?;
        if self.map.tile_width != self.map.tile_height
            || tile_px * SUBPIXELS <= BODY_WIDTH
            || self.map.infinite()
        {
            return Err(self.unfit("must be finite, with square tiles wider than a body (12 px)"));
        }
        if i64::from(width.max(height)) * i64::from(tile_px * SUBPIXELS) > i64::from(i32::MAX / 4) {
            return Err(self.unfit("is too large for 1/256 px in 32 bits"));
        }
        let (layers, tiles) = self.layers(width, height)?;
        let collision = tiles.iter().map(|tile| *tile as u8).collect();
        let mut map = Map {
            name: self.name.to_owned(),
            width,
            height,
            tile_px,
            spawns: self.spawns()?,
            doors: self.doors()?,
            digest,
            tiles,
            client: ClientMap {
                name: self.name.to_owned(),
                width,
                height,
                tile_px,
                layers,
                tileset: self.tileset()?,
                doors: Vec::new(),
                collision,
                digest,
            },
        };
        map.client.doors = map.doors.iter().map(client_door).collect();
        if map.spawns.is_empty() {
            return Err(self.unfit("has no spawn point: add a point to the object layer `spawns`"));
        }
        for (spawn, (x, y)) in &map.spawns {
            if map.is_blocked(*x, *y) {
                return Err(self.unfit(format!("spawn point {spawn} stands in a wall")));
            }
        }
        Ok(map)
    }

    fn tileset(&self) -> Result<ClientTileset, MapError> {
        let [tileset] = self.map.tilesets() else {
            return Err(self.unfit("must use exactly one tileset"));
        };
        let image = tileset
            .image
            .as_ref()
            .and_then(|image| image.source.file_name()?.to_str())
            .ok_or_else(|| self.unfit("its tileset must be one picture"))?;
        Ok(ClientTileset {
            image: image.to_owned(),
            columns: tileset.columns,
            count: tileset.tilecount,
        })
    }

    fn layers(&self, width: i32, height: i32) -> Result<(Vec<ClientLayer>, Vec<Tile>), MapError> {
        let mut layers = Vec::new();
        let mut collision = vec![Tile::Empty; usize::try_from(width * height).unwrap_or_default()];
        for layer in self.map.layers() {
            let LayerType::Tiles(grid) = layer.layer_type() else {
                continue;
            };
            let mut tiles = Vec::with_capacity(collision.len());
            let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            for ((x, y), collides) in cells.zip(&mut collision) {
                let Some(tile) = grid.get_tile(x, y) else {
                    tiles.push(0);
                    continue;
                };
                tiles.push(tile.id() + 1);
                let property = tile
                    .get_tile()
                    .and_then(|t| t.properties.get("collision").cloned());
                match property {
                    None => {}
                    Some(PropertyValue::StringValue(kind)) if kind == "solid" => {
                        *collides = Tile::Solid;
                    }
                    Some(PropertyValue::StringValue(kind)) if kind == "oneway" => {
                        *collides = match *collides {
                            Tile::Solid => Tile::Solid,
                            Tile::Empty | Tile::OneWay => Tile::OneWay,
                        };
                    }
                    Some(other) => {
                        return Err(self.unfit(format!(
                            "tile {} has the property collision = {other:?}, must be \"solid\" or \"oneway\"",
                            tile.id()
                        )));
                    }
                }
            }
            layers.push(ClientLayer {
                name: layer.name.clone(),
                tiles,
            });
        }
        Ok((layers, collision))
    }

    fn objects(&self, layer_name: &str) -> Vec<tiled::Object<'_>> {
        self.map
            .layers()
            .filter(|layer| layer.name == layer_name)
            .filter_map(|layer| layer.as_object_layer())
            .flat_map(|layer| layer.objects())
            .collect()
    }

    fn spawns(&self) -> Result<BTreeMap<String, (i32, i32)>, MapError> {
        let mut spawns = BTreeMap::new();
        for object in self.objects("spawns") {
            let feet = (subpixels(object.x), subpixels(object.y));
            let corner = (feet.0 - BODY_WIDTH / 2, feet.1 - BODY_HEIGHT);
            if spawns.insert(object.name.clone(), corner).is_some() {
                return Err(self.unfit(format!("has two spawn points {}", object.name)));
            }
        }
        Ok(spawns)
    }

    fn doors(&self) -> Result<Vec<Door>, MapError> {
        let mut doors = Vec::new();
        for object in self.objects("doors") {
            let ObjectShape::Rect { width, height } = object.shape else {
                return Err(self.unfit(format!("door {} must be a rectangle", object.name)));
            };
            let property = |key: &str| match object.properties.get(key) {
                Some(PropertyValue::StringValue(value)) => Ok(value.clone()),
                _ => Err(self.unfit(format!("door {} lacks the property {key}", object.name))),
            };
            let to_area = property("to_area")?;
            doors.push(Door {
                name: object.name.clone(),
                x: subpixels(object.x),
                y: subpixels(object.y),
                width: subpixels(width),
                height: subpixels(height),
                to_area: AreaId::new(to_area)
                    .map_err(|error| self.unfit(format!("door {}: {error}", object.name)))?,
                to_spawn: property("to_spawn")?,
            });
        }
        Ok(doors)
    }
}

fn client_door(door: &Door) -> ClientDoor {
    ClientDoor {
        name: door.name.clone(),
        x: door.x / SUBPIXELS,
        y: door.y / SUBPIXELS,
        width: door.width / SUBPIXELS,
        height: door.height / SUBPIXELS,
        to_area: door.to_area.to_string(),
    }
}

/// Tiled's px to whole 1/256 px; what is absurd is far outside of every map.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "Tiled tells objects' places as floats; they become integers here, once, before any tick"
)]
fn subpixels(px: f32) -> i32 {
    (px * 256.0).round().clamp(-536_870_912.0, 536_870_912.0) as i32
}
