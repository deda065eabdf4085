//! `logsift lake info`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::lake::manifest::Part;
use crate::lake::schema;
use crate::model::{Micros, TimeRange};
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::{counted, number};
use clap::Args;
use std::io::Write as _;

/// Tables, events, times and sizes.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &InfoArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let mut out = terminal::output(None)?;
    let json = args.format == "json";
    let numbers = ["rows", "parts", "bytes", "raw_bytes"];
    let mut table =
        Table::new(&["table", "rows", "first", "last", "parts", "bytes", "raw_bytes"]).right_aligned(&numbers);
    let mut names: Vec<&str> = lake.tables();
    names.extend(lake.manifest.pruned.iter().map(|pruned| pruned.table.as_str()));
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().chain(schema::STITCHED).chain(schema::DERIVED) {
        let parts: Vec<_> = lake.parts(name, TimeRange::default()).collect();
        let pruned: u64 = lake.manifest.pruned.iter().filter(|p| p.table == name).map(|p| p.rows).sum();
        if parts.is_empty() && pruned == 0 {
            continue;
        }
        let sum = |get: fn(&Part) -> u64| parts.iter().map(|p| get(p)).sum::<u64>();
        let first = parts.iter().filter_map(|p| p.min_time).min().map(Micros);
        let last = parts.iter().filter_map(|p| p.max_time).max().map(Micros);
        if json {
            let value = serde_json::json!({
                "table": name, "rows": sum(|p| p.rows), "first": first, "last": last, "parts": parts.len(),
                "bytes": sum(|p| p.bytes), "raw_bytes": sum(|p| p.raw_bytes), "pruned_rows": pruned,
            });
            jsonl::write_line(&mut *out, &value)?;
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
    out.flush()?;
    for pruned in lake.manifest.pruned.iter().filter(|_| !json) {
        let rows = counted(pruned.rows, "event");
        context
            .terminal
            .say(&format!("pruned from {}: {rows} before {}, on {}", pruned.table, pruned.before, pruned.when));
    }
    if !lake.manifest.stale.is_empty() {
        let days = counted(lake.manifest.stale.len() as u64, "day");
        context.terminal.say(&format!(
            "{days} of requests and invocations lack lines that came last; run the interrupted import again"
        ));
    }
    Ok(Exit::Clean)
}
