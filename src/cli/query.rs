//! `logsift query`.

use super::context::Context;
use super::exit::Exit;
use super::time_flags::TimeArgs;
use super::{terminal, timeline};
use crate::frame::{self, Cells, IN_PIECES_FROM, ReadyQuery, SqlQuery, SqlResult};
use crate::report::table::Table;
use crate::report::text::clip;
use crate::report::{csv, jsonl};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

/// Ask the lake in SQL.
///
/// Polars SQL over every table of the lake (`logsift lake info` names them), the last scan's `findings` and
/// `occurrences`, `detections`, and `events`: the common columns of all log tables, one under another. `--list` shows
/// ready queries for the questions that responders ask; they run in DuckDB too. Text columns are masked before they
/// are printed; pieces cut out of a secret by the query itself cannot be told from other text, so treat results as
/// you treat the logs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
    /// The query, or a file with it that ends in .sql
    #[arg(value_name = "SQL|FILE", allow_hyphen_values = true, required_unless_present_any = ["name", "list"])]
    sql: Option<String>,
    /// A ready query, see --list
    #[arg(long, value_name = "NAME", conflicts_with = "sql")]
    name: Option<String>,
    /// Name the ready queries; with a word, those that have it in name or title
    #[arg(long, value_name = "WORD", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["sql", "name"])]
    list: Option<String>,
    /// Show the query and its plan, do not run it
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    time: TimeArgs,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: QueryFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Show secrets in plain text. Without it every output masks them
    #[arg(long)]
    reveal: bool,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum QueryFormat {
    /// For reading: aligned columns, cut to the terminal's width
    #[value(alias = "text")]
    Table,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
    /// For spreadsheets: RFC 4180, formulas defused
    Csv,
    /// A Parquet file
    Parquet,
}

const EXAMPLES: &str = "\
Examples:
  logsift query \"SELECT source_table, count(*) AS n FROM events GROUP BY source_table ORDER BY n DESC\"
  logsift query --list egress
  logsift query --name top-talkers --since 7d
  logsift query questions/who-read-what.sql --format parquet -o answer.parquet
  logsift query --format csv \"SELECT rule, severity, count FROM findings\"";

pub(super) fn run(args: &QueryArgs, context: &Context) -> anyhow::Result<Exit> {
    if let Some(word) = &args.list {
        return list(word, args, context);
    }
    let text = match (&args.name, &args.sql) {
        (Some(name), _) => ready(name)?.sql.to_owned(),
        (None, Some(file)) if file.ends_with(".sql") => {
            std::fs::read_to_string(file).with_context(|| format!("{file}: cannot be read"))?
        }
        (None, sql) => sql.clone().unwrap_or_default(),
    };
    let lake = context.lake()?;
    let masker = context.masker(args.reveal)?;
    let range = args.time.range(context.now(), &context.tz)?;
    let detections = match SqlQuery::names(&text, "detections") {
        true => Some(timeline::detections(&lake, range, &lake.findings()?.unwrap_or_default())?),
        false => None,
    };
    let query = SqlQuery {
        text: &text,
        range,
        detections: detections.as_deref(),
        explain: args.explain,
        in_pieces_from: IN_PIECES_FROM,
    };
    let answer = frame::sql(&lake, &query).map_err(|error| error.masked(&*masker));
    let answer = answer.context("the query cannot be run")?;
    let mut out = terminal::output(args.output.as_deref())?;
    match answer {
        SqlResult::Plan(plan) => writeln!(out, "{}\n\n{plan}", text.trim())?,
        SqlResult::Rows(cells) if args.format == QueryFormat::Parquet => {
            anyhow::ensure!(
                args.output.is_some() || context.terminal.width().is_none(),
                "Parquet is no text: give -o FILE, or a pipe"
            );
            cells.write_parquet(&mut out, &*masker)?;
        }
        SqlResult::Rows(cells) => print(&cells, args, context, &*masker, &mut *out)?,
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn ready(name: &str) -> anyhow::Result<ReadyQuery> {
    let names: Vec<&str> = frame::library().map(|query| query.name).collect();
    frame::library().find(|query| query.name == name).with_context(|| match frame::nearest(name, &names) {
        Some(near) => format!("no ready query `{name}`; did you mean `{near}`? `logsift query --list` names all"),
        None => format!("no ready query `{name}`; `logsift query --list` names all"),
    })
}

fn list(word: &str, args: &QueryArgs, context: &Context) -> anyhow::Result<Exit> {
    let word = word.to_lowercase();
    let chosen = frame::library().filter(|q| q.name.contains(&word) || q.title.to_lowercase().contains(&word));
    let mut out = terminal::output(args.output.as_deref())?;
    let mut table = Table::new(&["name", "tables", "question"]);
    for query in chosen {
        if args.format == QueryFormat::Jsonl {
            let ReadyQuery { name, title, tables, sql } = query;
            jsonl::write_line(
                &mut *out,
                &serde_json::json!({"name": name, "title": title, "tables": tables, "sql": sql}),
            )?;
        } else {
            table.push(vec![query.name.to_owned(), query.tables.to_owned(), query.title.to_owned()]);
        }
    }
    if !table.is_empty() {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn print(
    cells: &Cells,
    args: &QueryArgs,
    context: &Context,
    masker: &dyn crate::model::Masker,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let columns = cells.columns();
    let text = |column: &str, row: usize| -> String {
        if let Some(time) = cells.time(column, row) {
            return context.show_time(time);
        }
        let value = cells.text(column, row).unwrap_or_default();
        if cells.is_text(column) { masker.mask(&value).into_owned() } else { value }
    };
    match args.format {
        QueryFormat::Jsonl => {
            for row in 0..cells.rows() {
                let mut object = serde_json::Map::new();
                for column in &columns {
                    object.insert(column.clone(), mask_json(cells.json(column, row), masker));
                }
                jsonl::write_line(out, &object)?;
            }
        }
        QueryFormat::Csv => {
            let head: Vec<Cow<'_, str>> = columns.iter().map(|c| Cow::Borrowed(c.as_str())).collect();
            csv::write_row(out, &head)?;
            for row in 0..cells.rows() {
                let line: Vec<Cow<'_, str>> = columns.iter().map(|c| Cow::Owned(text(c, row))).collect();
                csv::write_row(out, &line)?;
            }
        }
        QueryFormat::Table => {
            let head: Vec<&str> = columns.iter().map(String::as_str).collect();
            let numbers: Vec<&str> = head.iter().copied().filter(|c| !cells.is_text(c)).collect();
            let mut table = Table::new(&head).right_aligned(&numbers);
            for row in 0..cells.rows() {
                table.push(columns.iter().map(|c| clip(&text(c, row), 200).into_owned()).collect());
            }
            write!(out, "{}", table.render(context.terminal.width()))?;
        }
        QueryFormat::Parquet => {}
    }
    Ok(())
}

fn mask_json(value: serde_json::Value, masker: &dyn crate::model::Masker) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => masker.mask(&text).into_owned().into(),
        serde_json::Value::Array(items) => items.into_iter().map(|item| mask_json(item, masker)).collect(),
        other => other,
    }
}
