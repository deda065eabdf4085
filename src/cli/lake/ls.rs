//! `logsift lake ls`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::number;
use clap::Args;
use std::io::Write as _;

/// Parts of the lake; with --paths just their paths, for DuckDB or pyarrow.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Absolute paths only, one a line
    #[arg(long)]
    paths: bool,
    /// Of this table only
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &LsArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let mut out = terminal::output(None)?;
    let json = args.format == "json";
    let mut table = Table::new(&["table", "rows", "bytes", "path"]).right_aligned(&["rows", "bytes"]);
    for part in lake.all_parts().filter(|part| args.table.as_ref().is_none_or(|name| part.table == *name)) {
        let full = std::path::absolute(lake.path_of(part))?;
        match (args.paths, json) {
            (true, _) => writeln!(out, "{}", full.display())?,
            (false, true) => jsonl::write_line(&mut *out, part)?,
            (false, false) => {
                table.push(vec![part.table.clone(), number(part.rows), number(part.bytes), part.path.clone()]);
            }
        }
    }
    if !args.paths && !json {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}
