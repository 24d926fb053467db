//! Developer commands: `cargo xtask <command>`.
//!
//! One file a command, each a function from its arguments to a result; a new one is a line in [`COMMANDS`]. What several
//! of them use stands beside them: running steps that can be read in a log, finding programs.

mod faults;
mod programs;
mod step;
mod test;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: [Command; 2] = [
    Command {
        name: "test",
        about: test::ABOUT,
        run: test::run,
    },
    Command {
        name: "faults",
        about: faults::ABOUT,
        run: faults::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(64);
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("there is no command `{name}`\n\n{}", usage());
        return ExitCode::from(64);
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let commands: String = COMMANDS
        .iter()
        .map(|command| format!("  {:<8} {}\n", command.name, command.about))
        .collect();
    format!("usage: cargo xtask <command> [arguments]\n\n{commands}")
}

/// The top of the work tree.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
