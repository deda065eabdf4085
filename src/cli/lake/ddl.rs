//! `logsift lake ddl`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::lake::columns::ColumnKind;
use crate::lake::{Lake, schema};
use crate::model::TimeRange;
use anyhow::ensure;
use clap::Args;
use std::io::Write as _;

/// Print SQL that makes the lake's tables known to other engines.
///
/// For Athena and Glue, CREATE EXTERNAL TABLE statements, for a copy of the lake on S3. For DuckDB, views over the
/// files as they lie here.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DdlArgs {
    /// Statements for Athena and the Glue catalog
    #[arg(long, required_unless_present = "duckdb")]
    athena: bool,
    /// Views for DuckDB
    #[arg(long, conflicts_with = "athena")]
    duckdb: bool,
    /// Of this table only
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Where the copy of the lake lies on S3
    #[arg(long, value_name = "URI", default_value = "s3://BUCKET/logsift-lake", conflicts_with = "duckdb")]
    location: String,
}

const EXAMPLES: &str = "\
Examples:
  aws s3 sync logsift-lake s3://my-bucket/lake --exclude '_logsift/*'
  logsift lake ddl --athena --location s3://my-bucket/lake > tables.sql
  logsift lake ddl --duckdb | duckdb -init /dev/stdin";

pub(super) fn run(args: &DdlArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let location = args.location.trim_end_matches('/');
    let sound = location.starts_with("s3://") && location.len() > 5 && !location.contains(char::is_control);
    ensure!(sound, "`{location}` is no place on S3; give one such as s3://my-bucket/lake");
    let mut names = lake.tables();
    names.extend(schema::STITCHED);
    names.extend(schema::DERIVED);
    names.retain(|name| lake.all_parts().any(|part| part.table == *name));
    if let Some(wanted) = args.table.as_deref() {
        ensure!(names.contains(&wanted), "no table `{wanted}` in this lake; there are: {}", names.join(", "));
        names.retain(|name| *name == wanted);
    }
    let mut out = terminal::output(None)?;
    for name in &names {
        let text = if args.duckdb { duckdb(&lake, name)? } else { athena(&lake, name, location, context)? };
        write!(out, "{text}")?;
    }
    out.flush()?;
    if !args.duckdb && !lake.orphans()?.is_empty() {
        context.terminal.say(
            "there are files beside the lake's own (replaced, or left by a crash), which Athena would read too: run \
             `logsift lake compact`, and copy the lake after that",
        );
    }
    Ok(Exit::Clean)
}

const fn athena_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "string",
        ColumnKind::Int => "bigint",
        ColumnKind::Float => "double",
        ColumnKind::Bool => "boolean",
        ColumnKind::Time => "timestamp",
        ColumnKind::Bytes => "binary",
        ColumnKind::Texts => "array<string>",
    }
}

/// SQL text in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The days of a table, and whether there are rows without one.
fn days(lake: &Lake, table: &str) -> (Vec<String>, bool) {
    let mut days = Vec::new();
    let mut undated = false;
    for part in lake.parts(table, TimeRange::default()) {
        let folder = part.path.split('/').nth(1).and_then(|folder| folder.strip_prefix("event_date="));
        match folder {
            Some(day) if day.starts_with(|c: char| c.is_ascii_digit()) => days.push(day.to_owned()),
            Some(_) => undated = true,
            None => {}
        }
    }
    days.sort_unstable();
    days.dedup();
    (days, undated)
}

fn athena(lake: &Lake, table: &str, location: &str, context: &Context) -> anyhow::Result<String> {
    let columns: Vec<String> = lake
        .columns(table)?
        .iter()
        .map(|(name, kind)| format!("  `{}` {}", name.replace('`', ""), athena_type(*kind)))
        .collect();
    let place = format!("{location}/{table}/");
    let mut sql = format!("CREATE EXTERNAL TABLE IF NOT EXISTS `{table}` (\n{}\n)\n", columns.join(",\n"));
    let (days, undated) = days(lake, table);
    if !schema::DERIVED.contains(&table) {
        sql.push_str("PARTITIONED BY (`event_date` string)\n");
    }
    sql.push_str(&format!("STORED AS PARQUET\nLOCATION {}", quoted(&place)));
    let today = context.now().date();
    match (days.first(), days.last()) {
        // Projection knows days only: rows without one would not be found.
        (Some(first), Some(last)) if !undated => {
            let end = if *last > today { last.as_str() } else { "NOW" };
            let properties = [
                ("projection.enabled", "true".to_owned()),
                ("projection.event_date.type", "date".to_owned()),
                ("projection.event_date.format", "yyyy-MM-dd".to_owned()),
                ("projection.event_date.range", format!("{first},{end}")),
                ("storage.location.template", format!("{place}event_date=${{event_date}}/")),
            ];
            let lines: Vec<String> =
                properties.iter().map(|(name, value)| format!("  {} = {}", quoted(name), quoted(value))).collect();
            sql.push_str(&format!("\nTBLPROPERTIES (\n{}\n);\n\n", lines.join(",\n")));
        }
        (None, _) if !undated => sql.push_str(";\n\n"),
        _ => sql.push_str(&format!(";\n-- Again after each import:\nMSCK REPAIR TABLE `{table}`;\n\n")),
    }
    Ok(sql)
}

fn duckdb(lake: &Lake, table: &str) -> anyhow::Result<String> {
    let root = std::path::absolute(lake.root())?.display().to_string();
    let derived = schema::DERIVED.contains(&table);
    let beside = lake.orphans()?.iter().any(|path| path.starts_with(&format!("{table}/")));
    let glob = if derived { format!("{root}/{table}/*.parquet") } else { format!("{root}/{table}/*/*.parquet") };
    // Files beside the lake's own must not be read, and a folder's name must not be taken for a pattern.
    let files = if beside || root.contains(['*', '?', '[', ']', '{', '}']) {
        let parts = lake.all_parts().filter(|part| part.table == table);
        let list: Vec<String> = parts.map(|part| quoted(&format!("{root}/{}", part.path))).collect();
        format!("[{}]", list.join(", "))
    } else {
        quoted(&glob)
    };
    let hive = if derived { "" } else { ", hive_partitioning = true, union_by_name = true" };
    let name = table.replace('"', "");
    Ok(format!("CREATE OR REPLACE VIEW \"{name}\" AS\nSELECT * FROM read_parquet({files}{hive});\n\n"))
}
