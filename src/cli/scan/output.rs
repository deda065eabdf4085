//! How a scan's findings are written.

use super::ScanArgs;
use crate::cli::context::Context;
use crate::cli::terminal::{self, Painter};
use crate::lake::derived;
use crate::model::occurrence::Verdict;
use crate::model::{Confidence, Finding, Micros, Severity, Text};
use crate::patterns::Category;
use crate::pipeline::scan::ScanReport;
use crate::pipeline::scan_lake::occurrence_rows;
use crate::pipeline::sightings::Sighting;
use crate::report::table::Table;
use crate::report::{asff, csv, jsonl, sarif};
use crate::scan::DIFFERENT;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For reading: aligned columns, cut to the terminal's width
    #[value(alias = "text")]
    Table,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
    /// For spreadsheets: RFC 4180, formulas defused
    Csv,
    /// SARIF 2.1.0, for code scanning and CI
    Sarif,
    /// Security Hub's finding format, for `aws securityhub batch-import-findings`
    Asff,
    /// As the lake keeps findings, or with --occurrences their places; for -o FILE or a pipe
    Parquet,
}

/// Where and how output goes.
#[derive(Debug, Args)]
pub struct ScanOutput {
    /// How to print: table, jsonl, csv, sarif, asff or parquet
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: ScanFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show secrets in plain text. Without it every output masks them
    #[arg(long)]
    pub reveal: bool,
    /// The account that the findings are for; --format asff needs it
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// With --format asff, the region of the Security Hub that takes them
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub hub_region: String,
}

pub(super) fn print(args: &ScanArgs, context: &Context, report: &ScanReport) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    let width = if args.output.output.is_none() { context.terminal.width() } else { None };
    match args.output.format {
        ScanFormat::Sarif => {
            let places = first_places(report)?;
            let results = located(report, &places);
            sarif::write(&mut *out, env!("CARGO_PKG_VERSION"), &results, &report.not_scanned)?;
            return out.flush().context("output cannot be written");
        }
        ScanFormat::Asff => {
            let account = args.output.account.as_deref();
            let account = account.context("--format asff needs --account: whose Security Hub takes the findings?")?;
            let hub = asff::Hub { account, region: &args.output.hub_region, now: context.now() };
            asff::write(&mut *out, &hub, &report.findings)?;
            return out.flush().context("output cannot be written");
        }
        ScanFormat::Parquet => {
            anyhow::ensure!(!args.output.reveal, "--format parquet holds masks only: take jsonl with --reveal");
            anyhow::ensure!(width.is_none(), "--format parquet is no text: give -o FILE, or a pipe");
            let written = if args.occurrences {
                derived::write_file(&mut out, derived::occurrences(occurrence_rows(report.sightings.iter())))
            } else {
                derived::write_file(&mut out, [derived::findings_batch(&report.findings)])
            };
            written.context("output cannot be written")?;
            return out.flush().context("output cannot be written");
        }
        ScanFormat::Table | ScanFormat::Jsonl | ScanFormat::Csv => {}
    }
    if args.occurrences {
        print_occurrences(&mut *out, args, context, report, width)?;
    } else {
        print_findings(&mut *out, args, context, report, width)?;
    }
    out.flush().context("output cannot be written")
}

/// Places of each finding that a reader of SARIF is shown.
const LOCATIONS: usize = 100;

/// The first places of each finding, by its fingerprint.
fn first_places(report: &ScanReport) -> anyhow::Result<HashMap<Text, Vec<Sighting>>> {
    let mut at: HashMap<Text, Vec<Sighting>> = HashMap::new();
    for sighting in report.sightings.iter() {
        let sighting = sighting?;
        let places = at.entry(sighting.finding.clone()).or_default();
        if places.len() < LOCATIONS {
            places.push(sighting);
        }
    }
    Ok(at)
}

