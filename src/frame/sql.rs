//! SQL over the lake.

use super::groups::{Fold, Groups, Numbers, can_be_folded, can_be_key, numbers};
use super::pieces::{GROUPS, Pieces, count_rows, is_no_question, number, pieces};
use super::{Cells, FrameError, common_columns, events, in_pieces, table};
use crate::lake::{Lake, schema};
use crate::model::{Detection, TimeRange};
use polars::prelude::*;

/// A question in SQL.
#[derive(Clone, Copy)]
pub struct SqlQuery<'a> {
    pub text: &'a str,
    /// Events outside are not there, for the query.
    pub range: TimeRange,
    /// Rows of the view `detections`; `None` where the query does not ask for it.
    pub detections: Option<&'a [Detection]>,
    pub explain: bool,
    /// From so many rows on groups of one table are made piece by piece: [`IN_PIECES_FROM`].
    pub in_pieces_from: u64,
}

/// Below that Polars alone is quick and needs little.
pub const IN_PIECES_FROM: u64 = 20_000_000;

impl SqlQuery<'_> {
    /// Whether a name stands anywhere in the query: only such tables are opened.
    pub fn names(text: &str, table: &str) -> bool {
        text.to_ascii_lowercase().contains(table)
    }
}

/// SQL over the lake: every table, `events` (the common columns of all log tables) and `detections`.
///
/// # Errors
/// What is no SQL, tables and columns that do not exist, and parts that cannot be read.
pub fn sql(lake: &Lake, query: &SqlQuery<'_>) -> Result<SqlResult, FrameError> {
    refuse_wrong_answers(query.text)?;
    if let Some(rows) = grouped(lake, query).map_err(|error| told(lake, error))? {
        return Ok(SqlResult::Rows(rows));
    }
    // Of an outer join, rows without that column count too.
    let counted = (!SqlQuery::names(query.text, "join")).then(|| count_rows(query.text)).flatten();
    let answer = match counted {
        None => sql_once(lake, query, Engine::Streaming),
        // Where the counted rows have no such column, the engine that fails without panic tells whether it can.
        Some(counted) => sql_once(lake, &SqlQuery { text: &counted, ..*query }, Engine::Streaming)
            .or_else(|_| sql_once(lake, query, Engine::InMemory)),
    };
    answer.map_err(|error| told(lake, error))
}

/// What Polars answers, and answers wrongly; what asks nothing.
fn refuse_wrong_answers(text: &str) -> Result<(), FrameError> {
    let dense: String = text.to_ascii_lowercase().split_whitespace().collect();
    if dense.contains("sum(count(") {
        let message = "an aggregate inside a window function is not supported: SUM(COUNT(…)) OVER () would give wrong \
                       numbers; count in a subquery, and sum over that";
        return Err(FrameError { message: message.to_owned() });
    }
    if let Some(word) = is_no_question(text) {
        let message =
            format!("{word} is not supported: a lake is only asked, with SELECT; `logsift lake info` names its tables");
        return Err(FrameError { message });
    }
    Ok(())
}

/// Polars' message without its plan, and with what helps.
fn told(lake: &Lake, error: FrameError) -> FrameError {
    let message = error.message.split("\n\nResolved plan").next().unwrap_or_default().trim();
    let quoted = |mark: &str| message.split_once(mark).and_then(|(_, rest)| rest.split(['\'', '"']).next());
    if let Some(name) = quoted("relation '") {
        let mut names = lake.tables();
        names.extend(schema::STITCHED.iter().chain(&schema::DERIVED).chain(&["events", "detections"]).copied());
        names.retain(|name| {
            matches!(*name, "events" | "detections") || lake.parts(name, TimeRange::default()).next().is_some()
        });
        if lake.tables().is_empty() {
            return FrameError { message: "this lake has no events; run `logsift import` first".to_owned() };
        }
        return FrameError { message: super::no_table(name, &names) };
    }
    if let (Some(name), Some((_, listed))) =
        (quoted("unable to find column \""), message.split_once("valid columns: ["))
    {
        let known: Vec<&str> =
            listed.split(']').next().unwrap_or_default().split(", ").map(|c| c.trim_matches('"')).collect();
        return FrameError { message: super::no_column(name, &known) };
    }
    let hint = if message.contains("date/datetime/time") {
        "; write times as '2026-03-06T14:00:00', without zone: all are UTC"
    } else {
        ""
    };
    FrameError { message: format!("{message}{hint}") }
}

/// Groups of a table too large to be grouped at once; `None` where the query is of another form.
fn grouped(lake: &Lake, query: &SqlQuery<'_>) -> Result<Option<Cells>, FrameError> {
    let Some(asked) = pieces(query.text).filter(|_| !query.explain) else {
        return Ok(None);
    };
    let mut tables = lake.tables();
    tables.extend(schema::STITCHED);
    let is_view = asked.table == "events";
    if is_view {
        tables = lake.tables();
    } else {
        tables.retain(|table| *table == asked.table);
    }
    let rows: u64 = tables.iter().flat_map(|table| lake.parts(table, query.range)).map(|part| part.rows).sum();
    if rows < query.in_pieces_from {
        return Ok(None);
    }
    let view = || common_columns().into_iter().map(col).collect::<Vec<_>>();
    let whole = if is_view { events(lake, &tables, query.range)? } else { table(lake, &asked.table, query.range)? };
    let Some(mut whole) = whole else {
        return Ok(None);
    };
    let columns = whole.collect_schema()?;
    let Some(types) = Types::of(&asked, &columns) else {
        return Ok(None);
    };
    let mut groups = Groups::new(asked.aggregates.iter().map(|(fold, _)| *fold).collect());
    for table in tables {
        for piece in in_pieces(lake, table, query.range)? {
            let mut context = polars::sql::SQLContext::new();
            context.register(&asked.table, if is_view { piece.select(view()) } else { piece });
            let rows = Cells::collect_streaming(context.execute(&asked.rows)?)?.frame;
            let keys = asked.keys.iter().map(|key| rows.column(key).cloned()).collect::<PolarsResult<Vec<_>>>()?;
            let of = |aggregate: &(Fold, Option<String>)| numbers_of(&rows, aggregate);
            groups.add(&keys, &asked.aggregates.iter().map(of).collect::<Result<Vec<_>, FrameError>>()?)?;
        }
    }
    let mut context = polars::sql::SQLContext::new();
    context.register(GROUPS, groups.into_frame(&types.keys, &types.numbers)?.lazy());
    Ok(Some(Cells::collect_streaming(context.execute(&asked.rest)?)?))
}

