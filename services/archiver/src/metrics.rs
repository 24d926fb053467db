//! What operators see of the archive.

use eventlog::StreamInfo;
use metrics::{counter, gauge};
use past::Stored;
use runtime::metric_definitions::{
    ARCHIVE_BYTES, ARCHIVE_FAILURES_TOTAL, ARCHIVE_LAG_SECONDS, ARCHIVE_LIVE_BYTES,
    ARCHIVE_LOST_TOTAL, ARCHIVE_PURGED_TOTAL, ARCHIVE_SEALED_TOTAL,
};

use crate::Archived;

pub(crate) fn sealed(stream: &str, stored: &Stored) {
    counter!(ARCHIVE_SEALED_TOTAL, "stream" => stream.to_owned()).increment(stored.messages);
}

pub(crate) fn lost(stream: &str, messages: u64) {
    counter!(ARCHIVE_LOST_TOTAL, "stream" => stream.to_owned()).increment(messages);
}

pub(crate) fn purged(stream: &str, messages: u64) {
    counter!(ARCHIVE_PURGED_TOTAL, "stream" => stream.to_owned()).increment(messages);
}

pub(crate) fn failed(stream: &str) {
    counter!(ARCHIVE_FAILURES_TOTAL, "stream" => stream.to_owned()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn live(stream: &str, info: &StreamInfo) {
    gauge!(ARCHIVE_LIVE_BYTES, "stream" => stream.to_owned()).set(info.bytes as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn archived(stream: &str, archived: &Archived, lag_millis: u64) {
    gauge!(ARCHIVE_BYTES, "stream" => stream.to_owned()).set(archived.bytes as f64);
    gauge!(ARCHIVE_LAG_SECONDS, "stream" => stream.to_owned()).set(lag_millis as f64 / 1000.0);
}
