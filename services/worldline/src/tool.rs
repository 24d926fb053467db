//! The tools: subcommands that do one thing and end.

use std::process::ExitCode;

use anyhow::Context;
use eventlog::streams::{self, StreamsFile};
use past::{Archive, Past, PastError};
use replay::ReplayError;
use runtime::{Flags, Shutdown, Sources, TelemetryConfig};
use schemas::control::Placement;
use schemas::{AreaId, decode};

use crate::access::Access;
use crate::backup;
use crate::character::{self, CharacterArgs};
use crate::cli::{ResourcesArgs, StreamsArgs, StreamsCommand};
use crate::fleet::Desk;
use crate::keys::{self, Keys};
use crate::player::ledger::Ledger;
use crate::player::{self, PlayerArgs};
use crate::resources;
use crate::role::Process;

/// A tool with its configuration loaded.
pub(crate) struct Tool {
    process: Process,
    sources: Sources,
}

/// Runs a tool as this process.
pub(crate) fn run<F>(process: Process, flags: Flags, tool: impl FnOnce(Tool) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    let outcome = (|| {
        let sources = process.sources(flags)?;
        let mut telemetry: TelemetryConfig = sources.load()?;
        if telemetry.log == TelemetryConfig::default().log {
            // What a tool has to say is its output.
            telemetry.log = "warn".into();
        }
        runtime::install_telemetry(&telemetry);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("starting the async runtime")?;
        runtime.block_on(tool(Tool { process, sources }))
    })();
    match outcome {
        Ok(code) => code,
        Err(error) => runtime::exit_code(Err(error)),
    }
}

impl Tool {
    /// `worldline replay …`
    pub(crate) async fn replay(self, mut args: replay::Cli) -> anyhow::Result<ExitCode> {
        if let replay::ReplayCommand::Decide = args.command {
            return Ok(replay::run_decide(&mut std::io::stdout().lock()));
        }
        let beside = self.process.stack.data_dir.join("history");
        args.index
            .get_or_insert_with(|| beside.display().to_string());
        let past = match self.past(args.archive.as_deref(), args.only_archive).await {
            Ok(past) => past,
            Err(error) => return unread(error),
        };
        let stack = &self.process.stack;
        let realm = match Keys::load(&keys::path(stack.keys.as_deref(), &stack.data_dir)) {
            Ok(keys) => Some(keys.realm()?),
            Err(_) => None,
        };
        if let (Some(realm), Some(log)) = (&realm, past.log()) {
            let learned = log.learn_persons(realm).await;
            learned.context("learning the persons' keys")?;
        }
        if let replay::ReplayCommand::Export(export) = &mut args.command
            && let Ok(keys) = Keys::load(&keys::path(stack.keys.as_deref(), &stack.data_dir))
        {
            export.realm_pseudonyms = Some(keys.pseudonyms()?);
        }
        if let replay::ReplayCommand::Watch(watch) = args.command {
            return crate::watch::run(watch, past, args.index, realm, &self.process).await;
        }
        Box::pin(replay::run(
            args,
            past,
            realm,
            &mut std::io::stdout().lock(),
        ))
        .await
    }

    /// `worldline archive run --once`, `status`, `verify` or `snapshots`
    pub(crate) async fn archive(
        self,
        command: archiver::ArchiveCommand,
    ) -> anyhow::Result<ExitCode> {
        let config: archiver::Config = self.sources.load()?;
        let (stack, sources) = (&self.process.stack, &self.sources);
        let role = command.role();
        let log = || async move { Access::find(stack, sources)?.broker(role).await };
        archiver::tool(command, config, log, &mut std::io::stdout().lock()).await
    }

    /// The past that `replay` reads: the broker, an archive, or both as one.
    async fn past(&self, archive: Option<&str>, alone: bool) -> anyhow::Result<Past> {
        let mut config: archiver::Config = self.sources.load()?;
        if let Some(place) = archive {
            let location: past::Location = place.parse()?;
            // What is named must be there; what is only configured may not have begun.
            location.open()?;
            config.place = Some(place.to_owned());
        }
        if alone {
            let location = config.location().ok_or_else(|| {
                let unnamed = "--only-archive reads an archive, and none is named: give --archive, or set `[archive] where`";
                ReplayError::Usage(unnamed.to_owned())
            })?;
            return Ok(Past::of_archive(Archive::open(&location)?));
        }
        let access = Access::find(&self.process.stack, &self.sources)?;
        Ok(archiver::past(&config, access.broker("replay").await?)?)
    }

    /// `worldline projector status`, `rebuild`, `parked` …
    pub(crate) async fn projector(
        self,
        command: projector::AdminCommand,
    ) -> anyhow::Result<ExitCode> {
        let config: projector::Config = self.sources.load()?;
        let log = Access::find(&self.process.stack, &self.sources)?
            .broker("projector")
            .await?;
        // What is folded from the beginning may lie in the archive.
        let past = archiver::past(&self.sources.load()?, log)?;
        let shutdown = Shutdown::on_signals()?;
        let code = projector::admin(command, &config, &past, &shutdown).await?;
        Ok(ExitCode::from(code))
    }

    /// `worldline character where NAME`
    pub(crate) async fn character(self, args: CharacterArgs) -> anyhow::Result<ExitCode> {
        let access = Access::find(&self.process.stack, &self.sources)?;
        let log = access.broker("operator").await?;
        let stack = &self.process.stack;
        let keys = Keys::load(&keys::path(stack.keys.as_deref(), &stack.data_dir)).ok();
        let locator = keys.map(|keys| keys.locator()).transpose()?;
        character::run(&log, locator.as_ref(), args).await
    }

