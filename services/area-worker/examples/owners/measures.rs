//! What is measured.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use eventlog::membership;
use schemas::{AreaId, UnixMillis};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use crate::figures::Figures;
use crate::realm::{Realm, Seen};
use crate::worker;

/// Silence after which the director suspects a worker, and how often it looks.
const SUSPECT: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const TICK: Duration = Duration::from_millis(40);
/// Nothing that is waited for here takes so long.
const LONGEST: Duration = Duration::from_secs(20);

/// A change of owner as the log tells it.
struct Change {
    /// Of the former owner's last frame.
    last: UnixMillis,
    owned: UnixMillis,
    /// Of the first frame after the ownership frame.
    ticked: UnixMillis,
}

impl Change {
    const fn taken(&self) -> u64 {
        self.owned.0.saturating_sub(self.last.0)
    }

    const fn gap(&self) -> u64 {
        self.ticked.0.saturating_sub(self.last.0)
    }
}

/// Reads on until `worker` has taken the area and has ticked.
async fn taken_by(
    worker: &str,
    frames: &mut UnboundedReceiver<Seen>,
    last: &mut UnixMillis,
) -> anyhow::Result<Change> {
    let mut owned = None;
    loop {
        let seen = timeout(LONGEST, frames.recv()).await;
        let seen = seen
            .context("no frame for a long time")?
            .context("the reader ended")?;
        if let Some(owned) = owned {
            let (before, ticked) = (*last, seen.stored_at);
            *last = ticked;
            return Ok(Change {
                last: before,
                owned,
                ticked,
            });
        }
        if seen.owner() == Some(worker) {
            owned = Some(seen.stored_at);
        } else {
            *last = seen.stored_at;
        }
    }
}

/// Reads what has come; the time of the last frame.
async fn for_a_while(frames: &mut UnboundedReceiver<Seen>, last: &mut UnixMillis, time: Duration) {
    let until = Instant::now() + time;
    while let Ok(Some(seen)) = tokio::time::timeout_at(until, frames.recv()).await {
        *last = seen.stored_at;
    }
}

pub(crate) async fn handover(times: usize, players: usize) -> anyhow::Result<()> {
    let realm = Realm::start().await?;
    let area = AreaId::new("harbor-1")?;
    let _workers = [
        worker::start("ann", &realm.broker.url())?,
        worker::start("ben", &realm.broker.url())?,
    ];
    realm.open(&area).await?;
    let mut frames = realm.frames(&area);
    let mut last = UnixMillis(0);
    realm.place(&area, "ann", None).await?;
    realm.populate(&area, players as u64, TICK).await?;
    taken_by("ann", &mut frames, &mut last).await?;
    let (mut gap, mut taken, mut placed) =
        (Figures::default(), Figures::default(), Figures::default());
    for turn in 0..times {
        for_a_while(&mut frames, &mut last, Duration::from_millis(400)).await;
        let to = if turn % 2 == 0 { "ben" } else { "ann" };
        let begun = UnixMillis::now();
        realm.place(&area, to, None).await?;
        let change = taken_by(to, &mut frames, &mut last).await?;
        gap.note(change.gap());
        taken.note(change.taken());
        placed.note(change.ticked.0.saturating_sub(begun.0));
    }
    println!("hand-overs of an area with {players} moving players, both workers alive");
    println!("  gap                         {gap}");
    println!("  released to taken           {taken}");
    println!("  placement to first tick     {placed}");
    Ok(())
}

