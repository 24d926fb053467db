//! Opening the past: what stands in the log, what is written to it now, how an area stood at any
//! tick, and the proof that the log is whole.
//!
//! Everything here reads; nothing is written, and the live path is never touched. Exit codes:
//! 0 clean, 1 `verify` found something, 64 wrong usage, 69 the log cannot be read.

mod cli;
mod commands;
mod describe;
mod history;
mod judge;
mod list;
mod moment;
mod progress;
mod readable;
mod show;
mod tail;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use past::{Past, PastError};
use schemas::AreaId;
use schemas::sealed::RealmKey;
use world::AreaState;

pub use cli::{Cli, ListArgs, ReplayCommand, ShowArgs, TailArgs, VerifyArgs};
pub use moment::{Moment, MomentError};
pub use verify::{Finding, Report};

use crate::readable::Reader;

/// Something is wrong with what stands in the log.
const FINDINGS: u8 = 1;
/// `EX_USAGE`: what was asked for makes no sense.
const USAGE: u8 = 64;
/// `EX_UNAVAILABLE`: the log cannot be read.
const UNAVAILABLE: u8 = 69;

/// Why a subcommand did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What was asked for is not there: ask otherwise.
    #[error("{0}")]
    Usage(String),
    /// The log cannot be read: look at the broker, or try later.
    #[error("the log cannot be read")]
    Log(#[from] PastError),
    /// The log was read, and is not what it should be.
    #[error("{0}")]
    Broken(String),
    /// Nobody takes the output.
    #[error("writing the output")]
    Output(#[from] std::io::Error),
}

/// An area as it stands now.
///
/// # Errors
/// When the log cannot be read, or does not fold.
pub async fn now(past: &Past, area: &AreaId) -> Result<AreaState, ReplayError> {
    let then = history::area(past, area, history::Stop::At(Moment::Now)).await?;
    Ok(then.state)
}

/// Runs a subcommand; the answer goes to `out`, progress and errors to standard error.
///
/// Sealed texts are opened only with `keys`; without it they are shown as sealed.
///
/// # Errors
/// When the output cannot be written.
pub async fn run(
    cli: Cli,
    past: Past,
    keys: Option<RealmKey>,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let code = match execute(cli, &past, keys, out).await {
        Ok(code) => code,
        // `worldline replay tail | head` is no failure.
        Err(ReplayError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(ReplayError::Output(error)) => return Err(error.into()),
        Err(error) => {
            let code = match error {
                ReplayError::Usage(_) => USAGE,
                ReplayError::Broken(_) => FINDINGS,
                ReplayError::Log(_) | ReplayError::Output(_) => UNAVAILABLE,
            };
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
    let reader = Reader::new(keys);
    match cli.command {
        ReplayCommand::List(args) => list::list(&args, past, out).await.map(|()| 0),
        ReplayCommand::Tail(args) => tail::tail(&args, past, &reader, out).await.map(|()| 0),
        ReplayCommand::Show(args) => show::show(&args, past, &reader, out).await.map(|()| 0),
        ReplayCommand::Verify(args) => verify::verify(&args, past, out).await,
    }
}
