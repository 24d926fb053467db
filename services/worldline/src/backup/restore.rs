//! Restoring a backup that was found whole.
//!
//! Each stream is made in one step, as a new life of the one that was copied, and marked: whoever
//! meets the mark stops. Then all of them are read out of the broker again and compared with
//! the manifest, the keys of people who have been erased since are destroyed again, and only then the
//! marks go. If anything fails before that, what was made is removed; if that fails too, the marks
//! stay, and the next restore begins by removing what carries one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use eventlog::EventLog;
use eventlog::backup::{self, Decoder, Download, Encoder, Item, Upload, restored_config};
use replay::{ReplayCommand, VerifyArgs};
use schemas::{AreaId, Sequence};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::examine::{Content, read};
use super::manifest::{Backup, Copied};
use super::target::Target;
use super::{closed, keep};
use crate::player::ledger::{Ledger, Noted, destroy_all};

/// Packed pieces that wait for the broker.
const AHEAD: usize = 8;

/// What a restore has come to.
pub(super) struct Verified {
    /// Whether `replay verify` found nothing.
    pub(super) clean: bool,
    /// What it said.
    pub(super) report: String,
    /// How long restoring and comparing took, without that.
    pub(super) took: Duration,
    /// What became of those who had been erased.
    pub(super) erased: String,
    /// The areas that nobody can open.
    pub(super) closed: Vec<AreaId>,
}

impl Verified {
    /// Whether there is nothing left to do before it is played on.
    pub(super) const fn is_good(&self) -> bool {
        self.clean && self.closed.is_empty()
    }
}

/// Restores `backup` into `target`, and its keys to `keys`. What was purged before it was taken is in `archive`, and
/// verified with it.
pub(super) async fn restore(
    backup: &Backup,
    keys: &Path,
    target: &Target,
    archive: &archiver::Config,
) -> anyhow::Result<Verified> {
    let began = Instant::now();
    // A list that cannot be read is found out before anything is there that it should have closed.
    let ledger = Ledger::beside(keys);
    let list = ledger.exists().then(|| ledger.read()).transpose()?;
    let log = target.connect("admin").await?;
    make_room(backup, &log).await?;
    let mut made = Vec::new();
    let brought = async {
        upload_all(backup, &log, target.replicas(), &mut made).await?;
        let destroyed = erase_again(list.as_deref(), target).await?;
        keep::bring(backup, keys)?;
        // From here on it can be read.
        for copied in &backup.manifest.streams {
            backup::finish(&log, &copied.name).await?;
        }
        anyhow::Ok(destroyed)
    };
    let destroyed = brought.await;
    if destroyed.is_err() {
        for stream in &made {
            if let Err(error) = backup::remove(&log, stream).await {
                eprintln!("{stream} is left unfinished, and the next restore removes it: {error}");
            }
        }
    }
    let destroyed = destroyed.context("nothing was restored")?;
    let erased = said_of_erased(&ledger, destroyed);
    let took = began.elapsed();
    let mut report = Vec::new();
    let verify = replay::Cli::new(ReplayCommand::Verify(VerifyArgs::default()));
    let reader = target.connect("replay").await?;
    eprintln!("verifying");
    let closed = closed::closed(&reader).await;
    let closed =
        closed.context("everything is restored; whether all areas can be opened is not known")?;
    let past = archiver::past(archive, reader)?;
    let code = replay::execute(verify, &past, None, &mut report)
        .await
        .context("everything is restored; folding it did not end: `worldline replay verify`")?;
    Ok(Verified {
        clean: code == 0,
        report: String::from_utf8_lossy(&report).into_owned(),
        took,
        erased,
        closed,
    })
}

/// A backup holds the keys of people who have been erased since: they are destroyed again, while nobody
/// can read yet. How many there were; `None`: there is no list of them.
async fn erase_again(list: Option<&[Noted]>, target: &Target) -> anyhow::Result<Option<usize>> {
    let Some(list) = list else {
        return Ok(None);
    };
    let log = target.connect("eraser").await?;
    let destroyed = destroy_all(&log, list).await;
    Ok(Some(destroyed.context(
        "the keys of erased people cannot be destroyed again",
    )?))
}

/// What became of them, and what else there is to do.
fn said_of_erased(ledger: &Ledger, destroyed: Option<usize>) -> String {
    match destroyed {
        None => format!(
            "no list of erasures at {}: if anybody was erased since this backup was taken, they can be read again. \
             Bring the list there, and run `worldline player erase --again`",
            ledger.path().display()
        ),
        Some(destroyed) => format!(
            "keys of people who had been erased, destroyed again: {destroyed}. Start the services, then run \
             `worldline player erase --again`, which erases what else came back of them"
        ),
    }
}

