//! The fault suite as a program, for `cargo xtask faults`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match worldline_tests::faults::cli::main().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}
