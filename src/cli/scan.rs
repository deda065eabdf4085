//! `logsift scan`.

mod known;

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::rules::RuleArgs;
use super::{settings, terminal};
use crate::lake::Lake;
use crate::model::{Confidence, Finding, Severity};
use crate::pipeline::scan::{ScanConfig, ScanReport, Sighting, occurrence_rows, scan_lake};
use crate::pipeline::scan_files::{scan_files, scan_stream};
use crate::report::table::Table;
use crate::report::text::{counted, number, terminal as one_line};
use crate::report::{csv, jsonl};
use crate::scan::KeyedHash;
use anyhow::Context as _;
use clap::Args;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Find secrets and personal data.
///
/// Without PATH the lake is scanned: the raw text of every record, rejects included; its findings are kept
/// in the lake for `timeline`, `report` and `query`. With PATH any files, directories or standard input (-)
/// are scanned as they lie, compressed or not, in archives or not, and nothing is kept.
///
/// A finding is one secret, however often it was logged. Values are shown as masks; the fingerprint is a
/// keyed hash (the lake's own key, or --key-file), so it can be compared but not guessed.
///
/// Exit code: 1 with a finding at or above --fail-on, 2 when something could not be scanned, else 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ScanArgs {
    /// Files, directories and archives, or - for standard input [default: the lake]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleArgs,
    /// Print every place of every secret, not one row per secret
    #[arg(long)]
    occurrences: bool,
    /// Leave out what is less sure: low, medium, high
    #[arg(long, value_name = "CONFIDENCE", default_value = "medium", value_parser = ["low", "medium", "high"])]
    min_confidence: String,
    /// Read the whole lake again, also what the last scan read with the same rules and key
    #[arg(long)]
    rescan: bool,
    /// Of the lake, only secrets that the last scan did not find
    #[arg(long, conflicts_with_all = ["rescan", "occurrences", "reveal"])]
    since_last: bool,
    /// Leave out the findings that this file names: fingerprints, one a line, or what scan --format jsonl wrote
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// Severity from which findings make the exit code 1 [default: medium] [env: LOGSIFT_FAIL_ON]
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "low", "medium", "high", "critical"])]
    fail_on: Option<String>,
    /// File with the fingerprint key, 64 hex digits [env: LOGSIFT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift scan                                  the lake
  logsift scan --pack secrets app.log.gz        a file, secrets only
  kubectl logs api | logsift scan -
  logsift scan --occurrences --format jsonl | jq -r '[.path,.line,.rule,.mask] | @tsv'";

pub(super) fn run(args: &ScanArgs, context: &Context) -> anyhow::Result<Exit> {
    let engine = context.engine(&args.rules)?;
    let fail_on = match &args.fail_on {
        Some(text) => settings::severity(text)?,
        None => context.settings.fail_on.value,
    };
    let of_lake = args.paths.is_empty();
    let mut lake = if of_lake { Some(context.lake()?) } else { context.lake().ok() };
    let key = context.key(args.key_file.as_deref(), lake.as_ref())?;
    let min_confidence = Confidence::parse(&args.min_confidence).unwrap_or(Confidence::Medium);
    let config = ScanConfig { engine: &engine, hash: &key, min_confidence, reveal: args.output.reveal };
    let bar = context.terminal.bar("scan");
    let result = match lake.as_ref().filter(|_| of_lake) {
        Some(lake) => {
            // Places are shown as they are read, and kept findings are those of all rules.
            let all = args.rescan || args.occurrences || args.output.reveal || !is_whole(args, context);
            scan_lake(lake, &config, all, &bar).map_err(anyhow::Error::from)
        }
        None => files(args, context, &config, &bar),
    };
    bar.finish();
    let mut report = result?;
    if let Some(lake) = lake.as_mut().filter(|_| of_lake) {
        if is_whole(args, context) {
            keep(lake, context, &report)?;
        } else {
            context
                .terminal
                .say("findings are shown, not kept: a scan with fewer rules or another confidence is no whole scan");
        }
    }
    leave_out(&mut report, args, &key)?;
    print(args, context, &report)?;
    tell(context, &report, engine.set().rules.len());
    let found = report.findings.iter().any(|f| f.severity >= fail_on);
    let gaps = lake.as_ref().filter(|_| of_lake).map(|lake| lake.manifest.gaps()).unwrap_or_default();
    for gap in &gaps {
        context.terminal.warn(&one_line(&format!("not whole: {gap}")));
    }
    Ok(match (report.not_scanned.is_empty() && gaps.is_empty(), found) {
        (false, _) => Exit::Failure,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    })
}

