//! `logsift config`.

use super::context::Context;
use super::exit::Exit;
use super::settings::Settings;
use super::terminal;
use crate::report::table::Table;
use clap::{Args, Subcommand};
use std::io::Write as _;

/// Settings: a logsift.toml file < environment < flags.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting, its value and where it came from
    Show {
        /// Print a table or one JSON object
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
}

pub(super) fn run(args: &ConfigArgs, context: &Context) -> anyhow::Result<Exit> {
    let ConfigCommand::Show { format } = &args.command;
    let rows = rows(&context.settings);
    let mut out = terminal::output(None)?;
    if format == "json" {
        let object: serde_json::Map<String, serde_json::Value> = rows
            .into_iter()
            .map(|[name, value, from]| (name, serde_json::json!({"value": value, "from": from})))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
    } else {
        let mut table = Table::new(&["setting", "value", "from"]);
        rows.into_iter().for_each(|row| table.push(row.to_vec()));
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn rows(s: &Settings) -> Vec<[String; 3]> {
    let path = |p: &std::path::Path| p.display().to_string();
    let row = |name: &str, value: String, from: &dyn std::fmt::Display| [name.to_owned(), value, from.to_string()];
    vec![
        row("lake", path(&s.lake.value), &s.lake.from),
        row("tz", s.tz.value.clone(), &s.tz.from),
        row("color", format!("{:?}", s.color.value).to_lowercase(), &s.color.from),
        row("progress", s.progress.value.to_string(), &s.progress.from),
        row("key_file", s.key_file.value.as_deref().map(path).unwrap_or_default(), &s.key_file.from),
        row("account", s.account.value.clone().unwrap_or_default(), &s.account.from),
        row("region", s.region.value.clone().unwrap_or_default(), &s.region.from),
        row("scan.pack", s.pack.value.join(","), &s.pack.from),
        row("scan.rules", s.rules.value.iter().map(|p| path(p)).collect::<Vec<_>>().join(","), &s.rules.from),
        row("scan.disable", s.disable.value.join(","), &s.disable.from),
        row("scan.fail_on", s.fail_on.value.to_string(), &s.fail_on.from),
    ]
}
