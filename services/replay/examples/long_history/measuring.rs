//! Reading, indexing and showing, by the clock.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::jetstream::{self, consumer};
use eventlog::{Connect, EventLog, Follow};
use futures_util::StreamExt as _;
use past::Past;
use replay::{Answer, Cli, Folding, IndexArgs, ReplayCommand, ShowArgs};
use schemas::Sequence;
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject};

use crate::making::Dice;

/// Messages taken at once.
const BATCH: usize = 512;

/// What this process has used of the processor, on Linux.
fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat.rsplit_once(')')?.1;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    // Hundredths of a second, on every Linux there is.
    Some(Duration::from_millis(ticks * 10))
}

struct Watch {
    begun: Instant,
    used: Option<Duration>,
}

impl Watch {
    fn start() -> Self {
        Self {
            begun: Instant::now(),
            used: used(),
        }
    }

    /// Prints, and tells how many a second.
    fn stop(&self, what: &str, count: u64) -> f64 {
        let took = self.begun.elapsed().as_secs_f64();
        let rate = count as f64 / took;
        let of_core = self.used.zip(used()).map(|(before, now)| {
            let seconds = now.saturating_sub(before).as_secs_f64().max(0.01);
            format!(
                ", {:.0} a second of this process's processor time",
                count as f64 / seconds
            )
        });
        println!(
            "{what}: {count} frames in {took:.1} s: {rate:.0} a second{}",
            of_core.unwrap_or_default()
        );
        rate
    }
}

/// The same frames, bare and folded, each twice so that both have found them in the broker's memory.
pub(crate) async fn reading(url: &str, log: &EventLog, count: u64) -> anyhow::Result<()> {
    let (mut bare, mut whole) = (0.0_f64, 0.0_f64);
    for _ in 0..2 {
        bare = bare.max(self::bare(url, count).await?);
        whole = whole.max(folded(log, count).await?);
    }
    println!(
        "folding reaches {:.0} % of a bare ordered consumer",
        whole / bare * 100.0
    );
    Ok(())
}

async fn bare(url: &str, count: u64) -> anyhow::Result<f64> {
    let client = async_nats::connect(url).await?;
    let stream = jetstream::new(client).get_stream(AREA_EVENTS).await?;
    let config = consumer::pull::OrderedConfig::default();
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    let watch = Watch::start();
    let (mut read, mut bytes) = (0, 0);
    while read < count {
        let Some(message) = messages.next().await else {
            break;
        };
        bytes += message?.payload.len();
        read += 1;
    }
    let rate = watch.stop("bare ordered consumer", read);
    println!("  {} bytes a frame", bytes as u64 / read.max(1));
    Ok(rate)
}

async fn folded(log: &EventLog, count: u64) -> anyhow::Result<f64> {
    let past = Past::of_log(log.clone());
    let mut reader = past.read(AREA_EVENTS, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut folding = Folding::default();
    let watch = Watch::start();
    let mut read = 0;
    while read < count {
        let batch = reader.next_batch(BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for record in &batch {
            folding.fold(record)?;
        }
        read += batch.len() as u64;
    }
    Ok(watch.stop("read, checked and folded", read))
}

async fn run(past: &Past, index: &Path, command: ReplayCommand) -> anyhow::Result<Vec<u8>> {
    let mut cli = Cli::new(command);
    cli.index = Some(index.display().to_string());
    let mut out = Vec::new();
    let code = replay::execute(cli, past, None, &mut out).await?;
    anyhow::ensure!(code == 0, "it ended with code {code}");
    Ok(out)
}

/// Makes the index, or extends it.
pub(crate) async fn indexing(log: &EventLog, index: &Path) -> anyhow::Result<()> {
    let past = Past::of_log(log.clone());
    let begun = Instant::now();
    let out = run(&past, index, ReplayCommand::Index(IndexArgs::default())).await?;
    print!("index: {}", String::from_utf8_lossy(&out));
    let files = files(index)?;
    println!(
        "  in {:.1} s; {} files, {} MB",
        begun.elapsed().as_secs_f64(),
        files.0,
        files.1 >> 20
    );
    Ok(())
}

fn files(dir: &Path) -> anyhow::Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(dir).context("looking at the index")? {
        let (path, meta) = {
            let entry = entry?;
            (entry.path(), entry.metadata()?)
        };
        if meta.is_dir() {
            let inner = files(&path)?;
            sum = (sum.0 + inner.0, sum.1 + inner.1);
        } else {
            sum = (sum.0 + 1, sum.1 + meta.len());
        }
    }
    Ok(sum)
}

/// Shows areas at ticks drawn at random, each with connections of its own, as a tool that is started for it.
pub(crate) async fn showing(url: &str, index: &Path, times: u32) -> anyhow::Result<()> {
    let log = EventLog::connect(&Connect::to(url, "history")).await?;
    let mut ends = Vec::new();
    for (subject, _) in log.subjects(AREA_EVENTS, "evt.area.>").await? {
        let Subject::AreaEvents(area) = Subject::parse(&subject) else {
            continue;
        };
        let last = log
            .last(&subject)
            .await?
            .context("an area without frames")?;
        let frame: Frame = schemas::decode(&last.payload)?;
        ends.push((area, frame.tick.0));
    }
    let mut dice = Dice(0x5eed_5eed_5eed_5eed);
    let mut took = Vec::new();
    for _ in 0..times {
        let (area, last) = ends[usize::try_from(dice.below(ends.len() as u64))?].clone();
        let tick = dice.below(last + 1);
        let begun = Instant::now();
        let own = EventLog::connect(&Connect::to(url, "show")).await?;
        let args = ShowArgs {
            answer: Answer::json(),
            ..ShowArgs::of(area, tick.to_string().parse()?)
        };
        run(&Past::of_log(own), index, ReplayCommand::Show(args)).await?;
        took.push(begun.elapsed());
    }
    let first = took.first().copied().unwrap_or_default();
    took.sort_unstable();
    let at = |share: usize| took.get((took.len().max(1) - 1) * share / 100).copied();
    println!(
        "show at {times} ticks: p50 {:?}, max {:?} (the first after the broker's start: {first:?})",
        at(50).unwrap_or_default(),
        at(100).unwrap_or_default()
    );
    Ok(())
}
