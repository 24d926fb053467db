//! What the edge counts, with the handles of what is counted thousands of times a second.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use runtime::metric_definitions::{
    EDGE_BYTES_TOTAL, EDGE_CLOSED_TOTAL, EDGE_CONNECTIONS, EDGE_FILE_BYTES_TOTAL, EDGE_FILES_TOTAL,
    EDGE_FRAMES_TOTAL, EDGE_REFUSED_TOTAL, INPUT_ACK_SECONDS, REPLICA_LAG_SECONDS,
};
use schemas::wire::CloseCode;

/// Handles.
pub(crate) struct Meters {
    /// Open websockets.
    pub(crate) connections: Gauge,
    /// Messages from clients.
    pub(crate) frames_in: Counter,
    /// Their bytes.
    pub(crate) bytes_in: Counter,
    /// Messages to clients.
    pub(crate) frames_out: Counter,
    /// Their bytes.
    pub(crate) bytes_out: Counter,
    /// From a command's arrival to the frame that answers it.
    pub(crate) input_ack: Histogram,
    /// Age of a frame when it is folded.
    pub(crate) replica_lag: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let frames = |direction| counter!(EDGE_FRAMES_TOTAL, "direction" => direction);
        let bytes = |direction| counter!(EDGE_BYTES_TOTAL, "direction" => direction);
        Self {
            connections: gauge!(EDGE_CONNECTIONS),
            frames_in: frames("in"),
            bytes_in: bytes("in"),
            frames_out: frames("out"),
            bytes_out: bytes("out"),
            input_ack: histogram!(INPUT_ACK_SECONDS),
            replica_lag: histogram!(REPLICA_LAG_SECONDS),
        }
    }
}

/// A client's input went no further.
pub(crate) fn refused(reason: &'static str) {
    counter!(EDGE_REFUSED_TOTAL, "reason" => reason).increment(1);
}

/// A published file was asked for; `outcome` is `hit`, `read` or `not_modified`.
pub(crate) fn file_served(outcome: &'static str, bytes: usize) {
    counter!(EDGE_FILES_TOTAL, "outcome" => outcome).increment(1);
    counter!(EDGE_FILE_BYTES_TOTAL).increment(bytes as u64);
}

/// A connection was closed by this side.
pub(crate) fn closed(code: CloseCode) {
    counter!(EDGE_CLOSED_TOTAL, "code" => code.code().to_string()).increment(1);
}
