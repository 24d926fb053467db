//! Reading over the border: nothing is noticed of it.

use archiver::Extent;
use eventlog::Follow;
use past::{Past, PastError};
use schemas::subjects::area_events;
use schemas::{Sequence, UnixMillis};

use crate::stage::{
    AREAS, STREAM, Stage, all, area, held, of, play, play_and_save, rest, small, snapshots, within,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_reads_as_it_was_written_wherever_it_lies() {
    within(async {
        let mut stage = Stage::new(small()).await;
        let log = stage.log.clone();
        play(&log, 0, 250).await;
        snapshots(&log).await;
        play(&log, 250, 250).await;
        snapshots(&log).await;
        let mut wanted = held(&log).await;
        assert_eq!(wanted.len(), 1500);
        assert!(stage.round(Extent::All).await.purged > 0);
        play(&log, 500, 20).await;
        let mut tail = log.read(STREAM, Vec::new(), Sequence(1500), Follow::UntilHead);
        while let Some(record) = tail.next().await.unwrap() {
            wanted.push(record);
        }

        let past = stage.past();
        assert_eq!(all(&past, &[]).await, wanted);
        for name in AREAS {
            let subject = area_events(&area(name));
            let mine = of(&wanted, name);
            assert_eq!(all(&past, &[&subject]).await, mine);
            let last = past.last(&subject).await.unwrap();
            assert_eq!(last.as_ref(), mine.last());
        }
        let two: Vec<_> = wanted
            .iter()
            .filter(|one| !one.subject.ends_with("forest-1"))
            .cloned()
            .collect();
        let filters = ["evt.area.harbor-1", "evt.area.meadow-1"];
        assert_eq!(all(&past, &filters).await, two);
        for from in [1, 2, 777, 1499, 1500, 1559] {
            let after = Sequence(from);
            let mut reader = past.read(STREAM, Vec::new(), after, Follow::UntilHead);
            let at = usize::try_from(from).unwrap();
            assert_eq!(rest(&mut reader).await, wanted[at..], "after {from}");
            let got = past.get(STREAM, after).await.unwrap();
            assert_eq!(got.as_ref(), wanted.get(at - 1));
        }
        assert_eq!(past.get(STREAM, Sequence(9999)).await.unwrap(), None);

        let span = past.span(STREAM).await.unwrap();
        let found = (span.first.0, span.last.0, span.messages);
        assert_eq!(found, (1, 1560, 1560));
        let subjects = past.subjects(STREAM, "evt.area.>").await.unwrap();
        let counts: Vec<_> = subjects.iter().map(|(_, count)| *count).collect();
        assert_eq!((subjects.len(), counts), (3, vec![520; 3]));
        let one = past.subjects(STREAM, "evt.area.forest-1").await.unwrap();
        assert_eq!(one, [("evt.area.forest-1".to_owned(), 520)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_archive_what_was_purged_is_a_hole_with_a_remedy() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play_and_save(&stage.log, 0, 300).await;
        stage.round(Extent::All).await;
        let alone = Past::of_log(stage.log.clone());
        let mut reader = alone.read(STREAM, Vec::new(), Sequence(0), Follow::UntilHead);
        let hole = reader.next().await.unwrap_err();
        assert!(matches!(hole, PastError::Hole { .. }), "{hole}");
        assert!(hole.to_string().contains("--archive"), "{hole}");
        // Whoever is content with the rest reads on after it, over as many holes as there are.
        let mut after = hole.skip_to().unwrap();
        assert!(!hole.unavailable() && after > Sequence(500), "{hole}");
        let mut seen = 0;
        loop {
            let mut reader = alone.read(STREAM, Vec::new(), after, Follow::UntilHead);
            let error = loop {
                match reader.next().await {
                    Ok(Some(_)) => seen += 1,
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            let Some(error) = error else { break };
            after = error.skip_to().unwrap();
        }
        assert_eq!(seen, held(&stage.log).await.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_is_found_on_both_sides_of_the_border() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 200).await;
        stage.round(Extent::All).await;
        play(&stage.log, 200, 100).await;
        let (wanted, past) = (held(&stage.log).await, stage.past());
        for at in [0, 5, 300, 599, 600, 601, 899] {
            let from = wanted[at].stored_at;
            let mut reader = past.read_from_time(STREAM, Vec::new(), from, Follow::UntilHead);
            let first = wanted.partition_point(|one| one.stored_at < from);
            let found = rest(&mut reader).await;
            assert_eq!(found, wanted[first..], "from message {at}");
        }
        let never = UnixMillis(wanted[899].stored_at.0 + 3_600_000);
        let mut reader = past.read_from_time(STREAM, Vec::new(), never, Follow::UntilHead);
        assert_eq!(rest(&mut reader).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_read_without_a_broker() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 120).await;
        stage.round(Extent::All).await;
        let wanted = held(&stage.log).await;
        let past = Past::of_archive(stage.opened());
        stage.broker.kill().unwrap();
        assert!(past.log().is_none());
        assert_eq!(all(&past, &[]).await, wanted);
        let last = past.last("evt.area.forest-1").await.unwrap();
        assert_eq!(last.as_ref(), of(&wanted, "forest-1").last());
        let span = past.span(STREAM).await.unwrap();
        let found = (span.first.0, span.last.0, span.messages);
        assert_eq!(found, (1, 360, 360));
        assert_eq!(past.subjects(STREAM, ">").await.unwrap().len(), 3);
        assert_eq!(past.span("LOBBY_EVENTS").await.unwrap().messages, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_follows_from_the_archive_into_what_is_written_now() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 60).await;
        stage.round(Extent::All).await;
        let past = stage.past();
        let mut reader = past.read(STREAM, Vec::new(), Sequence(0), Follow::Tail);
        for number in 1..=180 {
            let record = reader.next().await.unwrap().unwrap();
            assert_eq!(record.sequence.0, number);
        }
        // At the head it waits; what comes then, comes.
        let log = stage.log.clone();
        let playing = tokio::spawn(async move { play(&log, 60, 30).await });
        let mut seen = 180;
        while seen < 270 {
            for record in reader.next_batch(64).await.unwrap() {
                seen += 1;
                assert_eq!(record.sequence.0, seen);
            }
        }
        playing.await.unwrap();
    })
    .await;
}
