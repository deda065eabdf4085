//! `logsift query`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::terminal;
use crate::frame::{self, Cells, SqlResult};
use crate::report::table::Table;
use crate::report::text::clip;
use crate::report::{csv, jsonl};
use anyhow::Context as _;
use clap::Args;
use std::borrow::Cow;
use std::io::Write;

/// Ask the lake in SQL.
///
/// Polars SQL over every table of the lake (`logsift lake info` names them), the last scan's `findings` and
/// `occurrences`, and `events`: the common columns of all log tables, one under another. Text columns are
/// masked before they are printed; pieces cut out of a secret by the query itself cannot be told from
/// other text, so treat results as you treat the logs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
    /// The query
    #[arg(value_name = "SQL")]
    sql: String,
    /// Show the plan, do not run it
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift query \"SELECT source_table, count(*) AS n FROM events GROUP BY source_table ORDER BY n DESC\"
  logsift query \"SELECT alb_request_url, alb_elb_status_code FROM alb WHERE source_ip = '203.0.113.66'\"
  logsift query --format csv \"SELECT rule, severity, count FROM findings\"";

pub(super) fn run(args: &QueryArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let masker = context.masker(args.output.reveal)?;
    let mut out = terminal::output(args.output.output.as_deref())?;
    let answer = frame::sql(&lake, &args.sql, args.explain).map_err(|error| error.masked(&*masker));
    match answer.context("the query cannot be run")? {
        SqlResult::Plan(plan) => writeln!(out, "{plan}")?,
        SqlResult::Rows(cells) => print(&cells, args, context, &*masker, &mut *out)?,
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
        let value = cells.text(column, row).unwrap_or_default();
        if cells.is_text(column) { masker.mask(&value).into_owned() } else { value }
    };
    match args.output.format {
        TableFormat::Jsonl => {
            for row in 0..cells.rows() {
                let mut object = serde_json::Map::new();
                for column in &columns {
                    object.insert(column.clone(), mask_json(cells.json(column, row), masker));
                }
                jsonl::write_line(out, &object)?;
            }
        }
        TableFormat::Csv => {
            let head: Vec<Cow<'_, str>> = columns.iter().map(|c| Cow::Borrowed(c.as_str())).collect();
            csv::write_row(out, &head)?;
            for row in 0..cells.rows() {
                let line: Vec<Cow<'_, str>> = columns.iter().map(|c| Cow::Owned(text(c, row))).collect();
                csv::write_row(out, &line)?;
            }
        }
        TableFormat::Table => {
            let head: Vec<&str> = columns.iter().map(String::as_str).collect();
            let numbers: Vec<&str> = head.iter().copied().filter(|c| !cells.is_text(c)).collect();
            let mut table = Table::new(&head).right_aligned(&numbers);
            for row in 0..cells.rows() {
                table.push(columns.iter().map(|c| clip(&text(c, row), 200).into_owned()).collect());
            }
            write!(out, "{}", table.render(context.terminal.width()))?;
        }
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
