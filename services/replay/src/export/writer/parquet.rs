//! Parquet, by its column writers: rows are kept as columns and written down a row group at a time.
//!
//! Texts of a column lie one behind the other in one buffer, and are handed over as slices of it: nothing is allocated
//! for a row. What repeats (types, areas, players) is encoded by dictionary, what rises by differences, and `data` and
//! `metadata`, of which hardly two are alike, plainly; all of it is compressed with Zstandard.

use std::io;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use past::event::{ColumnType, Event, RowTexts};

use super::output::{Digested, Output};

/// The columns, as Parquet calls them.
static SCHEMA: LazyLock<TypePtr> = LazyLock::new(|| Arc::new(schema()));

/// How they are written.
static PROPERTIES: LazyLock<Arc<WriterProperties>> = LazyLock::new(|| Arc::new(properties()));

fn schema() -> Type {
    let columns: String = Event::COLUMNS
        .iter()
        .map(|column| {
            let repetition = if column.nullable {
                "optional"
            } else {
                "required"
            };
            let (holds, means) = match column.holds {
                ColumnType::Int64 => ("int64", ""),
                ColumnType::Int32 => ("int32", ""),
                ColumnType::Timestamp => ("int64", " (TIMESTAMP(MILLIS,true))"),
                // Not Parquet's own JSON type: several readers take that for bytes.
                ColumnType::Text | ColumnType::Json => ("binary", " (STRING)"),
            };
            format!("{repetition} {holds} {}{means};", column.name)
        })
        .collect();
    match parse_message_type(&format!("message event {{ {columns} }}")) {
        Ok(schema) => schema,
        Err(error) => unreachable!("the columns are not Parquet: {error}"),
    }
}

fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("worldline".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for rising in ["log_position", "created_at", "tick"] {
        let column = ColumnPath::from(rising);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    for unlike in ["data", "metadata"] {
        let column = ColumnPath::from(unlike);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column.clone(), Encoding::PLAIN)
            .set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    builder.build()
}

/// The texts of a column, one behind the other.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// 1 for each row that has one, 0 for null.
    present: Vec<i16>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn push_nullable(&mut self, text: &[u8]) {
        self.present.push(i16::from(!text.is_empty()));
        if !text.is_empty() {
            self.push(text);
        }
    }

    /// Hands them over as slices of one buffer.
    fn take(&mut self) -> Vec<ByteArray> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        let texts = self.ends.drain(..).map(|end| {
            let text = bytes.slice(start..end);
            start = end;
            ByteArray::from(text)
        });
        texts.collect()
    }
}

/// A Parquet file of rows that is being written.
pub(in crate::export) struct ParquetRows {
    file: SerializedFileWriter<Output>,
    rows: usize,
    log_position: Vec<i64>,
    event_index: Vec<i32>,
    stream: Vec<ByteArray>,
    event_type: Vec<ByteArray>,
    schema_version: Vec<i32>,
    created_at: Vec<i64>,
    area: Texts,
    tick: Vec<i64>,
    has_tick: Vec<i16>,
    player: Texts,
    account: Texts,
    data: Texts,
    metadata: Texts,
    /// The last stream's name, for the rows after it.
    name: Option<(Arc<str>, ByteArray)>,
}

/// Columns hold signed numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

impl ParquetRows {
    pub(super) fn new(output: Output) -> io::Result<Self> {
        let file = SerializedFileWriter::new(output, SCHEMA.clone(), PROPERTIES.clone());
        Ok(Self {
            file: file.map_err(io_error)?,
            rows: 0,
            log_position: Vec::new(),
            event_index: Vec::new(),
            stream: Vec::new(),
            event_type: Vec::new(),
            schema_version: Vec::new(),
            created_at: Vec::new(),
            area: Texts::default(),
            tick: Vec::new(),
            has_tick: Vec::new(),
            player: Texts::default(),
            account: Texts::default(),
            data: Texts::default(),
            metadata: Texts::default(),
            name: None,
        })
    }

    pub(super) fn push(&mut self, event: &Event, texts: &RowTexts) {
        self.rows += 1;
        self.log_position.push(signed(event.log_position.0));
        self.event_index
            .push(i32::try_from(event.event_index).unwrap_or(i32::MAX));
        let stream = self.stream_name(event);
        self.stream.push(stream);
        let kind = Bytes::from_static(event.event_type.as_bytes());
        self.event_type.push(kind.into());
        self.schema_version.push(event.schema_version.into());
        self.created_at.push(signed(event.created_at.0));
        let area = event.area.as_ref().map_or("", |area| area.as_str());
        self.area.push_nullable(area.as_bytes());
        self.has_tick.push(i16::from(event.tick.is_some()));
        self.tick.extend(event.tick.map(|tick| signed(tick.0)));
        self.player.push_nullable(&texts.player);
        self.account.push_nullable(&texts.account);
        self.data.push(&texts.data);
        self.metadata.push(&texts.metadata);
    }

    fn stream_name(&mut self, event: &Event) -> ByteArray {
        if let Some((stream, name)) = &self.name
            && Arc::ptr_eq(stream, &event.stream)
        {
            return name.clone();
        }
        let name = ByteArray::from(Bytes::copy_from_slice(event.stream.as_bytes()));
        self.name = Some((Arc::clone(&event.stream), name.clone()));
        name
    }

    /// Bytes of rows in memory, more or less.
    pub(super) const fn buffered(&self) -> usize {
        self.data.bytes.len()
            + self.metadata.bytes.len()
            + self.player.bytes.len()
            + self.account.bytes.len()
            + self.rows * 160
    }

    /// Writes the rows in memory as a row group.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        self.group().map_err(io_error)
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let area = self.area.take();
        let player = self.player.take();
        let account = self.account.take();
        let mut group = self.file.next_row_group()?;
        // In the order of `Event::COLUMNS`.
        column::<Int64Type>(&mut group, &self.log_position, None)?;
        column::<Int32Type>(&mut group, &self.event_index, None)?;
        column::<ByteArrayType>(&mut group, &self.stream, None)?;
        column::<ByteArrayType>(&mut group, &self.event_type, None)?;
        column::<Int32Type>(&mut group, &self.schema_version, None)?;
        column::<Int64Type>(&mut group, &self.created_at, None)?;
        column::<ByteArrayType>(&mut group, &area, Some(&self.area.present))?;
        column::<Int64Type>(&mut group, &self.tick, Some(&self.has_tick))?;
        column::<ByteArrayType>(&mut group, &player, Some(&self.player.present))?;
        column::<ByteArrayType>(&mut group, &account, Some(&self.account.present))?;
        column::<ByteArrayType>(&mut group, &self.data.take(), None)?;
        column::<ByteArrayType>(&mut group, &self.metadata.take(), None)?;
        group.close()?;
        self.log_position.clear();
        self.event_index.clear();
        self.stream.clear();
        self.event_type.clear();
        self.schema_version.clear();
        self.created_at.clear();
        self.tick.clear();
        self.has_tick.clear();
        for nullable in [&mut self.area, &mut self.player, &mut self.account] {
            nullable.present.clear();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Digested> {
        self.flush()?;
        self.file.into_inner().map_err(io_error)?.finish()
    }
}

/// Writes the next column of a row group.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column too many".to_owned()));
    };
    column.typed::<T>().write_batch(values, present, None)?;
    column.close()
}
