//! What the log promises, asked of the real broker and of its twin in memory alike.
//!
//! Every test here is a function of a [`Subject`] and runs twice. Faults are asked for through the same controls; only what a
//! twin cannot have, a server to kill, is asked of the real broker alone.

mod subject;

mod appending;
mod backup;
mod broker_only;
mod buckets;
mod feeding;
mod following;
mod full;
mod keeping;
mod objects;
mod reading;
mod sending;
mod truth;
mod working;