/// Each finding with where it stands.
fn located<'r>(
    report: &'r ScanReport,
    places: &'r HashMap<Text, Vec<Sighting>>,
) -> Vec<(&'r Finding, Vec<sarif::Location<'r>>)> {
    let location =
        |s: &'r Sighting| sarif::Location { place: &s.place, column: s.column, context: s.context.as_deref() };
    let of = |finding: &Finding| places.get(finding.fingerprint.as_str()).into_iter().flatten();
    report.findings.iter().map(|finding| (finding, of(finding).map(location).collect())).collect()
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
    let mut plain: HashMap<Text, String> = HashMap::new();
    if args.output.reveal {
        for sighting in report.sightings.iter() {
            let sighting = sighting?;
            plain.extend(sighting.revealed.map(|value| (sighting.finding, value)));
        }
    }
    // Of several values none is shown for all.
    let is_one = |f: &Finding| !f.facts.iter().any(|(name, n)| name == DIFFERENT && n != "1");
    let value_of = |f: &Finding| match plain.get(f.fingerprint.as_str()).filter(|_| is_one(f)) {
        Some(value) => value.clone(),
        None => f.mask.clone(),
    };
    let first_place =
        |f: &Finding| f.places.iter().max_by_key(|(_, n)| **n).map(|(p, _)| p.clone()).unwrap_or_default();
    let time = |t: Option<Micros>| t.map(|t| context.show_time(t)).unwrap_or_default();
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
        ScanFormat::Jsonl => {
            for finding in &report.findings {
                let mut value = serde_json::to_value(finding)?;
                let is_incomplete = |place: &&String| report.incomplete.contains(*place);
                let incomplete: Vec<&str> = finding.places.keys().filter(is_incomplete).map(String::as_str).collect();
                if !incomplete.is_empty() {
                    value["incomplete_places"] = incomplete.into();
                }
                if args.output.reveal {
                    value["secret"] = value_of(finding).into();
                }
                jsonl::write_line(out, &value)?;
            }
        }
        ScanFormat::Csv => {
            csv::write_row(out, &headers.map(Cow::Borrowed))?;
            for finding in &report.findings {
                let cells: Vec<Cow<'_, str>> = row(finding).into_iter().map(Cow::Owned).collect();
                csv::write_row(out, &cells)?;
            }
        }
        _ => {
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
    let row = |s: &Sighting| {
        vec![
            s.place.path.to_string(),
            s.line().to_string(),
            s.column.to_string(),
            s.severity.to_string(),
            s.confidence.to_string(),
            s.rule.to_string(),
            shown(&s.mask, s.revealed.as_ref()).to_owned(),
            s.fingerprint.to_string(),
        ]
    };
    match args.output.format {
        ScanFormat::Jsonl => {
            for sighting in report.sightings.iter() {
                jsonl::write_line(out, &OccurrenceLine::from(&sighting?))?;
            }
        }
        ScanFormat::Csv => {
            csv::write_row(out, &headers.map(Cow::Borrowed))?;
            for sighting in report.sightings.iter() {
                let cells: Vec<Cow<'_, str>> = row(&sighting?).into_iter().map(Cow::Owned).collect();
                csv::write_row(out, &cells)?;
            }
        }
        _ => {
            let painter = context.terminal.painter(args.output.output.is_none());
            print_table(out, painter, (&headers, width), report, row)?;
        }
    }
    Ok(())
}

/// Places as a table, if there are any, at most so many columns wide.
pub(in crate::cli) fn print_table(
    out: &mut dyn Write,
    mut painter: Painter,
    (headers, width): (&[&str], Option<usize>),
    report: &ScanReport,
    row: impl Fn(&Sighting) -> Vec<String>,
) -> anyhow::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    let rows = || report.sightings.iter().map(|sighting| anyhow::Ok(Cow::Owned(row(&sighting?))));
    Table::new(headers)
        .right_aligned(&["line", "column"])
        .each_line(width, rows, |line| Ok(out.write_all(painter.paint(line).as_bytes())?))
}

/// One place, as the documented machine output has it.
#[derive(Serialize)]
pub(in crate::cli) struct OccurrenceLine<'s> {
    path: &'s str,
    line: u64,
    column: u64,
    start: u64,
    end: u64,
    rule: &'s str,
    category: Category,
    severity: Severity,
    confidence: Confidence,
    fingerprint: &'s str,
    mask: &'s str,
    decode_path: &'s [String],
    context: Option<&'s str>,
    verdict: &'s Verdict,
    event_id: Option<&'s str>,
    event_time: Option<Micros>,
    source_table: Option<&'s str>,
    resource: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'s str>,
}

impl<'s> From<&'s Sighting> for OccurrenceLine<'s> {
    fn from(s: &'s Sighting) -> Self {
        Self {
            path: &s.place.path,
            line: s.line(),
            column: s.column,
            start: s.span.0,
            end: s.span.1,
            rule: &s.rule,
            category: s.category,
            severity: s.severity,
            confidence: s.confidence,
            fingerprint: &s.fingerprint,
            mask: &s.mask,
            decode_path: &s.decode_path,
            context: s.context.as_deref(),
            verdict: &s.verdict,
            event_id: s.place.event_id.as_deref(),
            event_time: s.place.event_time,
            source_table: s.place.source_table.as_deref(),
            resource: s.place.resource.as_deref(),
            secret: s.revealed.as_deref(),
        }
    }
}
