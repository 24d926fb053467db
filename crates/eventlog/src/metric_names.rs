//! The metrics this crate records; `runtime` describes the same names.

/// Counter, label `stream`: messages stored.
pub const STORED_MESSAGES_TOTAL: &str = "worldline_stored_messages_total";
/// Histogram, seconds: from sending an append to its acknowledgement.
pub const APPEND_SECONDS: &str = "worldline_append_seconds";
/// Counter: appends refused because somebody else has written.
pub const FENCE_REFUSED_TOTAL: &str = "worldline_fence_refused_total";
/// Counter, label `reason`: appends sent again.
pub const APPEND_RETRIES_TOTAL: &str = "worldline_append_retries_total";
/// Counter, label `reason`: readers built anew.
pub const READER_REBUILT_TOTAL: &str = "worldline_reader_rebuilt_total";
/// Counter, labels `kind`, `outcome`: commands decided.
pub const COMMANDS_TOTAL: &str = "worldline_commands_total";
