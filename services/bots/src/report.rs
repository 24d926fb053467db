//! What a run found.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::own_body::LastSeen;
use crate::run::Run;

/// How the bots were served. Times in milliseconds; traffic is of the time of play only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many bots were asked for.
    pub players: u32,
    /// How many joined the world.
    pub connected: u64,
    /// How many were in the world when the inputs stopped.
    pub connected_at_end: i64,
    /// How many could not join.
    pub logins_failed: u64,
    /// Why logins, sockets or sessions failed, and how often, those that succeeded later among them.
    pub failures: BTreeMap<String, u64>,
    /// How long they played, s.
    pub seconds: f64,
    /// Commands given; one that was sent again after a lost socket counts once.
    pub commands_sent: u64,
    /// Commands that took effect.
    pub commands_accepted: u64,
    /// Commands refused.
    pub commands_rejected: u64,
    /// The same by reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Commands whose outcome never came.
    pub commands_unanswered: u64,
    /// Commands sent again after a lost socket.
    pub commands_resent: u64,
    /// From an input to its acknowledgement in a frame; lost sockets in between included.
    pub latency_ms: Latency,
    /// Bytes that a client received in a second, websocket headers included.
    pub bytes_in_per_client_second: f64,
    /// Frames that a client received in a second.
    pub frames_in_per_client_second: f64,
    /// Others in view, on average over all frames.
    pub neighbours_visible: f64,
    /// Between two frames on one socket; whoever sees nothing change still gets one a second.
    pub frame_gap_ms: Latency,
    /// Area changes seen.
    pub area_changes: u64,
    /// How often a bot that had walked to a door asked to go through.
    pub doors_asked: u64,
    /// How many of these led nowhere: by reason, or `no_picture` in 30 s, or the session or the run was over.
    pub doors_failed: BTreeMap<String, u64>,
    /// From asking to the picture behind the door; lost sockets in between included.
    pub area_change_ms: Latency,
    /// Sessions that went on on a new socket.
    pub resumes: u64,
    /// From the new socket to the first picture on it.
    pub resume_ms: Latency,
    /// From the last frame on the lost socket to the first picture on the new one.
    pub away_ms: Latency,
    /// Sessions that could not go on and were begun anew.
    pub sessions_lost: u64,
    /// Sockets lost before the end, by close code; 1006 = without one.
    pub disconnects: BTreeMap<String, u64>,
    /// What each bot was last shown of itself, those that never joined left out.
    #[serde(skip)]
    pub last_seen: Vec<LastSeen>,
}

/// A distribution of times, ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: f64,
    /// Nine in ten were faster.
    pub p90: f64,
    /// All but one in a hundred were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Latency {
    fn of(times: &Histogram) -> Self {
        let ms = |micros: u64| micros as f64 / 1000.0;
        Self {
            p50: ms(times.quantile_micros(0.5)),
            p90: ms(times.quantile_micros(0.9)),
            p99: ms(times.quantile_micros(0.99)),
            max: ms(times.longest_micros()),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, max } = self;
        write!(
            f,
            "p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"
        )
    }
}

impl Report {
    pub(crate) fn of(run: &Run, played: Duration, present: i64) -> Self {
        let (args, tally) = (&run.args, &run.tally);
        let joined = tally.joined.load(Relaxed);
        let client_seconds = joined as f64 * played.as_secs_f64();
        let rate = |count: u64| {
            if client_seconds > 0.0 {
                round(count as f64 / client_seconds)
            } else {
                0.0
            }
        };
        let frames = tally.frames_in.load(Relaxed);
        let rejected = tally.rejected.sum();
        Self {
            players: args.players,
            connected: joined,
            connected_at_end: present,
            logins_failed: u64::from(args.players).saturating_sub(joined),
            failures: tally.failures.counts(),
            seconds: round(played.as_secs_f64()),
            commands_sent: tally.sent.load(Relaxed),
            commands_accepted: tally.answered.load(Relaxed).saturating_sub(rejected),
            commands_rejected: rejected,
            rejected_by_reason: tally.rejected.counts(),
            commands_unanswered: tally.unanswered.load(Relaxed),
            commands_resent: tally.resent.load(Relaxed),
            latency_ms: Latency::of(&tally.latency),
            bytes_in_per_client_second: rate(tally.bytes_in.load(Relaxed)),
            frames_in_per_client_second: rate(frames),
            neighbours_visible: round(
                tally.neighbours_seen.load(Relaxed) as f64 / frames.max(1) as f64,
            ),
            frame_gap_ms: Latency::of(&tally.frame_gap),
            area_changes: tally.area_changes.load(Relaxed),
            doors_asked: tally.doors_asked.load(Relaxed),
            doors_failed: tally.doors_failed.counts(),
            area_change_ms: Latency::of(&tally.area_change),
            resumes: tally.resumes.load(Relaxed),
            resume_ms: Latency::of(&tally.resume),
            away_ms: Latency::of(&tally.away),
            sessions_lost: tally.sessions_lost.load(Relaxed),
            disconnects: tally.disconnects.counts(),
            last_seen: run.last_seen(),
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: &BTreeMap<String, u64>| {
            let all: Vec<String> = counts.iter().map(|(k, n)| format!("{n} × {k}")).collect();
            if all.is_empty() {
                "none".to_owned()
            } else {
                all.join(", ")
            }
        };
        writeln!(
            f,
            "players      {} of {} joined, {} there at the end, {:.1} s of play",
            self.connected, self.players, self.connected_at_end, self.seconds
        )?;
        writeln!(
            f,
            "commands     {} sent, {} accepted, {} rejected, {} unanswered, {} sent again",
            self.commands_sent,
            self.commands_accepted,
            self.commands_rejected,
            self.commands_unanswered,
            self.commands_resent
        )?;
        writeln!(f, "rejections   {}", list(&self.rejected_by_reason))?;
        writeln!(f, "latency      {}", self.latency_ms)?;
        writeln!(
            f,
            "in a second  {:.0} bytes and {:.1} frames a client, {:.1} others in view",
            self.bytes_in_per_client_second,
            self.frames_in_per_client_second,
            self.neighbours_visible
        )?;
        writeln!(f, "frames apart {}, over all sockets", self.frame_gap_ms)?;
        writeln!(
            f,
            "areas        {} changes, {} doors asked, failed: {}",
            self.area_changes,
            self.doors_asked,
            list(&self.doors_failed)
        )?;
        writeln!(f, "door to view {}", self.area_change_ms)?;
        writeln!(
            f,
            "sockets      {} resumed, {} sessions lost; lost: {}",
            self.resumes,
            self.sessions_lost,
            list(&self.disconnects)
        )?;
        writeln!(f, "to resume    {}", self.resume_ms)?;
        writeln!(f, "away         {}", self.away_ms)?;
        write!(f, "failures     {}", list(&self.failures))
    }
}
