//! What the log needs of a broker: plain operations, each tried once.

pub(crate) mod faults;

pub(crate) trait Backend: Send + Sync {}
