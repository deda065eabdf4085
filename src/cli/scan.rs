//! `logsift scan`.

mod allow;
mod explain;
mod known;
mod output;

use super::context::Context;
use super::exit::Exit;
use super::rules::RuleArgs;
use super::{settings, terminal};
use crate::lake::Lake;
use crate::model::{Confidence, Finding, Severity};
use crate::pipeline::scan::{ScanConfig, ScanReport};
use crate::pipeline::scan_files::{scan_files, scan_stream};
use crate::pipeline::scan_lake::{occurrence_rows, scan_lake};
use crate::report::text::{counted, number, terminal as one_line};
use crate::scan::{Engine, KeyedHash};
use allow::AllowList;
use anyhow::Context as _;
use clap::Args;
pub(super) use output::{OccurrenceLine, print_table};
use output::{ScanFormat, ScanOutput};
use std::collections::HashSet;
use std::io::Write as _;
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
    /// Leave out what this TOML file allows: [[allow]] with fingerprint or rule, place, reason, owner, expires
    #[arg(long, value_name = "FILE")]
    allow: Vec<PathBuf>,
    /// Say why the finding of this fingerprint (or its beginning) is one: of the lake's kept findings, or of PATH
    #[arg(long, value_name = "FINGERPRINT", conflicts_with_all = ["occurrences", "since_last", "known"])]
    explain: Option<String>,
    /// Severity from which findings make the exit code 1 [default: medium] [env: LOGSIFT_FAIL_ON]
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "low", "medium", "high", "critical"])]
    fail_on: Option<String>,
    /// File with the fingerprint key, 64 hex digits [env: LOGSIFT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: ScanOutput,
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
    if let (Some(begins), Some(lake)) = (&args.explain, lake.as_ref().filter(|_| of_lake)) {
        let kept = lake.findings()?.context("the lake was not scanned yet: `logsift scan` first")?;
        return explained(begins, &kept, &engine, context);
    }
    let min_confidence = Confidence::parse(&args.min_confidence).unwrap_or(Confidence::Medium);
    let (reveal, every_place) =
        (args.output.reveal, of_lake || args.occurrences || args.output.format == ScanFormat::Sarif);
    let config = ScanConfig { engine: &engine, hash: &key, min_confidence, reveal, every_place };
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
    leave_out(&mut report, args, &key, context)?;
    if let Some(begins) = &args.explain {
        return explained(begins, &report.findings, &engine, context);
    }
    output::print(args, context, &report)?;
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
    let (rows, adds) = (occurrence_rows(report.sightings.with_plain_paths()), report.known.is_some());
    Ok(lake.commit_scan(&report.findings, rows, report.scanned.clone(), adds)?)
}

/// Takes out what the user knows already.
fn leave_out(report: &mut ScanReport, args: &ScanArgs, key: &dyn KeyedHash, context: &Context) -> anyhow::Result<()> {
    let mut known = HashSet::new();
    if args.since_last {
        known.extend(report.known.take().unwrap_or_default());
    }
    for file in &args.known {
        known.extend(known::read(file, &key.key_id())?);
    }
    let mut allowed = AllowList::default();
    for file in &args.allow {
        allowed.read(file, context.now())?;
    }
    allowed.expired.iter().for_each(|line| context.terminal.warn(&one_line(line)));
    let before = report.findings.len();
    report.findings.retain(|finding| !known.contains(&finding.fingerprint) && !allowed.holds(finding));
    if report.findings.len() < before {
        let told: HashSet<String> = report.findings.iter().map(|finding| finding.fingerprint.clone()).collect();
        report.sightings.retain(move |sighting| told.contains(&*sighting.finding));
        let left = counted((before - report.findings.len()) as u64, "finding");
        context.terminal.say(&format!("{left} left out: known or allowed"));
    }
    Ok(())
}

fn explained(begins: &str, findings: &[Finding], engine: &Engine, context: &Context) -> anyhow::Result<Exit> {
    let mut out = terminal::output(None)?;
    explain::tell(&mut out, explain::pick(findings, begins)?, engine.set(), context)?;
    out.flush()?;
    Ok(Exit::Clean)
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
