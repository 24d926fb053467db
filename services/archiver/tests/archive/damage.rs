//! What is damaged is said, with its place and what to do, and is never taken for something else.

use std::fs;
use std::path::{Path, PathBuf};

use archiver::{Archiver, Extent};
use eventlog::{Follow, Record};
use past::{Past, PastError, WriteError};
use runtime::Shutdown;
use schemas::Sequence;

use crate::stage::{STREAM, Stage, all, held, play, rest, small, within};

/// 600 frames, all archived, in several segments.
async fn archived() -> (Stage, Vec<Record>) {
    let mut stage = Stage::new(small()).await;
    play(&stage.log, 0, 200).await;
    stage.round(Extent::All).await;
    let wanted = held(&stage.log).await;
    assert!(stage.segments().len() > 3, "{:?}", stage.segments());
    (stage, wanted)
}

/// Reads an archive alone until it ends or cannot go on.
async fn read(stage: &Stage, after: Sequence) -> (Vec<Record>, Option<PastError>) {
    let past = Past::of_archive(stage.opened());
    let mut reader = past.read(STREAM, Vec::new(), after, Follow::UntilHead);
    let mut records = Vec::new();
    loop {
        match reader.next().await {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, None),
            Err(error) => return (records, Some(error)),
        }
    }
}

/// What reading says of a damaged second segment: a place, a remedy, and where to go on.
async fn said(harm: impl FnOnce(&[PathBuf])) -> PastError {
    let (stage, wanted) = archived().await;
    let segments = stage.segments();
    harm(&segments);
    let (found, error) = read(&stage, Sequence(0)).await;
    let error = error.expect("it is noticed");
    let text = error.to_string();
    let name = segments[1].file_name().unwrap().to_str().unwrap();
    assert!(
        text.contains(name) && text.contains("copy of the archive"),
        "{text}"
    );
    assert!(!error.unavailable(), "{text}");
    // What stands before is good, and so is what stands after.
    assert_eq!(found, wanted[..found.len()]);
    let skip = error.skip_to().unwrap();
    assert!(skip > Sequence(found.len() as u64), "{text}");
    let mut after = skip;
    let mut behind = Vec::new();
    loop {
        let (more, error) = read(&stage, after).await;
        behind.extend(more);
        let Some(error) = error else { break };
        assert!(error.skip_to().unwrap() > after, "{error}");
        after = error.skip_to().unwrap();
    }
    assert!(!behind.is_empty());
    assert!(behind.iter().all(|record| wanted.contains(record)));
    assert_eq!(behind.last(), wanted.last());
    error
}

fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    how(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_segment() {
    within(async {
        let error = said(|all| change(&all[1], |bytes| bytes.truncate(bytes.len() / 2))).await;
        assert!(error.to_string().contains("shorter than it was"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_a_block() {
    within(async {
        let error = said(|all| change(&all[1], |bytes| bytes[1000] ^= 4)).await;
        assert!(
            error.to_string().contains("not what was written"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_table_of_contents() {
    within(async {
        let error = said(|all| {
            change(&all[1], |bytes| {
                let at = bytes.len() - 70;
                bytes[at] ^= 1;
            })
        })
        .await;
        assert!(error.to_string().contains("table of contents"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_gone() {
    within(async {
        let error = said(|all| fs::remove_file(&all[1]).unwrap()).await;
        assert!(error.to_string().contains("it is gone"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_segments_in_each_others_place() {
    within(async {
        said(|all| {
            let (one, other) = (fs::read(&all[1]).unwrap(), fs::read(&all[2]).unwrap());
            fs::write(&all[1], other).unwrap();
            fs::write(&all[2], one).unwrap();
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_damaged_of_another_stream_and_of_later_formats() {
    within(async {
        let (stage, wanted) = archived().await;
        let directory = stage.directory.path().join(STREAM).join("manifest");
        let newest = || {
            let files = fs::read_dir(&directory).unwrap();
            files.map(|file| file.unwrap().path()).max().unwrap()
        };
        let good = fs::read_to_string(newest()).unwrap();
        let with = async |text: String| {
            fs::write(newest(), text).unwrap();
            read(&stage, Sequence(0)).await.1.expect("it is noticed")
        };
        // A line that is missing, one that stands elsewhere, one that was changed, and no end.
        let lines: Vec<&str> = good.lines().collect();
        let mut missing = lines.clone();
        missing.remove(2);
        let mut reordered = lines.clone();
        reordered.swap(1, 2);
        let harmed = [
            missing.join("\n"),
            reordered.join("\n"),
            good.replacen("\"first\":1,", "\"first\":2,", 1),
            good[..good.len() / 2].to_owned(),
            String::new(),
        ];
        for text in harmed {
            let error = with(text).await;
            let is_bad = matches!(error, PastError::BadManifest { .. });
            assert!(is_bad && error.to_string().contains("manifest"), "{error}");
            assert!(!error.unavailable() && error.skip_to().is_none());
        }
        let error = with(good.replacen("\"archive\":1", "\"archive\":2", 1)).await;
        assert!(
            matches!(error, PastError::UnknownFormat { found: 2, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("use the version that wrote it"),
            "{error}"
        );
        // The archiver does not go on from such a one either.
        let mut archiver = Archiver::new(stage.log.clone(), stage.opened(), small());
        let round = archiver.round(Extent::All, &Shutdown::new()).await;
        assert!(!round.failed.is_empty());
        fs::write(newest(), &good).unwrap();
        assert_eq!(all(&stage.past(), &[]).await, wanted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_archivers_one_is_told() {
    within(async {
        let stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        let info = stage.log.stream_info(STREAM).await.unwrap();
        let records = held(&stage.log).await;
        let incarnation = info.incarnation;
        let sealed = || {
            past::seal(
                past::Seal {
                    stream: STREAM,
                    incarnation,
                },
                &records,
            )
            .unwrap()
        };
        let one = stage.opened();
        let other = stage.opened();
        let mut first = one.writer(STREAM, &info, 1000).await.unwrap();
        let mut second = other.writer(STREAM, &info, 1000).await.unwrap();
        first.add(sealed()).await.unwrap();
        let refused = second.add(sealed()).await.unwrap_err();
        assert!(
            matches!(refused, WriteError::Conflict { number: 1, .. }),
            "{refused}"
        );
        assert!(second.announce(Sequence(9)).await.is_err());
        // The second has changed nothing, and nothing half-written is left.
        assert_eq!(all(&stage.past(), &[]).await, records);
        assert_eq!(stage.segments().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_gone_before_it_was_archived_is_a_hole() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        stage.round(Extent::All).await;
        play(&stage.log, 100, 100).await;
        // Somebody purges what is not archived.
        stage
            .log
            .purge(STREAM, "evt.area.harbor-1", Sequence(400))
            .await
            .unwrap();
        let round = stage.round(Extent::All).await;
        assert!(
            round.stored.len() > 30,
            "each gap ends a segment: {}",
            round.stored.len()
        );
        let past = stage.past();
        let mut reader = past.read(STREAM, Vec::new(), Sequence(0), Follow::UntilHead);
        let mut seen = 0;
        let hole = loop {
            match reader.next().await {
                Ok(record) => seen = record.unwrap().sequence.0,
                Err(error) => break error,
            }
        };
        assert_eq!(seen, 300);
        let PastError::Hole { first, last, .. } = &hole else {
            panic!("{hole}");
        };
        assert_eq!(
            (first.0, last.0, hole.skip_to()),
            (301, 301, Some(Sequence(301)))
        );
        let mut reader = past.read(STREAM, Vec::new(), Sequence(301), Follow::UntilHead);
        assert_eq!(reader.next().await.unwrap().unwrap().sequence.0, 302);
        // From after the last hole on, everything is there.
        let mut reader = past.read(STREAM, Vec::new(), Sequence(400), Follow::UntilHead);
        assert_eq!(rest(&mut reader).await.len(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_of_another_world_is_refused() {
    within(async {
        let (stage, _) = archived().await;
        let mut other = Stage::new(small()).await;
        play(&other.log, 0, 10).await;
        // The same life, and less of it: truncated, or put back without `worldline restore`.
        let mut info = stage.log.stream_info(STREAM).await.unwrap();
        info.last = Sequence(100);
        let refused = stage.opened().writer(STREAM, &info, 1000).await;
        let refused = refused.map(drop).unwrap_err().to_string();
        assert!(refused.contains("log-is-not-the-one-we-knew"), "{refused}");

        let past = Past::joined(other.log.clone(), stage.opened());
        let error = past.span(STREAM).await.unwrap_err();
        assert!(matches!(error, PastError::OtherWorld { .. }), "{error}");
        other.archiver = Archiver::new(other.log.clone(), stage.opened(), small());
        let round = other.archiver.round(Extent::All, &Shutdown::new()).await;
        assert!(round.failed.iter().any(|(stream, _)| *stream == STREAM));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_not_there_is_no_archive() {
    let missing = past::Location::Directory("/nowhere/at/all".into());
    let error = past::Archive::open(&missing).map(drop).unwrap_err();
    assert!(matches!(error, PastError::NoArchive { .. }), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let empty = past::Location::Directory(empty.path().to_path_buf());
    let past = Past::of_archive(past::Archive::open(&empty).unwrap());
    let error = past.span(STREAM).await.unwrap_err();
    assert!(matches!(error, PastError::NoArchive { .. }), "{error}");
}
