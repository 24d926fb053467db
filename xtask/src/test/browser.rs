//! The browser part: two players in two tabs of a real, headless Chromium, against a real `worldline up`.
//!
//! The test stands in `tests/browser`, as a package of its own or as the script `test:browser` of the TypeScript
//! workspace; it finds the program under test in `WORLDLINE_BIN` and the browser in `CHROMIUM`.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::programs::{cargo, chromium, npm, npm_packages};
use crate::root;
use crate::step::Steps;

use super::web::CLIENTS;

const PACKAGE: &str = "tests/browser";
const SCRIPT: &str = "test:browser";

pub(super) fn tests(steps: &mut Steps) -> anyhow::Result<()> {
    let (dir, script) = match () {
        () if root().join(PACKAGE).join("package.json").is_file() => (PACKAGE, "test"),
        () if has_script() => (CLIENTS, SCRIPT),
        () => {
            steps.skip(
                "browser",
                "neither tests/browser nor the clients have such a test",
            );
            return Ok(());
        }
    };
    let chromium = chromium(steps)?;
    let mut build = cargo(&["build", "--package", "worldline", "--locked"]);
    steps.program("browser: the program under test", &mut build)?;
    npm_packages(steps, dir)?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut test = npm(dir, &["run", script])?;
    test.env("WORLDLINE_BIN", target.join("debug/worldline"))
        .env("CHROMIUM", chromium);
    steps.program("browser: two players in two tabs", &mut test)
}

fn has_script() -> bool {
    let package = fs::read_to_string(root().join(CLIENTS).join("package.json"));
    package.is_ok_and(|text| text.contains(&format!("\"{SCRIPT}\"")))
}
