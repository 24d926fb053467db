//! The long-lived roles: each loads its configuration whole, finds the broker and runs its service.

use std::process::ExitCode;
use std::time::Duration;

use eventlog::EventLog;
use runtime::{ConfigArgs, ConfigError, Ctx, Flags, Known, ProcessConfig, Section, Sources, Span};

use crate::access::Access;
use crate::cli::{
    ArchiveArgs, DirectorArgs, EdgeArgs, ProjectorArgs, StackArgs, UpArgs, WorkerArgs,
};
use crate::fleet::DirectorTool;
use crate::keys::{self, Keys};
use crate::{tool, up};

/// Everything that may stand in a shared `worldline.toml` or in the environment.
const KNOWN: Known = Known {
    sections: &[
        "archive",
        "broker",
        "dev_issuer",
        "director",
        "edge",
        "facts",
        "fleet",
        "identity",
        "lobby",
        "oidc",
        "ops",
        "process",
        "projector",
        "telemetry",
        "worker",
    ],
    variables: &[
        "WORLDLINE_DATA_DIR",
        "WORLDLINE_KEYS",
        "WORLDLINE_TOOLS",
        "WORLDLINE_BIN",
        "WORLDLINE_CRASH_AT",
        "WORLDLINE_CLOCK",
        "WORLDLINE_DEFECT",
    ],
};

/// What a worker needs to end, after its areas have been given away or its grace is over.
const LAST_FRAMES: Duration = Duration::from_secs(10);

/// What every subcommand has: configuration arguments, and which stack it is about.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) config: ConfigArgs,
    pub(crate) stack: StackArgs,
}

impl Process {
    /// What was said in file, environment and flags; the realm's keys count as flags.
    pub(crate) fn sources(&self, flags: Flags) -> Result<Sources, ConfigError> {
        let stack = &self.stack;
        let flags = flags
            .set("--nats", "broker.url", stack.nats.as_ref())
            .set("--nats-user", "broker.user", stack.nats_user.as_ref())
            .set(
                "--nats-password",
                "broker.password",
                stack.nats_password.as_ref(),
            );
        let flags = match Keys::load(&keys::path(stack.keys.as_deref(), &stack.data_dir)) {
            Ok(keys) => keys.into_flags(flags),
            // A service may have its keys from the environment; if not, its section says so.
            Err(_) => flags,
        };
        Sources::of_process(KNOWN, &self.config, flags)
    }

    /// What a child of this process is told before its role: the same stack and the same configuration, and to end with us.
    ///
    /// A name and a port are each process's own: with ours, a child would be taken for another, or could not listen.
    pub(crate) fn child_arguments(&self) -> Vec<String> {
        let Self { config, stack } = self;
        let mut arguments = vec!["--data-dir".into(), stack.data_dir.display().to_string()];
        if let Some(file) = &config.config {
            arguments.extend(["--config".into(), file.display().to_string()]);
        }
        let shared = config.set.iter().map(String::as_str);
        let shared = shared.filter(|set| !set.starts_with("worker.name="));
        for set in shared.chain(["ops.address=127.0.0.1:0"]) {
            arguments.extend(["--set".into(), set.into()]);
        }
        arguments.push("--while-stdin".into());
        arguments
    }

    /// Where the realm's keys are.
    pub(crate) fn keys_path(&self) -> std::path::PathBuf {
        keys::path(self.stack.keys.as_deref(), &self.stack.data_dir)
    }

    /// Runs one service, configured by one section, as this process.
    fn service<C, F, S>(self, role: &'static str, flags: Flags, service: S) -> ExitCode
    where
        C: Section + Send + 'static,
        S: FnOnce(C, EventLog, Ctx) -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        self.service_of(role, flags, Sources::load, service)
    }

