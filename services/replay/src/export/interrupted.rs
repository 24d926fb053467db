//! An export that is told to stop writes down how far it is, and one that fails late loses nothing: the same command
//! goes on from there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventlog::EventLog;
use schemas::control::{Duty, FleetEvent, Order, WorkerControl};
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::subjects::{Domain, keyed_events};
use schemas::{Incarnation, Sequence, UnixMillis};
use serde_json::Value;

use super::{ExportArgs, Format, export_until, folder};
use crate::interrupt::Interrupt;
use crate::{ReplayError, exit};

const ENTRIES: u64 = 40;

async fn log() -> EventLog {
    let (log, _) = EventLog::in_memory();
    let order = Order {
        by: "op".into(),
        reason: "a test".into(),
    };
    let mut appender = log
        .appender(&keyed_events(Domain::Fleet, "w1"))
        .await
        .unwrap();
    for handled in 1..=ENTRIES {
        let event = FleetEvent::DutySet {
            life: handled,
            duty: Duty::Serve,
            order: order.clone(),
        };
        let entry = KeyedEntry {
            v: 1,
            at: UnixMillis(1_700_000_000_000 + handled),
            incarnation: Incarnation(1),
            handled: Sequence(handled),
            events: vec![event],
            state: WorkerControl::default(),
            outbox: Outbox::default(),
            answered: None,
        };
        let payload = schemas::encode(&entry).into();
        appender.append(payload, None).await.unwrap();
    }
    log
}

/// The positions of all rows, and how many rows there are.
fn rows(root: &Path) -> (BTreeSet<u64>, usize) {
    let manifest = std::fs::read(root.join(folder::MANIFEST)).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut positions = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        let path = root.join(file["path"].as_str().unwrap());
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            positions.push(row["log_position"].as_u64().unwrap());
        }
    }
    let count = positions.len();
    (positions.into_iter().collect(), count)
}

fn into(out: PathBuf) -> ExportArgs {
    ExportArgs {
        out,
        format: Format::Ndjson,
        stream: vec![Domain::Fleet.event_stream().to_owned()],
        real_ids: true,
        // One message every ten milliseconds.
        max_rate: Some(100),
        ..ExportArgs::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_it_where_it_is_and_the_same_command_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let args = into(directory.path().join("export"));
    let past = log().await.into();
    let interrupt = Interrupt::default();
    let mut out = Vec::new();
    let told = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        interrupt.ask();
    };
    let (stopped, ()) = tokio::join!(export_until(&args, &past, &interrupt, &mut out), told);
    let stopped = stopped.unwrap_err();
    assert!(matches!(stopped, ReplayError::Interrupted(_)), "{stopped}");
    assert_eq!(stopped.code(), exit::INTERRUPTED);
    let (first, count) = rows(&args.out);
    assert!(count > 0 && count < 40, "{count}");
    assert_eq!(first.len(), count);

    let interrupt = Interrupt::default();
    let code = export_until(&args, &past, &interrupt, &mut out)
        .await
        .unwrap();
    assert_eq!(code, exit::CLEAN);
    let (all, count) = rows(&args.out);
    assert_eq!((all.len() as u64, count as u64), (ENTRIES, ENTRIES));
}

#[tokio::test(start_paused = true)]
async fn what_the_manifest_counts_stays_when_it_cannot_get_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let args = into(directory.path().join("export"));
    let past = log().await.into();
    let mut out = Vec::new();
    // It begins, and does not get to the first message.
    let interrupt = Interrupt::default();
    interrupt.ask();
    let stopped = export_until(&args, &past, &interrupt, &mut out).await;
    stopped.unwrap_err();
    // No file can take the place of a directory.
    let area = "day=2023-11-14/area=__HIVE_DEFAULT_PARTITION__";
    let part = format!("stream=FLEET_EVENTS/{area}/part-000000000001.ndjson");
    let obstacle = args.out.join(part);
    std::fs::create_dir_all(&obstacle).unwrap();
    let interrupt = Interrupt::default();
    let failed = export_until(&args, &past, &interrupt, &mut out).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.code(), exit::UNWRITABLE, "{failed}");

    std::fs::remove_dir(&obstacle).unwrap();
    let code = export_until(&args, &past, &interrupt, &mut out)
        .await
        .unwrap();
    assert_eq!(code, exit::CLEAN);
    let (all, count) = rows(&args.out);
    assert_eq!((all.len() as u64, count as u64), (ENTRIES, ENTRIES));
}