/// Refuses a system that holds anything, and removes what is empty or was left by a restore that did
/// not end.
async fn make_room(backup: &Backup, log: &EventLog) -> anyhow::Result<()> {
    let mut removable = Vec::new();
    for copied in &backup.manifest.streams {
        let name = &copied.name;
        let Some(head) = backup::head(log, name).await? else {
            continue;
        };
        if head.restoring.is_none() && head.last > Sequence(0) {
            bail!(
                "{name} holds messages up to {}: a backup is restored into an empty system only; name an empty \
                 --data-dir, or another broker",
                head.last
            );
        }
        removable.push(name);
    }
    for name in removable {
        backup::remove(log, name).await?;
    }
    Ok(())
}

/// Makes all streams, still marked, and reads them back.
async fn upload_all(
    backup: &Backup,
    log: &EventLog,
    replicas: Option<u8>,
    made: &mut Vec<String>,
) -> anyhow::Result<()> {
    let streams = &backup.manifest.streams;
    for copied in streams {
        eprintln!("restoring {}: {} messages", copied.name, copied.messages);
        made.push(copied.name.clone());
        let cut = Sequence(copied.cut);
        let config = restored_config(&copied.config, cut, replicas, &backup.manifest.id)?;
        upload(backup.archive(&copied.name), copied.clone(), &config, log).await?;
    }
    for copied in streams {
        eprintln!("comparing {}", copied.name);
        compare(copied, log).await?;
    }
    Ok(())
}

/// Makes a stream of its archive up to the cut.
async fn upload(
    path: PathBuf,
    copied: Copied,
    config: &Value,
    log: &EventLog,
) -> anyhow::Result<()> {
    let upload = Upload::begin(log, config).await?;
    let (pieces, mut packed) = mpsc::channel(AHEAD);
    let packing = tokio::task::spawn_blocking(move || pack(&path, &copied, &pieces));
    while let Some(piece) = packed.recv().await {
        upload.send(piece).await?;
    }
    packing.await.context("packing")??;
    Ok(upload.finish().await?)
}

/// Writes the archive anew: the same messages, and no more than up to the cut.
fn pack(path: &Path, copied: &Copied, pieces: &mpsc::Sender<Vec<u8>>) -> anyhow::Result<()> {
    let cut = Sequence(copied.cut);
    let mut encoder = Encoder::default();
    encoder.put(&Item::State(json!({
        "messages": copied.messages,
        "bytes": 0,
        "first_seq": copied.first.unwrap_or(copied.cut + 1),
        "last_seq": copied.cut,
        "consumer_count": copied.durables.len(),
    })));
    for durable in &copied.durables {
        encoder.put(&Item::Consumer(durable.restored(cut)));
    }
    // When nobody takes them any more, the broker has refused, and says why itself.
    let hand_over = |encoder: &mut Encoder| {
        let piece = encoder.take();
        piece.is_empty() || pieces.blocking_send(piece).is_ok()
    };
    read(
        path,
        |_| {},
        |item| {
            if let Item::Message(message) = &item
                && message.sequence <= cut.0
            {
                encoder.put(&item);
                ensure!(hand_over(&mut encoder), "the broker takes no more");
            }
            Ok(())
        },
    )?;
    encoder.put(&Item::End);
    ensure!(hand_over(&mut encoder), "the broker takes no more");
    Ok(())
}

/// Reads a restored stream out of the broker, and compares it with what was copied.
async fn compare(copied: &Copied, log: &EventLog) -> anyhow::Result<()> {
    let name = &copied.name;
    let mut download = Download::begin(log, name).await?;
    let (mut decoder, mut content) = (Decoder::default(), Content::default());
    let (mut messages, mut last) = (0_u64, 0);
    while let Some(piece) = download.next().await? {
        decoder.feed(&piece)?;
        while let Some(item) = decoder.next_item()? {
            match item {
                Item::State(state) => last = state["last_seq"].as_u64().unwrap_or(0),
                Item::Message(message) => {
                    messages += 1;
                    content.add(&message);
                }
                Item::Consumer(_) | Item::End => {}
            }
        }
    }
    decoder.finish()?;
    ensure!(
        last == copied.cut,
        "{name} ends at {last} and should end at {}",
        copied.cut
    );
    if messages < copied.messages && ages(copied) {
        let aged = copied.messages - messages;
        eprintln!("{name}: {aged} messages have grown older than they are kept, and are gone");
        return Ok(());
    }
    ensure!(
        messages == copied.messages && content.finish() == copied.content,
        "{name} is not what was copied ({messages} messages of {})",
        copied.messages
    );
    Ok(())
}

/// Whether the stream forgets what is old.
fn ages(copied: &Copied) -> bool {
    let age = copied.config["max_age"].as_u64();
    age.is_some_and(|age| age > 0)
}
