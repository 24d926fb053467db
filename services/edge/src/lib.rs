//! The edge.
mod interest;
