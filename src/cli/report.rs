//! `logsift report`.

use super::context::Context;
use super::exit::Exit;
use super::payloads;
use super::scan;
use super::time_flags::TimeArgs;
use super::timeline;
use crate::detect::payload_logging;
use crate::lake::Lake;
use crate::model::summary::Summary;
use crate::model::{Confidence, Detection, Finding, Masker};
use crate::pipeline::scan::{ScanConfig, ScanReport};
use crate::pipeline::scan_lake::scan_lake;
use crate::report::html;
use crate::timeline::{StorySources, TimelineQuery, Wanted, histogram, story, table_summaries};
use clap::Args;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Write the report: one HTML page without scripts or outside requests.
///
/// Summary, what to fix first, the timeline picture, the story, detections, secrets (masked) and coverage.
/// A lake that was not scanned since its last import is scanned first. The page holds event text, masked:
/// treat it as you treat the logs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logsift report -o march-incident.html --from 2026-03-02 --to 2026-03-09")]
pub struct ReportArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// File to write; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "logsift-report.html")]
    output: PathBuf,
    /// Title of the page
    #[arg(long, value_name = "TEXT", default_value = "Log forensics report")]
    title: String,
}

impl ReportArgs {
    pub fn output(&self) -> &Path {
        &self.output
    }
}

/// Rows of the story in the page at most; the whole of it is `logsift timeline --story`.
const STORY_ROWS: usize = 2_000;

pub(super) fn run(args: &ReportArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut lake = context.lake()?;
    if let Some(folder) = args.output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        anyhow::ensure!(
            folder.is_dir(),
            "{}: no such directory; make it, or give another file with -o",
            folder.display()
        );
    }
    let range = args.time.range(context.now(), &context.tz)?;
    let masker = context.masker(false)?;
    let mut incomplete = incomplete_objects(&lake);
    let findings = if lake.manifest.last_scan <= lake.manifest.last_import {
        let scanned = scan_first(&mut lake, context)?;
        incomplete.extend(scanned.not_scanned);
        scanned.findings
    } else {
        lake.findings()?.unwrap_or_default()
    };
    let mut detections = timeline::detections(&lake, range, &findings)?;
    let sources = StorySources { findings: &findings, detections: &detections };
    let query = TimelineQuery { range, ..TimelineQuery::default() };
    let mut told = story(&lake, &query, &sources, Wanted::Message)?;
    told.truncate(STORY_ROWS);
    masker.mask_all(&mut told.iter_mut().flat_map(timeline::texts_of).collect::<Vec<_>>());
    detections.iter_mut().for_each(|detection| mask(detection, &*masker));
    let mut payloads = payload_logging(&lake, range)?;
    payloads.iter_mut().for_each(|payload| payloads::mask(payload, &*masker));
    let summary = Summary {
        title: args.title.clone(),
        tool_version: concat!("logsift ", env!("CARGO_PKG_VERSION")).to_owned(),
        generated: context.now(),
        lake: lake.root().display().to_string(),
        tables: table_summaries(&lake),
        findings: in_range(findings, range),
        detections,
        payloads,
        story: told,
        histogram: histogram(&lake, &query, None)?,
        incomplete: incomplete.clone(),
    };
    let page = html::render(&summary)?;
    let mut out = super::terminal::output(Some(&args.output))?;
    out.write_all(page.as_bytes())?;
    out.flush()?;
    context.terminal.say(&format!("report: {}", args.output.display()));
    if !incomplete.is_empty() {
        context.terminal.warn("the report is incomplete: see its coverage section");
        return Ok(Exit::Failure);
    }
    Ok(Exit::Clean)
}

pub(super) fn in_range(findings: Vec<Finding>, range: crate::model::TimeRange) -> Vec<Finding> {
    let touches = |f: &Finding| match (f.first_seen, f.last_seen) {
        (Some(first), Some(last)) => range.touches(first, last),
        _ => range.is_open(),
    };
    findings.into_iter().filter(touches).collect()
}

fn incomplete_objects(lake: &Lake) -> Vec<String> {
    let objects = lake.manifest.objects.values().filter_map(|object| object.incomplete.clone());
    objects.chain(lake.manifest.gaps()).collect()
}

/// Scans the lake with every rule, and keeps the findings where they are whole.
fn scan_first(lake: &mut Lake, context: &Context) -> anyhow::Result<ScanReport> {
    context.terminal.say("scanning first: the lake has changed since the last scan");
    let engine = context.whole_engine()?;
    let key = context.key(None, Some(lake))?;
    let min_confidence = Confidence::Medium;
    let config = ScanConfig { engine: &engine, hash: &key, min_confidence, reveal: false, every_place: true };
    let bar = context.terminal.bar("scan");
    let report = scan_lake(lake, &config, false, &bar);
    bar.finish();
    let report = report?;
    scan::keep(lake, context, &report)?;
    Ok(report)
}

pub(super) fn mask(detection: &mut Detection, masker: &dyn Masker) {
    detection.title = masker.mask(&detection.title).into_owned();
    let fields = [&mut detection.actor, &mut detection.source_ip, &mut detection.target];
    for text in fields.into_iter().flatten() {
        *text = masker.mask(text).into_owned();
    }
}
