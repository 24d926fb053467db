//! Opening the past: what stands in the log, what is written to it now, how an area stood at any
//! tick, and the proof that the log is whole.
//!
//! Everything here reads; nothing is written to the log, and the live path is never touched.

mod answer;
mod areas;
mod cli;
mod commands;
mod decide;
mod describe;
mod diff;
pub mod exit;
mod explain;
mod export;
mod folding;
mod history;
mod index;
mod interrupt;
mod judge;
mod list;
mod map;
mod moment;
mod output;
mod packed;
mod progress;
mod readable;
mod reading;
mod show;
mod skipped;
mod tail;
mod verify;
mod watch;
mod whatif;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use past::{Past, PastError};
use schemas::sealed::RealmKey;
use schemas::{AreaId, Sequence};
use world::AreaState;

pub use answer::Answer;
pub use cli::{
    Cli, DiffArgs, ExplainArgs, IndexArgs, ListArgs, ReplayCommand, ShowArgs, TailArgs, VerifyArgs,
};
pub use decide::{Decided, LeftOut};
pub use export::{ExportArgs, Format, PseudonymKey, PseudonymKeyError};
pub use folding::{Folded, Folding};
pub use index::Index;
pub use map::Canvas;
pub use moment::{Moment, MomentError};
pub use skipped::Skipped;
pub use verify::{Finding, Report};
pub use watch::WatchArgs;
pub use whatif::{
    Area, Change, Counts, Difference, First, How, OfPlayer, OfType, OtherBuild, Player, Tally,
    Whatif, WhatifArgs,
};

use crate::decide::ServeError;
use crate::readable::Reader;

/// Why a subcommand did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What was asked for makes no sense or is not there: ask otherwise.
    #[error("{0}")]
    Usage(String),
    /// The log cannot be read: look at the broker or the archive, or try later.
    #[error("the log cannot be read")]
    Log(#[from] PastError),
    /// What was read is not what it should be; `--tolerant` goes on over it.
    #[error("{0}")]
    Broken(String),
    /// Nobody takes the output.
    #[error("writing the output")]
    Output(#[from] io::Error),
    /// A file cannot be written: make room or name another place. Nothing stands under its name.
    #[error("writing {}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is to be written is there already: name another place, or remove it.
    #[error("{} exists already; name another place, or remove it", .0.display())]
    Exists(PathBuf),
    /// It was told to stop. The text says how to go on.
    #[error("interrupted; {0}")]
    Interrupted(String),
}

impl ReplayError {
    /// With what code it ends; see [`exit`].
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Log(error) => error.exit_code(),
            Self::Broken(_) => exit::DAMAGED,
            Self::Output(_) | Self::Unwritable { .. } | Self::Exists(_) => exit::UNWRITABLE,
            Self::Interrupted(_) => exit::INTERRUPTED,
        }
    }
}

/// An area as it stands now.
///
/// # Errors
/// When the log cannot be read, or does not fold.
pub async fn now(past: &Past, area: &AreaId) -> Result<AreaState, ReplayError> {
    let then = history::area(past, area, history::Stop::At(Moment::Now)).await?;
    Ok(then.state)
}

/// An area as it stood at a moment, and the sequence of the last frame before that; sequence 0: it had none yet.
///
/// # Errors
/// When the log cannot be read, or does not fold.
pub async fn then(
    past: &Past,
    index: Option<&Index>,
    area: &AreaId,
    moment: Moment,
) -> Result<(AreaState, Sequence), ReplayError> {
    let then = history::nearest(past, index, area, history::Stop::At(moment)).await?;
    Ok((then.state, then.sequence))
}

/// Runs a subcommand; the answer goes to `out`, progress and errors to standard error.
///
/// Sealed texts are opened only with `keys`; without it they are shown as sealed.
///
/// # Errors
/// None yet: what goes wrong is told on standard error, and by the exit code.
pub async fn run(
    cli: Cli,
    past: Past,
    keys: Option<RealmKey>,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let code = match execute(cli, &past, keys, out).await {
        Ok(code) => code,
        // `worldline replay tail | head` is no failure.
        Err(ReplayError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            exit::CLEAN
        }
        Err(error) => {
            let code = error.code();
            eprintln!("error: {:#}", anyhow::Error::new(error));
            code
        }
    };
    Ok(ExitCode::from(code))
}

/// As [`run`], with the exit code as a number and errors handed back.
///
/// # Errors
/// See [`ReplayError`].
pub async fn execute(
    cli: Cli,
    past: &Past,
    keys: Option<RealmKey>,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    // Every subcommand's own future is in it, and not all are small.
    Box::pin(answered(cli, past, keys, out)).await
}

async fn answered(
    cli: Cli,
    past: &Past,
    keys: Option<RealmKey>,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let reader = Reader::new(keys);
    let index = cli.index.as_deref();
    match cli.command {
        ReplayCommand::List(args) => list::list(&args, past, out).await,
        ReplayCommand::Tail(args) => tail::tail(&args, past, &reader, out).await,
        ReplayCommand::Show(args) => {
            let index = open_index(index)?;
            show::show(&args, past, index.as_ref(), &reader, out).await
        }
        ReplayCommand::Diff(args) => {
            let index = open_index(index)?;
            diff::diff(&args, past, index.as_ref(), &reader, out).await
        }
        ReplayCommand::Explain(args) => {
            let index = open_index(index)?;
            let source = explain::Source {
                past,
                index: index.as_ref(),
                reader: &reader,
            };
            explain::explain(&args, &source, out).await
        }
        ReplayCommand::Index(args) => index::index(&args, past, index, out).await,
        ReplayCommand::Verify(args) => verify::verify(&args, past, out).await,
        ReplayCommand::Export(args) => export::export(&args, past, out).await,
        ReplayCommand::Whatif(args) => {
            let index = open_index(index)?;
            Box::pin(whatif::whatif(&args, past, index.as_ref(), out)).await
        }
        ReplayCommand::Decide => decide(out).map(|()| exit::CLEAN),
        ReplayCommand::Watch(_) => Err(ReplayError::Usage(
            "watching needs an edge; `worldline replay watch` starts one".to_owned(),
        )),
    }
}

/// `replay decide`, for which nothing of the past is needed: decides what another build asks on standard input, and
/// answers on `out`. Errors go to standard error.
pub fn run_decide(out: &mut dyn Write) -> ExitCode {
    match decide(out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.code();
            eprintln!("error: {:#}", anyhow::Error::new(error));
            ExitCode::from(code)
        }
    }
}

fn decide(out: &mut dyn Write) -> Result<(), ReplayError> {
    decide::serve(&mut io::stdin().lock(), out).map_err(|error| match error {
        ServeError::Io(error) => ReplayError::Output(error),
        other => ReplayError::Usage(other.to_string()),
    })
}

/// The index, if one is named and there.
fn open_index(place: Option<&str>) -> Result<Option<Index>, ReplayError> {
    place.map_or(Ok(None), Index::open)
}