    /// Runs one service as this process, connected to the broker as `role`.
    fn service_of<C, L, F, S>(
        self,
        role: &'static str,
        flags: Flags,
        config: L,
        service: S,
    ) -> ExitCode
    where
        C: Send + 'static,
        L: FnOnce(&Sources) -> Result<C, ConfigError>,
        S: FnOnce(C, EventLog, Ctx) -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        self.service_within(role, flags, config, |_| Duration::ZERO, service)
    }

    /// … which is given at least `grace` to end, whatever `process.grace` says.
    fn service_within<C, L, G, F, S>(
        self,
        role: &'static str,
        flags: Flags,
        config: L,
        grace: G,
        service: S,
    ) -> ExitCode
    where
        C: Send + 'static,
        L: FnOnce(&Sources) -> Result<C, ConfigError>,
        G: FnOnce(&C) -> Duration,
        S: FnOnce(C, EventLog, Ctx) -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        let load = || {
            let sources = self.sources(flags)?;
            let mut process = ProcessConfig::load(&sources)?;
            let config = config(&sources)?;
            let grace = grace(&config).max(process.grace.duration());
            process.grace = Span::from_millis(u64::try_from(grace.as_millis()).unwrap_or(u64::MAX));
            Ok((process, (config, sources)))
        };
        let stack = self.stack.clone();
        runtime::main_of(role, load, move |(config, sources), ctx| async move {
            end_with_stdin(&stack, &ctx);
            let log = Access::find(&stack, &sources)?.broker(role).await?;
            service(config, log, ctx).await
        })
    }

    pub(crate) fn up(self, args: UpArgs) -> ExitCode {
        let load = || {
            // The keys are read by `up` itself, which may have to make them first.
            let sources = self.sources(Flags::new())?;
            let process = ProcessConfig::load(&sources)?;
            // Its workers, which are processes of their own, would refuse it where nobody looks.
            sources.load::<area_worker::Config>()?;
            Ok((process, ()))
        };
        let process = self.clone();
        runtime::main_of("up", load, move |(), ctx| up::run(args, process, ctx))
    }

    pub(crate) fn worker(self, args: WorkerArgs) -> ExitCode {
        if let Some(command) = args.command {
            return tool::run(self, Flags::new(), |tool| async move {
                tool.desk().await?.worker(command).await
            });
        }
        let flags = Flags::new().set("--name", "worker.name", args.name);
        // After its own grace its last frames still have to be written.
        let grace = |config: &area_worker::Config| config.grace.duration() + LAST_FRAMES;
        self.service_within("worker", flags, Sources::load, grace, area_worker::run)
    }

    pub(crate) fn edge(self, args: EdgeArgs) -> ExitCode {
        let web_dir = args.web_dir.map(|dir| dir.display().to_string());
        let flags = Flags::new()
            .set("--listen", "edge.listen", args.listen)
            .set("--web-dir", "edge.web_dir", web_dir);
        self.service_of("edge", flags, edge_config, edge::run)
    }

    pub(crate) fn identity(self) -> ExitCode {
        self.service_of("identity", Flags::new(), identity_config, identity::run)
    }

    pub(crate) fn archive(self, args: ArchiveArgs) -> ExitCode {
        let flags = Flags::new().set("--where", "archive.where", args.place);
        match args.command {
            archiver::ArchiveCommand::Run { once: false } => {
                let config = |sources: &Sources| {
                    let config: archiver::Config = sources.load()?;
                    match config.place {
                        Some(_) => Ok(config),
                        // In `up` it is a wish that nobody has; here it was asked for.
                        None => Err(ConfigError::Missing {
                            section: "archive".into(),
                            key: "where".into(),
                            variable: "WORLDLINE_ARCHIVE_WHERE".into(),
                        }),
                    }
                };
                self.service_of("archiver", flags, config, archiver::run)
            }
            command => tool::run(self, flags, |tool| tool.archive(command)),
        }
    }

    pub(crate) fn lobby(self) -> ExitCode {
        self.service("lobby", Flags::new(), lobby::run)
    }

    pub(crate) fn director(self, args: DirectorArgs) -> ExitCode {
        match args.command {
            None => {
                let process = self.clone();
                let config = move |sources: &Sources| director_config(sources, &process);
                self.service_of("director", Flags::new(), config, director::run)
            }
            Some(DirectorTool::Readmit { area }) => {
                tool::run(self, Flags::new(), |tool| tool.readmit(area))
            }
            Some(command) => tool::run(self, Flags::new(), |tool| async move {
                tool.desk().await?.director(command).await
            }),
        }
    }

    pub(crate) fn projector(self, args: ProjectorArgs) -> ExitCode {
        let flags = self.projector_flags(args.postgres);
        match args.command {
            None => {
                let config = |sources: &Sources| {
                    let (facts, archive) = (sources.load()?, sources.load()?);
                    Ok((sources.load::<projector::Config>()?, facts, archive))
                };
                self.service_of(
                    "projector",
                    flags,
                    config,
                    |(config, facts, archive): (_, _, archiver::Config), log, ctx| async move {
                        // One that was away for long reads on in the archive.
                        let past = archiver::past(&archive, log)?;
                        let facts = projector::facts::beside(facts, past.clone(), ctx.clone());
                        let rows = Box::pin(projector::run(config, past, ctx));
                        tokio::try_join!(rows, Box::pin(facts)).map(drop)
                    },
                )
            }
            Some(command) => tool::run(self, flags, |tool| tool.projector(command)),
        }
    }

    /// The database that is named, or that of the stack on the data directory.
    fn projector_flags(&self, named: Option<String>) -> Flags {
        let found = devstack::RunFile::find(&self.stack.data_dir).ok();
        let url = named.or_else(|| found.map(|stack| stack.postgres_url));
        Flags::new().set("--postgres", "projector.postgres", url)
    }
}

