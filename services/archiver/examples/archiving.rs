//! How fast a log is archived and read back, and what purging it costs whoever writes meanwhile.
//!
//! `cargo run --release -p archiver --example archiving [FRAMES [DIR|s3://bucket/prefix]]`: a broker of its own, which syncs
//! always as in production; it ends by itself. FRAMES (default 60,000, over 40 areas) are appended, archived, read four ways, and purged while one
//! area goes on with a frame each 40 ms.

use std::time::{Duration, Instant};

use anyhow::Context;
use archiver::{Archiver, Config, Extent, Size};
use bytes::Bytes;
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Follow, SnapshotPoint, streams};
use past::{Archive, Location, Past};
use runtime::{Shutdown, Span};
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, Digest, Sequence};

const AREAS: u64 = 40;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let frames = std::env::args()
        .nth(1)
        .map_or(Ok(60_000), |text| text.parse())?;
    let broker = devstack::test::broker().await?;
    let log = EventLog::connect(&Connect::to(broker.url(), "archiving")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    let began = Instant::now();
    write(&log, frames).await?;
    report("appended", frames, began);

    let directory = tempfile::tempdir()?;
    let location = match std::env::args().nth(2) {
        Some(place) => place.parse()?,
        None => Location::Directory(directory.path().to_path_buf()),
    };
    let config = Config {
        live_bytes: Size(1 << 40),
        segment_bytes: Size(64 << 20),
        live_age: Span::from_millis(0),
        purge_delay: Span::from_secs(1),
        max_rate: Size(1 << 40),
        purge: Vec::new(),
        ..Config::default()
    };
    let archive = Archive::create(&location)?;
    let mut archiver = Archiver::new(log.clone(), archive.clone(), config.clone());
    let began = Instant::now();
    done(archiver.round(Extent::All, &Shutdown::new()).await)?;
    report("archived, read back and verified", frames, began);
    let manifest = archive
        .manifest(AREA_EVENTS)
        .await?
        .context("nothing was archived")?;
    let plain: u64 = manifest
        .segments()
        .iter()
        .map(|segment| segment.plain)
        .sum();
    println!(
        "{} segments, {} of {} bytes",
        manifest.segments().len(),
        manifest.bytes(),
        plain
    );

    for (what, past) in [
        ("read from the broker", Past::of_log(log.clone())),
        ("read from the archive", Past::of_archive(archive.clone())),
        (
            "read over the border",
            Past::joined(log.clone(), archive.clone()),
        ),
    ] {
        let began = Instant::now();
        report(what, read(&past, Vec::new()).await?, began);
    }
    let one = vec![area_events(&area(7)?)];
    let began = Instant::now();
    report(
        "one area, from the archive",
        read(&Past::of_archive(archive.clone()), one).await?,
        began,
    );

    let quiet = gaps(&log, tokio::time::sleep(Duration::from_secs(5))).await?;
    println!("a frame each 40 ms, alone: longest gap {quiet:?}");
    for _ in 0..2 {
        snapshots(&log).await?;
        write(&log, AREAS).await?;
    }
    let purging = Config {
        purge: vec![AREA_EVENTS.to_owned()],
        live_bytes: Size(1 << 20),
        ..config
    };
    let mut archiver = Archiver::new(log.clone(), archive, purging);
    let began = Instant::now();
    let shutdown = Shutdown::new();
    let mut purged = 0;
    let busy = gaps(&log, async {
        purged = archiver.round(Extent::All, &shutdown).await.purged;
    })
    .await?;
    report("purged (with the announcement's delay)", purged, began);
    println!("a frame each 40 ms, while archiving and purging: longest gap {busy:?}");
    let live = log.stream_info(AREA_EVENTS).await?;
    println!(
        "{} messages, {} bytes are left in the broker",
        live.messages, live.bytes
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn report(what: &str, frames: u64, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{what}: {frames} in {seconds:.2} s, {:.0} a second",
        frames as f64 / seconds
    );
}

fn done(round: archiver::Round) -> anyhow::Result<()> {
    match round.failed.into_iter().next() {
        Some((stream, error)) => Err(anyhow::Error::new(error).context(stream)),
        None => Ok(()),
    }
}

fn area(number: u64) -> anyhow::Result<AreaId> {
    format!("harbor-{}", number + 1)
        .parse()
        .context("an area's name")
}

/// Frames of some 400 bytes, half of which compress.
async fn write(log: &EventLog, frames: u64) -> anyhow::Result<()> {
    let writing = (0..AREAS).map(|number| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut pen = log.appender(&area_events(&area(number)?)).await?;
            for frame in 0..frames / AREAS {
                let noise =
                    (0..12).flat_map(|n| Digest::of(format!("{number} {frame} {n}").as_bytes()).0);
                let mut bytes = vec![7; 200];
                bytes.extend(noise);
                pen.append(Bytes::from(bytes), None).await?;
            }
            anyhow::Ok(())
        })
    });
    for one in writing.collect::<Vec<_>>() {
        one.await??;
    }
    Ok(())
}

async fn read(past: &Past, filters: Vec<String>) -> anyhow::Result<u64> {
    let mut reader = past.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
    let mut count = 0;
    loop {
        let batch = reader.next_batch(512).await?;
        if batch.is_empty() {
            return Ok(count);
        }
        count += batch.len() as u64;
    }
}

async fn snapshots(log: &EventLog) -> anyhow::Result<()> {
    let incarnation = log.stream_info(AREA_EVENTS).await?.incarnation;
    for number in 0..AREAS {
        let area = area(number)?;
        let last = log.last(&area_events(&area)).await?.context("no frame")?;
        let point = SnapshotPoint {
            incarnation,
            sequence: last.sequence,
            digest: Digest::of(&last.payload),
        };
        log.snapshots()
            .save(&area, point, Bytes::from_static(b"state"))
            .await?;
    }
    Ok(())
}

/// The longest time between two acks of an area that appends each 40 ms while `work` is done.
async fn gaps(log: &EventLog, work: impl Future<Output = ()>) -> anyhow::Result<Duration> {
    let mut pen = log.appender("evt.area.meadow-1").await?;
    let stop = Shutdown::new();
    let until = stop.clone();
    let living = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(40));
        let (mut longest, mut last) = (Duration::ZERO, Instant::now());
        while !until.has_begun() {
            tick.tick().await;
            pen.append(Bytes::from(vec![7; 300]), None).await?;
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        anyhow::Ok(longest)
    });
    work.await;
    stop.begin();
    living.await?
}
