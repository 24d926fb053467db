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

use clap::{ArgGroup, Args, Subcommand};
use schemas::{AreaId, CharacterId, UnixMillis};

use crate::answer::Answer;
use crate::export::ExportArgs;
use crate::map::Canvas;
use crate::moment::Moment;
use crate::watch::WatchArgs;
use crate::whatif::WhatifArgs;

/// Frames of an area between two snapshots of the index: a fold of a tenth of a second.
const DISTANCE: u64 = 2000;

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
    /// Read the archive there too: a directory, or `s3://bucket/prefix` (default: `where` of `[archive]`)
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub archive: Option<String>,
    /// Read the archive and no broker
    #[arg(long, global = true)]
    pub only_archive: bool,
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
            archive: None,
            only_archive: false,
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
    /// Tell what happened to a character or an item, and which command caused it
    Explain(ExplainArgs),
    /// Make or extend the index of history snapshots, by which `show` reaches any tick quickly
    Index(IndexArgs),
    /// Fold the whole log and prove it: chain, hashes, outcomes, effects, every character in one place
    Verify(VerifyArgs),
    /// Decide the same commands by other rules, or with another build, and tell where and by how much it differs
    Whatif(WhatifArgs),
    /// Decide what another build asks, through standard input and output: what `whatif --build` starts
    Decide,
    /// Write what happened as rows into Parquet, NDJSON or CSV files; the same again goes on where it ended
    Export(ExportArgs),
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
    /// Only commands that were refused
    #[arg(long)]
    pub refused: bool,
    /// Begin with the first message there is, instead of now
    #[arg(long, conflicts_with = "from")]
    pub all: bool,
    /// Begin with what was stored at that time (2026-01-31T12:00:00Z or milliseconds since 1970), instead of now
    #[arg(long, value_name = "TIME", value_parser = crate::moment::time)]
    pub from: Option<UnixMillis>,
    /// End with what was decided at that time
    #[arg(long, value_name = "TIME", value_parser = crate::moment::time)]
    pub to: Option<UnixMillis>,
    /// End after so many lines
    #[arg(long, value_name = "LINES")]
    pub limit: Option<u64>,
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

/// Of `explain`.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["player", "item", "entity"])))]
pub struct ExplainArgs {
    /// This character, from its creation to now
    #[arg(long, value_name = "CHARACTER")]
    pub player: Option<CharacterId>,
    /// This item
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
    /// This body: a character's id, or with --area a handle
    #[arg(long, value_name = "ID")]
    pub entity: Option<String>,
    /// The area in which --entity is a handle
    #[arg(long, value_name = "AREA")]
    pub area: Option<AreaId>,
    /// When --entity is its handle
    #[arg(long, value_name = "TICK|TIME", default_value = "now")]
    pub at: Moment,
    /// Tell movements and the keys that caused them too
    #[arg(long)]
    pub motion: bool,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
}

impl ExplainArgs {
    /// All of a character but its movements.
    #[must_use]
    pub fn player(character: CharacterId) -> Self {
        Self {
            player: Some(character),
            item: None,
            entity: None,
            area: None,
            at: Moment::Now,
            motion: false,
            answer: Answer::default(),
        }
    }
}

/// Of `index`.
#[derive(Debug, Clone, Args)]
pub struct IndexArgs {
    /// Frames of an area between two snapshots
    #[arg(long, value_name = "FRAMES", default_value_t = DISTANCE)]
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

impl Default for IndexArgs {
    fn default() -> Self {
        Self {
            every: DISTANCE,
            rebuild: false,
            at_most: None,
            status: false,
            answer: Answer::default(),
        }
    }
}

/// Of `verify`.
#[derive(Debug, Clone, Args, Default)]
pub struct VerifyArgs {
    /// Commands without outcome, unconfirmed effects and travelling characters are findings too:
    /// for a log to which nobody writes any more
    #[arg(long)]
    pub settled: bool,
    /// Decide every frame of this build's rules again from its commands: it must come out the same to the byte
    #[arg(long)]
    pub decide: bool,
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
