//! How long one area's log stands still when something happens to the node that leads it, on three brokers of this machine:
//!
//!     cargo run --release -p eventlog --example failover -- [ROUNDS]
//!
//! An owner appends a frame every 40 ms. In each round the leader of `AREA_EVENTS` steps down, leaves as a lame duck, is
//! killed, or freezes; the pause is the longest time between two acknowledgements around it. Nothing may be missing.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use devstack::test::TestCluster;
use eventlog::streams::{self, StreamsFile};
use eventlog::{AppendError, Appender, Connect, EventLog, Follow};
use schemas::Sequence;

const SUBJECT: &str = "evt.area.harbor-1";
const STREAM: &str = "AREA_EVENTS";
const TICK: Duration = Duration::from_millis(40);
/// After what has happened, watch for so long.
const WATCHED: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy)]
enum Happening {
    StepDown,
    LameDuck,
    Kill,
    Freeze,
}

struct Owner {
    appender: Appender,
    written: u64,
}

impl Owner {
    /// Appends until `deadline`; the longest time between two acknowledgements.
    async fn write(&mut self, deadline: Instant) -> anyhow::Result<Duration> {
        let (mut longest, mut last) = (Duration::ZERO, Instant::now());
        while Instant::now() < deadline {
            let payload = Bytes::from(self.written.to_string());
            let mut outcome = self.appender.append(payload, None).await.map(Some);
            while matches!(outcome, Err(AppendError::Unavailable { .. })) {
                outcome = self.appender.resume().await;
            }
            outcome?;
            self.written += 1;
            longest = longest.max(last.elapsed());
            last = Instant::now();
            tokio::time::sleep(TICK).await;
        }
        Ok(longest)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let mut cluster = devstack::test::cluster().await?;
    let log = EventLog::connect(&Connect::to(cluster.url(), "failover")).await?;
    streams::apply(&log, &StreamsFile::built_in()?.with_replicas(3)).await?;
    let mut owner = Owner {
        appender: log.appender(SUBJECT).await?,
        written: 0,
    };
    let calm = owner.write(Instant::now() + Duration::from_secs(5)).await?;
    println!("calm       longest {:>6} ms", calm.as_millis());
    for happening in [
        Happening::StepDown,
        Happening::LameDuck,
        Happening::Kill,
        Happening::Freeze,
    ] {
        let mut pauses = Vec::new();
        for _ in 0..rounds {
            pauses.push(round(&mut cluster, &mut owner, happening).await?);
        }
        pauses.sort();
        let middle = pauses.get(pauses.len() / 2).context("no rounds")?;
        println!(
            "{happening:<10?} p50 {:>6} ms, max {:>6} ms of {rounds}",
            middle.as_millis(),
            pauses.iter().max().map_or(0, Duration::as_millis),
        );
    }
    let filters = vec![SUBJECT.to_owned()];
    let mut reader = log.read(STREAM, filters, Sequence(0), Follow::UntilHead);
    let mut expected = 0_u64;
    while let Some(record) = reader.next().await? {
        anyhow::ensure!(
            record.payload == expected.to_string(),
            "frame {expected} is not there"
        );
        expected += 1;
    }
    anyhow::ensure!(
        expected == owner.written,
        "{expected} of {} are there",
        owner.written
    );
    println!("{expected} frames, each once and in order");
    Ok(())
}

async fn round(
    cluster: &mut TestCluster,
    owner: &mut Owner,
    happening: Happening,
) -> anyhow::Result<Duration> {
    let leader = cluster.elected(STREAM).await?;
    let deadline = Instant::now() + WATCHED;
    let pause = match happening {
        Happening::StepDown => {
            let (pause, stepped) = tokio::join!(owner.write(deadline), cluster.step_down(STREAM));
            stepped?;
            pause
        }
        Happening::LameDuck => {
            cluster.node(leader).lame_duck()?;
            owner.write(deadline).await
        }
        Happening::Kill => {
            cluster.node(leader).kill()?;
            owner.write(deadline).await
        }
        Happening::Freeze => {
            cluster.node(leader).pause()?;
            let pause = owner.write(deadline).await;
            cluster.node(leader).resume()?;
            pause
        }
    }?;
    if !matches!(happening, Happening::StepDown | Happening::Freeze) {
        cluster.node(leader).restart().await?;
    }
    cluster.ready().await?;
    Ok(pause)
}
