//! `logsift lake rejects`.

use super::super::args::{OutputArgs, TableFormat};
use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::lake::Lake;
use crate::model::RejectReason;
use crate::report::table::Table;
use crate::report::text::number;
use crate::report::{csv, jsonl};
use clap::Args;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Records that no format could parse, why, and where they lie.
#[derive(Debug, Args)]
pub struct RejectsArgs {
    /// Count by reason and object, with what can be done
    #[arg(long)]
    summary: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl RejectsArgs {
    pub fn output(&self) -> Option<&Path> {
        self.output.output.as_deref()
    }
}

pub(super) fn run(args: &RejectsArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let mut out = terminal::output(args.output())?;
    if args.summary {
        summary(&lake, context, &args.output, &mut *out)?;
    } else {
        rejects(&lake, context, &args.output, &mut *out)?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

/// Counts as the imports made them: a record over the limit is one, however many segments it is kept in.
fn summary(lake: &Lake, context: &Context, output: &OutputArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for object in lake.manifest.objects.values() {
        for (reason, n) in &object.tally.rejects {
            *counts.entry((reason, &object.name)).or_default() += n;
        }
    }
    let headers = ["reason", "records", "object", "remedy"];
    let mut table = Table::new(&headers).right_aligned(&["records"]);
    if output.format == TableFormat::Csv {
        csv::write_row(out, &headers.map(Cow::Borrowed))?;
    }
    for ((reason, object), n) in counts {
        let known = RejectReason::ALL.into_iter().find(|known| known.as_str() == reason);
        let remedy = known.map_or("", RejectReason::remedy);
        match output.format {
            TableFormat::Jsonl => {
                let value = serde_json::json!({"reason": reason, "records": n, "object": object, "remedy": remedy});
                jsonl::write_line(out, &value)?;
            }
            TableFormat::Csv => {
                csv::write_row(out, &[reason.into(), n.to_string().into(), object.into(), remedy.into()])?;
            }
            TableFormat::Table => table.push(vec![reason.into(), number(n), object.into(), remedy.into()]),
        }
    }
    if output.format == TableFormat::Table {
        show(&table, context, output, out)?;
    }
    Ok(())
}

fn show(table: &Table, context: &Context, output: &OutputArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if table.is_empty() {
        context.terminal.say("no rejects");
        return Ok(());
    }
    let width = if output.output.is_none() { context.terminal.width() } else { None };
    Ok(write!(out, "{}", table.render(width))?)
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
    if output.format == TableFormat::Table {
        show(&table, context, output, out)?;
    }
    Ok(())
}
