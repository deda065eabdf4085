//! Lake → Polars `LazyFrame`, over a file list that the manifest has pruned already. The one door through
//! which queries and detections reach the lake.

use crate::lake::manifest::Part;
use crate::lake::{Lake, schema};
use crate::model::{Common, Kind, Link, TimeRange};
use polars::prelude::*;

/// Why a query cannot run.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    pub message: String,
}

impl FrameError {
    /// The message without cell values (Polars puts some into conversion errors, shortened, so that no rule
    /// would know a secret in them), and masked.
    pub fn masked(mut self, masker: &dyn crate::model::Masker) -> Self {
        if let Some(at) = self.message.find("values: [") {
            self.message.truncate(at);
            self.message.push_str("(values not shown)");
        }
        self.message = masker.mask(&self.message).into_owned();
        self
    }
}

impl From<PolarsError> for FrameError {
    fn from(error: PolarsError) -> Self {
        Self { message: error.to_string() }
    }
}

/// An instant as a literal of the lake's time type.
pub fn instant(time: crate::model::Micros) -> Expr {
    lit(LiteralValue::Scalar(Scalar::new(time_type(), AnyValue::Datetime(time.0, TimeUnit::Microseconds, None))))
        .cast(time_type())
}

fn time_type() -> DataType {
    DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
}

/// Values that list columns must hold: of each group one at least.
pub type Pivot = Vec<Vec<(Link, String)>>;

/// Rows of one table inside the range; `None` when no part can hold any. Columns that only newer parts have
/// are null in the others, and so are common columns that no part has.
pub fn table(lake: &Lake, name: &str, range: TimeRange) -> Result<Option<LazyFrame>, FrameError> {
    pivoted(lake, name, range, &Pivot::new())
}

/// As [`table`], without the parts that hold none of a group's values. Rows are not filtered by them.
fn pivoted(lake: &Lake, name: &str, range: TimeRange, pivot: &Pivot) -> Result<Option<LazyFrame>, FrameError> {
    let may = |part: &&Part| {
        pivot.iter().all(|group| group.iter().any(|(link, value)| lake.may_have_link(part, *link, value)))
    };
    let groups = lake.by_schema(lake.parts(name, range).filter(may));
    let groups = groups.map_err(|error| FrameError { message: error.to_string() })?;
    let frames: Result<Vec<LazyFrame>, FrameError> = groups.iter().map(|parts| scan(lake, parts)).collect();
    let mut frame = match frames?.as_slice() {
        [] => return Ok(None),
        [one] => one.clone(),
        several => concat_lf_diagonal(several, UnionArgs { to_supertypes: true, ..UnionArgs::default() })?,
    };
    if !schema::DERIVED.contains(&name) {
        let present = frame.collect_schema()?;
        let missing = Common::ALL.iter().filter(|common| !present.contains(common.name()));
        let nulls: Vec<Expr> = missing.map(|common| null_of(common.kind()).alias(common.name())).collect();
        if !nulls.is_empty() {
            frame = frame.with_columns(nulls);
        }
    }
    let time = Common::EventTime.name();
    if let Some(from) = range.from {
        frame = frame.filter(col(time).gt_eq(instant(from)));
    }
    if let Some(to) = range.to {
        frame = frame.filter(col(time).lt(instant(to)));
    }
    Ok(Some(frame))
}

fn null_of(kind: Kind) -> Expr {
    lit(Null {}).cast(match kind {
        Kind::Str | Kind::Json => DataType::String,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Time => time_type(),
    })
}

/// Parts of the same columns.
fn scan(lake: &Lake, parts: &[&Part]) -> Result<LazyFrame, FrameError> {
    let mut paths = Vec::new();
    for part in parts {
        let path = lake.path_of(part);
        let path = path.canonicalize().unwrap_or(path);
        paths.push(PlRefPath::try_from_path(&path)?);
    }
    let args = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
    Ok(LazyFrame::scan_parquet_files(paths.into_iter().collect(), args)?)
}

/// The columns every table has, in order: what the view `events` shows.
pub fn common_columns() -> Vec<&'static str> {
    let mut names = vec![schema::EVENT_ID, schema::SOURCE_TABLE];
    names.extend(Common::ALL.iter().map(|c| c.name()));
    names.extend(Link::ALL.iter().map(|l| l.column()));
    names.extend([schema::RAW, schema::SOURCE_OBJECT, schema::SOURCE_RECORD]);
    names
}

/// The common columns of these tables, one under another; `None` when there is nothing.
pub fn events(lake: &Lake, tables: &[&str], range: TimeRange) -> Result<Option<LazyFrame>, FrameError> {
    events_with(lake, tables, range, &Pivot::new())
}

