//! Answers as people and programs read them.

use std::io::{ErrorKind, Write as _};

use serde::Serialize;
use serde_json::json;

use super::Form;
use crate::name::Name;
use crate::parked::{ParkedEvent, ParkedKey, Retried};
use crate::rebuild::Rebuilt;
use crate::status::{LagOver, Standing};

/// Writes to standard output. Whoever reads it may have read enough (`… | head`): that is no error.
pub(super) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("the answer cannot be written: {error}");
    }
}

/// As `println!`, but see [`put`].
macro_rules! line {
    ($($what:tt)*) => { put(&format!("{}\n", format_args!($($what)*))) };
}
pub(super) use line;

/// Prints in one form.
pub(super) struct Printer {
    json: bool,
}

impl Printer {
    pub(super) const fn of(form: Form) -> Self {
        Self { json: form.json }
    }

    /// One object, when that was asked for; whether it was.
    fn object(&self, answer: &impl Serialize) -> bool {
        if self.json {
            match serde_json::to_string_pretty(answer) {
                Ok(text) => line!("{text}"),
                Err(error) => eprintln!("the answer cannot be written as JSON: {error}"),
            }
        }
        self.json
    }

    pub(super) fn standings(&self, all: &[Standing]) {
        if self.object(&json!({ "projections": all })) {
            return;
        }
        line!(
            "{:<12} {:<18} {:>12} {:>12} {:>9} {:>9} {:>7} {:>7}",
            "projection",
            "stream",
            "folded",
            "head",
            "behind",
            "seconds",
            "parked",
            "dropped"
        );
        for one in all {
            line!(
                "{:<12} {:<18} {:>12} {:>12} {:>9} {:>9.1} {:>7} {:>7}",
                one.projection,
                one.stream,
                one.folded.0,
                one.head.0,
                one.behind_messages,
                one.behind_seconds,
                one.parked_keys,
                one.dropped_events
            );
        }
    }

    pub(super) fn lags(&self, all: &[LagOver]) {
        if self.object(&json!({ "projections": all })) {
            return;
        }
        line!(
            "{:<12} {:>8} {:>12} {:>12} {:>12} {:>9} {:>9} {:>9}",
            "projection",
            "samples",
            "messages p50",
            "p99",
            "max",
            "sec. p50",
            "p99",
            "max"
        );
        for one in all {
            let (messages, seconds) = (one.messages, one.seconds);
            line!(
                "{:<12} {:>8} {:>12} {:>12} {:>12} {:>9.2} {:>9.2} {:>9.2}",
                one.projection,
                one.samples,
                messages.p50,
                messages.p99,
                messages.max,
                seconds.p50,
                seconds.p99,
                seconds.max
            );
        }
    }

    pub(super) fn rebuilt(&self, what: &str, done: &Rebuilt) {
        if self.object(done) {
            return;
        }
        if done.resumed {
            line!("went on where an interrupted rebuild had stopped");
        }
        match &done.kept {
            Some(old) => line!("{what}: {}; the former rows are in {old}", done.schema),
            None => line!("{what}: {}", done.schema),
        }
    }

    pub(super) fn parked(&self, all: &[ParkedKey]) {
        if self.object(&json!({ "parked": all })) {
            return;
        }
        for key in all {
            line!("{key}");
        }
        if all.is_empty() {
            line!("nothing is parked");
        }
    }

    pub(super) fn parked_key(&self, key: &ParkedKey, events: &[ParkedEvent]) {
        if self.object(&json!({ "parked": key, "events": events })) {
            return;
        }
        line!("{key}");
        for event in events {
            line!(
                "{} stored at {} ms, {} bytes",
                event.sequence,
                event.at.0,
                event.bytes
            );
            if let Some(says) = &event.says {
                line!("{says:#}");
            }
            if let Some(bytes) = &event.undecodable {
                line!("not to be decoded by this build: {bytes}");
            }
        }
        let more = key.events.saturating_sub(events.len() as u64);
        if more > 0 {
            line!("… and {more} more");
        }
    }

    pub(super) fn retried(&self, projection: Name, key: &str, done: &Retried) {
        let answer = json!({ "projection": projection, "key": key, "done": done });
        if self.object(&answer) {
            return;
        }
        let applied = done.applied;
        match &done.still {
            None => {
                line!("{projection} {key}: {applied} events applied, nothing is parked any more")
            }
            Some(still) => line!("{applied} events applied; still parked: {still}"),
        }
    }
}
