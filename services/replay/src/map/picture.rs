//! A map as a picture: walls, platforms and doors as they are, each body as large as it is.

use png::{BitDepth, ColorType, Encoder};
use schemas::segment::SUBPIXELS;
use world::map::Tile;
use world::rules::{BODY_HEIGHT, BODY_WIDTH};

use super::Drawing;
use crate::ReplayError;

/// The picture is half as large as the map, so that wide ones stay handy.
const SHRINK: i32 = 2;
/// Rows above the map, in pixels of the picture: one may jump out of it.
const ABOVE: i32 = 32;
/// No picture has more pixels.
const MOST: i64 = 1 << 26;

const SKY: [u8; 3] = [24, 28, 40];
const SOLID: [u8; 3] = [96, 84, 72];
const ONE_WAY: [u8; 3] = [150, 120, 70];
const DOOR: [u8; 3] = [60, 110, 170];
const EDGE: [u8; 3] = [250, 250, 250];

struct Paper {
    width: i32,
    height: i32,
    pixels: Vec<u8>,
}

impl Paper {
    fn new(width: i32, height: i32) -> Self {
        let count = i64::from(width) * i64::from(height);
        Self {
            width,
            height,
            pixels: SKY.repeat(usize::try_from(count).unwrap_or(0)),
        }
    }

    /// Fills what of the rectangle lies on the paper.
    fn fill(&mut self, (left, top): (i32, i32), (width, height): (i32, i32), colour: [u8; 3]) {
        let columns = left.max(0)..left.saturating_add(width).min(self.width);
        for row in top.max(0)..top.saturating_add(height).min(self.height) {
            for column in columns.clone() {
                let at = i64::from(row) * i64::from(self.width) + i64::from(column);
                let at = usize::try_from(at * 3).unwrap_or(usize::MAX);
                if let Some(pixel) = self.pixels.get_mut(at..at.saturating_add(3)) {
                    pixel.copy_from_slice(&colour);
                }
            }
        }
    }
}

/// From 1/256 px of the map to pixels of the picture.
const fn scaled(length: i32) -> i32 {
    length.div_euclid(SUBPIXELS * SHRINK)
}

fn scene(drawing: &Drawing<'_>) -> Result<Paper, ReplayError> {
    let map = drawing.map;
    let tile = (map.tile_px / SHRINK).max(1);
    let size = (
        map.width.saturating_mul(tile),
        map.height.saturating_mul(tile).saturating_add(ABOVE),
    );
    if i64::from(size.0) * i64::from(size.1) > MOST {
        return Err(ReplayError::Usage(format!(
            "map {} is too large for a picture; --map text draws it",
            map.name
        )));
    }
    let mut paper = Paper::new(size.0, size.1);
    for door in &map.doors {
        let at = (scaled(door.x), scaled(door.y) + ABOVE);
        paper.fill(at, (scaled(door.width), scaled(door.height)), DOOR);
    }
    for row in 0..map.height {
        for column in 0..map.width {
            let at = (column * tile, row * tile + ABOVE);
            match map.tile(column, row) {
                Tile::Solid => paper.fill(at, (tile, tile), SOLID),
                Tile::OneWay => paper.fill(at, (tile, (tile / 3).max(1)), ONE_WAY),
                Tile::Empty => {}
            }
        }
    }
    let body = (scaled(BODY_WIDTH).max(3), scaled(BODY_HEIGHT).max(3));
    for figure in &drawing.figures {
        let at = (scaled(figure.x), scaled(figure.y) + ABOVE);
        paper.fill(at, body, EDGE);
        paper.fill(
            (at.0 + 1, at.1 + 1),
            (body.0 - 2, body.1 - 2),
            figure.colour,
        );
    }
    Ok(paper)
}

/// The picture as a PNG file.
pub(super) fn draw(drawing: &Drawing<'_>) -> Result<Vec<u8>, ReplayError> {
    let paper = scene(drawing)?;
    let size = |length: i32| u32::try_from(length).unwrap_or(0);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size(paper.width), size(paper.height));
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let drawn = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&paper.pixels));
    drawn.map_err(|error| ReplayError::Output(std::io::Error::other(error)))?;
    Ok(file)
}
