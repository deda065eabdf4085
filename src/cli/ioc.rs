//! `logsift ioc`.

mod lists;

use super::args::OutputArgs;
use super::context::Context;
use super::exit::Exit;
use super::listing::Listing;
use super::time_flags::TimeArgs;
use crate::model::Indicator;
use crate::report::text::{counted, number};
use crate::timeline::{Sighting, sweep};
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Read as _;
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

/// One line of the list.
#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Seen(&'a Sighting),
    Unseen { indicator: &'a Indicator, events: u64 },
}

fn cells(row: &Row<'_>, context: &Context) -> [String; 9] {
    let (indicator, sighting) = match row {
        Row::Seen(sighting) => (&sighting.indicator, Some(*sighting)),
        Row::Unseen { indicator, .. } => (*indicator, None),
    };
    let of = |told: fn(&Sighting, &Context) -> String| sighting.map(|one| told(one, context)).unwrap_or_default();
    [
        indicator.kind.as_str().to_owned(),
        indicator.value.clone(),
        sighting.map_or(0, |one| one.events).to_string(),
        of(|one, context| context.show_time(one.first)),
        of(|one, context| context.show_time(one.last)),
        of(|one, _| one.tables.iter().map(|(table, n)| format!("{table} {n}")).collect::<Vec<_>>().join(", ")),
        of(|one, _| one.resources.iter().cloned().collect::<Vec<_>>().join(", ")),
        indicator.note.clone().unwrap_or_default(),
        of(|one, _| one.reference.clone()),
    ]
}

fn print(args: &IocArgs, context: &Context, seen: &[Sighting], all: &[Indicator]) -> anyhow::Result<()> {
    let known: BTreeSet<&Indicator> = seen.iter().map(|sighting| &sighting.indicator).collect();
    let unseen = all.iter().filter(|one| args.all && !known.contains(one));
    let unseen = unseen.map(|indicator| Row::Unseen { indicator, events: 0 });
    let rows: Vec<Row<'_>> = seen.iter().map(Row::Seen).chain(unseen).collect();
    let clipped = &[(1, 60), (6, 40), (7, 40), (8, 12)];
    let listing = Listing { headers: &HEADERS, numbers: &["events"], clipped };
    listing.write(&rows, |row| cells(row, context), (args.output.format, args.output.output.as_deref()), context)
}
