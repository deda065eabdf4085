//! `logsift ioc`.

mod lists;

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::terminal;
use super::time_flags::TimeArgs;
use crate::model::Indicator;
use crate::report::table::Table;
use crate::report::text::{clip, counted, number};
use crate::report::{csv, jsonl};
use crate::timeline::{Sighting, sweep};
use anyhow::Context as _;
use clap::Args;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{Read as _, Write};
use std::path::PathBuf;

/// Which indicators of compromise stand in the lake?
///
/// Sweeps every table for a list of addresses, ranges, domains, URLs, e-mail addresses, user agents, file hashes, access
/// key ids or other texts. A list is CSV (a column `indicator` or `value`, else the first), plain lines, a STIX 2.1
/// bundle or a MISP event; which of them is told by its content. Defanged spellings such as hxxp and 203[.]0[.]113[.]9
/// are understood. Addresses are compared as addresses; names and hashes only where no letter or digit goes on.
///
/// Exit code: 1 where any was seen, 0 where none was.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct IocArgs {
    /// Lists of indicators; - is stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    time: TimeArgs,
    /// Show indicators that were not seen, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift ioc report.csv stix-bundle.json
  printf '203.0.113.66\\nevil.example\\n' | logsift ioc -
  logsift ioc misp-event.json --since 30d --format jsonl";

pub(super) fn run(args: &IocArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let masker = context.masker(args.output.reveal)?;
    let range = args.time.range(context.now(), &context.tz)?;
    let mut indicators: BTreeSet<Indicator> = BTreeSet::new();
    for file in &args.files {
        let (read, unread) = lists::read(&text_of(file)?).with_context(|| format!("{}: no list", file.display()))?;
        if unread > 0 {
            let file = file.display();
            context.terminal.warn(&format!("{file}: {} not understood, and not looked for", counted(unread, "entry")));
        }
        indicators.extend(read);
    }
    anyhow::ensure!(!indicators.is_empty(), "no indicators in {}", args.files[0].display());
    let indicators: Vec<Indicator> = indicators.into_iter().collect();
    let mut seen = sweep(&lake, &indicators, range)?;
    for sighting in &mut seen {
        sighting.resources = sighting.resources.iter().map(|text| masker.mask(text).into_owned()).collect();
    }
    print(args, context, &seen, &indicators)?;
    context.terminal.say(&format!(
        "{} of {} seen",
        number(seen.len() as u64),
        counted(indicators.len() as u64, "indicator")
    ));
    Ok(if seen.is_empty() { Exit::Clean } else { Exit::Findings })
}

fn text_of(file: &PathBuf) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).context("stdin cannot be read")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    }
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}

const HEADERS: [&str; 9] = ["kind", "indicator", "events", "first", "last", "tables", "resources", "note", "ref"];

fn cells(sighting: &Sighting, context: &Context) -> [String; 9] {
    let tables = sighting.tables.iter().map(|(table, n)| format!("{table} {n}")).collect::<Vec<_>>().join(", ");
    [
        sighting.indicator.kind.as_str().to_owned(),
        sighting.indicator.value.clone(),
        sighting.events.to_string(),
        context.show_time(sighting.first),
        context.show_time(sighting.last),
        tables,
        sighting.resources.iter().cloned().collect::<Vec<_>>().join(", "),
        sighting.indicator.note.clone().unwrap_or_default(),
        sighting.reference.clone(),
    ]
}

fn print(args: &IocArgs, context: &Context, seen: &[Sighting], all: &[Indicator]) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    let known: BTreeSet<&Indicator> = seen.iter().map(|sighting| &sighting.indicator).collect();
    let unseen: Vec<&Indicator> = all.iter().filter(|one| args.all && !known.contains(one)).collect();
    let blank = |one: &Indicator| -> [String; 9] {
        let mut row: [String; 9] = Default::default();
        (row[0], row[1], row[2]) = (one.kind.as_str().to_owned(), one.value.clone(), "0".to_owned());
        row[7] = one.note.clone().unwrap_or_default();
        row
    };
    let rows = seen.iter().map(|sighting| cells(sighting, context)).chain(unseen.iter().map(|one| blank(one)));
    match args.output.format {
        TableFormat::Jsonl => {
            for sighting in seen {
                jsonl::write_line(&mut *out, sighting)?;
            }
            for one in unseen {
                jsonl::write_line(&mut *out, &serde_json::json!({"indicator": one, "events": 0}))?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(&mut *out, &HEADERS.map(Cow::Borrowed))?;
            for row in rows {
                csv::write_row(&mut *out, &row.map(Cow::Owned))?;
            }
        }
        TableFormat::Table => {
            let mut table = Table::new(&HEADERS).right_aligned(&["events"]);
            for mut row in rows {
                for (cell, most) in [(1, 60), (6, 40), (7, 40), (8, 12)] {
                    row[cell] = clip(&row[cell], most).into_owned();
                }
                table.push(row.to_vec());
            }
            if !table.is_empty() {
                write!(out, "{}", table.render(context.terminal.width()))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
