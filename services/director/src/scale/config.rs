//! What an operator may turn.

use std::path::PathBuf;
use std::time::Duration;

use runtime::{Section, Span, Wrong};
use serde::Deserialize;

/// Who starts and ends workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// Nobody: operators do.
    #[default]
    None,
    /// The director, as processes of its own machine.
    Local,
    /// Kubernetes, by the size of a `StatefulSet`.
    Kubernetes,
}

/// `[fleet]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who starts and ends workers: `none`, `local` or `kubernetes`. Default `none`;
    /// `WORLDLINE_FLEET_BACKEND`.
    pub backend: BackendKind,
    /// What their names begin with, `-0` and so on follow; for `kubernetes` the name of the
    /// `StatefulSet`. Default `worldline-worker`; `WORLDLINE_FLEET_NAME`.
    pub name: String,
    /// Namespace of the `StatefulSet`. Default empty: that of the director's own pod;
    /// `WORLDLINE_FLEET_NAMESPACE`.
    pub namespace: String,
    /// There are never fewer. Default 1; `WORLDLINE_FLEET_MIN`.
    pub min: u32,
    /// There are never more. Default 8; `WORLDLINE_FLEET_MAX`.
    pub max: u32,
    /// Workers beyond what the load needs, so that what comes suddenly, or what a lost worker had,
    /// finds room at once. Default 1; `WORLDLINE_FLEET_SPARE`.
    pub spare: u32,
    /// What one worker shall carry, in 1/1000 of a core. Default 700; `WORLDLINE_FLEET_WORKER_LOAD`.
    pub worker_load: u32,
    /// How long more have to be needed before they come. Default `2s`; `WORLDLINE_FLEET_UP_AFTER`.
    pub up_after: Span,
    /// Time between a change and more workers. Default `15s`; `WORLDLINE_FLEET_UP_REST`.
    pub up_rest: Span,
    /// How long fewer have to suffice before one goes. Default `5m`; `WORLDLINE_FLEET_DOWN_AFTER`.
    pub down_after: Span,
    /// Time between a change and fewer workers. Default `1m`; `WORLDLINE_FLEET_DOWN_REST`.
    pub down_rest: Span,
    /// For `local`: the program that is a worker, and its arguments; `{name}` becomes its name.
    /// Default: this program, for the same stack; `WORLDLINE_FLEET_COMMAND`.
    pub command: Vec<String>,
    /// For `local`: where the workers' logs are written, `<name>.log` each. Default: as those of
    /// the stack; `WORLDLINE_FLEET_LOG_DIR`.
    pub log_dir: Option<PathBuf>,
    /// For `local`: how long a worker that is told to end may take; longer than `worker.grace`.
    /// Default `45s`; `WORLDLINE_FLEET_GRACE`.
    pub grace: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendKind::None,
            name: "worldline-worker".into(),
            namespace: String::new(),
            min: 1,
            max: 8,
            spare: 1,
            worker_load: 700,
            up_after: Span::from_secs(2),
            up_rest: Span::from_secs(15),
            down_after: Span::from_secs(300),
            down_rest: Span::from_secs(60),
            command: Vec::new(),
            log_dir: None,
            grace: Span::from_secs(45),
        }
    }
}

impl Section for Config {
    const NAME: &'static str = "fleet";

    fn check(&self) -> Result<(), Wrong> {
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !((1..=40).contains(&self.name.len()) && self.name.chars().all(label)) {
            let why = format!("`{}` is not 1 to 40 of a-z, 0-9 and `-`", self.name);
            return Err(Wrong::new("name", why));
        }
        if self.max == 0 || self.max > 1000 {
            return Err(Wrong::new("max", "give 1 to 1000"));
        }
        if self.min > self.max {
            return Err(Wrong::new("min", "more than `max`"));
        }
        if self.worker_load == 0 {
            return Err(Wrong::new(
                "worker_load",
                "nobody could carry anything; give at least 1",
            ));
        }
        if self.down_after.duration() < Duration::from_secs(1) {
            return Err(Wrong::new(
                "down_after",
                "a moment's calm would end workers; give at least 1s",
            ));
        }
        if self.backend == BackendKind::Kubernetes && !cfg!(feature = "kubernetes") {
            let why = "this program is built without it: build with `--features kubernetes`";
            return Err(Wrong::new("backend", why));
        }
        Ok(())
    }
}
