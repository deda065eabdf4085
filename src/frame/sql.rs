//! SQL over the lake.

use super::{Cells, FrameError, events, table};
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
}

impl SqlQuery<'_> {
    /// Whether a table's name stands anywhere in the query: only such tables are opened.
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
    let answer = match sql_once(lake, query) {
        // Polars counts the rows of a union (the view `events`) by way of 128-bit integers, which this build
        // leaves out. Every event has an id, so counting ids is counting events.
        Err(error) if error.message.contains("UInt128") => {
            sql_once(lake, &SqlQuery { text: &count_ids(query.text), ..*query })
        }
        other => other,
    };
    answer.map_err(|error| told(lake, error))
}

/// What Polars answers, and answers wrongly.
fn refuse_wrong_answers(text: &str) -> Result<(), FrameError> {
    let dense: String = text.to_ascii_lowercase().split_whitespace().collect();
    if dense.contains("sum(count(") {
        let message = "an aggregate inside a window function is not supported: SUM(COUNT(…)) OVER () would give wrong \
                       numbers; count in a subquery, and sum over that";
        return Err(FrameError { message: message.to_owned() });
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

fn sql_once(lake: &Lake, query: &SqlQuery<'_>) -> Result<SqlResult, FrameError> {
    let mut context = polars::sql::SQLContext::new();
    let named = |table: &&str| SqlQuery::names(query.text, table);
    for name in lake.tables().into_iter().chain(schema::STITCHED).filter(named) {
        if let Some(frame) = table(lake, name, query.range)? {
            context.register(name, frame);
        }
    }
    for name in schema::DERIVED.into_iter().filter(|table| named(&table)) {
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
    Ok(SqlResult::Rows(Cells::collect_streaming(plan)?))
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
