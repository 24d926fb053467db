//! CSV: a header with the names of the columns, null as the empty text, `data` and `metadata` as JSON text.

use std::io::{self, Write};

use past::event::{Event, RowTexts};

use super::output::{Digested, Output};

pub(in crate::export) struct Table {
    rows: csv::Writer<Output>,
    numbers: [Vec<u8>; 5],
}

impl Table {
    pub(super) fn new(output: Output) -> io::Result<Self> {
        let mut rows = csv::WriterBuilder::new()
            .buffer_capacity(1 << 16)
            .from_writer(output);
        rows.write_record(Event::COLUMNS.iter().map(|column| column.name))?;
        Ok(Self {
            rows,
            numbers: Default::default(),
        })
    }

    pub(super) fn push(&mut self, event: &Event, texts: &RowTexts) -> io::Result<()> {
        let tick = event.tick.map(|tick| tick.0);
        let values = [
            Some(event.log_position.0),
            Some(event.event_index.into()),
            Some(event.schema_version.into()),
            Some(event.created_at.0),
            tick,
        ];
        for (text, value) in self.numbers.iter_mut().zip(values) {
            text.clear();
            if let Some(value) = value {
                write!(text, "{value}")?;
            }
        }
        let [position, index, version, at, tick] = &self.numbers;
        let area = event.area.as_ref().map_or("", |area| area.as_str());
        let record: [&[u8]; Event::COLUMNS.len()] = [
            position,
            index,
            event.stream.as_bytes(),
            event.event_type.as_bytes(),
            version,
            at,
            area.as_bytes(),
            tick,
            &texts.player,
            &texts.account,
            &texts.data,
            &texts.metadata,
        ];
        Ok(self.rows.write_record(record)?)
    }

    pub(super) fn finish(self) -> io::Result<Digested> {
        let output = self.rows.into_inner();
        output.map_err(|error| error.into_error())?.finish()
    }
}
