//! What a subcommand's end says to whoever started it. The table that people read is in [`Cli`](crate::Cli)'s help.

/// All is well.
pub const CLEAN: u8 = 0;
/// Something was found that should not be (`verify`, `verify --decide`) or that differs (`diff`, `whatif`).
pub const FINDINGS: u8 = 1;
/// Something damaged was left out under `--tolerant`; what it was is listed.
pub const SKIPPED: u8 = 2;
/// `EX_USAGE`: what was asked for makes no sense, or is not there.
pub const USAGE: u8 = 64;
/// `EX_DATAERR`: damaged data: a segment of the archive, a version that nobody knows, a hole.
pub const DAMAGED: u8 = 65;
/// `EX_UNAVAILABLE`: the log cannot be read.
pub const UNAVAILABLE: u8 = 69;
/// `EX_CANTCREAT`: the output cannot be written: the disk is full, or it exists already.
pub const UNWRITABLE: u8 = 73;
/// `EX_TEMPFAIL`: interrupted; the same command goes on where it stopped.
pub const INTERRUPTED: u8 = 75;