/// `[identity]`, with the shared section that belongs to it.
pub(crate) fn identity_config(sources: &Sources) -> Result<identity::Config, ConfigError> {
    let mut config: identity::Config = sources.load()?;
    config.oidc = sources.load()?;
    Ok(config)
}

/// `[director]`, with `[fleet]`, in which a local worker is this program for the same stack and as it is configured here.
pub(crate) fn director_config(
    sources: &Sources,
    process: &Process,
) -> Result<director::Config, ConfigError> {
    let mut config: director::Config = sources.load()?;
    config.fleet = sources.load()?;
    let fleet = &mut config.fleet;
    if fleet.command.is_empty()
        && let Ok(program) = std::env::current_exe()
    {
        fleet.command = vec![program.display().to_string()];
        fleet.command.extend(process.child_arguments());
        let role = ["worker", "--name", "{name}"].map(str::to_owned);
        fleet.command.extend(role);
    }
    if fleet.log_dir.is_none() {
        fleet.log_dir = Some(up::log_directory(&process.stack.data_dir));
    }
    Ok(config)
}

/// `[edge]`, with the shared section that belongs to it.
pub(crate) fn edge_config(sources: &Sources) -> Result<edge::Config, ConfigError> {
    let mut config: edge::Config = sources.load()?;
    config.oidc = sources.load()?;
    Ok(config)
}

/// With `--while-stdin`: the shutdown begins when standard input ends, as it does when the
/// process that started us is gone, however it went.
fn end_with_stdin(stack: &StackArgs, ctx: &Ctx) {
    if !stack.while_stdin {
        return;
    }
    let shutdown = ctx.shutdown.clone();
    std::thread::spawn(move || {
        if let Err(error) = std::io::copy(&mut std::io::stdin(), &mut std::io::sink()) {
            tracing::debug!(%error, "standard input");
        }
        shutdown.begin();
    });
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn children_are_configured_as_their_parent_but_for_what_is_their_own() -> anyhow::Result<()> {
        let given = [
            "worldline",
            "--data-dir",
            "there",
            "--config",
            "other.toml",
            "--set",
            "worker.sleep_after=60s",
            "--set",
            "worker.name=ann",
            "--set",
            "ops.address=127.0.0.1:9100",
            "director",
        ];
        let Cli { config, stack, .. } = Cli::try_parse_from(given)?;
        let arguments = Process { config, stack }.child_arguments();
        let role = ["worker", "--name", "w1"].map(str::to_owned);
        let child = ["worldline".to_owned()].into_iter().chain(arguments);
        let child = Cli::try_parse_from(child.chain(role))?;
        assert_eq!(child.stack.data_dir, std::path::Path::new("there"));
        assert!(child.stack.while_stdin);
        let file = child.config.config.as_deref();
        assert_eq!(file, Some(std::path::Path::new("other.toml")));
        let said = Sources::merge(KNOWN, None, [], &child.config.set, Flags::new())?;
        let worker: area_worker::Config = said.load()?;
        assert_eq!(worker.sleep_after, Span::from_secs(60));
        assert_eq!(worker.name, None);
        let ops: runtime::ListenConfig = said.load()?;
        assert_eq!(ops.address.port(), 0);
        Ok(())
    }
}
