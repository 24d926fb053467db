//! A whole director: over the twin in memory, and over a real broker where that is the point.

mod broker;
mod leading;
mod placing;
mod stage;
