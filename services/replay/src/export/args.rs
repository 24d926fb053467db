//! What can be asked of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schemas::{AreaId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::PseudonymKey;
use crate::answer::Answer;
use crate::moment::Moment;

/// Messages that an export reads from the broker in a second, if nothing else is said: what leaves a two-core machine
/// under play undisturbed (docs/benchmarks.md).
const UNDISTURBING: u64 = 3_000;

/// What the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet, compressed with Zstandard.
    #[default]
    Parquet,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

impl Format {
    /// How its files' names end.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Of `export`.
#[derive(Debug, Clone, Args, Default)]
pub struct ExportArgs {
    /// The directory of the export; where there is one already, it goes on from where it ended
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What the files are
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Only this event stream; may be given more than once
    #[arg(long, value_name = "STREAM")]
    pub stream: Vec<String>,
    /// Only what happened in this area; may be given more than once
    #[arg(long, value_name = "AREA")]
    pub area: Vec<AreaId>,
    /// Only what was decided then or later: 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<UnixMillis>,
    /// Only what was decided before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<UnixMillis>,
    /// Ids of people as they are, instead of pseudonyms
    #[arg(long, conflicts_with = "pseudonym_key")]
    pub real_ids: bool,
    /// A file of 64 hexadecimal digits: the key of the pseudonyms, instead of the realm's own
    #[arg(long, value_name = "FILE")]
    pub pseudonym_key: Option<PathBuf>,
    /// Messages read in a second; 0: as fast as it goes. Default: 3000 while a broker is read, which leaves its
    /// players undisturbed
    #[arg(long, value_name = "MESSAGES")]
    pub max_rate: Option<u64>,
    /// How to answer.
    #[command(flatten)]
    pub answer: Answer,
    /// The realm's own key of pseudonyms, set by whoever holds the realm's keys.
    #[arg(skip)]
    pub realm_pseudonyms: Option<PseudonymKey>,
}

impl ExportArgs {
    /// Messages a second; `None`: as fast as it goes.
    pub(super) fn rate(&self, live: bool) -> Option<u64> {
        match self.max_rate {
            Some(0) => None,
            Some(rate) => Some(rate),
            None => live.then_some(UNDISTURBING),
        }
    }
}

/// A time; a date alone is its beginning.
fn time(text: &str) -> Result<UnixMillis, String> {
    let whole = if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    match whole.parse() {
        Ok(Moment::Time(time)) => Ok(time),
        Ok(Moment::Now) => Ok(UnixMillis::now()),
        Ok(Moment::Tick(_)) | Err(_) => Err(format!(
            "{text:?} is no time: write 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_beginning_and_a_tick_is_no_time() {
        assert_eq!(time("2023-11-14"), Ok(UnixMillis(1_699_920_000_000)));
        assert_eq!(
            time("2023-11-14T22:13:20Z"),
            Ok(UnixMillis(1_700_000_000_000))
        );
        assert_eq!(time("1700000000000"), Ok(UnixMillis(1_700_000_000_000)));
        assert!(time("4820").is_err());
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn only_a_broker_is_spared() {
        let args = ExportArgs::default();
        assert_eq!(args.rate(true), Some(UNDISTURBING));
        assert_eq!(args.rate(false), None);
        let fast = ExportArgs {
            max_rate: Some(0),
            ..ExportArgs::default()
        };
        assert_eq!(fast.rate(true), None);
    }
}
