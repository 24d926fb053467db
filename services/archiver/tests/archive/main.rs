//! The archive against a real broker: what is archived, purged, damaged and restored reads as what was written.

mod aging;
mod away;
mod border;
mod codes;
mod damage;
mod purging;
mod restoring;
mod rights;
mod stage;
mod watched;
