//! `worldline archive …`
//!
//! Exit codes are those of `worldline replay`: 0 clean · 1 something was not archived · 64 what was asked for is not
//! there · 65 the archive is damaged · 69 archive or broker cannot be read.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventlog::{ConnectError, EventLog, ReadError};
use past::{Archive, Location, Past, PastError, WriteError};
use runtime::{ConfigError, Section, Shutdown};
use schemas::AreaId;

use crate::{Archiver, Config, Extent, begin, snapshots, status, verify};

/// What was asked for is not there.
const USAGE: u8 = 64;
/// Damaged data.
pub(crate) const DAMAGED: u8 = 65;
/// What is to be read cannot be read.
pub(crate) const UNAVAILABLE: u8 = 69;

/// What to do with the archive.
#[derive(Debug, Clone, Subcommand)]
pub enum ArchiveCommand {
    /// Archive what is due, and hold the live log at its size, until told to stop
    Run {
        /// Archive everything there is now, purge what may go, and end
        #[arg(long)]
        once: bool,
    },
    /// Begin an archive although the broker has lost messages already: only if no archive has them
    Begin,
    /// Show how far each stream is archived, how large it is, and what was purged
    Status(StatusArgs),
    /// Read every byte of the archive: exit code 65 if one is not as it was written
    Verify(VerifyArgs),
    /// Fold areas out of archive and broker, and save their snapshots: for when those were lost
    Snapshots(SnapshotsArgs),
}

/// Of `status`.
#[derive(Debug, Clone, Args, Default)]
pub struct StatusArgs {
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Of `verify`.
#[derive(Debug, Clone, Args, Default)]
pub struct VerifyArgs {
    /// Only this stream; may be given more than once
    #[arg(long, value_name = "STREAM")]
    pub stream: Vec<String>,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Of `snapshots`.
#[derive(Debug, Clone, Args, Default)]
pub struct SnapshotsArgs {
    /// Only this area; may be given more than once
    #[arg(long, value_name = "AREA")]
    pub area: Vec<AreaId>,
}

impl ArchiveCommand {
    /// As which of the broker's users it works.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Snapshots(_) => "worker",
            Self::Run { .. } | Self::Begin | Self::Status(_) | Self::Verify(_) => "archiver",
        }
    }
}

fn location(config: &Config) -> Result<Location, ConfigError> {
    config.location().ok_or_else(|| ConfigError::Missing {
        section: Config::NAME.into(),
        key: "where".into(),
        variable: "WORLDLINE_ARCHIVE_WHERE".into(),
    })
}

/// What was asked for is not there: ask otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotThere(pub(crate) String);

/// With what code a tool ends that failed; `None`: by nothing that is promised.
fn code(error: &anyhow::Error) -> Option<u8> {
    error.chain().find_map(|cause| {
        if cause.is::<NotThere>() {
            return Some(USAGE);
        }
        if cause.is::<ConnectError>() || cause.is::<ReadError>() {
            return Some(UNAVAILABLE);
        }
        match cause.downcast_ref() {
            Some(WriteError::Past(past)) => Some(past.exit_code()),
            _ => cause.downcast_ref().map(PastError::exit_code),
        }
    })
}

/// Runs a tool; the answer goes to `out`. `log` is asked for when the broker is needed.
///
/// # Errors
/// When the archive is not configured, or the broker cannot be used at all. What archive and broker answer is told here,
/// and is in the code.
pub async fn tool<F>(
    command: ArchiveCommand,
    config: Config,
    log: impl FnOnce() -> F,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<EventLog>>,
{
    let error = match answer(command, config, log, out).await {
        Ok(code) => return Ok(code),
        Err(error) => error,
    };
    let Some(code) = code(&error) else {
        return Err(error);
    };
    eprintln!("error: {error:#}");
    Ok(ExitCode::from(code))
}

async fn answer<F>(
    command: ArchiveCommand,
    config: Config,
    log: impl FnOnce() -> F,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<EventLog>>,
{
    let location = location(&config)?;
    match command {
        ArchiveCommand::Run { .. } => {
            let archive = Archive::create(&location)?;
            let shutdown = Shutdown::on_signals()?;
            let mut archiver = Archiver::new(log().await?, archive, config);
            let round = archiver.round(Extent::All, &shutdown).await;
            for (stream, one) in &round.stored {
                let (first, last, bytes) = (one.first, one.last, one.bytes);
                writeln!(out, "{stream}: {first} to {last} archived, {bytes} bytes")?;
            }
            writeln!(out, "{} messages purged from the broker", round.purged)?;
            for (stream, error) in &round.failed {
                eprintln!("{stream}: {error}");
            }
            Ok(ExitCode::from(u8::from(!round.failed.is_empty())))
        }
        ArchiveCommand::Begin => {
            let archive = Archive::create(&location)?;
            begin::begin(&archive, &log().await?, &config, out).await
        }
        ArchiveCommand::Status(args) => {
            let archive = Archive::open(&location)?;
            status::status(&archive, &log().await?, &args, out).await
        }
        ArchiveCommand::Verify(args) => {
            let archive = Archive::open(&location)?;
            verify::verify(&archive, &args, out).await
        }
        ArchiveCommand::Snapshots(args) => {
            let (archive, log) = (Archive::open(&location)?, log().await?);
            let past = Past::joined(log.clone(), archive);
            snapshots::snapshots(&past, &log, &args, out).await
        }
    }
}
