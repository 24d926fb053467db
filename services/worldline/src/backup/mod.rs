//! `worldline backup` and `worldline restore`: the log, brought to safety and back.
//!
//! A **backup** is a directory: an archive of each stream, and a manifest that is written last. It holds
//! the world as it was at one **moment**, its beginning, by the broker's clock: each stream up to a **cut**.
//! Players play on meanwhile; what they do after the moment is in the archives, beyond the cuts, and
//! is left out when the backup is restored.
//!
//! Nothing of it is trusted because it is there: it is read back when it is made, read whole before
//! anything is restored, and read out of the broker again afterwards.
//! Everything else that Worldline keeps (Postgres, workers' snapshots, presence) follows from the log.

mod check;
mod closed;
mod examine;
mod keep;
mod manifest;
mod output;
mod restore;
mod selection;
mod take;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use runtime::Sources;

use crate::access::Access;
use crate::cli::{StackArgs, nodes};

/// Of `worldline backup`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackupArgs {
    /// The directory below which the backup gets a directory of its own
    dir: PathBuf,
    /// Put the realm's keys into it too: whoever has the backup can then read everything
    #[arg(long)]
    with_keys: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Of `worldline restore`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RestoreArgs {
    /// The backup's own directory, as `worldline backup` named it
    backup: PathBuf,
    /// Only find out whether the backup is whole; touch nothing
    #[arg(long)]
    check: bool,
    /// How many brokers keep each stream, 1 or 3 [default: 1, or of a broker that is named, as many as did]
    #[arg(long, value_name = "NODES", value_parser = nodes)]
    cluster: Option<u8>,
    /// The nats-server program to use, instead of the one on PATH or an installed one
    #[arg(long, value_name = "FILE")]
    nats_server: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// `worldline backup DIR`
pub(crate) async fn backup(
    args: BackupArgs,
    stack: &StackArgs,
    sources: &Sources,
) -> anyhow::Result<ExitCode> {
    let log = Access::find(stack, sources)?.broker("backup").await?;
    let keys = crate::keys::path(stack.keys.as_deref(), &stack.data_dir);
    let taken = take::take(&log, &args.dir, &keys, args.with_keys).await?;
    output::taken(&taken, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// `worldline restore DIR`
pub(crate) async fn restore(
    args: RestoreArgs,
    stack: &StackArgs,
    sources: &Sources,
) -> anyhow::Result<ExitCode> {
    let backup = check::check(&args.backup).await?;
    if args.check {
        output::checked(&backup, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let keys = crate::keys::path(stack.keys.as_deref(), &stack.data_dir);
    keep::check_keys(&backup, &keys)?;
    let target = target::Target::find(&args, stack, sources).await?;
    let outcome = restore::restore(&backup, &keys, &target, &sources.load()?).await;
    target.stop().await;
    let verified = outcome?;
    output::restored(&backup, &verified, args.json)?;
    Ok(if verified.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn a_world_is_restored_into_as_many_nodes_as_up_starts() {
        let restore = |nodes| {
            let line = ["worldline", "restore", "DIR", "--cluster", nodes];
            Cli::try_parse_from(line).map(drop)
        };
        assert!(restore("1").is_ok() && restore("3").is_ok());
        let why = restore("2").unwrap_err().to_string();
        assert!(why.contains("two cannot lose one"), "{why}");
    }
}
