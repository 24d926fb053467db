//! NDJSON: one object a line, with the names of the columns.

use std::io::{self, BufWriter, Write};

use past::event::{Event, RowTexts};

use super::output::{Digested, Output};

pub(in crate::export) struct Lines {
    output: BufWriter<Output>,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output: BufWriter::with_capacity(1 << 16, output),
            line: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, event: &Event, texts: &RowTexts) -> io::Result<()> {
        self.line.clear();
        texts.write_json(event, &mut self.line);
        self.line.push(b'\n');
        self.output.write_all(&self.line)
    }

    pub(super) fn finish(self) -> io::Result<Digested> {
        let output = self.output.into_inner().map_err(io::Error::from)?;
        output.finish()
    }
}
