//! What can be asked.
//!
//! Every subcommand ends with one of these codes (their names are in [`exit`](crate::exit)):
//!
//! | code | meaning |
//! |---|---|
//! | 0 | clean |
//! | 1 | findings: `verify` found something, `diff` and `whatif` a difference |
//! | 2 | something damaged was left out under `--tolerant`, and is listed |
//! | 64 | wrong usage, or a range that does not exist |
//! | 65 | damaged data: a segment of the archive, a version that nobody knows, a hole |
//! | 69 | the log cannot be read |
//! | 73 | the output cannot be written: the disk is full, or it exists already |
//! | 75 | interrupted: the same command goes on where it stopped |

use std::path::PathBuf;

use clap::{Args, Subcommand};
use schemas::{AreaId, CharacterId};

use crate::answer::Answer;
use crate::map::Canvas;
use crate::moment::Moment;
use crate::watch::WatchArgs;

/// `worldline replay …`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes:
   0  clean
   1  findings: verify found something, diff and whatif a difference
   2  something damaged was left out under --tolerant, and is listed
  64  wrong usage, or a range that does not exist
  65  damaged data: a segment of the archive, a version that nobody knows, a hole
  69  the log cannot be read
  73  the output cannot be written: the disk is full, or it exists already
  75  interrupted: the same command goes on where it stopped")]
pub struct Cli {
    /// Where the index of history snapshots is kept: a directory (default: `history` in the data directory)
    #[arg(long, global = true, value_name = "DIR")]
    pub index: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: ReplayCommand,
}

impl Cli {
    /// With everything else as it is when nothing is said.
    #[must_use]
    pub const fn new(command: ReplayCommand) -> Self {
        Self {
            index: None,
            command,
        }
    }
}

/// The subcommands.
#[derive(Debug, Clone, Subcommand)]
pub enum ReplayCommand {
    /// Show which streams and areas there are, from when to when, and how large
    List(ListArgs),
    /// Follow the log: every command with its outcome and every event, as it happens
    Tail(TailArgs),
    /// Show an area as it was after a tick or at a time
    Show(ShowArgs),
    /// Compare an area at two moments
    Diff(DiffArgs),
    /// Make or extend the index of history snapshots, by which `show` reaches any tick quickly
    Index(IndexArgs),
    /// Fold the whole log and prove it: chain, hashes, outcomes, effects, every character in one place
    Verify(VerifyArgs),
    /// Show the past in the page as it was played, to stop it and to seek in it
    Watch(WatchArgs),
}

/// Of `list`.
#[derive(Debug, Clone, Args, Default)]
pub struct ListArgs {
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

/// Of `tail`.
#[derive(Debug, Clone, Args, Default)]
pub struct TailArgs {
    /// Only this area; may be given more than once
    #[arg(long, value_name = "AREA")]
    pub area: Vec<AreaId>,
    /// Only what this character does or what is done to it; may be given more than once
    #[arg(long, value_name = "CHARACTER")]
    pub player: Vec<CharacterId>,
    /// Only this kind: input, say, motion, spoken, enter, returned, clock, …; may be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Vec<String>,
    /// Begin with the first message there is, instead of now
    #[arg(long)]
    pub all: bool,
    /// End at the head instead of waiting for more
    #[arg(long)]
    pub once: bool,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

/// Of `show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Which area
    #[arg(long, value_name = "AREA")]
    pub area: AreaId,
    /// A tick, a time (2026-01-31T12:00:00Z or milliseconds since 1970), or `now`
    #[arg(long, value_name = "TICK|TIME", default_value = "now")]
    pub at: Moment,
    /// Only this body, with all that is known of it: a character's id, or a handle
    #[arg(long, value_name = "ID")]
    pub entity: Option<String>,
    /// Draw the area instead: as `text`, or as a picture into FILE.png
    #[arg(long, value_name = "text|FILE.png", num_args = 0..=1, default_missing_value = "text")]
    pub map: Option<Canvas>,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

impl ShowArgs {
    /// The whole of `area` at `at`, as a table.
    #[must_use]
    pub fn of(area: AreaId, at: Moment) -> Self {
        Self {
            area,
            at,
            entity: None,
            map: None,
            answer: Answer::default(),
        }
    }
}

/// Of `diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// Which area
    #[arg(long, value_name = "AREA")]
    pub area: AreaId,
    /// As it was at that tick or time
    #[arg(long, value_name = "TICK|TIME")]
    pub from: Moment,
    /// As it was at that tick or time, or is now
    #[arg(long, value_name = "TICK|TIME", default_value = "now")]
    pub to: Moment,
    /// Only this body: a character's id, or a handle
    #[arg(long, value_name = "ID")]
    pub entity: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

/// Of `index`.
#[derive(Debug, Clone, Args)]
pub struct IndexArgs {
    /// Frames of an area between two snapshots
    #[arg(long, value_name = "FRAMES", default_value_t = 2000)]
    pub every: u64,
    /// Throw away what there is, and begin with the first frame
    #[arg(long)]
    pub rebuild: bool,
    /// Stop after so many frames, as if interrupted: to index a long log in pieces
    #[arg(long, value_name = "FRAMES")]
    pub at_most: Option<u64>,
    /// Only tell what there is
    #[arg(long, conflicts_with = "rebuild")]
    pub status: bool,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

/// Of `verify`.
#[derive(Debug, Clone, Args, Default)]
pub struct VerifyArgs {
    /// Commands without outcome, unconfirmed effects and travelling characters are findings too:
    /// for a log to which nobody writes any more
    #[arg(long)]
    pub settled: bool,
    /// Note in FILE how far it is; interrupted, the same command goes on there
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Stop after so many messages, as if interrupted: to verify a long log in pieces
    #[arg(long, value_name = "MESSAGES", requires = "checkpoint")]
    pub at_most: Option<u64>,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}