/// Names and types of the columns that a table of groups has.
struct Types {
    keys: Vec<(PlSmallStr, DataType)>,
    numbers: Vec<(PlSmallStr, DataType)>,
}

impl Types {
    /// `None` where a column is not there, or of a type that cannot be grouped or folded.
    fn of(asked: &Pieces, schema: &Schema) -> Option<Self> {
        let key = |name: &String| {
            let dtype = schema.get(name)?;
            can_be_key(dtype).then(|| (name.into(), dtype.clone()))
        };
        let folded = |(at, (fold, column)): (usize, &(Fold, Option<String>))| {
            let name = PlSmallStr::from(number(at));
            let Some(column) = column else {
                return Some((name, DataType::IDX_DTYPE));
            };
            let dtype = schema.get(column)?;
            match fold {
                Fold::Count => Some((name, DataType::IDX_DTYPE)),
                Fold::Sum => dtype.is_integer().then_some((name, DataType::Int64)),
                Fold::Min | Fold::Max => can_be_folded(dtype).then(|| (name, dtype.clone())),
            }
        };
        Some(Self {
            keys: asked.keys.iter().map(key).collect::<Option<_>>()?,
            numbers: asked.aggregates.iter().enumerate().map(folded).collect::<Option<_>>()?,
        })
    }
}

fn numbers_of(rows: &DataFrame, (fold, column): &(Fold, Option<String>)) -> Result<Numbers, FrameError> {
    let Some(column) = column else {
        return Ok(Numbers::Every);
    };
    let column = rows.column(column)?;
    if *fold != Fold::Count {
        return Ok(Numbers::Of(numbers(column)?));
    }
    if column.null_count() == 0 {
        return Ok(Numbers::Every);
    }
    let there = column.is_not_null();
    let there = there.iter().map(|there| there.unwrap_or(false).then_some(1));
    Ok(Numbers::Of(Int64Chunked::from_iter_options(PlSmallStr::EMPTY, there)))
}

fn sql_once(lake: &Lake, query: &SqlQuery<'_>, engine: Engine) -> Result<SqlResult, FrameError> {
    let mut context = polars::sql::SQLContext::new();
    let named = |table: &&str| SqlQuery::names(query.text, table);
    for name in lake.tables().into_iter().chain(schema::STITCHED).filter(named) {
        if let Some(frame) = table(lake, name, query.range)? {
            context.register(name, frame);
        }
    }
    for name in schema::DERIVED.into_iter().filter(|table| named(table)) {
        if let Some(frame) = table(lake, name, TimeRange::default())? {
            context.register(name, frame);
        }
    }
    if named(&"events")
        && let Some(frame) = events(lake, &lake.tables(), query.range)?
    {
        context.register("events", frame);
    }
    if let Some(detections) = query.detections {
        context.register("detections", frame_of(detections)?.lazy());
    }
    let plan = context.execute(query.text)?;
    if query.explain {
        return Ok(SqlResult::Plan(plan.explain(true)?));
    }
    Ok(SqlResult::Rows(match engine {
        Engine::Streaming => Cells::collect_streaming(plan)?,
        _ => Cells::collect(plan)?,
    }))
}

fn frame_of(detections: &[Detection]) -> Result<DataFrame, FrameError> {
    let text = |name: &str, get: fn(&Detection) -> Option<&str>| {
        StringChunked::from_iter_options(name.into(), detections.iter().map(get)).into_column()
    };
    let time = |name: &str, get: fn(&Detection) -> i64| {
        let micros = Int64Chunked::from_iter_values(name.into(), detections.iter().map(get));
        micros.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column()
    };
    let events = Int64Chunked::from_iter_values("events".into(), detections.iter().map(|d| d.events as i64));
    Ok(DataFrame::new_infer_height(vec![
        text("detector", |d| Some(&d.detector)),
        text("title", |d| Some(&d.title)),
        text("severity", |d| Some(d.severity.as_str())),
        text("technique", |d| Some(&d.technique)),
        time("first_seen", |d| d.first_seen.0),
        time("last_seen", |d| d.last_seen.0),
        events.into_column(),
        text("source_table", |d| Some(&d.source_table)),
        text("actor", |d| d.actor.as_deref()),
        text("source_ip", |d| d.source_ip.as_deref()),
        text("target", |d| d.target.as_deref()),
        text("outcome", |d| d.outcome.as_deref()),
        text("event_id", |d| d.event_id.as_deref()),
    ])?)
}

/// What a query gave.
pub enum SqlResult {
    Plan(String),
    Rows(Cells),
}
