//! What can be asked of `whatif`.

use std::path::PathBuf;

use clap::Args;
use schemas::AreaId;

use super::rules_file::assignment;
use crate::answer::Answer;
use crate::moment::Moment;

/// Of `whatif`.
#[derive(Debug, Clone, Args, Default)]
pub struct WhatifArgs {
    /// Decide with the numbers of this TOML file instead of those of the rules; what it does not name stays
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Decide with this number; may be given more than once, and comes after the file's
    #[arg(long, value_name = "NAME=NUMBER", value_parser = assignment)]
    pub rule: Vec<(String, i64)>,
    /// Have another build of worldline decide: it is started as `PATH replay decide`
    #[arg(long, value_name = "PATH")]
    pub build: Option<PathBuf>,
    /// Only this area; may be given more than once
    #[arg(long, value_name = "AREA")]
    pub area: Vec<AreaId>,
    /// Go on from the recorded state at this tick or time; otherwise from as early as there are commands
    #[arg(long, value_name = "TICK|TIME")]
    pub from: Option<Moment>,
    /// Up to this tick or time
    #[arg(long, value_name = "TICK|TIME")]
    pub to: Option<Moment>,
    /// Tell so many differences one by one (with --ndjson: all)
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub differences: usize,
    /// Show the numbers that can be changed, and do nothing else
    #[arg(long)]
    pub list_rules: bool,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}
