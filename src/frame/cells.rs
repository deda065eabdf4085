//! Reading what a plan gave.

use super::FrameError;
use crate::model::Micros;
use polars::prelude::*;

/// Reads cells of a collected frame.
pub struct Cells {
    pub(super) frame: DataFrame,
}

impl Cells {
    /// Runs the plan.
    pub fn collect(plan: LazyFrame) -> Result<Self, FrameError> {
        let mut frame = plan.collect()?;
        frame.rechunk_mut();
        Ok(Self { frame })
    }

    /// Runs the plan in pieces that are let go of one by one: for answers far smaller than what they are made of.
    pub fn collect_streaming(plan: LazyFrame) -> Result<Self, FrameError> {
        let mut frame = plan.collect_with_engine(Engine::Streaming)?.unwrap_single();
        frame.rechunk_mut();
        Ok(Self { frame })
    }

    /// A string column to read many rows of; one that is not there has nulls only.
    pub fn texts(&self, column: &str) -> Texts<'_> {
        Texts(self.frame.column(column).ok().and_then(|c| c.as_materialized_series().str().ok()))
    }

    /// Distinct texts of a string or list column, in order.
    pub fn distinct(&self, column: &str) -> std::collections::BTreeSet<String> {
        (0..self.rows()).flat_map(|row| self.list(column, row)).collect()
    }

    /// A column whole.
    pub fn column(&self, name: &str) -> Result<&Column, FrameError> {
        Ok(self.frame.column(name)?)
    }

    pub fn rows(&self) -> usize {
        self.frame.height()
    }

    pub fn columns(&self) -> Vec<String> {
        self.frame.get_column_names().iter().map(ToString::to_string).collect()
    }

    fn value(&self, column: &str, row: usize) -> AnyValue<'_> {
        self.frame.column(column).ok().and_then(|c| c.get(row).ok()).unwrap_or(AnyValue::Null)
    }

    /// The cell as text; `None` for null.
    pub fn text(&self, column: &str, row: usize) -> Option<String> {
        match self.value(column, row) {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(text.to_owned()),
            AnyValue::StringOwned(text) => Some(text.to_string()),
            AnyValue::Binary(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            AnyValue::BinaryOwned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            AnyValue::Datetime(t, unit, _) => Some(micros(t, unit).to_string()),
            AnyValue::DatetimeOwned(t, unit, _) => Some(micros(t, unit).to_string()),
            AnyValue::List(series) => {
                let items: Vec<String> = series.iter().filter_map(|v| v.get_str().map(str::to_owned)).collect();
                Some(items.join(" "))
            }
            other => Some(other.to_string()),
        }
    }

    /// Items of a list column; the one item of any other.
    pub fn list(&self, column: &str, row: usize) -> Vec<String> {
        match self.value(column, row) {
            AnyValue::List(series) => series.iter().filter_map(|v| v.get_str().map(str::to_owned)).collect(),
            AnyValue::String(text) => vec![text.to_owned()],
            AnyValue::StringOwned(text) => vec![text.to_string()],
            _ => Vec::new(),
        }
    }

    pub fn int(&self, column: &str, row: usize) -> Option<i64> {
        self.value(column, row).extract::<i64>()
    }

    pub fn time(&self, column: &str, row: usize) -> Option<Micros> {
        match self.value(column, row) {
            AnyValue::Datetime(t, unit, _) => Some(micros(t, unit)),
            AnyValue::DatetimeOwned(t, unit, _) => Some(micros(t, unit)),
            _ => None,
        }
    }

    /// The cell as JSON: numbers as numbers, times as RFC 3339, lists as lists.
    pub fn json(&self, column: &str, row: usize) -> serde_json::Value {
        let value = self.value(column, row);
        match value {
            AnyValue::Null => serde_json::Value::Null,
            AnyValue::Boolean(b) => b.into(),
            AnyValue::List(_) => self.list(column, row).into(),
            ref v if v.is_integer() => v.extract::<i64>().map_or(serde_json::Value::Null, Into::into),
            AnyValue::Float64(f) => f.into(),
            AnyValue::Float32(f) => f.into(),
            _ => self.text(column, row).into(),
        }
    }

    /// Whether the column may hold text that came from logs: everything but numbers, truth values and times.
    pub fn is_text(&self, column: &str) -> bool {
        let dtype = self.frame.column(column).map(|c| c.dtype().clone());
        !dtype.is_ok_and(|t| t.is_primitive_numeric() || t.is_bool() || t.is_temporal())
    }
}

fn micros(value: i64, unit: TimeUnit) -> Micros {
    Micros(match unit {
        TimeUnit::Nanoseconds => value.div_euclid(1_000),
        TimeUnit::Microseconds => value,
        TimeUnit::Milliseconds => value.saturating_mul(1_000),
    })
}

/// Texts of one column by row.
#[derive(Clone, Copy)]
pub struct Texts<'c>(Option<&'c StringChunked>);

impl<'c> Texts<'c> {
    pub fn get(&self, row: usize) -> Option<&'c str> {
        self.0.and_then(|column| column.get(row))
    }
}