/// Keeps the findings in the lake, unless something was not scanned or the lake changed meanwhile: timeline
/// and report take what is kept for the whole truth.
pub(super) fn keep(lake: &mut Lake, context: &Context, report: &ScanReport) -> anyhow::Result<()> {
    if !report.not_scanned.is_empty() {
        context.terminal.say("findings are shown, not kept: not everything could be scanned");
        return Ok(());
    }
    let scanned = (lake.manifest.last_import, lake.manifest.last_scan);
    let _lock = context.lock(lake)?;
    lake.reload()?;
    if scanned != (lake.manifest.last_import, lake.manifest.last_scan) {
        context.terminal.say("findings are shown, not kept: the lake changed during the scan; scan it again");
        return Ok(());
    }
    let (rows, adds) = (occurrence_rows(&report.sightings), report.known.is_some());
    Ok(lake.commit_scan(&report.findings, &rows, report.scanned.clone(), adds)?)
}

/// Takes out what the user knows already.
fn leave_out(report: &mut ScanReport, args: &ScanArgs, key: &dyn KeyedHash) -> anyhow::Result<()> {
    let mut known = HashSet::new();
    if args.since_last {
        known.extend(report.known.take().unwrap_or_default());
    }
    for file in &args.known {
        known.extend(known::read(file, &key.key_id())?);
    }
    report.findings.retain(|finding| !known.contains(&finding.fingerprint));
    report.sightings.retain(|sighting| !known.contains(&sighting.fingerprint));
    Ok(())
}

/// Whether every rule and the default confidence were asked for: what timeline and report count on.
fn is_whole(args: &ScanArgs, context: &Context) -> bool {
    let settings = &context.settings;
    let packs = if args.rules.pack.is_empty() { &settings.pack.value } else { &args.rules.pack };
    let every_pack = packs.is_empty() || packs.iter().any(|name| name == "all");
    let none_disabled = args.rules.disable.is_empty() && settings.disable.value.is_empty();
    every_pack && none_disabled && args.min_confidence == "medium"
}

fn files(
    args: &ScanArgs,
    context: &Context,
    config: &ScanConfig<'_>,
    bar: &terminal::Bar,
) -> anyhow::Result<ScanReport> {
    if args.paths == [Path::new("-")] {
        return Ok(scan_stream(Box::new(std::io::stdin()), "-", config, bar)?);
    }
    anyhow::ensure!(
        !args.paths.iter().any(|p| p == Path::new("-")),
        "- stands alone: standard input cannot be mixed with files"
    );
    Ok(scan_files(&args.paths, &context.settings.lake.value, config, bar)?)
}

fn tell(context: &Context, report: &ScanReport, rules: usize) {
    report.notes.iter().for_each(|note| context.terminal.say(&one_line(note)));
    for problem in &report.not_scanned {
        context.terminal.warn(&one_line(&format!("not scanned: {problem}")));
    }
    let worst = |severity: Severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let counts: Vec<String> =
        Severity::ALL.into_iter().rev().filter(|s| worst(*s) > 0).map(|s| format!("{} {s}", worst(s))).collect();
    let list = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    context.terminal.say(&format!(
        "{}{list} in {}; {}, {} bytes scanned with {rules} rules",
        counted(report.findings.len() as u64, "finding"),
        counted(report.findings.iter().map(|finding| finding.count).sum(), "place"),
        counted(report.records, "record"),
        number(report.bytes),
    ));
}

fn print(args: &ScanArgs, context: &Context, report: &ScanReport) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    let width = if args.output.output.is_none() { context.terminal.width() } else { None };
    if args.occurrences {
        print_occurrences(&mut *out, args, context, report, width)?;
    } else {
        print_findings(&mut *out, args, context, report, width)?;
    }
    out.flush().context("output cannot be written")
}

fn shown<'a>(mask: &'a str, revealed: Option<&'a String>) -> &'a str {
    revealed.map_or(mask, String::as_str)
}

