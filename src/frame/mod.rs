//! Lake → Polars `LazyFrame`, over a file list that the manifest has pruned already. The one door through
//! which queries and detections reach the lake.

use crate::lake::manifest::Part;
use crate::lake::{Lake, schema};
use crate::model::{Common, Kind, Link, TimeRange};
use polars::prelude::*;

mod cells;
mod export;
mod groups;
mod library;
mod pieces;
mod predicates;
mod sql;

pub use cells::{Cells, Texts};
pub use export::EntryWriter;
pub use groups::{Fold, Groups, Numbers, numbers};
pub use library::{ReadyQuery, library};
pub use pieces::pieces;
pub use predicates::{has_any, has_link, in_networks, is_in, text_matches, where_sql};
pub use sql::{IN_PIECES_FROM, SqlQuery, SqlResult, sql};

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
        // Behind the first line stands the plan, with paths, and where in it that happened.
        let message = error.to_string();
        let first = message.split("\n\nResolved plan").next().and_then(|text| text.split("\n\n\t").next());
        Self { message: first.unwrap_or_default().trim().to_owned() }
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
    let may = |part: &&Part| pivot.iter().all(|group| lake.may_have_any_link(part, group));
    of_parts(lake, name, lake.parts(name, range).filter(may), range)
}

/// Rows of a piece.
const PIECE: u64 = 2_000_000;

/// [`table`] in pieces, all with the same columns.
pub(crate) fn in_pieces(lake: &Lake, name: &str, range: TimeRange) -> Result<Vec<LazyFrame>, FrameError> {
    let Some(mut whole) = table(lake, name, range)? else {
        return Ok(Vec::new());
    };
    let schema = whole.collect_schema()?;
    let mut pieces = Vec::new();
    let (mut parts, mut rows): (Vec<&Part>, u64) = (Vec::new(), 0);
    let mut all = lake.parts(name, range).peekable();
    while let Some(part) = all.next() {
        parts.push(part);
        rows += part.rows;
        if rows < PIECE && all.peek().is_some() {
            continue;
        }
        rows = 0;
        if let Some(mut piece) = of_parts(lake, name, parts.drain(..), range)? {
            let present = piece.collect_schema()?;
            let missing = schema.iter().filter(|(column, _)| !present.contains(column));
            let nulls: Vec<Expr> =
                missing.map(|(column, dtype)| lit(Null {}).cast(dtype.clone()).alias(column.clone())).collect();
            pieces.push(if nulls.is_empty() { piece } else { piece.with_columns(nulls) });
        }
    }
    Ok(pieces)
}

fn of_parts<'p>(
    lake: &Lake,
    name: &str,
    parts: impl Iterator<Item = &'p Part>,
    range: TimeRange,
) -> Result<Option<LazyFrame>, FrameError> {
    let groups = lake.by_schema(parts);
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

/// What to say of a column that does not exist.
pub fn no_column(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("no column `{name}`; did you mean `{near}`?"),
        None => format!("no column `{name}`; there are: {}", known.join(", ")),
    }
}

/// What to say of a table that the lake does not have.
pub fn no_table(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("no table `{name}` in this lake; did you mean `{near}`? It has: {}", known.join(", ")),
        None => format!("no table `{name}` in this lake; it has: {}", known.join(", ")),
    }
}

/// The most alike of several names, if any is alike at all.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = name.to_ascii_lowercase();
    let alike =
        |other: &str| strsim::jaro_winkler(&name, other).max(strsim::normalized_damerau_levenshtein(&name, other));
    let best = known.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    let slip = name.len() < 6 && strsim::damerau_levenshtein(&name, best) <= 1;
    (slip || alike(best) > 0.8).then_some(best)
}
