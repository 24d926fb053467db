//! Every metric there is: name, unit, help, labels, and for histograms the buckets.
//!
//! A constant is named for the metric without its `worldline_`, so that `TICK_SECONDS` is
//! `worldline_tick_seconds`. Units are Prometheus's base units: seconds, bytes, or a plain count. Record with
//! `metrics::counter!(metric_definitions::COMMANDS_TOTAL, "kind" => …, "outcome" => …).increment(1)`.

use metrics::Unit;

/// One metric as it is described to Prometheus.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As exported.
    pub name: &'static str,
    /// What kind of series.
    pub kind: Kind,
    /// What it counts in.
    pub unit: Unit,
    /// The labels its series carry.
    pub labels: &'static [&'static str],
    /// One sentence for the operator.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution over these upper bounds.
    Histogram(&'static [f64]),
}

/// Steps of a tick: 0.25 ms to 80 ms, two ticks of 40 ms.
const TICK_BUCKETS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08,
];
/// What a player or the broker waits for: 0.5 ms to 5 s.
const WAIT_BUCKETS: &[f64] = &[
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1.0,
    2.5, 5.0,
];
/// Whole pieces of work: 5 ms to 1 min.
const WORK_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

macro_rules! define_metrics {
    ($($constant:ident = $name:literal, $kind:expr, $unit:ident, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] #[doc = concat!("\n\nLabels: `", stringify!([$($label),*]), "`.")]
        pub const $constant: &str = $name;)*
        /// All of them, in the order of this file.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $name, kind: $kind, unit: Unit::$unit, labels: &[$($label),*], help: $help,
        }),*];
    };
}

