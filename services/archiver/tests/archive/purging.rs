//! Purging while the world is played: nothing is lost, the fence stands, nobody stutters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use archiver::{Archiver, Config, Extent, Size};
use eventlog::{AppendError, EventLog, Follow};
use runtime::{Shutdown, Span};
use schemas::Sequence;
use schemas::subjects::area_events;

use crate::stage::{
    AREAS, STREAM, Stage, all, area, connect, frame, held, of, play, play_and_save, rest, small,
    snapshots, within,
};

/// Appends to an area, a frame each 10 ms, until told to stop; how many.
async fn live(log: EventLog, name: &str, from: u64, stop: Arc<AtomicBool>) -> u64 {
    let pen = log.appender(&area_events(&area(name))).await;
    let mut pen = pen.expect("a pen");
    let mut number = from;
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let appended = pen.append(frame(name, number), None).await;
        appended.expect("the fence stands");
        number += 1;
    }
    number - from
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_appended_between_verification_and_purge_are_never_lost() {
    within(async {
        let config = Config {
            live_bytes: Size(400 << 10),
            ..small()
        };
        let limit = config.live_bytes.0;
        let mut stage = Stage::new(config).await;
        play(&stage.log, 0, 1000).await;
        snapshots(&stage.log).await;
        let stop = Arc::new(AtomicBool::new(false));
        let world = connect(&stage.broker).await;
        let living: Vec<_> = AREAS
            .into_iter()
            .map(|name| tokio::spawn(live(world.clone(), name, 1000, Arc::clone(&stop))))
            .collect();
        // A reader that began before, and reads on slowly, through purges.
        let past = stage.past();
        let mut slow = past.read(STREAM, Vec::new(), Sequence(0), Follow::Tail);
        let before = stage.live_bytes().await;
        let (mut purged, mut seen) = (0, 0);
        for _ in 0..6 {
            purged += stage.round(Extent::Due).await.purged;
            snapshots(&stage.log).await;
            let world = stage.log.stream_info(STREAM).await.unwrap().last.0 + 300;
            while stage.log.stream_info(STREAM).await.unwrap().last.0 < world {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            for _ in 0..300 {
                seen += 1;
                let record = slow.next().await.unwrap().unwrap();
                assert_eq!(record.sequence.0, seen);
            }
        }
        purged += stage.round(Extent::All).await.purged;
        stop.store(true, Ordering::Relaxed);
        let mut played = 0;
        for life in living {
            played += life.await.unwrap();
        }
        // What is left now is held by nothing but the size.
        for number in [1_000_000, 1_000_001] {
            snapshots(&stage.log).await;
            play(&stage.log, number, 1).await;
        }
        purged += stage.round(Extent::All).await.purged;
        let after = stage.live_bytes().await;
        eprintln!("{purged} purged, {played} played meanwhile, {before} to {after} bytes");
        assert!(purged > 1500, "{purged}");
        assert!(after <= limit, "{after} bytes are still there");

        let total = 3006 + played;
        let records = all(&stage.past(), &[]).await;
        assert_eq!(records.len() as u64, total);
        for name in AREAS {
            let mine = of(&records, name);
            let (world, last) = mine.split_at(mine.len() - 2);
            for (number, record) in (0..).zip(world) {
                assert_eq!(record.payload, frame(name, number), "{}", record.sequence);
            }
            assert!(
                last.iter()
                    .all(|record| record.payload.starts_with(name.as_bytes()))
            );
        }
        // The slow one has missed nothing either, though purges have overtaken it.
        while seen < total {
            seen += 1;
            let record = slow.next().await.unwrap().unwrap();
            assert_eq!(record.sequence.0, seen);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_never_holds_up_the_world_for_more_than_a_slice() {
    within(async {
        let mut stage = Stage::new(small()).await;
        let subject = area_events(&area("harbor-1"));
        let mut pen = stage.log.appender(&subject).await.unwrap();
        for number in 0..2500 {
            pen.append(frame("harbor-1", number), None).await.unwrap();
        }
        // All of one area, which could go at once, and would have to wait for it.
        play(&stage.log, 2500, 1).await;
        snapshots(&stage.log).await;
        play(&stage.log, 2501, 1).await;
        snapshots(&stage.log).await;
        let config = Config {
            live_bytes: Size(8 << 10),
            ..small()
        };
        stage.archiver = Archiver::new(stage.log.clone(), stage.opened(), config);
        let round = stage.round(Extent::All).await;
        assert!(round.purged > EventLog::PURGE_SLICE, "{}", round.purged);
        let largest = round.largest_slice;
        assert!((1..=EventLog::PURGE_SLICE).contains(&largest), "{largest}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_slept_over_a_purge_reads_on_in_the_archive() {
    within(async {
        let mut stage = Stage::new(small()).await;
        // Nothing is archived yet: it begins to read the broker.
        let past = stage.past();
        play(&stage.log, 0, 1500).await;
        let forest = vec!["evt.area.forest-1".to_owned()];
        let mut filtered = past.read(STREAM, forest, Sequence(0), Follow::Tail);
        let mut whole = past.read(STREAM, Vec::new(), Sequence(0), Follow::UntilHead);
        assert_eq!(filtered.next().await.unwrap().unwrap().sequence.0, 2);
        assert_eq!(whole.next().await.unwrap().unwrap().sequence.0, 1);
        let wanted = held(&stage.log).await;

        snapshots(&stage.log).await;
        play(&stage.log, 1500, 1).await;
        snapshots(&stage.log).await;
        let round = stage.round(Extent::All).await;
        assert!(round.purged > 3000, "{round:?}");
        for expected in &of(&wanted, "forest-1")[1..] {
            let record = filtered.next().await.unwrap();
            assert_eq!(record.as_ref(), Some(expected));
        }
        let others = rest(&mut whole).await;
        assert_eq!(others[..wanted.len() - 1], wanted[1..]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_that_somebody_else_has_made_is_waited_for_too() {
    within(async {
        let delay = Duration::from_secs(2);
        let config = Config {
            purge_delay: Span::from_millis(2000),
            ..small()
        };
        let mut stage = Stage::new(config).await;
        play_and_save(&stage.log, 0, 300).await;
        // Its own announcement is past.
        assert!(stage.round(Extent::All).await.purged > 0);
        play_and_save(&stage.log, 310, 300).await;
        let keeps = Config {
            live_bytes: Size(1 << 40),
            ..small()
        };
        let mut other = Archiver::new(stage.log.clone(), stage.opened(), keeps);
        let round = other.round(Extent::All, &Shutdown::new()).await;
        assert!(round.failed.is_empty() && round.purged == 0, "{round:?}");
        let info = stage.log.stream_info(STREAM).await.unwrap();
        let mut writer = stage.opened().writer(STREAM, &info, 1).await.unwrap();
        writer.announce(info.last).await.unwrap();
        let announced = Instant::now();
        let purged = stage.round(Extent::All).await.purged;
        let waited = announced.elapsed();
        assert!(
            purged > 0 && waited >= delay,
            "{purged} purged after {waited:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_owner_is_refused_after_a_purge_too() {
    within(async {
        let mut stage = Stage::new(small()).await;
        let subject = area_events(&area("harbor-1"));
        let mut former = stage.log.appender(&subject).await.unwrap();
        former.append(frame("harbor-1", 0), None).await.unwrap();
        // Somebody else owns the area now, and plays on; then all that can go goes.
        play(&stage.log, 1, 500).await;
        snapshots(&stage.log).await;
        play(&stage.log, 501, 1).await;
        snapshots(&stage.log).await;
        assert!(stage.round(Extent::All).await.purged > 0);
        let refused = former.append(frame("harbor-1", 1), None).await.unwrap_err();
        assert!(matches!(refused, AppendError::Fenced { .. }), "{refused}");
        // And a new one goes on after the newest frame, which is still there.
        let last = stage.log.last(&subject).await.unwrap().unwrap();
        assert_eq!(last.payload, frame("harbor-1", 501));
        let mut next = stage.log.appender(&subject).await.unwrap();
        assert_eq!(next.sequence(), last.sequence);
        next.append(frame("harbor-1", 502), None).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_purged_that_opening_an_area_needs() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 400).await;
        // No snapshots: an area is folded from its first frame.
        stage.round(Extent::All).await;
        assert_eq!(held(&stage.log).await.len(), 1200);
        // One: if it cannot be read, there is none.
        snapshots(&stage.log).await;
        stage.round(Extent::All).await;
        assert_eq!(held(&stage.log).await.len(), 1200);
        // Two: the frame of the older one and everything after it stay.
        play(&stage.log, 400, 350).await;
        snapshots(&stage.log).await;
        stage.round(Extent::All).await;
        let held = held(&stage.log).await;
        for name in AREAS {
            let left = of(&held, name);
            assert_eq!(
                (left.len(), left[0].payload.clone()),
                (351, frame(name, 399))
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_young_stays_whatever_the_size() {
    within(async {
        let config = Config {
            live_age: Span::from_secs(3600),
            ..small()
        };
        let mut stage = Stage::new(config).await;
        play_and_save(&stage.log, 0, 400).await;
        let round = stage.round(Extent::All).await;
        assert_eq!(round.purged, 0);
        assert!(stage.live_bytes().await > small().live_bytes.0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn little_waits_until_it_is_old_or_enough() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 10).await;
        assert_eq!(stage.round(Extent::Due).await.stored, []);
        play(&stage.log, 10, 200).await;
        let stored = stage.round(Extent::Due).await.stored;
        assert!(!stored.is_empty() && stored.iter().all(|(stream, _)| *stream == STREAM));
        let last = stored.last().unwrap().1.last;
        assert!(
            last < Sequence(630),
            "the rest waits, and {last} is archived"
        );
        let old = Config {
            seal_after: Span::from_millis(0),
            ..small()
        };
        let mut impatient = Archiver::new(stage.log.clone(), stage.archive.clone(), old);
        let round = impatient.round(Extent::Due, &Shutdown::new()).await;
        assert_eq!(round.stored.last().unwrap().1.last, Sequence(630));
    })
    .await;
}
