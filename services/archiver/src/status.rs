//! `worldline archive status`: how far each stream is archived.

use std::io::Write;
use std::process::ExitCode;

use eventlog::EventLog;
use past::Archive;
use schemas::Sequence;
use serde::Serialize;

use crate::cli::StatusArgs;
use crate::config::streams;
use crate::size::Size;

#[derive(Serialize)]
struct Line {
    stream: &'static str,
    segments: usize,
    archived_from: Option<Sequence>,
    archived_to: Sequence,
    archive_bytes: u64,
    holes: Vec<(Sequence, Sequence)>,
    purge_to: Sequence,
    live_first: Sequence,
    live_last: Sequence,
    live_bytes: u64,
    not_archived: u64,
}

/// Shows it.
pub(crate) async fn status(
    archive: &Archive,
    log: &EventLog,
    args: &StatusArgs,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    for stream in streams() {
        let live = log.stream_info(stream).await?;
        let manifest = archive.manifest(stream).await?;
        let manifest = manifest.as_deref();
        let archived_to = manifest.map_or(Sequence(0), past::Manifest::end);
        let from = archived_to.0.max(live.first.0.saturating_sub(1));
        lines.push(Line {
            stream,
            segments: manifest.map_or(0, |m| m.segments().len()),
            archived_from: manifest.and_then(past::Manifest::start),
            archived_to,
            archive_bytes: manifest.map_or(0, past::Manifest::bytes),
            holes: manifest.map(past::Manifest::holes).unwrap_or_default(),
            purge_to: manifest.map_or(Sequence(0), past::Manifest::purge_to),
            live_first: live.first,
            live_last: live.last,
            live_bytes: live.bytes,
            not_archived: live.last.0.saturating_sub(from),
        });
    }
    if args.json {
        let answer = serde_json::json!({ "archive": archive.place(), "streams": lines });
        writeln!(out, "{answer}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "archive {}", archive.place())?;
    writeln!(
        out,
        "{:<20} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "STREAM",
        "SEGMENTS",
        "FROM",
        "TO",
        "SIZE",
        "PURGED TO",
        "LIVE FROM",
        "LIVE TO",
        "LIVE SIZE"
    )?;
    for line in &lines {
        let from = line
            .archived_from
            .map_or_else(|| "-".to_owned(), |from| from.to_string());
        writeln!(
            out,
            "{:<20} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
            line.stream,
            line.segments,
            from,
            line.archived_to.0,
            Size(line.archive_bytes).to_string(),
            line.purge_to.0,
            line.live_first.0,
            line.live_last.0,
            Size(line.live_bytes).to_string()
        )?;
    }
    for line in &lines {
        for (first, last) in &line.holes {
            writeln!(out, "{}: {first} to {last} are nowhere", line.stream)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
