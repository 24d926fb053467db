//! What is said when it is done: a few lines for people, or one object for programs.

use std::io::Write;

use serde_json::json;

use super::manifest::{Backup, Manifest};
use super::restore::Verified;
use super::take::{Taken, size};

struct Sums {
    messages: u64,
    beyond: u64,
    bytes: u64,
}

fn sums(manifest: &Manifest) -> Sums {
    let streams = &manifest.streams;
    Sums {
        messages: streams.iter().map(|stream| stream.messages).sum(),
        beyond: streams.iter().map(|stream| stream.beyond).sum(),
        bytes: streams.iter().map(|stream| stream.bytes).sum(),
    }
}

/// Of `worldline backup`.
pub(super) fn taken(taken: &Taken, json: bool) -> anyhow::Result<()> {
    let Taken { dir, manifest, .. } = taken;
    let sums = sums(manifest);
    let mut out = std::io::stdout().lock();
    if json {
        let object = json!({
            "path": dir, "id": manifest.id, "at": manifest.at, "messages": sums.messages, "beyond": sums.beyond,
            "bytes": sums.bytes, "copying_seconds": taken.copying.as_secs_f64(),
            "seconds": taken.took.as_secs_f64(), "keys": manifest.keys, "with_keys": manifest.with_keys,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{}\nthe world at {}: {} messages, {} in {:.1} s (and {} that came meanwhile, which are not restored)",
        dir.display(),
        manifest.at,
        sums.messages,
        size(sums.bytes),
        taken.took.as_secs_f64(),
        sums.beyond
    )?;
    if manifest.with_keys {
        writeln!(
            out,
            "the realm's keys are in it: whoever has it can read everything"
        )?;
    } else {
        writeln!(
            out,
            "the realm's keys (fingerprint {}) are not in it: keep a copy of keys.toml elsewhere",
            manifest.keys
        )?;
    }
    Ok(())
}

/// Of `worldline restore --check`.
pub(super) fn checked(backup: &Backup, json: bool) -> anyhow::Result<()> {
    let manifest = &backup.manifest;
    let sums = sums(manifest);
    let mut out = std::io::stdout().lock();
    if json {
        let object = json!({
            "path": backup.dir, "id": manifest.id, "at": manifest.at, "whole": true, "messages": sums.messages,
            "bytes": sums.bytes, "keys": manifest.keys, "with_keys": manifest.with_keys,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(
        out,
        "whole: the world at {}, {} messages in {} streams, {}",
        manifest.at,
        sums.messages,
        manifest.streams.len(),
        size(sums.bytes)
    )?;
    Ok(())
}

/// Of `worldline restore`.
pub(super) fn restored(backup: &Backup, verified: &Verified, json: bool) -> anyhow::Result<()> {
    let manifest = &backup.manifest;
    let sums = sums(manifest);
    let mut out = std::io::stdout().lock();
    if json {
        let cuts: serde_json::Map<_, _> = manifest
            .streams
            .iter()
            .map(|stream| (stream.name.clone(), stream.cut.into()))
            .collect();
        let object = json!({
            "id": manifest.id, "at": manifest.at, "messages": sums.messages, "ends": cuts,
            "seconds": verified.took.as_secs_f64(), "clean": verified.clean, "report": verified.report,
            "erased": verified.erased, "closed": verified.closed,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    write!(out, "{}", verified.report)?;
    writeln!(out, "{}", verified.erased)?;
    for area in &verified.closed {
        writeln!(
            out,
            "{area} cannot be opened: its first frames were purged, and no usable snapshot is in the backup. Start it, \
             then make one of the archive: `worldline archive snapshots --area {area}`"
        )?;
    }
    writeln!(
        out,
        "restored: the world at {}, {} messages in {:.1} s{}",
        manifest.at,
        sums.messages,
        verified.took.as_secs_f64(),
        if verified.is_good() {
            "; `worldline up` starts it"
        } else {
            ". All that was copied is there, but what is found above was in it"
        }
    )?;
    Ok(())
}
