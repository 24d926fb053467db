//! `replay export`: events as rows of Parquet, NDJSON or CSV files, for whoever analyses.
//!
//! A directory holds one *export*: files of rows under `stream=…/day=…/area=…/`, and `_manifest.json`, which says what
//! they are and how far the export has come in each stream. The same command again goes on there, after an
//! interruption as after a success. Words: a *part* is one file of rows; a *commit* makes the parts written since the
//! last one, and how far they reach, true at once ([`folder`]).
//!
//! Ids of people are pseudonyms unless real ones are asked for; what they wrote stays sealed.

mod args;
mod feed;
mod folder;
#[cfg(test)]
mod interrupted;
mod manifest;
mod pace;
mod parts;
mod pseudonyms;
mod selection;
mod writer;

use std::io::Write;

use past::Past;
use past::event::{AsRecorded, People};

pub use args::{ExportArgs, Format};
pub use pseudonyms::{PseudonymKey, PseudonymKeyError};

use self::feed::Feed;
use self::folder::Folder;
use self::pace::Pace;
use self::pseudonyms::{Keeper, Pseudonyms};
use self::selection::Selection;
use crate::ReplayError;
use crate::answer::Form;
use crate::interrupt::Interrupt;
use crate::skipped::Skips;

pub(crate) async fn export(
    args: &ExportArgs,
    past: &Past,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    export_until(args, past, &Interrupt::on_signals(), out).await
}

/// As [`export`], until it is told to stop.
async fn export_until(
    args: &ExportArgs,
    past: &Past,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let key = key(args)?;
    let pseudonyms = key.as_ref().map(Pseudonyms::new);
    let ids = pseudonyms
        .as_ref()
        .map_or_else(|| "real".to_owned(), Pseudonyms::fingerprint);
    let selection = Selection::new(args, ids)?;
    let mut folder = Folder::open(&args.out, selection, key.as_ref().map(Keeper::new))?;
    let mut people: Box<dyn People> = match pseudonyms {
        Some(pseudonyms) => Box::new(pseudonyms),
        None => Box::new(AsRecorded),
    };
    let mut pace = Pace::new(args.rate(past.log().is_some()));
    let mut skips = Skips::new(args.answer.tolerant);
    let before = folder.manifest().rows;
    for stream in folder.manifest().selection.streams.clone() {
        let feed = Feed::open(past, &stream, &folder).await?;
        let mut run = feed::Run {
            past,
            pace: &mut pace,
            skips: &mut skips,
            people: people.as_mut(),
            interrupt,
        };
        let done = feed.run(&mut run, &mut folder).await;
        if done.is_err() {
            folder.discard();
        }
        done?;
    }
    tell(args, &folder, before, out)?;
    let damaged = !folder.manifest().skipped.is_empty();
    Ok(skips.code(if damaged {
        crate::exit::SKIPPED
    } else {
        crate::exit::CLEAN
    }))
}

/// The key of the pseudonyms; `None`: real ids.
fn key(args: &ExportArgs) -> Result<Option<PseudonymKey>, ReplayError> {
    if args.real_ids {
        return Ok(None);
    }
    match (&args.pseudonym_key, &args.realm_pseudonyms) {
        (Some(path), _) => PseudonymKey::load(path)
            .map(Some)
            .map_err(|error| ReplayError::Usage(error.to_string())),
        (None, Some(key)) => Ok(Some(key.clone())),
        (None, None) => Err(ReplayError::Usage(
            "ids of people are exported as pseudonyms, and there is no key to make them with: name a file of 64 \
             hexadecimal digits with --pseudonym-key, or the realm's keys with --keys, or ask for --real-ids"
                .to_owned(),
        )),
    }
}

/// What was done.
fn tell(
    args: &ExportArgs,
    folder: &Folder,
    before: u64,
    out: &mut dyn Write,
) -> Result<(), ReplayError> {
    let manifest = folder.manifest();
    if args.answer.form() != Form::Text {
        // The list of files is in the manifest, and may be long.
        let summary = serde_json::json!({
            "directory": args.out, "manifest": folder::MANIFEST, "format": manifest.selection.format,
            "ids": manifest.selection.ids, "rows": manifest.rows, "new_rows": manifest.rows - before,
            "files": manifest.files.len(), "streams": manifest.streams, "skipped": manifest.skipped,
        });
        writeln!(out, "{summary}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<20} {:>12} {:>12} {:>12}",
        "STREAM", "FROM", "TO", "ROWS"
    )?;
    for (stream, reached) in &manifest.streams {
        let (from, to, rows) = (reached.from, reached.to, reached.rows);
        writeln!(out, "{stream:<20} {from:>12} {to:>12} {rows:>12}")?;
    }
    writeln!(
        out,
        "{} rows in {} files under {}, {} of them new",
        manifest.rows,
        manifest.files.len(),
        args.out.display(),
        manifest.rows - before
    )?;
    for skipped in &manifest.skipped {
        let (stream, from, to, why) = (&skipped.stream, skipped.from, skipped.to, &skipped.why);
        writeln!(out, "left out: {stream}:{from}-{to}: {why}")?;
    }
    Ok(())
}
