//! The questions that have the same answers whatever was done to a stack.

use std::collections::BTreeMap;

use anyhow::Context;
use eventlog::Follow;
use runtime::Shutdown;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::subjects::{self, AREA_EVENTS};
use schemas::{AreaId, Claim, Digest, Epoch, FrameNo, Sequence};
use sqlx::{Connection, PgConnection, Row};

use crate::{Stack, eventually};

/// One owner's time, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    /// Its fencing token.
    pub epoch: Epoch,
    /// Drawn for this attempt to own the area.
    pub claim: Claim,
    /// The worker's name.
    pub worker: String,
}

/// The log is whole, and the rows are what it says. To be asked when the players have left: then every command must
/// have its outcome, every effect its receipt, and every character one place.
///
/// # Errors
/// Says what is not as it should be.
pub async fn all_is_well(stack: &Stack) -> anyhow::Result<()> {
    log_is_whole(stack).await?;
    rows_are_what_the_log_says(stack).await?;
    stack.is_well();
    Ok(())
}

/// `worldline replay verify --decide` is clean, whatever may be on its way.
///
/// # Errors
/// With its findings.
pub async fn log_is_whole_so_far(stack: &Stack) -> anyhow::Result<()> {
    let verify = ["replay", "verify", "--decide"];
    stack.tool(&verify).await.map(drop)
}

/// `worldline replay verify --settled` is clean, as soon as what was on its way has arrived.
///
/// # Errors
/// With its findings.
pub async fn log_is_whole(stack: &Stack) -> anyhow::Result<()> {
    // First without what may still be on its way: a broken chain does not mend.
    log_is_whole_so_far(stack).await?;
    eventually("`replay verify --settled` is clean", || async {
        stack
            .tool(&["replay", "verify", "--settled"])
            .await
            .map(|_| true)
    })
    .await
}

/// The projector has caught up, parked nothing, and a fold from zero gives the same rows.
///
/// # Errors
/// With the rows that differ.
pub async fn rows_are_what_the_log_says(stack: &Stack) -> anyhow::Result<()> {
    let log = stack.log("projector").await?;
    let mut heads = BTreeMap::new();
    for stream in [
        "AREA_EVENTS",
        "LOBBY_EVENTS",
        "IDENTITY_EVENTS",
        "CONTROL_EVENTS",
    ] {
        heads.insert(stream.to_owned(), log.stream_info(stream).await?.last);
    }
    eventually("the projector has caught up", || async {
        let reached = checkpoints(stack).await?;
        let behind = heads
            .iter()
            .find(|(stream, head)| reached.get(*stream).is_none_or(|at| at < head));
        match behind {
            None => Ok(true),
            Some((stream, head)) => anyhow::bail!("{stream} ends at {head}; reached: {reached:?}"),
        }
    })
    .await?;
    let mut db = PgConnection::connect(stack.database_url()).await?;
    let parked: i64 = sqlx::query("SELECT count(*) FROM parked_events")
        .fetch_one(&mut db)
        .await?
        .try_get(0)?;
    anyhow::ensure!(parked == 0, "{parked} keys are parked");
    let config = projector::Config::new(stack.database_url());
    let found = Box::pin(projector::check(&config, &log.into(), &Shutdown::new())).await?;
    anyhow::ensure!(found.rows > 0, "there are no rows at all");
    anyhow::ensure!(
        found.differences.is_empty(),
        "rows differ from a fold from zero:\n{}",
        found.differences.join("\n")
    );
    Ok(())
}

/// How far each stream has been folded, by stream.
async fn checkpoints(stack: &Stack) -> anyhow::Result<BTreeMap<String, Sequence>> {
    let mut db = PgConnection::connect(stack.database_url()).await?;
    let rows = sqlx::query("SELECT stream, min(sequence) FROM checkpoints GROUP BY stream")
        .fetch_all(&mut db)
        .await?;
    rows.iter()
        .map(|row| {
            let sequence: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, Sequence(u64::try_from(sequence)?)))
        })
        .collect()
}

/// Reads an area's log with nothing but the law of the frame at hand: one unbroken chain, epochs that never fall, one
/// claim to an epoch. Returns who owned it, in order.
///
/// # Errors
/// Where the chain breaks.
pub async fn reigns(stack: &Stack, area: &str) -> anyhow::Result<Vec<Reign>> {
    let area = AreaId::new(area)?;
    let log = stack.log("replay").await?;
    let filters = vec![subjects::area_events(&area)];
    let mut frames = log.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
    let mut reigns: Vec<Reign> = Vec::new();
    let mut before = (FrameNo(0), Digest::default());
    while let Some(record) = frames.next().await? {
        let at = || format!("{area}, sequence {}", record.sequence);
        let frame: Frame = schemas::decode(&record.payload).with_context(at)?;
        anyhow::ensure!(
            (frame.no, frame.prev) == (before.0.next(), before.1),
            "{}: the chain is broken",
            at()
        );
        before = (frame.no, Digest::of(&record.payload));
        let owner = frame.facts.iter().find_map(|fact| match fact {
            Fact::Owned { worker, .. } => Some(worker.clone()),
            _ => None,
        });
        match (reigns.last(), owner) {
            (last, Some(worker)) => {
                let expected = last.map_or(Epoch(1), |reign| reign.epoch.next());
                anyhow::ensure!(frame.epoch == expected, "{}: epoch {}", at(), frame.epoch);
                reigns.push(Reign {
                    epoch: frame.epoch,
                    claim: frame.claim,
                    worker,
                });
            }
            (Some(reign), None) => anyhow::ensure!(
                (frame.epoch, frame.claim) == (reign.epoch, reign.claim),
                "{}: a frame of {} {} in the reign of {reign:?}",
                at(),
                frame.epoch,
                frame.claim
            ),
            (None, None) => anyhow::bail!("{}: the first frame names no owner", at()),
        }
    }
    Ok(reigns)
}

/// In which area a character is, as the rows say; `None`: in the lobby.
///
/// # Errors
/// When the rows do not know it.
pub async fn place_of(stack: &Stack, character: &str) -> anyhow::Result<Option<String>> {
    let mut db = PgConnection::connect(stack.database_url()).await?;
    let row =
        sqlx::query("SELECT CASE WHEN in_world THEN area END FROM characters WHERE character = $1")
            .bind(character)
            .fetch_one(&mut db)
            .await?;
    Ok(row.try_get(0)?)
}
