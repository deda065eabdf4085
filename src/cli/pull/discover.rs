//! `logsift pull discover`.

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::pull::{ClientConfig, CloudWatchLogs, log_prefixes};
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::number;
use clap::Args;
use std::io::Write as _;

/// Show what there is to pull: log groups with class, retention, size and protection
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// Only groups whose names begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Also the accounts that deliver logs to this bucket
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &DiscoverArgs, config: &ClientConfig, context: &Context) -> anyhow::Result<Exit> {
    let mut out = terminal::output(None)?;
    let mut table = Table::new(&["log_group", "class", "retention", "stored_bytes", "kms", "data_protection"])
        .right_aligned(&["stored_bytes"]);
    for group in CloudWatchLogs::connect(config, None)?.groups(args.prefix.as_deref())? {
        if args.format == "json" {
            let value = serde_json::json!({
                "log_group": group.name, "class": group.class, "retention_days": group.retention_days,
                "stored_bytes": group.stored_bytes, "kms_key": group.kms_key, "data_protection": group.data_protection,
            });
            jsonl::write_line(&mut out, &value)?;
        }
        table.push(vec![
            group.name,
            group.class,
            group.retention_days.map_or_else(|| "never expires".to_owned(), |days| format!("{days} days")),
            number(group.stored_bytes.unsigned_abs()),
            if group.kms_key.is_some() { "yes" } else { "no" }.to_owned(),
            group.data_protection.unwrap_or_else(|| "none".to_owned()),
        ]);
    }
    if args.format == "table" {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    for name in &args.bucket {
        for prefix in log_prefixes(config, name)? {
            let uri = format!("s3://{name}/{prefix}");
            if args.format == "json" {
                jsonl::write_line(&mut out, &serde_json::json!({"s3": uri}))?;
            } else {
                writeln!(out, "{uri}")?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Clean)
}
