//! The command line's share of the configuration.

use std::fmt::Display;
use std::path::PathBuf;

/// The two flags every program has; flatten it once into its top-level arguments, subcommands then take them too.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConfigArgs {
    /// Configuration file [default: `WORLDLINE_CONFIG`, else worldline.toml if there is one]
    #[arg(long, value_name = "PATH", global = true)]
    pub config: Option<PathBuf>,
    /// Sets one configuration value, over file and environment; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

/// Values given by flags, each remembered with the flag's name.
///
/// A program's own flags are handed over with [`Flags::set`]; `--set` needs no mention.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub(super) given: Vec<GivenFlag>,
}

#[derive(Debug, Clone)]
pub(super) struct GivenFlag {
    pub(super) flag: String,
    /// `section.key`
    pub(super) target: String,
    pub(super) value: String,
}

impl Flags {
    /// No flag was given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that `flag` (with its dashes) sets `target` (`section.key`), if it was given.
    #[must_use]
    pub fn set(mut self, flag: &str, target: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.given.push(GivenFlag {
                flag: flag.into(),
                target: target.into(),
                value: value.to_string(),
            });
        }
        self
    }
}
