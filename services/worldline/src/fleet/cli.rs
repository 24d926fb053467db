//! The command line of the operators' tools for the fleet.

use std::time::Duration;

use clap::{Args, Subcommand};
use schemas::{AreaId, WorkerId};

/// Who wants it, and why: both stand in the log.
#[derive(Debug, Clone, Args)]
pub(crate) struct Who {
    /// Who orders it [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Why, for those who read the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DirectorTool {
    /// Let an area be placed again that was put into quarantine
    Readmit {
        /// Which
        area: AreaId,
    },
    /// Show what a director would change now, and why; nothing is changed
    Plan {
        /// Say so (a plan is never executed by this command)
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show who leads, and how workers and areas stand; exit code 1 if somebody has to act
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum WorkerTool {
    /// List the workers that are there
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have a worker hand over all it has and end
    Drain {
        /// Its name
        worker: WorkerId,
        #[command(flatten)]
        who: Who,
        /// Wait until it is gone, or say what is left
        #[arg(long)]
        wait: bool,
        /// How many seconds to wait
        #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = crate::cli::seconds)]
        patience: Duration,
    },
    /// Give a worker nothing more; it keeps what it has
    Cordon {
        /// Its name
        worker: WorkerId,
        #[command(flatten)]
        who: Who,
    },
    /// Let a worker be given areas again
    Uncordon {
        /// Its name
        worker: WorkerId,
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AreaArgs {
    #[command(subcommand)]
    pub(crate) command: AreaTool,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AreaTool {
    /// List the areas that have been opened
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Open an area, or hand one that was steered back to the director
    Open {
        /// Which, `<map>-<n>`
        area: AreaId,
        /// Bodies at which it is full; 0: as the director's settings say [default: as it was]
        #[arg(long, value_name = "BODIES")]
        soft: Option<u32>,
        #[command(flatten)]
        who: Who,
    },
    /// Have an area take nobody any more and send on those who are in it
    Close {
        /// Which
        area: AreaId,
        /// To this instance of its map [default: to the lobby]
        #[arg(long, value_name = "AREA")]
        overflow: Option<AreaId>,
        #[command(flatten)]
        who: Who,
    },
    /// Have an area send on who comes to another instance while it is full
    Overflow {
        /// Which
        area: AreaId,
        /// To this instance of its map; without it, the director decides again
        to: Option<AreaId>,
        /// Bodies at which it is full; 0: as the director's settings say [default: as it was]
        #[arg(long, value_name = "BODIES")]
        soft: Option<u32>,
        #[command(flatten)]
        who: Who,
    },
    /// Bind an area to one worker: nobody else will own it, even while that is away
    Pin {
        /// Which
        area: AreaId,
        /// The worker's name
        worker: WorkerId,
        #[command(flatten)]
        who: Who,
    },
    /// Let any worker own an area again
    Unpin {
        /// Which
        area: AreaId,
        #[command(flatten)]
        who: Who,
    },
}
