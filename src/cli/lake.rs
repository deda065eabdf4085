//! `logsift lake`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::terminal;
use crate::lake::{Lake, schema};
use crate::model::{Micros, Tally, TimeRange};
use crate::report::table::Table;
use crate::report::text::number;
use crate::report::{csv, jsonl};
use clap::{Args, Subcommand};
use std::borrow::Cow;
use std::io::Write;

/// Look into the lake.
#[derive(Debug, Args)]
pub struct LakeArgs {
    #[command(subcommand)]
    command: LakeCommand,
}

#[derive(Debug, Subcommand)]
enum LakeCommand {
    /// Tables, events, times and sizes
    Info {
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// Parts of the lake; with --paths just their paths, for DuckDB or pyarrow
    Ls {
        /// Absolute paths only, one a line
        #[arg(long)]
        paths: bool,
        /// Of this table only
        #[arg(long, value_name = "NAME")]
        table: Option<String>,
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// What was imported: path, size, SHA-256, counts. The custody record
    Objects {
        /// Lines that `sha256sum -c` checks
        #[arg(long)]
        sha256sum: bool,
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// Records that no format could parse, why, and where they lie
    Rejects {
        #[command(flatten)]
        output: OutputArgs,
    },
}

pub(super) fn run(args: &LakeArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let mut out = terminal::output(None)?;
    match &args.command {
        LakeCommand::Info { format } => info(&lake, context, format == "json", &mut *out)?,
        LakeCommand::Ls { paths, table, format } => {
            ls(&lake, context, (*paths, table.as_deref(), format == "json"), &mut *out)?;
        }
        LakeCommand::Objects { sha256sum, format } => {
            objects(&lake, context, (*sha256sum, format == "json"), &mut *out)?;
        }
        LakeCommand::Rejects { output } => {
            drop(out);
            let mut out = terminal::output(output.output.as_deref())?;
            rejects(&lake, context, output, &mut *out)?;
            out.flush()?;
            return Ok(Exit::Clean);
        }
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn info(lake: &Lake, context: &Context, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table = Table::new(&["table", "rows", "first", "last", "parts", "bytes", "raw_bytes"]).right_aligned(&[
        "rows",
        "parts",
        "bytes",
        "raw_bytes",
    ]);
    for name in lake.tables().into_iter().chain(schema::DERIVED) {
        let parts: Vec<_> = lake.parts(name, TimeRange::default()).collect();
        if parts.is_empty() {
            continue;
        }
        let sum = |get: fn(&crate::lake::manifest::Part) -> u64| parts.iter().map(|p| get(p)).sum::<u64>();
        let first = parts.iter().filter_map(|p| p.min_time).min().map(Micros);
        let last = parts.iter().filter_map(|p| p.max_time).max().map(Micros);
        if json {
            let value = serde_json::json!({
                "table": name, "rows": sum(|p| p.rows), "first": first, "last": last, "parts": parts.len(),
                "bytes": sum(|p| p.bytes), "raw_bytes": sum(|p| p.raw_bytes),
            });
            jsonl::write_line(out, &value)?;
        }
        let time = |t: Option<Micros>| t.map(|t| context.show_time(t)).unwrap_or_default();
        table.push(vec![
            name.to_owned(),
            number(sum(|p| p.rows)),
            time(first),
            time(last),
            parts.len().to_string(),
            number(sum(|p| p.bytes)),
            number(sum(|p| p.raw_bytes)),
        ]);
    }
    if !json {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    Ok(())
}

fn ls(
    lake: &Lake,
    context: &Context,
    (paths, wanted, json): (bool, Option<&str>, bool),
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut table = Table::new(&["table", "rows", "bytes", "path"]).right_aligned(&["rows", "bytes"]);
    for part in lake.all_parts().filter(|part| wanted.is_none_or(|name| part.table == name)) {
        let full = std::path::absolute(lake.path_of(part))?;
        match (paths, json) {
            (true, _) => writeln!(out, "{}", full.display())?,
            (false, true) => jsonl::write_line(out, part)?,
            (false, false) => {
                table.push(vec![part.table.clone(), number(part.rows), number(part.bytes), part.path.clone()]);
            }
        }
    }
    if !paths && !json {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    Ok(())
}

fn objects(lake: &Lake, context: &Context, (sums, json): (bool, bool), out: &mut dyn Write) -> anyhow::Result<()> {
    let mut all: Vec<_> = lake.manifest.objects.values().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut table = Table::new(&["object", "bytes", "records", "events", "rejects", "state"])
        .right_aligned(&["bytes", "records", "events", "rejects"]);
    for object in all {
        if sums {
            writeln!(out, "{}  {}", object.sha256, object.name)?;
        } else if json {
            jsonl::write_line(out, object)?;
        } else {
            table.push(vec![
                object.name.clone(),
                number(object.size),
                number(object.tally.records_in),
                number(Tally::total(&object.tally.events)),
                number(Tally::total(&object.tally.rejects)),
                if object.incomplete.is_some() { "incomplete" } else { "whole" }.to_owned(),
            ]);
        }
    }
    if !sums && !json {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    Ok(())
}

fn rejects(lake: &Lake, context: &Context, output: &OutputArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let masker = context.masker(output.reveal)?;
    let headers = ["object", "record", "offset", "reason", "detail", "raw"];
    let mut table = Table::new(&headers).right_aligned(&["record", "offset"]);
    let mut csv_started = false;
    for reject in lake.rejects()? {
        let raw = masker.mask(&reject.raw).into_owned();
        let cells =
            [reject.object, reject.record.to_string(), reject.offset.to_string(), reject.reason, reject.detail, raw];
        match output.format {
            TableFormat::Jsonl => {
                let [object, _, _, reason, detail, raw] = cells;
                let value = serde_json::json!({
                    "object": object, "record": reject.record, "offset": reject.offset, "reason": reason,
                    "detail": detail, "raw": raw,
                });
                jsonl::write_line(out, &value)?;
            }
            TableFormat::Csv => {
                if !csv_started {
                    csv::write_row(out, &headers.map(Cow::Borrowed))?;
                    csv_started = true;
                }
                csv::write_row(out, &cells.map(Cow::Owned))?;
            }
            TableFormat::Table => {
                let mut row = cells.to_vec();
                row[5] = crate::report::text::clip(&row[5], 200).into_owned();
                table.push(row);
            }
        }
    }
    if output.format == TableFormat::Table && !table.is_empty() {
        write!(out, "{}", table.render(context.terminal.width()))?;
    } else if table.is_empty() && output.format == TableFormat::Table {
        context.terminal.say("no rejects");
    }
    Ok(())
}
