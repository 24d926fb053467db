//! From the log's numbers and from rows to what Postgres takes: columns of one type each.

use std::collections::BTreeMap;

use schemas::Step;
use schemas::segment::Segment;

/// A 64-bit counter as Postgres has it. No honest counter reaches 2^63.
pub(crate) fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number of a few things as Postgres has it.
pub(crate) fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// A step at which motion ends; `None`: never.
pub(crate) fn until(step: Step) -> Option<i64> {
    (step != Segment::FOREVER).then(|| big(step.0))
}

/// One column of all rows, for `UNNEST`.
pub(crate) fn column<K, R, T>(rows: &BTreeMap<K, R>, get: impl Fn(&R) -> T) -> Vec<T> {
    rows.values().map(get).collect()
}

/// The keys of all rows, for `UNNEST`.
pub(crate) fn keys<K: ToString, R>(rows: &BTreeMap<K, R>) -> Vec<String> {
    rows.keys().map(ToString::to_string).collect()
}
