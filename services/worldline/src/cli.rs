//! The command line: a subcommand per role and per tool.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use runtime::ConfigArgs;
use schemas::resources::Version;

use crate::fleet;

/// An event-sourced backend for 2D browser MMOs.
#[derive(Debug, Parser)]
#[command(name = "worldline", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which stack a command is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct StackArgs {
    /// Data directory of the stack: where `up` keeps its data and how other commands find it
    #[arg(
        long,
        global = true,
        env = "WORLDLINE_DATA_DIR",
        default_value = ".worldline"
    )]
    pub(crate) data_dir: PathBuf,
    /// Address of the broker, instead of finding it by --data-dir
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) nats: Option<String>,
    /// The broker user to connect as
    #[arg(long, global = true, value_name = "USER", requires = "nats")]
    pub(crate) nats_user: Option<String>,
    /// That user's password; better given as `WORLDLINE_BROKER_PASSWORD`
    #[arg(long, global = true, value_name = "PASSWORD", requires = "nats_user")]
    pub(crate) nats_password: Option<String>,
    /// File with the keys of this realm [default: keys.toml in the data directory]
    #[arg(long, global = true, env = "WORLDLINE_KEYS", value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// End when standard input does: for a parent process that must not leave children behind
    #[arg(long, global = true, hide = true)]
    pub(crate) while_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything on this machine: broker, database, workers and services
    Up(UpArgs),
    /// Own areas: decide their commands and append what happened; or list and lead who does
    Worker(WorkerArgs),
    /// List areas, and lead them
    Area(fleet::AreaArgs),
    /// Ask after a character
    Character(crate::character::CharacterArgs),
    /// Erase a person
    Player(crate::player::PlayerArgs),
    /// Hold players' sockets
    Edge(EdgeArgs),
    /// Decide about accounts
    Identity,
    /// Keep the characters that are not in the world
    Lobby,
    /// Place areas on workers; or show what would be done
    Director(DirectorArgs),
    /// Fold the log into Postgres
    Projector(ProjectorArgs),
    /// Move closed ranges of the log into an archive, and hold the live log at its size
    Archive(ArchiveArgs),
    /// Open the past
    Replay(replay::Cli),
    /// Play, many at once, to load the stack
    Bots(bots::Args),
    /// Make the broker's streams and buckets what nats/streams.toml says
    Streams(StreamsArgs),
    /// Publish versions of what clients fetch, and say which clients are too old
    Resources(ResourcesArgs),
    /// Copy the log into a directory of its own below DIR, while players play
    Backup(crate::backup::BackupArgs),
    /// Bring a backup into an empty system, or find out whether it is whole
    Restore(crate::backup::RestoreArgs),
    /// Make a file of fresh keys for a new realm
    Keys,
    /// Ask a running service whether it is ready: exit code 0 or 1
    Health(HealthArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct UpArgs {
    /// Port of the game
    #[arg(long, default_value_t = 7777)]
    pub(crate) port: u16,
    /// Worker processes to start
    #[arg(long, default_value_t = 2)]
    pub(crate) workers: u16,
    /// Servers that are the broker: 1, or 3 as a cluster that may lose one
    #[arg(long, value_name = "1|3", default_value = "1", value_parser = nodes)]
    pub(crate) cluster: u8,
    /// Start although the broker's log is not the one that the database knows
    #[arg(long)]
    pub(crate) other_log: bool,
    /// Bots that walk about
    #[arg(long, default_value_t = 0)]
    pub(crate) bots: u32,
    /// Start no development issuer, with whose personas one can log in
    #[arg(long)]
    pub(crate) no_dev_issuer: bool,
    /// Stop after so many seconds, ready or not
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) exit_after: Option<Duration>,
    /// The nats-server program to use, instead of the one on PATH or an installed one
    #[arg(long, value_name = "FILE")]
    pub(crate) nats_server: Option<PathBuf>,
    /// The directory with PostgreSQL's programs, instead of those on PATH or installed ones
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct WorkerArgs {
    /// Its name, unique among running workers [default: worker-<random>]
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<fleet::WorkerTool>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct EdgeArgs {
    /// Address to listen on
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<String>,
    /// Directory of the built page
    #[arg(long, value_name = "DIR")]
    pub(crate) web_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DirectorArgs {
    #[command(subcommand)]
    pub(crate) command: Option<fleet::DirectorTool>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectorArgs {
    /// Address of the database, instead of finding it by --data-dir
    #[arg(long, value_name = "URL")]
    pub(crate) postgres: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<projector::AdminCommand>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ArchiveArgs {
    /// Where the archive is: a directory, or `s3://bucket/prefix` [default: `where` of `[archive]`]
    #[arg(long = "where", global = true, value_name = "DIR|URL")]
    pub(crate) place: Option<String>,
    #[command(subcommand)]
    pub(crate) command: archiver::ArchiveCommand,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct StreamsArgs {
    #[command(subcommand)]
    pub(crate) command: StreamsCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StreamsCommand {
    /// Create what is missing and change what differs; never deletes
    Apply {
        /// Only report what differs; exit code 1 if anything does
        #[arg(long)]
        check: bool,
        /// Read this file instead of the one that this build carries
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Copies of each stream: 1 on one server, 3 in a cluster [default: as many as there are]
        #[arg(long)]
        replicas: Option<u8>,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ResourcesArgs {
    #[command(subcommand)]
    pub(crate) command: ResourcesCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// Upload the files of a directory and make them the version clients shall have
    Publish {
        /// The directory; its paths become the files' paths
        dir: PathBuf,
        /// The version's number, such as 1.2.3
        #[arg(long, value_name = "X.Y.Z", value_parser = version)]
        version: Version,
        /// Clients below this version are told to update [default: as it was]
        #[arg(long, value_name = "A.B.C", value_parser = version)]
        minimum: Option<Version>,
        /// Even if it is older than what is published, or has its number and other files
        #[arg(long)]
        force: bool,
    },
    /// Show the versions that are kept, the current one first
    List,
    /// Say which version a client must have at least
    Minimum {
        /// That version
        #[arg(value_name = "A.B.C", value_parser = version)]
        version: Version,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct HealthArgs {
    /// What to ask
    #[arg(long, default_value = "http://127.0.0.1:9100/health/ready")]
    pub(crate) url: String,
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|error| format!("give a version such as 1.2.3: {error}"))
}

/// How many servers a broker may be.
pub(crate) fn nodes(text: &str) -> Result<u8, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("a broker is 1 server or 3: two cannot lose one".to_owned()),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is not a number of seconds"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    /// A flag of a subcommand with the name of one that all have would take that one's place, and be read as it.
    fn own_names(command: &clap::Command, global: &[String], path: &str) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            for arg in sub.get_arguments().filter(|arg| !arg.is_global_set()) {
                let name = arg.get_id().as_str();
                assert!(
                    !global.iter().any(|taken| taken == name),
                    "{path}: --{name} is taken"
                );
            }
            own_names(sub, global, &path);
        }
    }

    #[test]
    fn no_subcommand_takes_a_name_that_all_have() {
        let command = Cli::command();
        command.clone().debug_assert();
        let global = command
            .get_arguments()
            .filter(|arg| arg.is_global_set())
            .map(|arg| arg.get_id().to_string());
        own_names(&command, &global.collect::<Vec<_>>(), "worldline");
    }
}
