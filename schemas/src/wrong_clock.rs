//! A wall clock that can be set wrong, for the fault tests only: without the feature `fault-injection` none of this is
//! compiled.
//!
//! `WORLDLINE_CLOCK` names a file that holds by how many ms this process's clock is off; it is read at every look at the
//! clock, so that the clock jumps when the file is written.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The time that this process believes it is.
pub(crate) fn shown(now: u64) -> u64 {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("WORLDLINE_CLOCK").map(PathBuf::from));
    let written = file
        .as_ref()
        .and_then(|file| std::fs::read_to_string(file).ok());
    let off_by = written.and_then(|text| text.trim().parse::<i64>().ok());
    now.saturating_add_signed(off_by.unwrap_or(0))
}
