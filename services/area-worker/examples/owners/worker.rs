//! A worker that is a process: this example, started again.

use area_worker::Config;
use eventlog::{Connect, EventLog};
use runtime::{Ctx, Shutdown};
use tokio::process::{Child, Command};

/// The life of the process that [`start`] starts.
pub(crate) async fn run(name: &str, url: &str) -> anyhow::Result<()> {
    let log = EventLog::connect(&Connect::to(url, name)).await?;
    let config = Config {
        name: Some(name.to_owned()),
        ..Config::default()
    };
    area_worker::run(config, log, Ctx::new(Shutdown::on_signals()?)).await
}

pub(crate) fn start(name: &str, url: &str) -> anyhow::Result<Child> {
    let own = std::env::current_exe()?;
    let child = Command::new(own)
        .args(["worker", name, url])
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}
