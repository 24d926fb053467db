//! The one binary: a subcommand per role, and `up`, which starts them all.

mod access;
mod backup;
mod character;
mod cli;
mod fleet;
mod health;
mod keys;
mod player;
mod resources;
mod role;
mod tool;
mod up;
mod watch;

use std::process::ExitCode;

use cli::{Cli, Command};
use runtime::Flags;

fn main() -> ExitCode {
    let cli = match runtime::parse_args::<Cli>() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let Cli {
        config,
        stack,
        command,
    } = cli;
    let process = role::Process { config, stack };
    match command {
        Command::Up(args) => process.up(args),
        Command::Worker(args) => process.worker(args),
        Command::Edge(args) => process.edge(args),
        Command::Identity => process.identity(),
        Command::Lobby => process.lobby(),
        Command::Area(args) => tool::run(process, Flags::new(), |tool| async move {
            tool.desk().await?.area(args).await
        }),
        Command::Director(args) => process.director(args),
        Command::Projector(args) => process.projector(args),
        Command::Character(args) => tool::run(process, Flags::new(), |tool| tool.character(args)),
        Command::Player(args) => tool::run(process, Flags::new(), |tool| tool.player(args)),
        Command::Archive(args) => process.archive(args),
        Command::Replay(args) => tool::run(process, Flags::new(), |tool| tool.replay(args)),
        Command::Bots(args) => tool::run(process, Flags::new(), |tool| tool.bots(args)),
        Command::Streams(args) => tool::run(process, Flags::new(), |tool| tool.streams(args)),
        Command::Resources(args) => tool::run(process, Flags::new(), |tool| tool.resources(args)),
        Command::Backup(args) => tool::run(process, Flags::new(), |tool| tool.backup(args)),
        Command::Restore(args) => tool::run(process, Flags::new(), |tool| tool.restore(args)),
        Command::Keys => tool::run(process, Flags::new(), |tool| tool.keys()),
        Command::Health(args) => tool::run(process, Flags::new(), |_| async move {
            health::ask(&args.url).await
        }),
    }
}
