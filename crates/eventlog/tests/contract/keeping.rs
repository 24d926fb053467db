//! Snapshots, and streams as data.

use eventlog::streams::{self, StreamsFile};
use eventlog::{SaveError, SnapshotPoint, StreamInfo};
use schemas::{AreaId, Digest, Incarnation, Sequence};

use crate::subject::{HARBOR, Subject, append_all, frame, of_both};

of_both!(
    snapshots_move_only_forward_and_fall_back,
    a_damaged_snapshot_is_passed_over,
    a_snapshot_of_another_life_is_replaced,
    streams_applied_twice_do_not_change,
    drift_is_reported_and_mended,
    a_stream_that_is_there_keeps_its_messages_and_its_incarnation,
);

fn point(sequence: u64) -> SnapshotPoint {
    SnapshotPoint {
        incarnation: Incarnation(7),
        sequence: Sequence(sequence),
        digest: Digest::of(&sequence.to_le_bytes()),
    }
}

fn harbor() -> AreaId {
    AreaId::new("harbor-1").unwrap()
}

async fn snapshots_move_only_forward_and_fall_back(subject: Subject) {
    let snapshots = subject.log.snapshots();
    let area = harbor();
    assert!(snapshots.load(&area).await.unwrap().is_empty());
    for sequence in [10, 20, 30] {
        let state = frame(&format!("state {sequence}"));
        snapshots.save(&area, point(sequence), state).await.unwrap();
    }
    for late in [25, 30] {
        let refused = snapshots.save(&area, point(late), frame("late")).await;
        assert!(
            matches!(refused, Err(SaveError::NotNewer { .. })),
            "{refused:?}"
        );
    }
    let kept = snapshots.load(&area).await.unwrap();
    let points: Vec<_> = kept.iter().map(|snapshot| snapshot.point).collect();
    assert_eq!(points, [point(30), point(20)], "newest first, two kept");
    assert_eq!(kept[1].state, frame("state 20"));
    let forest = AreaId::new("forest-1").unwrap();
    assert!(snapshots.load(&forest).await.unwrap().is_empty());
}

async fn a_damaged_snapshot_is_passed_over(subject: Subject) {
    let snapshots = subject.log.snapshots();
    let area = harbor();
    snapshots
        .save(&area, point(10), frame("sound"))
        .await
        .unwrap();
    let bucket = subject.log.bucket("snapshots").await.unwrap();
    bucket.put(area.as_str(), frame("garbage")).await.unwrap();
    let kept = snapshots.load(&area).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].state, frame("sound"));
    snapshots
        .save(&area, point(20), frame("newer"))
        .await
        .unwrap();
    assert_eq!(
        snapshots.load(&area).await.unwrap()[0].state,
        frame("newer")
    );
}

async fn a_snapshot_of_another_life_is_replaced(subject: Subject) {
    let snapshots = subject.log.snapshots();
    let area = harbor();
    snapshots
        .save(&area, point(100), frame("former"))
        .await
        .unwrap();
    let mut restored = point(5);
    restored.incarnation = Incarnation(8);
    snapshots
        .save(&area, restored, frame("restored"))
        .await
        .unwrap();
    assert_eq!(snapshots.load(&area).await.unwrap()[0].point, restored);
}

async fn streams_applied_twice_do_not_change(subject: Subject) {
    let file = StreamsFile::built_in().unwrap();
    assert_eq!(streams::check(&subject.log, &file).await.unwrap(), []);
    let report = streams::apply(&subject.log, &file).await.unwrap();
    assert!(
        report.created.is_empty() && report.changed.is_empty(),
        "{report:?}"
    );
    assert_eq!(report.unchanged.len(), file.names().len());
}

const NARROWER: &str = r#"
[stream.AREA_COMMANDS]
why = "what players and other aggregates ask of areas"
subjects = ["cmd.area.>"]
max_age = "1d"
max_bytes = "1GiB"
discard = "new"
max_consumers = 4096
duplicate_window = "20s"
"#;

async fn drift_is_reported_and_mended(subject: Subject) {
    let log = &subject.log;
    let narrower = StreamsFile::parse(NARROWER).unwrap();
    let drifts = streams::check(log, &narrower).await.unwrap();
    let mut sentences: Vec<String> = drifts.iter().map(ToString::to_string).collect();
    sentences.sort();
    assert_eq!(
        sentences,
        [
            "AREA_COMMANDS: max_age is 7d and should be 1d",
            "AREA_COMMANDS: max_bytes is 8GiB and should be 1GiB",
        ]
    );
    let before = log.stream_info("AREA_COMMANDS").await.unwrap();
    let report = streams::apply(log, &narrower).await.unwrap();
    assert_eq!(report.changed.len(), 2);
    assert_eq!(streams::check(log, &narrower).await.unwrap(), []);
    let after = log.stream_info("AREA_COMMANDS").await.unwrap();
    assert_eq!(after.incarnation, before.incarnation);
    assert_eq!(after.max_bytes, Some(1 << 30));
    let missing = NARROWER
        .replace("AREA_COMMANDS", "MORE")
        .replace("cmd.area", "cmd.more");
    let drifts = streams::check(log, &StreamsFile::parse(&missing).unwrap()).await;
    assert_eq!(
        drifts.unwrap()[0].to_string(),
        "MORE: there is no such stream"
    );
}

async fn a_stream_that_is_there_keeps_its_messages_and_its_incarnation(subject: Subject) {
    append_all(&subject.log, HARBOR, ["one"]).await;
    let before = subject.log.stream_info("AREA_EVENTS").await.unwrap();
    let file = StreamsFile::built_in().unwrap();
    streams::apply(&subject.log, &file).await.unwrap();
    let after = subject.log.stream_info("AREA_EVENTS").await.unwrap();
    assert_eq!(
        after,
        StreamInfo {
            told_at: after.told_at,
            ..before
        }
    );
}
