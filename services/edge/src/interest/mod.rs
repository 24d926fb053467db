//! Interest management: which bodies a client is sent.
//!
//! The area is cut into square [cells](Cell). Each body is *kept* in one cell, each viewer has a
//! [view](View): a rectangle of cells around its own body. A body is on a viewer's screen exactly
//! when its cell is in the view. Once per frame the [`Stage`] compares the folded area with what
//! the screens show, which gives a [`Turn`]; [`Chunks`] encodes each part of it once, for all who
//! see it. `docs/adr/0005-cells-and-chunks.md` tells why it is done like this.
//!
//! Nothing here does I/O, and nothing here knows clients.

mod cell;
mod chunks;
mod frame_message;
mod stage;
mod turn;
mod view;

#[cfg(test)]
mod property_test;

pub(crate) use cell::{Cell, CellRect};
pub(crate) use chunks::{Chunks, Part, body};
pub(crate) use frame_message::frame_message;
pub(crate) use stage::{BodyNow, Stage};
pub(crate) use turn::Line;
pub(crate) use view::View;
