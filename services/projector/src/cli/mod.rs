//! `worldline projector …`: what an operator asks about the rows and does to them.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or all is well |
//! | 1 | somebody has to look: rows differ, are behind or parked; an event still cannot be applied |
//! | 75 | interrupted: the same command goes on where it stopped |
//!
//! Whatever keeps a command from being done ends it as everywhere else, with one sentence.

mod parked;
mod print;

use std::collections::BTreeSet;
use std::io::IsTerminal;

use clap::{Args, Subcommand};
use past::Past;
use runtime::{Shutdown, Span};

use self::parked::ParkedCommand;
use self::print::{Printer, line, put};
use crate::analysts;
use crate::check::check;
use crate::config::Config;
use crate::dump::dump;
use crate::error::ProjectError;
use crate::name::Name;
use crate::progress::Progress;
use crate::rebuild::{Rebuild, rebuild, rollback};
use crate::status::{lag_over, status};

/// All is well.
const CLEAN: u8 = 0;
/// Somebody has to look.
const FINDINGS: u8 = 1;
/// `EX_TEMPFAIL`: interrupted; the same command goes on where it stopped.
const INTERRUPTED: u8 = 75;

/// What to do instead of projecting.
#[derive(Debug, Clone, Subcommand)]
pub enum AdminCommand {
    /// Tell how far each projection is, how far behind its stream, and what is parked; exit code 1 if somebody has to look
    Status {
        /// Behind by more than this is something to look at
        #[arg(long, default_value = "10s", value_name = "TIME")]
        max_lag: Span,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Measure for a while how far the rows are behind the live head
    Lag {
        /// How long
        #[arg(long = "for", default_value = "10s", value_name = "TIME")]
        time: Span,
        /// How often to look
        #[arg(long, default_value = "200ms", value_name = "TIME")]
        every: Span,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Fold rows anew beside those that are served, and put them in their place; everything goes on meanwhile
    Rebuild(RebuildArgs),
    /// Put the rows that the last rebuild has replaced back in their place
    Rollback {
        /// Switch before they are brought up to date: rows are old until the projector has caught up
        #[arg(long)]
        at_once: bool,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Keys whose rows stand still because an event could not be applied
    Parked {
        /// What to do.
        #[command(subcommand)]
        command: ParkedCommand,
    },
    /// Print where analysts ask: an address for `psql`, without a password
    Analyst,
    /// Compare the rows with a fold from zero up to the same positions; exit code 1 when they differ
    Check,
    /// Print all rows, in a form that can be compared
    Dump,
}

/// Of `rebuild`.
#[derive(Debug, Clone, Args)]
pub struct RebuildArgs {
    /// Only these; the rows of all others are taken over as they are [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<Name>,
    /// Drop the former rows instead of keeping them, in the schema `<schema>_old`, for `rollback`
    #[arg(long)]
    pub drop_old: bool,
    /// Begin at the first event, even if an interrupted rebuild could go on where it stopped
    #[arg(long)]
    pub fresh: bool,
    /// How to answer.
    #[command(flatten)]
    pub form: Form,
}

/// How to answer.
#[derive(Debug, Clone, Copy, Args)]
pub struct Form {
    /// Answer with one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs one of them; the answer goes to standard output, progress to standard error. Returns the exit code.
///
/// # Errors
/// When log or database cannot be used, or what is asked for is not there.
pub async fn admin(
    command: AdminCommand,
    config: &Config,
    past: &Past,
    shutdown: &Shutdown,
) -> anyhow::Result<u8> {
    match run(command, config, past, shutdown).await {
        Err(ProjectError::Interrupted) => {
            eprintln!(
                "interrupted; nothing was switched, and the same command goes on where it stopped"
            );
            Ok(INTERRUPTED)
        }
        done => Ok(done?),
    }
}

async fn run(
    command: AdminCommand,
    config: &Config,
    past: &Past,
    shutdown: &Shutdown,
) -> Result<u8, ProjectError> {
    match command {
        AdminCommand::Status { max_lag, form } => {
            let all = status(config, past).await?;
            Printer::of(form).standings(&all);
            let late = max_lag.duration().as_secs_f64();
            let look = all
                .iter()
                .any(|one| one.parked_keys > 0 || one.behind_seconds > late);
            return Ok(if look { FINDINGS } else { CLEAN });
        }
        AdminCommand::Lag { time, every, form } => {
            let (time, every) = (time.duration(), every.duration());
            let all = lag_over(config, past, time, every, shutdown).await?;
            Printer::of(form).lags(&all);
        }
        AdminCommand::Rebuild(args) => {
            let what = Rebuild {
                names: args.names.into_iter().collect::<BTreeSet<_>>(),
                drop_old: args.drop_old,
                fresh: args.fresh,
            };
            let listener = telling(args.form);
            let done = Box::pin(rebuild(config, past, &what, shutdown, listener)).await?;
            end_of_progress();
            Printer::of(args.form).rebuilt("rebuilt", &done);
        }
        AdminCommand::Rollback { at_once, form } => {
            let listener = telling(form);
            let done = Box::pin(rollback(config, past, at_once, shutdown, listener)).await?;
            end_of_progress();
            Printer::of(form).rebuilt("rolled back", &done);
        }
        AdminCommand::Parked { command } => {
            return parked::run(command, config, past, shutdown).await;
        }
        AdminCommand::Analyst => line!("{}", analysts::address(config)?),
        AdminCommand::Check => {
            let found = Box::pin(check(config, past, shutdown)).await?;
            for difference in &found.differences {
                line!("{difference}");
            }
            if !found.differences.is_empty() {
                eprintln!(
                    "{} differences: `-` as it is, `+` as folded from zero",
                    found.differences.len()
                );
                return Ok(FINDINGS);
            }
            line!("{} rows, equal to a fold from zero", found.rows);
        }
        AdminCommand::Dump => put(&dump(config).await?.to_string()),
    }
    Ok(CLEAN)
}

/// Leaves the line of the progress to the answer.
fn end_of_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

/// Progress for people as sentences, for programs as objects, one a line.
fn telling(form: Form) -> impl Fn(&Progress) {
    let terminal = std::io::stderr().is_terminal();
    move |progress| match (form.json, serde_json::to_string(progress)) {
        (true, Ok(line)) => eprintln!("{line}"),
        _ if terminal => eprint!("\r\x1b[K{progress}"),
        _ => eprintln!("{progress}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: AdminCommand,
    }

    fn says(line: &str) -> Result<AdminCommand, String> {
        let words = std::iter::once("projector").chain(line.split(' '));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(line.command)
    }

    #[test]
    fn lines_are_understood_and_unknown_names_are_told_of() {
        for line in [
            "status --json --max-lag 2s",
            "lag --for 60s --every 100ms",
            "rebuild",
            "rebuild areas lobby --fresh --drop-old",
            "rollback --at-once",
            "parked list --json",
            "parked show areas evt.area.harbor-1",
            "parked retry --all",
            "parked drop areas evt.area.harbor-1 --by ann --reason broken --and-all-behind",
            "analyst",
            "check",
            "dump",
        ] {
            assert!(says(line).is_ok(), "{line}: {:?}", says(line));
        }
        for (line, named) in [
            (
                "rebuild everything",
                "areas, lobby, accounts, credentials, control",
            ),
            ("parked retry", "<KEY>"),
            ("parked drop areas evt.area.harbor-1 --by ann", "--reason"),
            ("lag --for soon", "soon"),
        ] {
            let said = says(line).unwrap_err();
            assert!(said.contains(named), "{line}: {said}");
        }
    }
}