fn print_findings(
    out: &mut dyn Write,
    args: &ScanArgs,
    context: &Context,
    report: &ScanReport,
    width: Option<usize>,
) -> anyhow::Result<()> {
    let value_of = |finding: &Finding| {
        let sighting = report.sightings.iter().find(|s| s.fingerprint == finding.fingerprint);
        sighting.and_then(|s| s.revealed.clone()).unwrap_or_else(|| finding.mask.clone())
    };
    let first_place =
        |f: &Finding| f.places.iter().max_by_key(|(_, n)| **n).map(|(p, _)| p.clone()).unwrap_or_default();
    let time = |t: Option<crate::model::Micros>| t.map(|t| context.show_time(t)).unwrap_or_default();
    let headers =
        ["severity", "confidence", "rule", "secret", "count", "first_seen", "last_seen", "place", "fingerprint"];
    let row = |f: &Finding| {
        vec![
            f.severity.to_string(),
            f.confidence.to_string(),
            f.rule.clone(),
            if args.output.reveal { value_of(f) } else { f.mask.clone() },
            f.count.to_string(),
            time(f.first_seen),
            time(f.last_seen),
            first_place(f),
            f.fingerprint.clone(),
        ]
    };
    match args.output.format {
        TableFormat::Jsonl => {
            for finding in &report.findings {
                let mut value = serde_json::to_value(finding)?;
                if args.output.reveal {
                    value["secret"] = value_of(finding).into();
                }
                jsonl::write_line(out, &value)?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(out, &headers.map(Cow::Borrowed))?;
            for finding in &report.findings {
                let cells: Vec<Cow<'_, str>> = row(finding).into_iter().map(Cow::Owned).collect();
                csv::write_row(out, &cells)?;
            }
        }
        TableFormat::Table => {
            let mut table = Table::new(&headers).right_aligned(&["count"]);
            report.findings.iter().for_each(|f| table.push(row(f)));
            if !table.is_empty() {
                write!(out, "{}", context.terminal.paint(table.render(width), args.output.output.is_none()))?;
            }
        }
    }
    Ok(())
}

fn print_occurrences(
    out: &mut dyn Write,
    args: &ScanArgs,
    context: &Context,
    report: &ScanReport,
    width: Option<usize>,
) -> anyhow::Result<()> {
    let headers = ["path", "line", "column", "severity", "confidence", "rule", "secret", "fingerprint"];
    let line_of = |s: &Sighting| if s.place.line > 0 { s.place.line } else { s.place.record };
    let row = |s: &Sighting| {
        vec![
            s.place.path.clone(),
            line_of(s).to_string(),
            s.column.to_string(),
            s.severity.to_string(),
            s.confidence.to_string(),
            s.rule.clone(),
            shown(&s.mask, s.revealed.as_ref()).to_owned(),
            s.fingerprint.clone(),
        ]
    };
    match args.output.format {
        TableFormat::Jsonl => {
            for sighting in &report.sightings {
                jsonl::write_line(out, &occurrence_json(sighting))?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(out, &headers.map(Cow::Borrowed))?;
            for sighting in &report.sightings {
                let cells: Vec<Cow<'_, str>> = row(sighting).into_iter().map(Cow::Owned).collect();
                csv::write_row(out, &cells)?;
            }
        }
        TableFormat::Table => {
            let mut table = Table::new(&headers).right_aligned(&["line", "column"]);
            report.sightings.iter().for_each(|s| table.push(row(s)));
            if !table.is_empty() {
                write!(out, "{}", context.terminal.paint(table.render(width), args.output.output.is_none()))?;
            }
        }
    }
    Ok(())
}

/// One place, as the documented machine output has it.
fn occurrence_json(s: &Sighting) -> serde_json::Value {
    let mut value = serde_json::json!({
        "path": s.place.path,
        "line": if s.place.line > 0 { s.place.line } else { s.place.record },
        "column": s.column,
        "start": s.span.0,
        "end": s.span.1,
        "rule": s.rule,
        "category": s.category,
        "severity": s.severity,
        "confidence": s.confidence,
        "fingerprint": s.fingerprint,
        "mask": s.mask,
        "decode_path": s.decode_path,
        "verdict": s.verdict,
        "event_id": s.place.event_id,
        "event_time": s.place.event_time,
        "source_table": s.place.source_table,
        "resource": s.place.resource,
    });
    if let Some(secret) = &s.revealed {
        value["secret"] = secret.clone().into();
    }
    value
}
