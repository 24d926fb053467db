//! `worldline projector parked …`

use clap::{Args, Subcommand};
use past::Past;
use runtime::Shutdown;

use super::print::Printer;
use super::{CLEAN, FINDINGS, Form};
use crate::config::Config;
use crate::error::ProjectError;
use crate::name::Name;
use crate::parked::{GiveUp, Retried, give_up, parked, retry, show_parked};

/// What to do with what is parked.
#[derive(Debug, Clone, Subcommand)]
pub enum ParkedCommand {
    /// List the keys that are parked, and why; exit code 1 if there are any
    List {
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Show the event at which a key is parked, and what waits behind it
    Show {
        /// Which key.
        #[command(flatten)]
        which: Which,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Apply what is parked; exit code 1 if an event still cannot be applied
    Retry {
        /// Which key.
        #[command(flatten)]
        which: OneOrAll,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
    /// Give up the event at which a key is parked: the rows go without it for good, and what waits behind it is applied
    Drop {
        /// Which key.
        #[command(flatten)]
        which: Which,
        /// Why; it is kept with your name
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who gives it up
        #[arg(long, env = "USER", value_name = "NAME")]
        by: String,
        /// Give up everything behind it too, also what is yet to come: the key's rows stay as they are
        #[arg(long)]
        and_all_behind: bool,
        /// How to answer.
        #[command(flatten)]
        form: Form,
    },
}

/// A parked key.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// The projection
    pub projection: Name,
    /// The key, as `list` shows it
    pub key: String,
}

/// A parked key, or all there are.
#[derive(Debug, Clone, Args)]
pub struct OneOrAll {
    /// The projection
    #[arg(required_unless_present = "all")]
    pub projection: Option<Name>,
    /// The key, as `list` shows it
    #[arg(required_unless_present = "all")]
    pub key: Option<String>,
    /// Everything that is parked
    #[arg(long, conflicts_with_all = ["projection", "key"])]
    pub all: bool,
}

pub(super) async fn run(
    command: ParkedCommand,
    config: &Config,
    past: &Past,
    shutdown: &Shutdown,
) -> Result<u8, ProjectError> {
    match command {
        ParkedCommand::List { form } => {
            let all = parked(config).await?;
            Printer::of(form).parked(&all);
            Ok(if all.is_empty() { CLEAN } else { FINDINGS })
        }
        ParkedCommand::Show { which, form } => {
            let (key, events) = show_parked(config, past, which.projection, &which.key).await?;
            Printer::of(form).parked_key(&key, &events);
            Ok(CLEAN)
        }
        ParkedCommand::Retry { which, form } => {
            let keys = match (which.projection, which.key) {
                (Some(projection), Some(key)) => vec![(projection, key)],
                _ => parked(config)
                    .await?
                    .into_iter()
                    .map(|parked| (parked.projection, parked.key))
                    .collect(),
            };
            let mut code = CLEAN;
            for (projection, key) in keys {
                let done = retry(config, past, projection, &key, shutdown).await?;
                code = code.max(ended(form, projection, &key, &done));
            }
            Ok(code)
        }
        ParkedCommand::Drop {
            which,
            reason,
            by,
            and_all_behind,
            form,
        } => {
            let what = GiveUp {
                projection: which.projection,
                key: which.key,
                and_behind: and_all_behind,
                reason,
                actor: by,
            };
            let done = give_up(config, past, &what, shutdown).await?;
            Ok(ended(form, what.projection, &what.key, &done))
        }
    }
}

fn ended(form: Form, projection: Name, key: &str, done: &Retried) -> u8 {
    Printer::of(form).retried(projection, key, done);
    match done.still {
        None => CLEAN,
        Some(_) => FINDINGS,
    }
}
