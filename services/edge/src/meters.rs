//! What the edge counts, with the handles of what is counted thousands of times a second.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use runtime::metric_definitions::{
    EDGE_BYTES_TOTAL, EDGE_CLOSED_TOTAL, EDGE_CONNECTIONS, EDGE_FILE_BYTES_TOTAL, EDGE_FILES_TOTAL,
    EDGE_FRAMES_TOTAL, EDGE_LOGINS_TOTAL, EDGE_OBSERVERS, EDGE_REFUSED_TOTAL, INPUT_ACK_SECONDS,
    REPLICA_LAG_SECONDS, TRANSIT_SECONDS,
};
use schemas::wire::CloseCode;

use crate::http::Problem;

/// Handles.
pub(crate) struct Meters {
    /// Open websockets.
    pub(crate) connections: Gauge,
    /// Those that look without a character.
    pub(crate) observers: Gauge,
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
    /// From a door's command until the area behind it shows the character.
    pub(crate) transit: Histogram,
    /// Age of a frame when it is folded.
    pub(crate) replica_lag: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let frames = |direction| counter!(EDGE_FRAMES_TOTAL, "direction" => direction);
        let bytes = |direction| counter!(EDGE_BYTES_TOTAL, "direction" => direction);
        Self {
            connections: gauge!(EDGE_CONNECTIONS),
            observers: gauge!(EDGE_OBSERVERS),
            frames_in: frames("in"),
            bytes_in: bytes("in"),
            frames_out: frames("out"),
            bytes_out: bytes("out"),
            input_ack: histogram!(INPUT_ACK_SECONDS),
            transit: histogram!(TRANSIT_SECONDS),
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

/// How somebody logs in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LoginMethod {
    /// As a guest, new or known.
    Guest,
    /// With a new login name.
    Register,
    /// With a login name and its password.
    Password,
    /// By a provider's word.
    Openid,
    /// With a refresh token.
    Refresh,
}

/// Counts how a login went. Alarms watch the share that is refused.
pub(crate) fn login<T>(method: LoginMethod, done: Result<T, Problem>) -> Result<T, Problem> {
    let method = match method {
        LoginMethod::Guest => "guest",
        LoginMethod::Register => "register",
        LoginMethod::Password => "password",
        LoginMethod::Openid => "openid",
        LoginMethod::Refresh => "refresh",
    };
    let outcome = done.as_ref().map_or_else(Problem::outcome, |_| "ok");
    counter!(EDGE_LOGINS_TOTAL, "method" => method, "outcome" => outcome).increment(1);
    done
}
