//! Taking a backup while players play.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use eventlog::EventLog;
use eventlog::backup::{self, Causes, Cut, Decoder, Download, Durable, Item, utc};
use eventlog::streams::StreamsFile;
use schemas::{Sequence, UnixMillis};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::examine::{examine, is_doubtful};
use super::keep;
use super::manifest::{Copied, Manifest, archive, hex, sync};
use super::selection::{Extent, selection};

/// Whoever waits is told each time that so many bytes have come.
const TOLD: u64 = 256 << 20;

/// A backup that was taken.
pub(super) struct Taken {
    /// Its directory.
    pub(super) dir: PathBuf,
    /// What it says.
    pub(super) manifest: Manifest,
    /// How long copying took: until then the broker had work with it.
    pub(super) copying: Duration,
    /// How long all of it took.
    pub(super) took: Duration,
}

/// A stream before its copy.
struct Before {
    name: String,
    extent: Extent,
    config: Value,
    durables: Vec<Durable>,
}

/// A stream after its copy.
struct Copy {
    sha256: String,
    /// Where it ends at the moment.
    end: Sequence,
}

/// Takes a backup into a new directory below `dir`.
pub(super) async fn take(
    log: &EventLog,
    dir: &Path,
    keys: &Path,
    with_keys: bool,
) -> anyhow::Result<Taken> {
    let began = Instant::now();
    let fingerprint = keep::fingerprint(keys)?;
    let (streams, nanos) = look(log).await?;
    let at = utc(UnixMillis(u64::try_from(nanos).unwrap_or(0) / 1_000_000));
    let id = name(&at);
    let dir = dir.join(&id);
    make(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let mut causes = Causes::default();
    let mut copies = Vec::new();
    for stream in &streams {
        let path = archive(&dir, &stream.name);
        copies.push(copy(log, stream, nanos, &path, &mut causes).await?);
    }
    let copying = began.elapsed();
    let names = streams.iter().map(|stream| stream.name.clone());
    let ends: Cut = names.zip(copies.iter().map(|copy| copy.end)).collect();
    let cut = causes.close(ends.clone());
    for (stream, end) in &cut {
        if ends.get(stream) != Some(end) {
            eprintln!("{stream} ends earlier, at {end}: what follows lacks its cause elsewhere");
        }
    }
    let mut manifest = Manifest::new(id, at, nanos, fingerprint, with_keys);
    let finished = tokio::task::spawn_blocking({
        let dir = dir.clone();
        move || read_back(&dir, nanos, streams, &copies, &cut)
    });
    manifest.streams = finished.await.context("reading the backup back")??;
    if with_keys {
        keep::put(keys, &dir)?;
    }
    manifest.write(&dir)?;
    if let Some(parent) = dir.parent() {
        sync(parent)?;
    }
    Ok(Taken {
        dir,
        manifest,
        copying,
        took: began.elapsed(),
    })
}

/// What there is to copy, and the moment: the earliest time at which a leader described its stream.
/// How far durable consumers are is asked before, so that all they have done was done by then.
async fn look(log: &EventLog) -> anyhow::Result<(Vec<Before>, i64)> {
    let mut streams = Vec::new();
    for (name, extent) in selection(&StreamsFile::built_in()?) {
        let durables = if extent == Extent::Moment {
            backup::durables(log, &name).await?
        } else {
            Vec::new()
        };
        streams.push(Before {
            name,
            extent,
            config: Value::Null,
            durables,
        });
    }
    let mut moment = i64::MAX;
    for stream in &mut streams {
        let name = &stream.name;
        let Some(head) = backup::head(log, name).await? else {
            bail!("there is no stream {name}; `worldline streams apply` creates it");
        };
        ensure!(
            head.restoring.is_none(),
            "{name} is being restored: finish that first"
        );
        ensure!(head.nanos > 0, "the broker does not say what time it is");
        stream.config = head.config;
        moment = moment.min(head.nanos);
    }
    Ok((streams, moment))
}

/// `20260131T120000Z-1f3a9c07`: sorts by time, and two at the same time differ.
fn name(at: &str) -> String {
    let time: String = at
        .split('.')
        .take(1)
        .flat_map(str::chars)
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("{time}Z-{:08x}", rand::random::<u32>())
}

/// Makes the directory, which nobody but its owner may read: it holds what was said, if sealed.
fn make(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700).create(dir)?;
    builder.create(dir.join("streams"))
}

