//! The Rust part: formatting, clippy, all tests.

use std::process::Command;

use crate::programs::{cargo, find};
use crate::step::Steps;

pub(super) fn fmt(steps: &mut Steps) -> anyhow::Result<()> {
    steps.program("formatting", &mut cargo(&["fmt", "--all", "--check"]))
}

pub(super) fn clippy(steps: &mut Steps) -> anyhow::Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ];
    steps.program("clippy", &mut cargo(&arguments))
}

/// All tests. With nextest the heavy ones keep out of each other's way (`.config/nextest.toml`); without it all run
/// on two threads instead. Given arguments pick tests and replace `--workspace`.
pub(super) fn tests(steps: &mut Steps, arguments: &[String]) -> anyhow::Result<()> {
    let nextest = find("cargo-nextest").is_some();
    let mut command = if nextest {
        nextest_run()
    } else {
        cargo(&["test", "--locked"])
    };
    if arguments.is_empty() {
        command.arg("--workspace");
        if !nextest {
            command.args(["--", "--test-threads", "2"]);
        }
    }
    steps.program("Rust tests", command.args(arguments))?;
    if nextest && arguments.is_empty() {
        // nextest leaves the examples in the documentation to cargo.
        steps.program(
            "Rust examples",
            &mut cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"]),
        )?;
    }
    Ok(())
}

fn nextest_run() -> Command {
    let ci = std::env::var_os("CI").is_some();
    let mut command = cargo(&["nextest", "run", "--locked"]);
    if ci {
        command.args(["--profile", "ci"]);
    }
    command
}
