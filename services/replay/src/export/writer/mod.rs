//! One file of rows, in whatever format.

mod lines;
mod output;
mod parquet;
mod table;

use std::io;
use std::path::Path;

use past::event::{Event, RowTexts};

use self::lines::Lines;
use self::output::Output;
use self::parquet::ParquetRows;
use self::table::Table;
use super::Format;

pub(super) use self::output::Digested;

/// A file of rows that is being written.
pub(super) enum Writer {
    Parquet(Box<ParquetRows>),
    Ndjson(Lines),
    Csv(Box<Table>),
}

impl Writer {
    /// Begins a file at `path`.
    pub(super) fn create(format: Format, path: &Path) -> io::Result<Self> {
        let output = Output::create(path)?;
        Ok(match format {
            Format::Parquet => Self::Parquet(Box::new(ParquetRows::new(output)?)),
            Format::Ndjson => Self::Ndjson(Lines::new(output)),
            Format::Csv => Self::Csv(Box::new(Table::new(output)?)),
        })
    }

    /// One more row: `event`, whose texts these are.
    pub(super) fn push(&mut self, event: &Event, texts: &RowTexts) -> io::Result<()> {
        match self {
            Self::Parquet(rows) => {
                rows.push(event, texts);
                Ok(())
            }
            Self::Ndjson(lines) => lines.push(event, texts),
            Self::Csv(table) => table.push(event, texts),
        }
    }

    /// Bytes of rows in memory, more or less.
    pub(super) const fn buffered(&self) -> usize {
        match self {
            Self::Parquet(rows) => rows.buffered(),
            // Theirs is small and written when it is full.
            Self::Ndjson(_) | Self::Csv(_) => 0,
        }
    }

    /// Writes the rows in memory down.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Parquet(rows) => rows.flush(),
            Self::Ndjson(_) | Self::Csv(_) => Ok(()),
        }
    }

    /// The file is whole, and on the disk.
    pub(super) fn finish(self) -> io::Result<Digested> {
        match self {
            Self::Parquet(rows) => rows.finish(),
            Self::Ndjson(lines) => lines.finish(),
            Self::Csv(table) => table.finish(),
        }
    }
}
