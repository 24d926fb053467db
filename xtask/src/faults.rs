//! `cargo xtask faults`: builds the binary under test and the suite, and runs the suite.

use crate::programs::cargo;
use crate::step::Steps;

/// One line for the list of commands.
pub(crate) const ABOUT: &str = "harms a stack that is played on and checks what is left; [--release], the rest goes \
                                to the suite: --help says what there is";

const PACKAGE: [&str; 2] = ["--package", "worldline-tests"];

/// Builds both and hands the arguments on.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (release, rest): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| *argument == "--release");
    let profile: &[&str] = if release.is_empty() {
        &[]
    } else {
        &["--release"]
    };
    let mut steps = Steps::default();
    let build = [&["build", "--quiet", "--bins"], &PACKAGE[..], profile].concat();
    steps.program("the suite and what it tries", &mut cargo(&build))?;
    let suite = [
        &["run", "--quiet", "--bin", "faults"],
        &PACKAGE[..],
        profile,
        &["--"],
        &rest,
    ]
    .concat();
    steps.program("faults", &mut cargo(&suite))
}
