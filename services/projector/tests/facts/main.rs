//! `FACTS`: every event once, in its stream's order, whatever happens to its writer.

mod expected;
mod harm;
mod real;
#[path = "../../../replay/tests/sample/mod.rs"]
mod sample;
mod schema;
mod telling;
