//! The browser part: two players in two tabs of a real, headless Chromium, against a real `worldline up`.
//!
//! The test is a package of its own, `tests/browser`; `npm test` there finds the program under test in
//! `WORLDLINE_BIN` and the browser in `CHROMIUM`.

use std::env;
use std::path::PathBuf;

use crate::programs::{cargo, chromium, npm, npm_packages};
use crate::root;
use crate::step::Steps;

const PACKAGE: &str = "tests/browser";

pub(super) fn tests(steps: &mut Steps) -> anyhow::Result<()> {
    if !root().join(PACKAGE).join("package.json").is_file() {
        steps.skip(PACKAGE, "it has no package.json");
        return Ok(());
    }
    let chromium = chromium(steps)?;
    steps.program(
        "browser: the program under test",
        &mut cargo(&["build", "--package", "worldline", "--locked"]),
    )?;
    npm_packages(steps, PACKAGE)?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut test = npm(PACKAGE, &["test"])?;
    test.env("WORLDLINE_BIN", target.join("debug").join("worldline"))
        .env("CHROMIUM", chromium);
    steps.program("browser: two players in two tabs", &mut test)
}