    /// `worldline player erase ID`
    pub(crate) async fn player(self, args: PlayerArgs) -> anyhow::Result<ExitCode> {
        let access = Access::find(&self.process.stack, &self.sources)?;
        let log = access.broker("eraser").await?;
        let stack = &self.process.stack;
        let path = keys::path(stack.keys.as_deref(), &stack.data_dir);
        let secrets = Keys::load(&path)
            .context("erasing takes the realm's keys; name their file with --keys")?
            .erasing()?;
        player::run(log, secrets, Ledger::beside(&path), args).await
    }

    /// What the operators' tools for the fleet work with.
    pub(crate) async fn desk(self) -> anyhow::Result<Desk> {
        let access = Access::find(&self.process.stack, &self.sources)?;
        Ok(Desk {
            log: access.broker("operator").await?,
            config: self.sources.load()?,
        })
    }

    /// `worldline director readmit AREA`
    pub(crate) async fn readmit(self, area: AreaId) -> anyhow::Result<ExitCode> {
        let access = Access::find(&self.process.stack, &self.sources)?;
        let placements = access
            .broker("operator")
            .await?
            .bucket("placements")
            .await?;
        let placed = placements.get(area.as_str()).await?;
        let value = placed.and_then(|entry| entry.value);
        let placement: Option<Placement> = value.map(|value| decode(&value)).transpose()?;
        if !placement.is_some_and(|placement| placement.quarantined) {
            println!("{area} is not in quarantine");
            return Ok(ExitCode::FAILURE);
        }
        // Without an entry it is to the director like an area that was just opened.
        placements.delete(area.as_str()).await?;
        println!("{area} will be placed again");
        Ok(ExitCode::SUCCESS)
    }

    /// `worldline bots …`
    pub(crate) async fn bots(self, args: bots::Args) -> anyhow::Result<ExitCode> {
        bots::main(args).await
    }

    /// `worldline streams apply [--check]`
    pub(crate) async fn streams(self, args: StreamsArgs) -> anyhow::Result<ExitCode> {
        let StreamsCommand::Apply {
            check,
            file,
            replicas,
        } = args.command;
        let wanted = match file {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("reading {}", path.display()))?;
                StreamsFile::parse(&text)?
            }
            None => StreamsFile::built_in()?,
        };
        let log = Access::find(&self.process.stack, &self.sources)?
            .broker("admin")
            .await?;
        // Nobody takes copies away by not thinking of them.
        let replicas = match replicas {
            Some(replicas) => replicas,
            None => streams::replicas(&log).await?.unwrap_or(1),
        };
        let wanted = wanted.with_replicas(replicas);
        if check {
            let drift = streams::check(&log, &wanted).await?;
            for difference in &drift {
                println!("{difference}");
            }
            return Ok(if drift.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        let report = streams::apply(&log, &wanted).await?;
        for stream in &report.created {
            println!("{stream}: created");
        }
        for difference in &report.changed {
            println!("changed {difference}");
        }
        println!("unchanged: {}", report.unchanged.join(" "));
        Ok(ExitCode::SUCCESS)
    }

    /// `worldline resources …`
    pub(crate) async fn resources(self, args: ResourcesArgs) -> anyhow::Result<ExitCode> {
        let log = Access::find(&self.process.stack, &self.sources)?
            .broker("publisher")
            .await?;
        resources::run(args.command, &log, &mut std::io::stdout().lock()).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// `worldline backup DIR`
    pub(crate) async fn backup(self, args: backup::BackupArgs) -> anyhow::Result<ExitCode> {
        backup::backup(args, &self.process.stack, &self.sources).await
    }

    /// `worldline restore DIR`
    pub(crate) async fn restore(self, args: backup::RestoreArgs) -> anyhow::Result<ExitCode> {
        Box::pin(backup::restore(args, &self.process.stack, &self.sources)).await
    }

    /// `worldline keys`
    pub(crate) async fn keys(self) -> anyhow::Result<ExitCode> {
        let stack = &self.process.stack;
        let path = keys::path(stack.keys.as_deref(), &stack.data_dir);
        Keys::generate().create(&path)?;
        println!("{}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// How `replay` ends when the past cannot even be opened.
fn unread(error: anyhow::Error) -> anyhow::Result<ExitCode> {
    let Some(code) = error.chain().find_map(code_of) else {
        return Err(error);
    };
    eprintln!("error: {error:#}");
    Ok(ExitCode::from(code))
}

fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<past::LocationError>() {
        return Some(replay::exit::USAGE);
    }
    if cause.is::<eventlog::ConnectError>() || cause.is::<devstack::RunFileError>() {
        return Some(replay::exit::UNAVAILABLE);
    }
    let past = cause.downcast_ref().map(PastError::exit_code);
    past.or_else(|| cause.downcast_ref().map(ReplayError::code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_that_cannot_be_opened_says_in_its_code_whose_matter_it_is() {
        let nowhere = tempfile::tempdir().expect("a directory");
        let away = devstack::RunFile::find(nowhere.path()).expect_err("nothing runs there");
        let unnamed: Result<past::Location, _> = "gopher://old".parse();
        for (error, code) in [
            (anyhow::Error::new(away).context("finding the broker"), 69),
            (unnamed.expect_err("no such place").into(), 64),
            (ReplayError::Usage("of two, one".to_owned()).into(), 64),
        ] {
            assert_eq!(error.chain().find_map(code_of), Some(code));
        }
        let other = anyhow::anyhow!("something else");
        assert!(unread(other).is_err());
    }
}