/// As [`events`], without the parts that hold none of a group's values. Rows are not filtered by them.
pub fn events_with(
    lake: &Lake,
    tables: &[&str],
    range: TimeRange,
    pivot: &Pivot,
) -> Result<Option<LazyFrame>, FrameError> {
    let columns: Vec<Expr> = common_columns().into_iter().map(col).collect();
    let mut frames = Vec::new();
    for name in tables {
        if let Some(frame) = pivoted(lake, name, range, pivot)? {
            frames.push(frame.select(&columns));
        }
    }
    if frames.is_empty() {
        return Ok(None);
    }
    Ok(Some(polars::prelude::concat(frames, UnionArgs::default())?))
}

/// A list column holds the value.
pub fn has_link(link: Link, value: &str) -> Expr {
    col(link.column()).list().contains(lit(value.to_owned()), false)
}

/// A list column holds any of the values.
pub fn has_any_link(link: Link, values: &[String]) -> Expr {
    values.iter().map(|v| has_link(link, v)).reduce(Expr::or).unwrap_or_else(|| lit(false))
}

/// A string column is one of the values.
pub fn is_one_of(column: &str, values: &[&str]) -> Expr {
    values.iter().map(|v| col(column).eq(lit((*v).to_owned()))).reduce(Expr::or).unwrap_or_else(|| lit(false))
}

/// Reads cells of a collected frame.
pub struct Cells {
    frame: DataFrame,
}

impl Cells {
    /// Runs the plan.
    pub fn collect(plan: LazyFrame) -> Result<Self, FrameError> {
        Ok(Self { frame: plan.collect()? })
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

    /// Items of a list column.
    pub fn list(&self, column: &str, row: usize) -> Vec<String> {
        match self.value(column, row) {
            AnyValue::List(series) => series.iter().filter_map(|v| v.get_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }

    pub fn int(&self, column: &str, row: usize) -> Option<i64> {
        self.value(column, row).extract::<i64>()
    }

    pub fn time(&self, column: &str, row: usize) -> Option<crate::model::Micros> {
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

fn micros(value: i64, unit: TimeUnit) -> crate::model::Micros {
    crate::model::Micros(match unit {
        TimeUnit::Nanoseconds => value.div_euclid(1_000),
        TimeUnit::Microseconds => value,
        TimeUnit::Milliseconds => value.saturating_mul(1_000),
    })
}

/// SQL over the lake: every table, and `events`, the common columns of all log tables.
pub fn sql(lake: &Lake, query: &str, explain: bool) -> Result<SqlResult, FrameError> {
    match sql_once(lake, query, explain) {
        // Polars counts the rows of a union (the view `events`) by way of 128-bit integers, which this build
        // leaves out. Every event has an id, so counting ids is counting events.
        Err(error) if error.message.contains("UInt128") => sql_once(lake, &count_ids(query), explain),
        other => other,
    }
}

/// The query with `count(event_id)` for `count(*)`.
fn count_ids(query: &str) -> String {
    let mut out = String::with_capacity(query.len() + 16);
    let mut rest = query;
    while let Some(open) = rest.find('(') {
        let (before, inside) = rest.split_at(open + 1);
        out.push_str(before);
        let counts = before[..open].trim_end().to_ascii_lowercase().ends_with("count");
        let star = inside.trim_start().strip_prefix('*').filter(|after| after.trim_start().starts_with(')'));
        rest = match star {
            Some(after) if counts => {
                out.push_str(schema::EVENT_ID);
                after
            }
            _ => inside,
        };
    }
    out.push_str(rest);
    out
}

fn sql_once(lake: &Lake, query: &str, explain: bool) -> Result<SqlResult, FrameError> {
    let mut context = polars::sql::SQLContext::new();
    let tables = lake.tables();
    let mut known = Vec::new();
    for name in tables.iter().copied().chain(schema::STITCHED).chain(schema::DERIVED) {
        if let Some(frame) = table(lake, name, TimeRange::default())? {
            context.register(name, frame);
            known.push(name.to_owned());
        }
    }
    if let Some(frame) = events(lake, &tables, TimeRange::default())? {
        context.register("events", frame);
        known.push("events".to_owned());
    }
    let plan = context.execute(query).map_err(|error| FrameError {
        message: format!(
            "{error}\nTables of this lake: {}",
            if known.is_empty() { "none yet".to_owned() } else { known.join(", ") }
        ),
    })?;
    if explain {
        return Ok(SqlResult::Plan(plan.explain(true)?));
    }
    Ok(SqlResult::Rows(Cells::collect(plan)?))
}

/// What a query gave.
pub enum SqlResult {
    Plan(String),
    Rows(Cells),
}

#[cfg(test)]
mod tests {
    use super::count_ids;

    #[test]
    fn only_counted_stars_are_replaced() {
        let query = "SELECT COUNT( * ) AS n, max(a) FROM (SELECT * FROM t WHERE count (*) > 1)";
        assert_eq!(
            count_ids(query),
            "SELECT COUNT(event_id ) AS n, max(a) FROM (SELECT * FROM t WHERE count (event_id) > 1)"
        );
    }
}
