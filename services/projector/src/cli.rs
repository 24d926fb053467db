//! `worldline projector …`: what an operator does to the rows.

use clap::Subcommand;
use eventlog::EventLog;
use runtime::Shutdown;

use crate::check::check;
use crate::config::Config;
use crate::dump::dump;
use crate::rebuild::rebuild;

/// What to do instead of projecting.
#[derive(Debug, Clone, Subcommand)]
pub enum AdminCommand {
    /// Fold the whole log into a new schema and put it in the place of the old one, while everything runs
    Rebuild {
        /// Keep the old rows in the schema `<schema>_old`
        #[arg(long)]
        keep_old: bool,
    },
    /// Compare the rows with a fold from zero up to the same positions; exit code 1 when they differ
    Check,
    /// Print all rows, in a form that can be compared
    Dump,
}

/// Runs one of them; the answer goes to standard output. False: a check has found differences.
///
/// # Errors
/// When log or database cannot be used.
pub async fn admin(
    command: AdminCommand,
    config: &Config,
    log: &EventLog,
    shutdown: &Shutdown,
) -> anyhow::Result<bool> {
    match command {
        AdminCommand::Rebuild { keep_old } => {
            let done = rebuild(config, log, keep_old, shutdown).await?;
            match done.kept {
                Some(old) => println!("rebuilt {}; the old rows are in {old}", done.schema),
                None => println!("rebuilt {}", done.schema),
            }
        }
        AdminCommand::Check => {
            let found = check(config, log, shutdown).await?;
            for difference in &found.differences {
                println!("{difference}");
            }
            if !found.differences.is_empty() {
                eprintln!(
                    "{} differences: `-` as it is, `+` as folded from zero",
                    found.differences.len()
                );
                return Ok(false);
            }
            println!("{} rows, equal to a fold from zero", found.rows);
        }
        AdminCommand::Dump => print!("{}", dump(config).await?),
    }
    Ok(true)
}