/// Copies one stream to `path`.
async fn copy(
    log: &EventLog,
    stream: &Before,
    moment: i64,
    path: &Path,
    causes: &mut Causes,
) -> anyhow::Result<Copy> {
    let began = Instant::now();
    let context = || format!("writing {}", path.display());
    let mut file = File::create_new(path).with_context(context)?;
    let mut download = Download::begin(log, &stream.name).await?;
    let mut decoder = Decoder::default();
    let (mut sha256, mut messages, mut bytes) = (Sha256::new(), 0_u64, 0_u64);
    let mut last = 0;
    let mut beyond = None;
    while let Some(piece) = download.next().await? {
        file.write_all(&piece).with_context(context)?;
        sha256.update(&piece);
        let told = bytes / TOLD;
        bytes += piece.len() as u64;
        if bytes / TOLD > told {
            eprintln!("{}: {} so far", stream.name, size(bytes));
        }
        decoder.feed(&piece)?;
        while let Some(item) = decoder.next_item()? {
            match item {
                Item::State(state) => last = state["last_seq"].as_u64().unwrap_or(0),
                Item::Message(message) => {
                    messages += 1;
                    last = last.max(message.sequence);
                    if message.nanos > moment {
                        // From here on all is later, whatever the clock did then.
                        beyond.get_or_insert(message.sequence);
                    }
                    if is_doubtful(&message, moment) {
                        causes.read(&stream.name, &message);
                    }
                }
                Item::Consumer(_) | Item::End => {}
            }
        }
    }
    decoder.finish()?;
    file.sync_all().with_context(context)?;
    eprintln!(
        "{}: {messages} messages, {} in {:.1} s",
        stream.name,
        size(bytes),
        began.elapsed().as_secs_f64()
    );
    let end = match (stream.extent, beyond) {
        (Extent::Moment, Some(first)) => first - 1,
        (Extent::Moment, None) | (Extent::Whole, _) => last,
    };
    Ok(Copy {
        sha256: hex(&sha256.finalize()),
        end: Sequence(end),
    })
}

/// Reads what was written from the disk, and says what it is.
fn read_back(
    dir: &Path,
    moment: i64,
    streams: Vec<Before>,
    copies: &[Copy],
    cut: &Cut,
) -> anyhow::Result<Vec<Copied>> {
    sync(&dir.join("streams"))?;
    let mut found = Vec::new();
    for (stream, copy) in streams.into_iter().zip(copies) {
        let path = archive(dir, &stream.name);
        let cut = cut.get(&stream.name).map_or(copy.end.0, |end| end.0);
        let mut unused = Causes::default();
        let examined = examine(&path, &stream.name, cut, moment, &mut unused)?;
        ensure!(
            examined.sha256 == copy.sha256,
            "{} reads back as something else than was written: look at the disk",
            path.display()
        );
        found.push(Copied {
            name: stream.name,
            config: stream.config,
            bytes: examined.bytes,
            sha256: examined.sha256,
            cut,
            first: examined.first,
            messages: examined.messages,
            beyond: examined.beyond,
            content: examined.content,
            durables: stream.durables,
        });
    }
    Ok(found)
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fitting = units.into_iter().find(|(_, power)| bytes >= 1 << power);
    match fitting {
        #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
        Some((unit, power)) => format!("{:.1} {unit}", bytes as f64 / (1_u64 << power) as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time() {
        let name = name("2026-01-31T12:00:00.123Z");
        assert!(name.starts_with("20260131T120000Z-"), "{name}");
        assert_eq!(name.len(), 25);
    }

    #[test]
    fn sizes_are_as_people_read_them() {
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(3 << 19), "1.5 MiB");
    }
}
