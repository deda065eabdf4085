//! `logsift timeline`.

mod groups;
mod print;

use super::context::Context;
use super::context_file::ContextArgs;
use super::exit::Exit;
use super::time_flags::{TimeArgs, duration};
use super::{settings, terminal};
use crate::detect::{self, Case};
use crate::frame;
use crate::lake::Lake;
use crate::model::{Detection, Entry, Finding, IpNetwork, NetworkContext, TimeRange};
use crate::report::text::{counted, number};
use crate::timeline::{
    Collapse, Outcome, PivotQuery, StorySources, TimelineQuery, Told, Wanted, explain, pivot, story, table_summaries,
    timeline,
};
use clap::Args;
use print::{Printer, TimelineOutput};
use std::io::Write as _;
use std::ops::ControlFlow;

/// How far a pivot goes where nobody says: steps, time, events of one value.
pub(super) const DEPTH: u32 = 3;
pub(super) const WINDOW: &str = "2h";
pub(super) const FAN_OUT: u64 = 2_000;

/// What happened, in order.
///
/// One merged, time-ordered list over all tables of the lake, with findings at their first sighting and
/// detections at their first event. Filters of different kinds must all hold; a filter given twice means
/// either value. With --story: findings and detections from medium on, and every event of the addresses and
/// keys they lead to. With --pivot: everything that hangs together with an id, and by which link.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TimelineArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// Address on either end, or a range of them: 198.51.100.77, 203.0.113.0/24
    #[arg(long, value_name = "IP|CIDR", help_heading = "Filters")]
    ip: Vec<String>,
    /// User, role, session name, ARN (or a part of it) or access key id
    #[arg(long, value_name = "WHO", help_heading = "Filters")]
    actor: Vec<String>,
    /// Log group, load balancer, service or interface, or a part of its name
    #[arg(long, value_name = "WHAT", help_heading = "Filters")]
    resource: Vec<String>,
    /// How it ended: success, failure, 403, 5xx, AccessDenied, REJECT
    #[arg(long, value_name = "OUTCOME", help_heading = "Filters")]
    outcome: Vec<String>,
    /// Event id, request id, trace id, access key id or fingerprint
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    id: Vec<String>,
    /// Text anywhere in the record
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    text: Vec<String>,
    /// Table to look at, see `logsift lake info`
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    table: Vec<String>,
    /// A condition in SQL over the columns all tables have: "http_status >= 500 AND url_path LIKE '/api/%'"
    #[arg(long = "where", value_name = "SQL", help_heading = "Filters")]
    condition: Option<String>,
    /// Leave out what is less severe; events are info, failed ones low
    #[arg(long, value_name = "SEVERITY", help_heading = "Filters", value_parser = ["info", "low", "medium", "high", "critical"])]
    severity: Option<String>,
    /// Only what matters: findings, detections, and the events they lead to
    #[arg(long, conflicts_with_all = ["pivot", "sessions", "histogram"])]
    story: bool,
    /// Everything that hangs together with this id, link by link: an address, access key, request or trace id, ARN,
    /// user, event id or fingerprint
    #[arg(long, value_name = "ID", help_heading = "Pivot", conflicts_with_all = ["sessions", "histogram"])]
    pivot: Vec<String>,
    /// Steps to go from there; all events of one request are one step
    #[arg(long, value_name = "N", help_heading = "Pivot", default_value_t = DEPTH, requires = "pivot")]
    depth: u32,
    /// How far apart two events of one address, session or target may lie
    #[arg(long, value_name = "DURATION", help_heading = "Pivot", default_value = WINDOW, requires = "pivot")]
    window: String,
    /// Do not follow what more events than this have
    #[arg(long, value_name = "N", help_heading = "Pivot", default_value_t = FAN_OUT, requires = "pivot")]
    fan_out: u64,
    /// Fold runs of the like into one row, with their number and last time
    #[arg(long, conflicts_with_all = ["sessions", "histogram"])]
    collapse: bool,
    /// Group by actor: one row from the first to the last event without a pause of --idle
    #[arg(long, conflicts_with = "histogram")]
    sessions: bool,
    /// Pause that ends a session
    #[arg(long, value_name = "DURATION", default_value = "30m", requires = "sessions")]
    idle: String,
    /// Count events over time, as a chart
    #[arg(long)]
    histogram: bool,
    /// Width of a bar (5m, 1h, 1d); one that reads well is chosen otherwise
    #[arg(long, value_name = "DURATION", requires = "histogram")]
    bucket: Option<String>,
    /// How far the clocks of the sources are apart, by requests that two of them have seen. Times are never changed
    #[arg(long, conflicts_with_all = ["pivot", "story", "sessions", "histogram", "collapse"])]
    skew: bool,
    /// Stop after so many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Show how the lake would be read, do not read it
    #[arg(long, conflicts_with_all = ["pivot", "story"])]
    explain: bool,
    #[command(flatten)]
    known: ContextArgs,
    #[command(flatten)]
    pub(super) output: TimelineOutput,
}

