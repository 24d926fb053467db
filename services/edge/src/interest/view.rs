//! A viewer's view: which cells it is sent.
//!
//! The window that a client draws is 1280 × 720 px around its body. The view always covers it,
//! with room for bodies that stand a little outside their cell; it follows the body only when it
//! must, so that walking to and fro across a border changes nothing.

use super::cell::{CellRect, MARGIN_PX};

/// Half of the window that a client may draw, px.
pub(crate) const HALF_WINDOW_PX: (i32, i32) = (640, 360);
/// Added around the window when a view is chosen anew, px: about as far the body walks until the
/// next time.
pub(crate) const SLACK_PX: i32 = 96;
/// No view reaches further than this around the window (its cells may), px.
pub(crate) const FARTHEST_PX: i32 = 256;

/// The cells on one screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View(pub(crate) CellRect);

fn window(place: (i32, i32), more: i32) -> CellRect {
    let (x, y) = HALF_WINDOW_PX;
    CellRect::around(place, (x + more, y + more))
}

impl View {
    /// The view of a body that stands at `place` (1/256 px).
    pub(crate) fn around(place: (i32, i32)) -> Self {
        Self(window(place, SLACK_PX))
    }

    /// The view after the body has come to `place`: this one as long as it will do.
    pub(crate) fn follow(self, place: (i32, i32)) -> Self {
        let enough = self.0.covers(&window(place, MARGIN_PX));
        let too_much = !window(place, FARTHEST_PX).covers(&self.0);
        if enough && !too_much {
            self
        } else {
            Self::around(place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::segment::SUBPIXELS;

    #[test]
    fn walking_to_and_fro_across_a_border_moves_no_view() {
        let at = |px: i32| (px * SUBPIXELS, 400 * SUBPIXELS);
        let mut view = View::around(at(1000));
        let mut changes = 0;
        for _ in 0..50 {
            for px in [1000, 1040, 1080, 1040] {
                let next = view.follow(at(px));
                changes += usize::from(next != view);
                view = next;
            }
        }
        assert!(changes <= 1, "{changes} changes");
    }
}
