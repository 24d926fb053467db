//! The page's part: types, tests and build of the TypeScript packages.

use crate::programs::{npm, npm_packages};
use crate::root;
use crate::step::Steps;

/// In the order they need each other.
const PACKAGES: [&str; 2] = ["clients/sdk", "clients/web"];

pub(super) fn tests(steps: &mut Steps) -> anyhow::Result<()> {
    for dir in PACKAGES {
        if !root().join(dir).join("package.json").is_file() {
            steps.skip(dir, "it has no package.json");
            continue;
        }
        npm_packages(steps, dir)?;
        for script in ["check", "test", "build"] {
            steps.program(
                &format!("{dir}: {script}"),
                &mut npm(dir, &["run", script, "--if-present"])?,
            )?;
        }
    }
    Ok(())
}
