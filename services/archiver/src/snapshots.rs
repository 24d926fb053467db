//! `worldline archive snapshots`: the areas' snapshots, made anew out of the past.
//!
//! Snapshots only save time, until the frames before them are purged: then an area without a readable snapshot can be
//! opened by nobody who reads the broker alone. Here each area is folded from its first frame, which may lie in the
//! archive, chain and hashes checked, and saved as its worker would.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use eventlog::{EventLog, Follow, SaveError, SnapshotPoint};
use past::Past;
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject, area_events};
use schemas::{AreaId, Digest, Sequence};
use world::AreaState;

use crate::cli::{NotThere, SnapshotsArgs};

/// An area folded up to its newest frame.
struct Folded {
    state: AreaState,
    last: Sequence,
    digest: Digest,
}

/// Makes them; the answer goes to `out`.
pub(crate) async fn snapshots(
    past: &Past,
    log: &EventLog,
    args: &SnapshotsArgs,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let life = log.stream_info(AREA_EVENTS).await?.incarnation;
    let subjects = past.subjects(AREA_EVENTS, "evt.area.>").await?;
    let has = |area| {
        let wanted = area_events(area);
        subjects.iter().any(|(subject, _)| *subject == wanted)
    };
    if let Some(unknown) = args.area.iter().find(|area| !has(area)) {
        let nothing =
            format!("there is no frame of {unknown}; `worldline replay list` shows the areas");
        return Err(NotThere(nothing).into());
    }
    for (subject, frames) in subjects {
        let Subject::AreaEvents(area) = Subject::parse(&subject) else {
            continue;
        };
        if !args.area.is_empty() && !args.area.contains(&area) {
            continue;
        }
        eprintln!("{area}: folding {frames} frames");
        let Some(folded) = fold(past, &area).await? else {
            continue;
        };
        let point = SnapshotPoint {
            incarnation: life,
            sequence: folded.last,
            digest: folded.digest,
        };
        let state = schemas::encode(&folded.state).into();
        match log.snapshots().save(&area, point, state).await {
            Ok(()) => writeln!(out, "{area}: a snapshot after frame {}", folded.last)?,
            // Its worker was quicker.
            Err(SaveError::NotNewer { saved, .. }) => {
                writeln!(out, "{area}: there is one already, after {saved}")?;
            }
            Err(error) => return Err(error).context(format!("saving the snapshot of {area}")),
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn fold(past: &Past, area: &AreaId) -> anyhow::Result<Option<Folded>> {
    let filters = vec![area_events(area)];
    let mut reader = past.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
    let mut state = AreaState::new(area.clone(), area.map());
    let mut end = None;
    while let Some(record) = reader.next().await? {
        let broken = || format!("message {} on {}", record.sequence, record.subject);
        let frame: Frame = schemas::decode(&record.payload).with_context(broken)?;
        let digest = Digest::of(&record.payload);
        state.fold(&frame, digest).with_context(broken)?;
        end = Some((record.sequence, digest));
    }
    Ok(end.map(|(last, digest)| Folded {
        state,
        last,
        digest,
    }))
}
