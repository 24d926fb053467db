//! The maps that come with the game, embedded and parsed once.
//!
//! The files in `maps/` open in Tiled; `maps/generate.py` wrote them.

use std::sync::LazyLock;

use crate::map::Map;

/// A map that comes with the game.
#[derive(Debug)]
pub struct BuiltinMap {
    /// Its name; its areas are `<name>-<n>`.
    pub name: &'static str,
    /// The TMX file.
    pub tmx: &'static [u8],
    /// The map it tells.
    pub map: Map,
}

macro_rules! embedded {
    ($($name:literal),*) => {
        const FILES: &[(&str, &[u8])] = &[
            $(($name, include_bytes!(concat!("../maps/", $name, ".tmx")))),*
        ];
    };
}
embedded!("harbor", "forest", "meadow", "void");

/// The map of areas that nobody can open otherwise: a floor, a spawn point and a way out. Who is
/// sent to such an area is there for a moment, and goes on from there.
pub const VOID: &str = "void";

const ASSETS: &[(&str, &[u8])] = &[
    ("tiles.tsx", include_bytes!("../maps/tiles.tsx")),
    ("tiles.png", include_bytes!("../maps/tiles.png")),
];

static BUILTIN: LazyLock<Vec<BuiltinMap>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|&(name, tmx)| match Map::parse_tmx(name, tmx) {
            Ok(map) => BuiltinMap { name, tmx, map },
            Err(error) => unreachable!("an embedded map that a test reads: {error}"),
        })
        .collect()
});

/// The map of that name.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static BuiltinMap> {
    BUILTIN.iter().find(|map| map.name == name)
}

/// The names of all maps.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// A file that maps refer to, by its name: the tileset and its picture.
#[must_use]
pub fn asset(file: &str) -> Option<&'static [u8]> {
    ASSETS
        .iter()
        .find(|(name, _)| *name == file)
        .map(|(_, bytes)| *bytes)
}