pub(crate) async fn failover(times: usize, players: usize) -> anyhow::Result<()> {
    let realm = Realm::start().await?;
    let area = AreaId::new("harbor-1")?;
    realm.open(&area).await?;
    let mut frames = realm.frames(&area);
    let mut last = UnixMillis(0);
    let name = |n: usize| format!("w{n}");
    let mut owner = worker::start(&name(0), &realm.broker.url())?;
    realm.place(&area, &name(0), None).await?;
    realm.populate(&area, players as u64, TICK).await?;
    taken_by(&name(0), &mut frames, &mut last).await?;
    let (mut gap, mut taken) = (Figures::default(), Figures::default());
    for n in 0..times {
        let next = name(n + 1);
        let successor = worker::start(&next, &realm.broker.url())?;
        realm.place(&area, &name(n), Some(&next)).await?;
        realm
            .until(&next, |member| member.replicas.contains(&area))
            .await?;
        // Kills fall anywhere between two heartbeats.
        let phase = Duration::from_millis(1000 + (n as u64 * 37) % 100);
        for_a_while(&mut frames, &mut last, phase).await;
        let mut heartbeats = membership::heartbeats(&realm.log).await?;
        owner.kill().await?;
        // As the director does.
        let mut heard = Instant::now();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                Some(beat) = heartbeats.next() => if beat.worker == name(n) { heard = Instant::now() },
                _ = look.tick() => if heard.elapsed() >= SUSPECT { break },
            }
        }
        realm.place(&area, &next, None).await?;
        let change = taken_by(&next, &mut frames, &mut last).await?;
        gap.note(change.gap());
        taken.note(change.taken());
        owner = successor;
    }
    println!(
        "kill -9 of the owner of an area with {players} moving players, with a warm successor"
    );
    println!("  last frame to first tick    {gap}");
    println!("  last frame to taken         {taken}");
    Ok(())
}

pub(crate) async fn standby(areas: usize) -> anyhow::Result<()> {
    let realm = Realm::start().await?;
    let _worker = worker::start("ann", &realm.broker.url())?;
    realm.until("ann", |_| true).await?;
    let mut taken = Figures::default();
    for n in 1..=areas {
        let area = AreaId::new(format!("harbor-{n}"))?;
        realm.open(&area).await?;
        let mut frames = realm.frames(&area);
        let begun = UnixMillis::now();
        realm.place(&area, "ann", None).await?;
        let owned = timeout(LONGEST, frames.recv()).await?.context("a frame")?;
        ensure!(owned.owner() == Some("ann"));
        taken.note(owned.stored_at.0.saturating_sub(begun.0));
    }
    println!("an idle worker is given an area: from the placement's write to the ownership frame");
    println!("  {taken}");
    Ok(())
}

pub(crate) async fn spread(areas: usize, at_once: usize) -> anyhow::Result<()> {
    let realm = Realm::start().await?;
    let _first = worker::start("ann", &realm.broker.url())?;
    let mut all = BTreeMap::new();
    for n in 1..=areas {
        let area = AreaId::new(format!("harbor-{n}"))?;
        realm.open(&area).await?;
        realm.place(&area, "ann", None).await?;
        realm.populate(&area, 3, 3 * TICK).await?;
        let mut frames = realm.frames(&area);
        let mut last = UnixMillis(0);
        taken_by("ann", &mut frames, &mut last).await?;
        all.insert(area, (frames, last));
    }
    println!("{areas} areas are awake, 3 players in each");
    let _second = worker::start("ben", &realm.broker.url())?;
    realm.until("ben", |_| true).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(at_once));
    let realm = std::sync::Arc::new(realm);
    let mut moves = tokio::task::JoinSet::new();
    for (area, (mut frames, mut last)) in all {
        let (turns, realm) = (turns.clone(), realm.clone());
        moves.spawn(async move {
            let _turn = turns.acquire().await?;
            realm.place(&area, "ben", None).await?;
            taken_by("ben", &mut frames, &mut last).await
        });
    }
    let mut taken = Figures::default();
    while let Some(change) = moves.join_next().await {
        taken.note(change??.taken());
    }
    println!(
        "handed to a new worker in {:?}, {at_once} at once",
        begun.elapsed()
    );
    // Few players, so not every tick has a frame; the first is due a tick after at the latest.
    println!("  released to taken           {taken}");
    Ok(())
}