define_metrics! {
    // The log.
    STORED_MESSAGES_TOTAL = "worldline_stored_messages_total", Kind::Counter, Count, ["stream"],
        "Messages this process has had stored by the broker; the budget of a 2-core box is 1,500 a second in all.";
    APPEND_SECONDS = "worldline_append_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, [],
        "Time from sending an area's frame until the broker has acknowledged it.";
    FENCE_REFUSED_TOTAL = "worldline_fence_refused_total", Kind::Counter, Count, [],
        "Appends refused because somebody else has written: each is a former owner being stopped.";
    APPEND_RETRIES_TOTAL = "worldline_append_retries_total", Kind::Counter, Count, ["reason"],
        "Appends sent again because their outcome was unknown or still in flight.";
    READER_REBUILT_TOTAL = "worldline_reader_rebuilt_total", Kind::Counter, Count, ["reason"],
        "Ordered readers that were built anew after a gap, a silence or a lost connection.";
    // Area workers.
    TICK_SECONDS = "worldline_tick_seconds", Kind::Histogram(TICK_BUCKETS), Seconds, [],
        "Time an area's tick has kept a core busy; a tick comes every 0.04 s.";
    TICK_LATE_SECONDS = "worldline_tick_late_seconds", Kind::Histogram(TICK_BUCKETS), Seconds, [],
        "How much later than planned a tick began.";
    AREAS_OWNED = "worldline_areas_owned", Kind::Gauge, Count, ["state"],
        "Areas this process owns, awake or asleep.";
    AREAS_QUARANTINED = "worldline_areas_quarantined", Kind::Gauge, Count, [],
        "Areas given up because their rules keep breaking; any is an alarm for the operators.";
    COMMANDS_TOTAL = "worldline_commands_total", Kind::Counter, Count, ["kind", "outcome"],
        "Commands decided, by kind and by outcome.";
    WORLD_FAULTS_TOTAL = "worldline_world_faults_total", Kind::Counter, Count, ["kind"],
        "Commands that broke the rules' own invariants and were rejected as faults; any is a bug to report.";
    SNAPSHOT_SECONDS = "worldline_snapshot_seconds", Kind::Histogram(WORK_BUCKETS), Seconds, [],
        "Time to write one snapshot of an area.";
    RECOVERY_SECONDS = "worldline_recovery_seconds", Kind::Histogram(WORK_BUCKETS), Seconds, [],
        "Time from claiming an area to its first tick.";
    HANDOFFS_TOTAL = "worldline_handoffs_total", Kind::Counter, Count, ["reason"],
        "Areas that this process has taken over or given away, by reason.";
    HANDOFF_GAP_SECONDS = "worldline_handoff_gap_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, ["reason"],
        "From the former owner's last frame to the first tick here; planned hand-overs have the reason `handed_over`.";
    AREA_REPLICAS = "worldline_area_replicas", Kind::Gauge, Count, [],
        "Others' areas of which this worker keeps a folded replica, so as to take them at once.";
    AREAS_STOPPED = "worldline_areas_stopped", Kind::Gauge, Count, [],
        "Areas placed here that cannot run until somebody has mended the log or the build; any is an alarm for the operators.";
    // The director.
    MEMBERS = "worldline_members", Kind::Gauge, Count, ["state"],
        "Area workers the director knows, by state.";
    DIRECTOR_LEADS = "worldline_director_leads", Kind::Gauge, Count, [],
        "1 while this director writes placements; over all directors the sum is 1.";
    PLACEMENTS_TOTAL = "worldline_placements_total", Kind::Counter, Count, ["reason"],
        "Placements the director has changed, by why.";
    AREAS_WAITING = "worldline_areas_waiting", Kind::Gauge, Count, [],
        "Open areas that no worker can own as things are; above 0 for long, somebody has to act.";
    AREAS_OPEN = "worldline_areas_open", Kind::Gauge, Count, ["state"],
        "Areas that have been opened, open or closed, and the open ones that are full and send on who comes.";
    INSTANCE_STEPS_TOTAL = "worldline_instance_steps_total", Kind::Counter, Count, ["step"],
        "Instances opened, given an overflow, cleared of it or closed by the director.";
    SUSPICIONS_TOTAL = "worldline_suspicions_total", Kind::Counter, Count, ["outcome"],
        "Workers believed dead, and those of them that were heard again.";
    FLEET_WORKERS = "worldline_fleet_workers", Kind::Gauge, Count, ["state"],
        "Workers that the fleet's backend shall run, and those that it does.";
    FLEET_STEPS_TOTAL = "worldline_fleet_steps_total", Kind::Counter, Count, ["step"],
        "Steps to fit the fleet to its load: up, drain, down.";
    FLEET_ERRORS_TOTAL = "worldline_fleet_errors_total", Kind::Counter, Count, [],
        "Times that the fleet's backend refused or did not answer; rising, somebody has to act.";
    // The edge.
    EDGE_CONNECTIONS = "worldline_edge_connections", Kind::Gauge, Count, [],
        "Open websocket connections.";
    EDGE_OBSERVERS = "worldline_edge_observers", Kind::Gauge, Count, [],
        "Open websocket connections that look on without a character.";
    EDGE_FRAMES_TOTAL = "worldline_edge_frames_total", Kind::Counter, Count, ["direction"],
        "Websocket frames, in from and out to clients.";
    EDGE_BYTES_TOTAL = "worldline_edge_bytes_total", Kind::Counter, Bytes, ["direction"],
        "Payload bytes of websocket frames, in from and out to clients.";
    EDGE_CLOSED_TOTAL = "worldline_edge_closed_total", Kind::Counter, Count, ["code"],
        "Connections closed, by close code.";
    EDGE_REFUSED_TOTAL = "worldline_edge_refused_total", Kind::Counter, Count, ["reason"],
        "Client input refused before it became a command.";
    EDGE_FILES_TOTAL = "worldline_edge_files_total", Kind::Counter, Count, ["outcome"],
        "Requests for published files: from memory (hit), from the store (read), or known to the client already.";
    EDGE_FILE_BYTES_TOTAL = "worldline_edge_file_bytes_total", Kind::Counter, Bytes, [],
        "Bytes of published files sent to clients.";
    EDGE_LOGINS_TOTAL = "worldline_edge_logins_total", Kind::Counter, Count, ["method", "outcome"],
        "Logins, registrations and refreshes that edges have answered: ok, refused, throttled or failed.";
    INPUT_ACK_SECONDS = "worldline_input_ack_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, [],
        "Time from a client's input reaching the edge until the frame with its outcome is handed to the socket.";
    TRANSIT_SECONDS = "worldline_transit_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, [],
        "Time from the command to go through a door until the client is given the picture behind it.";
    REPLICA_LAG_SECONDS = "worldline_replica_lag_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, [],
        "Age of an area's frame when the edge folds it.";
    // Identity and lobby.
    LOBBY_SUSPECTS = "worldline_lobby_suspects", Kind::Gauge, Count, [],
        "Characters that were not found where they are believed to be, and of which no news has come yet.";
    LOBBY_RECLAIMED_TOTAL = "worldline_lobby_reclaimed_total", Kind::Counter, Count, [],
        "Characters that were nowhere and were asked back into the lobby; any is an alarm for the operators.";
    LOGINS_TOTAL = "worldline_logins_total", Kind::Counter, Count, ["method", "outcome"],
        "Logins answered.";
    LOGIN_FAILURE_RATIO = "worldline_login_failure_ratio", Kind::Gauge, Count, [],
        "Share of the logins by password, provider or guest token that failed in the last minute, as of the last one.";
    LOGIN_FAILURE_ALARM = "worldline_login_failure_alarm", Kind::Gauge, Count, [],
        "1 while more than half of at least 50 logins in a minute fail: somebody is guessing, or something is broken.";
    HASH_SECONDS = "worldline_hash_seconds", Kind::Histogram(WAIT_BUCKETS), Seconds, [],
        "Time a password's hash has kept a core busy.";
    HASH_WAITING = "worldline_hash_waiting", Kind::Gauge, Count, [],
        "Passwords that wait to be hashed; at the limit, logins are refused as busy.";
    SESSIONS = "worldline_sessions", Kind::Gauge, Count, [],
        "Live sessions.";
    // The archive.
    ARCHIVE_SEALED_TOTAL = "worldline_archive_sealed_total", Kind::Counter, Count, ["stream"],
        "Messages archived, read back and named by the archive's manifest.";
    ARCHIVE_PURGED_TOTAL = "worldline_archive_purged_total", Kind::Counter, Count, ["stream"],
        "Archived messages removed from the broker.";
    ARCHIVE_LOST_TOTAL = "worldline_archive_lost_total", Kind::Counter, Count, ["stream"],
        "Messages that were gone from the broker before they were archived; any is a hole in the past.";
    ARCHIVE_FAILURES_TOTAL = "worldline_archive_failures_total", Kind::Counter, Count, ["stream"],
        "Rounds in which a stream was not archived or not purged; the log says why.";
    ARCHIVE_LIVE_BYTES = "worldline_archive_live_bytes", Kind::Gauge, Bytes, ["stream"],
        "What a stream takes in the broker; purged ones are held at `archive.live_bytes`.";
    ARCHIVE_BYTES = "worldline_archive_bytes", Kind::Gauge, Bytes, ["stream"],
        "What a stream's segments take in the archive.";
    ARCHIVE_LAG_SECONDS = "worldline_archive_lag_seconds", Kind::Gauge, Seconds, ["stream"],
        "Age of a stream's oldest message that is not archived; commands age out after seven days.";
    // Projectors.
    PROJECTOR_LAG_MESSAGES = "worldline_projector_lag_messages", Kind::Gauge, Count, ["projection"],
        "Messages between a projection's checkpoint and the head of its stream.";
    PROJECTOR_LAG_SECONDS = "worldline_projector_lag_seconds", Kind::Gauge, Seconds, ["projection"],
        "Age of the first message a projection does not hold yet; 0 when it holds all.";
    PROJECTOR_EVENTS_TOTAL = "worldline_projector_events_total", Kind::Counter, Count, ["projection"],
        "Events a projection has applied.";
    PROJECTOR_PARKED_TOTAL = "worldline_projector_parked_total", Kind::Counter, Count, ["projection"],
        "Events a projection could not apply and has put aside; any is a bug to report.";
    PROJECTOR_PARKED_KEYS = "worldline_projector_parked_keys", Kind::Gauge, Count, ["projection"],
        "Keys whose rows stand still now because an event could not be applied; `worldline projector parked list` shows them.";
    PROJECTOR_RESTARTS_TOTAL = "worldline_projector_restarts_total", Kind::Counter, Count, ["projection"],
        "Times a projection gave no sign of life and was begun anew.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut seen = BTreeSet::new();
        for Metric {
            name,
            kind,
            unit,
            labels,
            help,
        } in ALL.iter().copied()
        {
            assert!(seen.insert(name), "{name} is there twice");
            let allowed = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(
                name.starts_with("worldline_") && name.chars().all(allowed),
                "{name}"
            );
            assert!(
                labels
                    .iter()
                    .all(|label| label.chars().all(allowed) && *label != "le"),
                "labels of {name}"
            );
            assert_eq!(
                name.ends_with("_total"),
                kind == Kind::Counter,
                "only counters end in _total: {name}"
            );
            let base = name.trim_end_matches("_total");
            assert_eq!(
                base.ends_with("_seconds"),
                unit == Unit::Seconds,
                "{name} names its unit"
            );
            assert_eq!(
                base.ends_with("_bytes"),
                unit == Unit::Bytes,
                "{name} names its unit"
            );
            assert!(
                matches!(unit, Unit::Seconds | Unit::Bytes | Unit::Count),
                "{name} is in a base unit"
            );
            assert!(
                help.ends_with('.') && help.len() > 10,
                "{name} is explained in a sentence"
            );
            if let Kind::Histogram(buckets) = kind {
                assert!(
                    buckets.is_sorted_by(|a, b| a < b) && buckets[0] > 0.0,
                    "buckets of {name} rise"
                );
            }
        }
    }

    /// A constant outside the table would be neither described nor given its buckets.
    #[test]
    fn constants_are_made_by_the_table_alone() {
        let source = include_str!("metric_definitions.rs");
        let by_hand = source
            .lines()
            .filter(|line| line.trim_start().starts_with("pub const "))
            .collect::<Vec<_>>();
        assert_eq!(
            by_hand,
            [
                "        pub const $constant: &str = $name;)*",
                "        pub const ALL: &[Metric] = &[$(Metric {"
            ]
        );
        for Metric { name, .. } in ALL {
            let constant = name.trim_start_matches("worldline_").to_uppercase();
            assert!(
                source.contains(&format!("\n    {constant} = \"{name}\"")),
                "{name} should be {constant}"
            );
        }
    }

    #[test]
    fn the_tick_is_measured_from_a_quarter_to_eighty_milliseconds() {
        assert_eq!(
            (TICK_BUCKETS.first(), TICK_BUCKETS.last()),
            (Some(&0.000_25), Some(&0.08))
        );
    }
}
