//! A map as text: one sign a tile.

use std::fmt::Write as _;

use world::map::{Map, Tile};

use super::Drawing;
use crate::show::pixels;

const SOLID: char = '#';
const ONE_WAY: char = '=';
const EMPTY: char = ' ';
const DOOR: char = 'D';
/// More than one body in a tile.
const SEVERAL: char = '*';

fn ground(map: &Map, column: i32, row: i32) -> char {
    match map.tile(column, row) {
        Tile::Solid => SOLID,
        Tile::OneWay => ONE_WAY,
        Tile::Empty => {
            let is_in = |edge: i32, length: i32, cell: i32| {
                (map.cell(edge)..=map.cell(edge.saturating_add(length - 1))).contains(&cell)
            };
            let door = map
                .doors
                .iter()
                .any(|door| is_in(door.x, door.width, column) && is_in(door.y, door.height, row));
            if door { DOOR } else { EMPTY }
        }
    }
}

/// The rows from the top, each as wide as the map, blanks at the end left out. Bodies above the map stand in a first
/// row of their own.
pub(super) fn lines(drawing: &Drawing<'_>) -> Vec<String> {
    let map = drawing.map;
    let above = drawing.figures.iter().any(|figure| figure.row < 0);
    let first = if above { -1 } else { 0 };
    (first..map.height)
        .map(|row| {
            let line: String = (0..map.width)
                .map(|column| sign(drawing, column, row))
                .collect();
            line.trim_end().to_owned()
        })
        .collect()
}

fn sign(drawing: &Drawing<'_>, column: i32, row: i32) -> char {
    let map = drawing.map;
    let mut here = drawing.figures.iter().filter(|figure| {
        let place = (
            figure.column.clamp(0, (map.width - 1).max(0)),
            figure.row.clamp(-1, (map.height - 1).max(0)),
        );
        place == (column, row)
    });
    match (here.next(), here.next()) {
        (None, _) => ground(map, column, row),
        (Some(figure), None) => figure.sign,
        (Some(_), Some(_)) => SEVERAL,
    }
}

/// The map in a frame, and who is who.
pub(super) fn draw(drawing: &Drawing<'_>) -> String {
    let width = usize::try_from(drawing.map.width).unwrap_or(0);
    let border = format!("+{}+\n", "-".repeat(width));
    let mut text = border.clone();
    for line in lines(drawing) {
        text.push_str(&format!("|{line:<width$}|\n"));
    }
    text.push_str(&border);
    text.push_str("# wall, = platform, D door, * several\n");
    for figure in &drawing.figures {
        let (x, y) = (pixels(figure.x), pixels(figure.y));
        let (sign, handle, character) = (figure.sign, figure.handle, figure.character);
        // Writing to a string does not fail.
        let written = writeln!(
            text,
            "{sign} body {handle} {character} ({}) at ({x}, {y})",
            figure.name
        );
        debug_assert!(written.is_ok());
    }
    text
}
