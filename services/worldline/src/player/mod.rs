//! `worldline player erase ID --reason TEXT`: a person, made unreadable everywhere.
//!
//! What a person wrote is sealed with their own key, which lies outside the log: destroying it makes the
//! text unreadable in streams, archives, exports and rows at once, while not a byte of the log changes. The
//! rest (what lets in, names, sessions, rows) is erased by commands to the services that have it,
//! each idempotent, so that whoever goes on after a crash comes to the same end.

mod characters;
mod eraser;
pub(crate) mod ledger;
mod who;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use eventlog::EventLog;
use schemas::control::Order;
use schemas::erasure::ErasureKey;
use schemas::locate::Locator;
use schemas::sealed::RealmKey;
use serde_json::json;

use self::eraser::Eraser;
use self::ledger::{Ledger, Noted};

/// The longest reason, characters.
const LONGEST_REASON: usize = 200;

#[derive(Debug, Clone, Args)]
pub(crate) struct PlayerArgs {
    #[command(subcommand)]
    pub(crate) command: PlayerCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PlayerCommand {
    /// Erase a person for good: destroy the key of what they wrote, and all that lets them in
    Erase {
        /// The account's id, or a character's id or name
        #[arg(required_unless_present = "again", conflicts_with = "again")]
        id: Option<String>,
        /// Why, for those who read the log; nothing personal: a request's number
        #[arg(long, value_name = "TEXT", value_parser = impersonal, required_unless_present = "again")]
        reason: Option<String>,
        /// Who orders it [default: $USER]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Only say what would be erased
        #[arg(long)]
        dry_run: bool,
        /// Erase once more everybody who ever was: after a backup has been restored
        #[arg(long)]
        again: bool,
        /// One JSON object a person
        #[arg(long)]
        json: bool,
    },
}

/// A reason without what must not stand in the log for ever.
fn impersonal(reason: &str) -> Result<String, String> {
    if reason.chars().count() <= LONGEST_REASON && !reason.contains('@') {
        return Ok(reason.to_owned());
    }
    Err(format!(
        "it stands in the log for ever: give at most {LONGEST_REASON} characters, and no address"
    ))
}

/// What these tools hold.
pub(crate) struct Secrets {
    /// Opens names.
    pub(crate) realm: RealmKey,
    /// Finds what is reserved under them.
    pub(crate) locator: Locator,
    /// Orders identity.
    pub(crate) identity: ErasureKey,
    /// Orders the lobby.
    pub(crate) lobby: ErasureKey,
}

/// Runs one of them; 1 when something is left to do.
pub(crate) async fn run(
    log: EventLog,
    secrets: Secrets,
    ledger: Ledger,
    args: PlayerArgs,
) -> anyhow::Result<ExitCode> {
    let PlayerCommand::Erase {
        id,
        reason,
        by,
        dry_run,
        again,
        json,
    } = args.command;
    let reason = reason.unwrap_or_default();
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    let by = by.or_else(user).unwrap_or_else(|| "operator".to_owned());
    let wanted = if again {
        ledger.read()?
    } else {
        let id = id.context("name an account, or a character")?;
        let account = who::account(&log, &secrets.locator, &id).await?;
        vec![Noted {
            account,
            order: Order { by, reason },
            old_text: false,
        }]
    };
    let eraser = Eraser::begin(log, secrets, ledger).await?;
    let mut whole = true;
    for person in wanted {
        let account = person.account;
        let erased = match (again, dry_run) {
            (true, _) => eraser.again(&person, dry_run).await,
            (false, true) => eraser.look(account).await?,
            (false, false) => eraser.erase(account, &person.order).await?,
        };
        whole &= erased.left.is_empty();
        if json {
            println!(
                "{}",
                json!({ "account": account, "dry_run": dry_run, "erased": erased.done, "left": erased.left, "notes": erased.notes })
            );
            continue;
        }
        let verb = if dry_run { "would be erased" } else { "erased" };
        println!("account {account}:");
        if erased.done.is_empty() && erased.left.is_empty() && erased.notes.is_empty() {
            println!("  nothing is left to be erased");
        }
        erased
            .done
            .iter()
            .for_each(|what| println!("  {verb}: {what}"));
        erased
            .left
            .iter()
            .for_each(|what| println!("  LEFT: {what}"));
        for note in &erased.notes {
            println!("  note: {note}");
        }
    }
    Ok(ExitCode::from(u8::from(!whole)))
}

#[cfg(test)]
mod tests;
