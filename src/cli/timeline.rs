//! `logsift timeline`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::time_flags::TimeArgs;
use super::{settings, terminal};
use crate::detect::{self, Case};
use crate::lake::Lake;
use crate::model::{Detection, Entry, Finding, Masker, Micros, TimeRange};
use crate::report::table::Table;
use crate::report::text::{clip, number};
use crate::report::{csv, jsonl};
use crate::timeline::{Story, StorySources, TimelineQuery, story, timeline};
use clap::Args;
use std::borrow::Cow;
use std::io::Write;

/// What happened, in order.
///
/// One merged, time-ordered list over all tables of the lake, with findings at their first sighting and
/// detections at their first event. Filters of different kinds must all hold; a filter given twice means
/// either value. With --story: findings and detections from medium on, and every event of the addresses and
/// keys they lead to.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TimelineArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// Address on either end
    #[arg(long, value_name = "IP")]
    ip: Vec<String>,
    /// User, role, session name, ARN (or a part of it) or access key id
    #[arg(long, value_name = "WHO")]
    actor: Vec<String>,
    /// Event id, request id, trace id, access key id or fingerprint
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Text anywhere in the record
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// Table to look at, see `logsift lake info`
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Leave out what is less severe; events are info, failed ones low
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "low", "medium", "high", "critical"])]
    severity: Option<String>,
    /// Only what matters: findings, detections, and the events they lead to
    #[arg(long)]
    story: bool,
    /// Stop after so many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift timeline --story
  logsift timeline --ip 198.51.100.77 --from 2026-03-06T14:00Z --to 2026-03-06T15:00Z
  logsift timeline --around 2026-03-06T14:03Z±5m --format csv -o around.csv
  logsift timeline --id 1-69aadeaa-973bbbd64ece283699686af2";

pub(super) fn run(args: &TimelineArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let masker = context.masker(args.output.reveal)?;
    let range = args.time.range(context.now(), &context.tz)?;
    let findings = findings_of(&lake, context)?;
    let detections = detections(&lake, range, &findings)?;
    let query = query(args, &lake, range)?;
    let sources = StorySources { findings: &findings, detections: &detections };
    let mut told = match args.story {
        true => story(&lake, &query, &sources, args.limit)?,
        false => timeline(&lake, &query, &sources, args.limit)?,
    };
    told.entries.iter_mut().for_each(|entry| mask(entry, &*masker));
    print(args, context, &told)?;
    if told.left_out > 0 {
        context.terminal.say(&format!("{} more rows left out by --limit", number(told.left_out)));
    }
    if told.entries.is_empty() {
        context.terminal.say("nothing matches; widen the time or take a filter off");
    }
    Ok(Exit::Clean)
}

/// The last scan's findings; says so when they are missing or older than the last import.
pub(super) fn findings_of(lake: &Lake, context: &Context) -> anyhow::Result<Vec<Finding>> {
    let Some(findings) = lake.findings()? else {
        context.terminal.say("not scanned yet: run `logsift scan` to see secrets in the timeline");
        return Ok(Vec::new());
    };
    if lake.manifest.last_scan < lake.manifest.last_import {
        context.terminal.say("the lake has grown since the last scan: run `logsift scan` again");
    }
    Ok(findings)
}

pub(super) fn detections(lake: &Lake, range: TimeRange, findings: &[Finding]) -> anyhow::Result<Vec<Detection>> {
    Ok(detect::run_all(&Case { lake, range, findings })?)
}

fn query(args: &TimelineArgs, lake: &Lake, range: TimeRange) -> anyhow::Result<TimelineQuery> {
    let tables = lake.tables();
    for name in &args.table {
        anyhow::ensure!(
            tables.contains(&name.as_str()),
            "no table `{name}` in this lake; it has: {}",
            tables.join(", ")
        );
    }
    let canonical = |text: &String| crate::codec::tokens::ip(text).map(Cow::into_owned);
    let mut ips = Vec::new();
    for text in &args.ip {
        ips.push(canonical(text).ok_or_else(|| anyhow::anyhow!("`{text}` is no IP address"))?);
    }
    Ok(TimelineQuery {
        range,
        tables: args.table.clone(),
        ips,
        actors: args.actor.clone(),
        ids: args.id.clone(),
        texts: args.text.clone(),
        min_severity: args.severity.as_deref().map(settings::severity).transpose()?,
    })
}

/// Every text of an entry that came from a log.
pub(super) fn mask(entry: &mut Entry, masker: &dyn Masker) {
    let fields = [
        &mut entry.actor,
        &mut entry.source_ip,
        &mut entry.action,
        &mut entry.target,
        &mut entry.outcome,
        &mut entry.message,
    ];
    for text in fields.into_iter().flatten() {
        if let Cow::Owned(masked) = masker.mask(text) {
            *text = masked;
        }
    }
}

fn print(args: &TimelineArgs, context: &Context, told: &Story) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    let headers =
        ["time", "delta", "severity", "source", "actor", "source_ip", "action", "target", "outcome", "message", "ref"];
    let mut before: Option<Micros> = None;
    let mut cells_of = |entry: &Entry| -> [String; 11] {
        let delta = before.map(|b| delta(b, entry.time)).unwrap_or_default();
        before = Some(entry.time);
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        [
            context.show_time(entry.time),
            delta,
            entry.severity.to_string(),
            entry.source.clone(),
            text(&entry.actor),
            text(&entry.source_ip),
            text(&entry.action),
            text(&entry.target),
            text(&entry.outcome),
            text(&entry.message),
            entry.reference.clone(),
        ]
    };
    match args.output.format {
        TableFormat::Jsonl => {
            for entry in &told.entries {
                jsonl::write_line(&mut *out, entry)?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(&mut *out, &headers.map(Cow::Borrowed))?;
            for entry in &told.entries {
                csv::write_row(&mut *out, &cells_of(entry).map(Cow::Owned))?;
            }
        }
        TableFormat::Table => {
            let mut table = Table::new(&headers).right_aligned(&["delta"]);
            for entry in &told.entries {
                let mut cells = cells_of(entry).to_vec();
                for (cell, most) in [(4, 40), (7, 48), (9, 120), (10, 12)] {
                    cells[cell] = if cell == 10 {
                        cells[cell].chars().take(most).collect()
                    } else {
                        clip(&cells[cell], most).into_owned()
                    };
                }
                table.push(cells);
            }
            let width = if args.output.output.is_none() { context.terminal.width() } else { None };
            if !table.is_empty() {
                write!(out, "{}", context.terminal.paint(table.render(width), args.output.output.is_none()))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// The time since the row before, in the unit a person would use.
fn delta(before: Micros, now: Micros) -> String {
    let micros = now.0.saturating_sub(before.0);
    match micros {
        ..1_000 => format!("+{micros}µs"),
        1_000..1_000_000 => format!("+{}ms", micros / 1_000),
        1_000_000..60_000_000 => format!("+{:.1}s", micros as f64 / 1e6),
        60_000_000..3_600_000_000 => format!("+{}m{:02}s", micros / 60_000_000, micros / 1_000_000 % 60),
        _ => format!("+{}h{:02}m", micros / 3_600_000_000, micros / 60_000_000 % 60),
    }
}
