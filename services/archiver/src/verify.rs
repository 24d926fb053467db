//! `worldline archive verify`: every byte of the archive.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use past::{Archive, PastError};
use serde_json::json;

use crate::cli::{DAMAGED, NotThere, UNAVAILABLE, VerifyArgs};

/// Reads the archive whole.
pub(crate) async fn verify(
    archive: &Archive,
    args: &VerifyArgs,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut streams = archive.streams().await?;
    if let Some(unknown) = args.stream.iter().find(|name| !streams.contains(name)) {
        let nothing = format!("{} holds nothing of {unknown}", archive.place());
        return Err(NotThere(nothing).into());
    }
    streams.retain(|name| args.stream.is_empty() || args.stream.contains(name));
    let (mut segments, mut messages, mut bytes) = (0_u64, 0, 0);
    let mut found: Vec<PastError> = Vec::new();
    let mut told = Instant::now();
    for stream in &streams {
        let manifest = match archive.manifest(stream).await {
            Ok(Some(manifest)) => manifest,
            Ok(None) => continue,
            Err(error) => {
                found.push(error);
                continue;
            }
        };
        for segment in manifest.segments() {
            match archive.verify(stream, segment).await {
                Ok(()) => {}
                Err(error) => found.push(error),
            }
            (segments, messages, bytes) = (
                segments + 1,
                messages + segment.messages,
                bytes + segment.bytes,
            );
            if told.elapsed() >= Duration::from_secs(1) {
                told = Instant::now();
                eprintln!("{stream}: up to {} of {}", segment.last, manifest.end());
            }
        }
        found.extend(
            manifest
                .holes()
                .into_iter()
                .map(|(first, last)| PastError::Hole {
                    stream: stream.clone(),
                    first,
                    last,
                    reason:
                        "in no segment: they were gone from the broker before they were archived"
                            .to_owned(),
                }),
        );
    }
    if args.json {
        let findings: Vec<String> = found.iter().map(ToString::to_string).collect();
        let answer = json!({
            "archive": archive.place(), "streams": streams, "segments": segments, "messages": messages,
            "bytes": bytes, "findings": findings,
        });
        writeln!(out, "{answer}")?;
    } else {
        for error in &found {
            writeln!(out, "{error}")?;
        }
        writeln!(
            out,
            "{segments} segments with {messages} messages read, {} findings",
            found.len()
        )?;
    }
    Ok(match found.as_slice() {
        [] => ExitCode::SUCCESS,
        found if found.iter().all(PastError::unavailable) => ExitCode::from(UNAVAILABLE),
        _ => ExitCode::from(DAMAGED),
    })
}