const EXAMPLES: &str = "\
Examples:
  logsift timeline --story
  logsift timeline --ip 198.51.100.0/24 --from 2026-03-06T14:00Z --to 2026-03-06T15:00Z --collapse
  logsift timeline --pivot ASIAEXAMPLEKEYID0000 --depth 3
  logsift timeline --around 2026-03-06T14:03Z±5m --format csv -o around.csv
  logsift timeline --histogram --outcome 5xx --bucket 1h
  logsift timeline --where \"http_status = 403 AND url_path LIKE '/admin%'\" --sessions
  logsift timeline --format timesketch -o incident.jsonl";

pub(super) fn run(args: &TimelineArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let range = args.time.range(context.now(), &context.tz)?;
    let query = query(args, &lake, range)?;
    let networks = args.known.load(context)?;
    if args.explain {
        let mut out = terminal::output(args.output.output.as_deref())?;
        write!(out, "{}{}", opened(&lake, &query), explain(&lake, &query, Wanted::Message)?)?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    if args.histogram {
        let bucket = args.bucket.as_deref().map(duration).transpose()?;
        anyhow::ensure!(bucket.is_none_or(|bucket| bucket > 0), "--bucket must be longer than nothing");
        return groups::histogram(&lake, &query, bucket, &args.output, context);
    }
    if args.skew {
        return groups::skew(&lake, range, &args.output, context);
    }
    let masker = context.masker(args.output.reveal)?;
    if args.sessions {
        return groups::sessions(&lake, &query, (duration(&args.idle)?, args.limit), &args.output, &*masker, context);
    }
    let findings = findings_of(&lake, context)?;
    let detections = detections(&lake, range, &findings)?;
    let sources = StorySources { findings: &findings, detections: &detections };
    let mut printer = Printer::new(&args.output, context, &*masker, &networks)?;
    let told = match (args.story, args.pivot.is_empty()) {
        (true, _) => give(args, &mut printer, story(&lake, &query, &sources, args.output.wanted())?)?,
        (false, false) => pivoted(args, context, (&lake, &query, &sources, &networks), &mut printer)?,
        (false, true) => listed(args, (&lake, &query, &sources), &mut printer)?,
    };
    printer.finish()?;
    if told.is_cut {
        context.terminal.say("ended by --limit: there may be more rows");
    }
    if told.rows == 0 {
        let what = if args.pivot.is_empty() { "nothing matches" } else { "no event, finding or detection has this id" };
        let summaries = table_summaries(&lake);
        let first = summaries.iter().filter_map(|table| table.first).min();
        let last = summaries.iter().filter_map(|table| table.last).max();
        let there = first.zip(last).map(|(first, last)| {
            format!("; the lake has events from {} to {}", context.show_time(first), context.show_time(last))
        });
        context.terminal.say(&format!("{what}; widen the time or take a filter off{}", there.unwrap_or_default()));
    }
    Ok(Exit::Clean)
}

fn listed(
    args: &TimelineArgs,
    (lake, query, sources): (&Lake, &TimelineQuery, &StorySources<'_>),
    printer: &mut Printer<'_>,
) -> anyhow::Result<Told> {
    let mut collapse = Collapse::default();
    // With --collapse the limit counts rows that are shown.
    let limit = args.limit.filter(|_| !args.collapse);
    let mut rows = 0;
    let most = args.limit.unwrap_or(usize::MAX);
    let mut print = |mut out: Vec<Entry>| {
        out.truncate(most - rows);
        rows += out.len();
        printer.push(out)?;
        anyhow::Ok(if rows < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    };
    let mut told = timeline(lake, query, sources, args.output.wanted(), limit, &mut |entries| {
        if !args.collapse {
            return print(entries);
        }
        let mut out = Vec::new();
        entries.into_iter().for_each(|entry| collapse.push(entry, &mut out));
        print(out)
    })?;
    let mut out = Vec::new();
    collapse.finish(&mut out);
    told.is_cut |= print(out)?.is_break();
    Ok(Told { rows: rows as u64, ..told })
}

fn pivoted(
    args: &TimelineArgs,
    context: &Context,
    (lake, query, sources, networks): (&Lake, &TimelineQuery, &StorySources<'_>, &NetworkContext),
    printer: &mut Printer<'_>,
) -> anyhow::Result<Told> {
    let asked = PivotQuery {
        starts: &args.pivot,
        depth: args.depth,
        window: duration(&args.window)?,
        most: args.fan_out,
        context: networks,
    };
    let told = pivot(lake, query, sources, &asked)?;
    for skipped in &told.not_followed {
        let (by, value) = (skipped.by, &skipped.value);
        context.terminal.say(&format!(
            "not followed: {by} {value}, which {} have; --fan-out {} would",
            counted(skipped.events, "event"),
            skipped.events
        ));
    }
    give(args, printer, told.entries)
}

/// Entries that are all there already, folded if asked.
fn give(args: &TimelineArgs, printer: &mut Printer<'_>, mut entries: Vec<Entry>) -> anyhow::Result<Told> {
    if args.collapse {
        let (mut collapse, mut out) = (Collapse::default(), Vec::new());
        entries.into_iter().for_each(|entry| collapse.push(entry, &mut out));
        collapse.finish(&mut out);
        entries = out;
    }
    let all = entries.len();
    entries.truncate(args.limit.unwrap_or(usize::MAX));
    let rows = entries.len();
    printer.push(entries)?;
    Ok(Told { rows: rows as u64, is_cut: rows < all })
}

/// How much of the lake is read: parts by the manifest, row groups and columns by their footers.
fn opened(lake: &Lake, query: &TimelineQuery) -> String {
    let tables = query.chosen(lake);
    let whole: u64 = tables.iter().flat_map(|table| lake.parts(table, TimeRange::default())).map(|p| p.bytes).sum();
    let all = tables.iter().flat_map(|table| lake.parts(table, TimeRange::default())).count();
    let parts: Vec<_> = tables.iter().flat_map(|table| lake.parts(table, query.range)).collect();
    let columns = Wanted::Message.columns();
    let (mut groups, mut of, mut bytes) = (0, 0, 0);
    for part in &parts {
        let size = lake.read_size(part, &columns, query.range);
        (groups, of, bytes) = (groups + size.groups, of + size.all_groups, bytes + size.bytes);
    }
    format!(
        "in the time asked about: {} of {} parts, {groups} of their {of} row groups; {} of {} bytes are read ({:.2} %)\n\n",
        parts.len(),
        all,
        number(bytes),
        number(whole),
        bytes as f64 * 100.0 / whole.max(1) as f64
    )
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

/// Detections of the whole lake that touch the range. They are made once for each state of the lake.
pub(super) fn detections(lake: &Lake, range: TimeRange, findings: &[Finding]) -> anyhow::Result<Vec<Detection>> {
    let kept = lake.cached("detections", detect::REVISION).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut all: Vec<Detection> = match kept {
        Some(all) => all,
        None => {
            let all = detect::run_all(&Case { lake, range: TimeRange::default(), findings })?;
            lake.cache("detections", detect::REVISION, &serde_json::to_vec(&all)?);
            all
        }
    };
    all.retain(|detection| range.touches(detection.first_seen, detection.last_seen));
    Ok(all)
}

/// Fails on a table that the lake does not have, with the nearest that it has.
pub(super) fn check_tables(lake: &Lake, asked: &[String]) -> anyhow::Result<()> {
    let tables = lake.tables();
    let missing = asked.iter().find(|name| !tables.contains(&name.as_str()));
    missing.map_or(Ok(()), |name| Err(anyhow::anyhow!(frame::no_table(name, &tables))))
}

fn query(args: &TimelineArgs, lake: &Lake, range: TimeRange) -> anyhow::Result<TimelineQuery> {
    check_tables(lake, &args.table)?;
    let mut networks = Vec::new();
    for text in &args.ip {
        let parsed = IpNetwork::parse(text);
        networks.push(parsed.ok_or_else(|| {
            anyhow::anyhow!("`{text}` is no IP address and no range of them, such as 203.0.113.0/24")
        })?);
    }
    args.condition.as_deref().map(frame::where_sql).transpose()?;
    Ok(TimelineQuery {
        range,
        tables: args.table.clone(),
        networks,
        actors: args.actor.clone(),
        resources: args.resource.clone(),
        outcomes: args.outcome.iter().map(|text| Outcome::parse(text)).collect(),
        ids: args.id.clone(),
        texts: args.text.clone(),
        sql: args.condition.clone(),
        min_severity: args.severity.as_deref().map(settings::severity).transpose()?,
    })
}

/// Every text of an entry that came from a log.
pub(super) fn texts_of(entry: &mut Entry) -> impl Iterator<Item = &mut String> {
    let Entry { actor, source_ip, action, target, outcome, message, details, link, .. } = entry;
    let details = details.iter_mut().filter_map(|(_, detail)| match detail {
        crate::model::Detail::Text(text) => Some(text),
        crate::model::Detail::Int(_) | crate::model::Detail::Time(_) => None,
    });
    let fields = [actor, source_ip, action, target, outcome, message];
    fields.into_iter().flatten().chain(link.as_mut().map(|link| &mut link.value)).chain(details)
}
