//! A whole service in one file, and what `tests/process.rs` starts, signals and watches.
//!
//! `cargo run -p runtime --example greeter -- --name moon --set telemetry.log=debug`

use std::process::ExitCode;

use runtime::{ConfigArgs, Ctx, Flags, Known, ProcessConfig, Section, Sources, Wrong};

const KNOWN: Known = Known {
    sections: &["telemetry", "ops", "process", GreeterConfig::NAME],
    variables: &[],
};

#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GreeterConfig {
    /// Whom to greet. Default `world`; `WORLDLINE_GREETER_NAME`.
    name: String,
    /// Whether to go when asked to. Default true; `WORLDLINE_GREETER_POLITE`.
    polite: bool,
}

impl Default for GreeterConfig {
    fn default() -> Self {
        Self {
            name: "world".into(),
            polite: true,
        }
    }
}

impl Section for GreeterConfig {
    const NAME: &'static str = "greeter";

    fn check(&self) -> Result<(), Wrong> {
        if self.name.is_empty() {
            Err(Wrong::new("name", "nobody to greet"))
        } else {
            Ok(())
        }
    }
}

/// Greets, and waits to be told to go.
#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Whom to greet
    #[arg(long)]
    name: Option<String>,
}

fn main() -> ExitCode {
    let args = match runtime::parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let load = || {
        let flags = Flags::new().set("--name", "greeter.name", args.name.as_deref());
        let sources = Sources::of_process(KNOWN, &args.config, flags)?;
        Ok((ProcessConfig::load(&sources)?, sources.load()?))
    };
    runtime::main_of("greeter", load, greet)
}

async fn greet(config: GreeterConfig, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("greeter");
    anyhow::ensure!(config.name != "nobody", "nobody came");
    health.ready();
    println!("hello {}", config.name);
    ctx.shutdown.cancelled().await;
    if !config.polite {
        std::future::pending::<()>().await;
    }
    Ok(())
}
