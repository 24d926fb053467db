//! area-worker
