//! Keyed aggregates over the real broker and over its twin in memory.
//!
//! What a crash does is tried at every point in `src/keyed/crash_test.rs`; here it is several
//! instances, foreign writers, others' effects and damaged input.

mod purse;
mod realm;

mod asking;
mod damage;
mod effects;
mod instances;
mod preparing;
