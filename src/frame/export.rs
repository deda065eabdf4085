//! Frames as Parquet files.

use super::{Cells, FrameError};
use crate::model::{Entry, Masker};
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;
use std::io::Write;

/// Entries as a Parquet file, a row group for each piece; texts must be masked already.
pub struct EntryWriter<W: Write> {
    writer: BatchedWriter<W>,
}

impl<W: Write> EntryWriter<W> {
    /// # Errors
    /// What the output says.
    pub fn new(out: W) -> Result<Self, FrameError> {
        let empty = frame_of(&[])?;
        let writer = ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(None));
        Ok(Self { writer: writer.batched(empty.schema())? })
    }

    /// # Errors
    /// What the output says.
    pub fn push(&mut self, entries: &[Entry]) -> Result<(), FrameError> {
        if !entries.is_empty() {
            self.writer.write_batch(&frame_of(entries)?)?;
        }
        Ok(())
    }

    /// # Errors
    /// What the output says.
    pub fn finish(self) -> Result<(), FrameError> {
        self.writer.finish()?;
        Ok(())
    }
}

fn frame_of(entries: &[Entry]) -> Result<DataFrame, FrameError> {
    let text = |name: &str, get: fn(&Entry) -> Option<&str>| {
        StringChunked::from_iter_options(name.into(), entries.iter().map(get)).into_column()
    };
    let time = |name: &str, get: fn(&Entry) -> Option<i64>| {
        let micros = Int64Chunked::from_iter_options(name.into(), entries.iter().map(get));
        micros.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column()
    };
    let counts: Vec<i64> = entries.iter().map(|entry| entry.count as i64).collect();
    let hops = Int64Chunked::from_iter_options(
        "link_hop".into(),
        entries.iter().map(|entry| entry.link.as_ref().map(|link| i64::from(link.hop))),
    );
    Ok(DataFrame::new_infer_height(vec![
        time("time", |e| Some(e.time.0)),
        text("kind", |e| Some(e.kind.as_str())),
        text("source", |e| Some(&e.source)),
        text("severity", |e| Some(e.severity.as_str())),
        text("actor", |e| e.actor.as_deref()),
        text("source_ip", |e| e.source_ip.as_deref()),
        text("network", |e| e.network.as_deref()),
        text("action", |e| e.action.as_deref()),
        text("target", |e| e.target.as_deref()),
        text("outcome", |e| e.outcome.as_deref()),
        text("message", |e| e.message.as_deref()),
        text("reference", |e| Some(&e.reference)),
        Column::new("count".into(), counts),
        time("last", |e| e.last.map(|last| last.0)),
        text("link_by", |e| e.link.as_ref().map(|link| link.by)),
        text("link_value", |e| e.link.as_ref().map(|link| link.value.as_str())),
        hops.into_column(),
    ])?)
}

impl Cells {
    /// The rows as a Parquet file. Text columns go through the Masker, texts in lists too; what is neither text nor
    /// number nor time is left as it is.
    ///
    /// # Errors
    /// What the output says.
    pub fn write_parquet(self, out: impl Write, masker: &dyn Masker) -> Result<(), FrameError> {
        let mut frame = self.frame;
        let masked: Result<Vec<Column>, PolarsError> =
            frame.columns().iter().map(|column| mask_column(column, masker)).collect();
        frame = DataFrame::new_infer_height(masked?)?;
        ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(None)).finish(&mut frame)?;
        Ok(())
    }
}

fn mask_column(column: &Column, masker: &dyn Masker) -> Result<Column, PolarsError> {
    match column.dtype() {
        DataType::String => {
            let texts = column.str()?;
            let mut owned: Vec<Option<String>> = texts.iter().map(|text| text.map(str::to_owned)).collect();
            masker.mask_all(&mut owned.iter_mut().flatten().collect::<Vec<_>>());
            Ok(StringChunked::from_iter_options(column.name().clone(), owned.iter().map(Option::as_deref))
                .into_column())
        }
        DataType::Binary => mask_column(&column.cast(&DataType::String)?, masker),
        DataType::List(inner) if **inner == DataType::String => {
            let lists = column.as_materialized_series().list()?.clone();
            let masked = lists.try_apply_amortized(|items| {
                mask_column(&items.as_ref().clone().into_column(), masker).map(|c| c.take_materialized_series())
            })?;
            Ok(masked.into_column())
        }
        _ => Ok(column.clone()),
    }
}
