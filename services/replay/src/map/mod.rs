//! `replay show --map`: an area drawn, as text or as a picture.
//!
//! What is drawn is the map that this build knows under the name in the log. If the log names another version of it, the
//! picture says so: bodies stand where they stood, walls where they are now.

mod picture;
mod text;

use std::path::{Path, PathBuf};

use schemas::{CharacterId, Handle, Step};
use serde::Serialize;
use serde_json::{Value, json};
use world::body::Body;
use world::map::Map;
use world::{AreaState, maps};

use crate::ReplayError;
use crate::output;
use crate::readable::Reader;

/// Where to draw to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canvas {
    /// As text, with the answer.
    Text,
    /// As a picture, into this file.
    Png(PathBuf),
}

impl std::str::FromStr for Canvas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = Path::new(text);
        let is_png = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        match text {
            "text" => Ok(Self::Text),
            _ if is_png => Ok(Self::Png(path.to_owned())),
            _ => Err("`text`, or a file whose name ends with .png".to_owned()),
        }
    }
}

/// A body as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Figure {
    /// The sign that stands for it in a text.
    pub(crate) sign: char,
    pub(crate) handle: Handle,
    pub(crate) character: CharacterId,
    pub(crate) name: String,
    /// Left edge, 1/256 px.
    pub(crate) x: i32,
    /// Top edge, 1/256 px.
    pub(crate) y: i32,
    /// The tile in which its middle lies.
    pub(crate) column: i32,
    pub(crate) row: i32,
    /// Its colour in a picture.
    pub(crate) colour: [u8; 3],
}

/// A map with who is on it.
#[derive(Debug)]
pub(crate) struct Drawing<'a> {
    pub(crate) map: &'a Map,
    pub(crate) figures: Vec<Figure>,
    /// The log names another version of the map.
    pub(crate) other_version: bool,
}

/// Signs for bodies, in the order of their handles; who comes after the last is `@`.
const SIGNS: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCEFGHIJKLMNOPQRSTUVWXYZ";

impl<'a> Drawing<'a> {
    /// `bodies` of `state` as they stand at `step`.
    pub(crate) fn of(
        state: &AreaState,
        bodies: &[&Body],
        step: Step,
        reader: &Reader,
    ) -> Result<Drawing<'a>, ReplayError> {
        let name = state.map_name();
        let Some(builtin) = maps::builtin(name) else {
            let known = maps::names().collect::<Vec<_>>().join(", ");
            return Err(ReplayError::Usage(format!(
                "this build has no map {name} to draw (it has {known}); `show` without --map tells the same in a table"
            )));
        };
        let map = &builtin.map;
        let signs = SIGNS.chars().chain(std::iter::repeat('@'));
        let figures = bodies
            .iter()
            .zip(signs)
            .map(|(body, sign)| figure(map, body, step, sign, reader))
            .collect();
        let other_version = state
            .owner()
            .is_some_and(|owner| owner.map_hash != map.digest);
        Ok(Drawing {
            map,
            figures,
            other_version,
        })
    }

    /// What to say about the map itself.
    pub(crate) fn caveat(&self) -> Option<String> {
        self.other_version.then(|| {
            format!(
                "the area stood on another version of {}: walls are drawn as they are now",
                self.map.name
            )
        })
    }

    pub(crate) fn text(&self) -> String {
        text::draw(self)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.map.name, "columns": self.map.width, "rows": self.map.height,
            "tile_px": self.map.tile_px, "other_version": self.other_version,
            "lines": text::lines(self), "bodies": self.figures,
        })
    }

    /// Draws into a file, which comes to be whole or not at all.
    pub(crate) fn png(&self, path: &Path) -> Result<(), ReplayError> {
        output::whole_file(path, &picture::draw(self)?)
    }
}

fn figure(map: &Map, body: &Body, step: Step, sign: char, reader: &Reader) -> Figure {
    use world::rules::{BODY_HEIGHT, BODY_WIDTH};
    let (x, y) = body.position(step);
    let middle = |edge: i32, length: i32| map.cell(edge.saturating_add(length / 2));
    Figure {
        sign,
        handle: body.handle,
        character: body.character,
        name: reader.open(&body.name),
        x,
        y,
        column: middle(x, BODY_WIDTH),
        row: middle(y, BODY_HEIGHT),
        colour: colour(body.character),
    }
}

/// A bright colour of the character's own.
fn colour(character: CharacterId) -> [u8; 3] {
    // Fibonacci hashing: neighbouring ids lie far from each other.
    let [a, b, c, ..] = character
        .0
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .to_be_bytes();
    [a, b, c].map(|part| 96 + part / 2)
}
