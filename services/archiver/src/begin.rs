//! `worldline archive begin`: an archive that begins late.
//!
//! Where messages are gone from the broker and nothing is archived, the archive is most likely away, and going on would
//! leave a hole when it comes back. That it is not, an operator says here, once; then `run` goes on.

use std::io::Write;
use std::process::ExitCode;

use eventlog::EventLog;
use past::Archive;

use crate::config::{Config, streams};

/// Begins every stream that has not begun.
pub(crate) async fn begin(
    archive: &Archive,
    log: &EventLog,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    for stream in streams() {
        let info = log.stream_info(stream).await?;
        match archive.begin(stream, &info, config.delay()).await? {
            Some(0) => writeln!(out, "{stream}: begun")?,
            Some(lost) => writeln!(
                out,
                "{stream}: begun without {lost} messages, which are nowhere"
            )?,
            None => {
                let archived = archive.manifest(stream).await?;
                let end = archived.map_or(0, |manifest| manifest.end().0);
                writeln!(out, "{stream}: archived up to {end}; nothing was changed")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
