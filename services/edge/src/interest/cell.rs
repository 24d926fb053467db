//! Cells: squares of the area, the grain of interest.

use schemas::segment::SUBPIXELS;

/// Side of a cell, px.
pub(crate) const CELL_PX: i32 = 256;
/// How far a body may stand outside its cell before it is kept in another, px. Against flicker
/// of a body that dances on a border.
pub(crate) const MARGIN_PX: i32 = 16;

const CELL: i64 = CELL_PX as i64 * SUBPIXELS as i64;
const MARGIN: i64 = MARGIN_PX as i64 * SUBPIXELS as i64;

/// One square of the area, counted in cells from the area's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cell {
    /// Column.
    pub(crate) x: i32,
    /// Row.
    pub(crate) y: i32,
}

impl Cell {
    /// The cell at a place in 1/256 px.
    pub(crate) fn at((x, y): (i32, i32)) -> Self {
        let side = CELL_PX * SUBPIXELS;
        Self {
            x: x.div_euclid(side),
            y: y.div_euclid(side),
        }
    }

    /// Where a body that has been kept in this cell and stands at `place` now is kept.
    pub(crate) fn keep(self, place: (i32, i32)) -> Self {
        let near = |at: i32, cell: i32| {
            let from = i64::from(cell) * CELL;
            (from - MARGIN..from + CELL + MARGIN).contains(&i64::from(at))
        };
        if near(place.0, self.x) && near(place.1, self.y) {
            self
        } else {
            Self::at(place)
        }
    }
}

/// A rectangle of cells, its edges included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CellRect {
    /// Upper left.
    pub(crate) from: Cell,
    /// Lower right.
    pub(crate) to: Cell,
}

impl CellRect {
    /// All cells that a window touches which reaches `half` (px, px) to each side of `place`.
    pub(crate) fn around(place: (i32, i32), half: (i32, i32)) -> Self {
        let reach = (half.0 * SUBPIXELS, half.1 * SUBPIXELS);
        Self {
            from: Cell::at((
                place.0.saturating_sub(reach.0),
                place.1.saturating_sub(reach.1),
            )),
            to: Cell::at((
                place.0.saturating_add(reach.0),
                place.1.saturating_add(reach.1),
            )),
        }
    }

    /// Whether `cell` is one of them.
    pub(crate) const fn contains(&self, cell: Cell) -> bool {
        self.from.x <= cell.x && cell.x <= self.to.x && self.from.y <= cell.y && cell.y <= self.to.y
    }

    /// Whether all of `other` is within.
    pub(crate) const fn covers(&self, other: &Self) -> bool {
        self.contains(other.from) && self.contains(other.to)
    }

    /// All of them, row by row.
    pub(crate) fn cells(self) -> impl Iterator<Item = Cell> {
        (self.from.y..=self.to.y)
            .flat_map(move |y| (self.from.x..=self.to.x).map(move |x| Cell { x, y }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PX: i32 = SUBPIXELS;

    #[test]
    fn a_body_on_the_border_stays_where_it_was_kept() {
        let first = Cell::at((255 * PX, 10 * PX));
        assert_eq!(first, Cell { x: 0, y: 0 });
        assert_eq!(first.keep((257 * PX, 10 * PX)), first, "a little over");
        let second = first.keep((273 * PX, 10 * PX));
        assert_eq!(second, Cell { x: 1, y: 0 }, "more than the margin over");
        assert_eq!(
            second.keep((255 * PX, 10 * PX)),
            second,
            "and back a little"
        );
        assert_eq!(Cell::at((-1, -1)), Cell { x: -1, y: -1 });
    }

    #[test]
    fn a_window_touches_all_its_cells_and_no_other() {
        let rect = CellRect::around((0, 0), (300, 10));
        let cells: Vec<_> = rect.cells().map(|cell| (cell.x, cell.y)).collect();
        assert_eq!(
            cells,
            [
                (-2, -1),
                (-1, -1),
                (0, -1),
                (1, -1),
                (-2, 0),
                (-1, 0),
                (0, 0),
                (1, 0)
            ]
        );
        assert!(rect.covers(&CellRect::around((0, 0), (200, 0))));
        assert!(!rect.covers(&CellRect::around((0, 0), (600, 0))));
    }

    #[test]
    fn the_ends_of_the_number_line_are_no_cliff() {
        let far = (i32::MAX, i32::MIN);
        let cell = Cell::at(far);
        assert_eq!(cell.keep(far), cell);
        assert!(CellRect::around(far, (700, 400)).contains(cell));
    }
}
