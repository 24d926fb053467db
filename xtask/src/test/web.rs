//! The page's part: types, tests and build of the TypeScript packages.

use crate::programs::{npm, npm_packages};
use crate::root;
use crate::step::Steps;

/// The workspace of all TypeScript packages.
pub(super) const CLIENTS: &str = "clients";

pub(super) fn tests(steps: &mut Steps) -> anyhow::Result<()> {
    if !root().join(CLIENTS).join("package.json").is_file() {
        steps.skip(CLIENTS, "it has no package.json");
        return Ok(());
    }
    npm_packages(steps, CLIENTS)?;
    for script in ["check", "test", "build"] {
        steps.program(
            &format!("{CLIENTS}: {script}"),
            &mut npm(CLIENTS, &["run", script])?,
        )?;
    }
    Ok(())
}
