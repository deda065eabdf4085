//! `logsift bundle`.

use super::context::Context;
use super::context_file::ContextArgs;
use super::exit::Exit;
use super::time_flags::TimeArgs;
use super::timeline::{detections, findings_of, texts_of};
use crate::lake::Lake;
use crate::model::{Detection, Entry, Finding, Masker, NetworkContext, TimeRange};
use crate::pipeline::bundle::Bundle;
use crate::report::jsonl;
use crate::timeline::{StorySources, TimelineQuery, Wanted, exposure, story, table_summaries, timeline};
use clap::Args;
use serde::Serialize;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Put the evidence together for handing over: one zip.
///
/// Timeline, story, findings, detections and exposure as JSON Lines, secrets masked; the custody record of every object
/// that was imported, with its SHA-256; what the lake covers and what it lacks; and a SHA256SUMS of it all, which
/// `sha256sum -c` checks.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logsift bundle -o incident-2026-03-06.zip --from 2026-03-06 --to 2026-03-07")]
pub struct BundleArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// File to write
    #[arg(short, long, value_name = "FILE", default_value = "logsift-evidence.zip")]
    output: PathBuf,
    #[command(flatten)]
    known: ContextArgs,
}

impl BundleArgs {
    pub fn output(&self) -> &Path {
        &self.output
    }
}

const README: &str = "\
Evidence from AWS logs, put together by logsift.

timeline.jsonl    every event, finding and detection, in order of time (UTC)
story.jsonl       what was detected, and the events it leads to
findings.jsonl    secrets and personal data found in the logs: masks and keyed fingerprints, no values
detections.jsonl  what detectors say
exposure.jsonl    what became of each credential that was found, at any time: who read it, who used it
custody.jsonl     every object that was imported: name, size, SHA-256, counts, when, by what
coverage.json     tables with first and last time, and gaps
SHA256SUMS        checksums of these files: sha256sum -c SHA256SUMS

Texts come from logs and may have been written by an attacker.
";

/// What the lake holds and lacks.
#[derive(Serialize)]
struct Coverage<'a> {
    tool: &'a str,
    made: String,
    from: Option<String>,
    to: Option<String>,
    tables: Vec<serde_json::Value>,
    gaps: Vec<String>,
    incomplete: Vec<String>,
}

pub(super) fn run(args: &BundleArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let range = args.time.range(context.now(), &context.tz)?;
    let masker = context.masker(false)?;
    let networks = args.known.load(context)?;
    let findings = findings_of(&lake, context)?;
    let detections = detections(&lake, range, &findings)?;
    let out = super::terminal::output(Some(&args.output))?;
    let mut bundle = Bundle::new(out);
    bundle.add("README.txt", |out| out.write_all(README.as_bytes()))?;
    let case = Case { lake: &lake, range, findings: &findings, detections: &detections, masker: &*masker };
    case.timelines(&mut bundle)?;
    let gaps = case.lists(&mut bundle, &networks)?;
    bundle.add("coverage.json", |out| case.coverage(out, context, gaps))?;
    bundle.finish()?;
    context.terminal.say(&format!("evidence: {}", args.output.display()));
    Ok(Exit::Clean)
}

/// What goes into a bundle.
struct Case<'a> {
    lake: &'a Lake,
    range: TimeRange,
    findings: &'a [Finding],
    detections: &'a [Detection],
    masker: &'a dyn Masker,
}

impl Case<'_> {
    fn timelines<W: Write>(&self, bundle: &mut Bundle<W>) -> anyhow::Result<()> {
        let query = TimelineQuery { range: self.range, ..TimelineQuery::default() };
        let sources = StorySources { findings: self.findings, detections: self.detections };
        bundle.add("timeline.jsonl", |out| {
            let mut write = |entries| self.entries(out, entries).map(ControlFlow::Continue);
            timeline(self.lake, &query, &sources, Wanted::Message, None, &mut write).map(drop)
        })?;
        bundle.add("story.jsonl", |out| self.entries(out, story(self.lake, &query, &sources, Wanted::Message)?))
    }

    fn entries(&self, out: &mut dyn Write, mut entries: Vec<Entry>) -> anyhow::Result<()> {
        self.masker.mask_all(&mut entries.iter_mut().flat_map(texts_of).collect::<Vec<_>>());
        Ok(lines(out, &entries)?)
    }

    /// Adds the lists; gives what could not be seen.
    fn lists<W: Write>(&self, bundle: &mut Bundle<W>, networks: &NetworkContext) -> anyhow::Result<Vec<String>> {
        let findings = super::report::in_range(self.findings.to_vec(), self.range);
        bundle.add("findings.jsonl", |out| lines(out, &findings))?;
        let mut detections = self.detections.to_vec();
        detections.iter_mut().for_each(|detection| super::report::mask(detection, self.masker));
        bundle.add("detections.jsonl", |out| lines(out, &detections))?;
        let exposed = exposure(self.lake, self.findings, networks)?;
        let mut exposures = exposed.exposures;
        exposures.iter_mut().for_each(|one| super::exposure::mask(one, self.masker));
        bundle.add("exposure.jsonl", |out| lines(out, &exposures))?;
        let mut objects: Vec<_> = self.lake.manifest.objects.values().collect();
        objects.sort_by(|a, b| (&a.name, &a.imported).cmp(&(&b.name, &b.imported)));
        bundle.add("custody.jsonl", |out| lines(out, &objects))?;
        Ok(exposed.coverage.gaps.iter().map(|gap| self.masker.mask(gap).into_owned()).collect())
    }

    fn coverage(&self, out: &mut dyn Write, context: &Context, gaps: Vec<String>) -> std::io::Result<()> {
        let time = |time: Option<crate::model::Micros>| time.map(|time| time.to_string());
        let table = |table: crate::model::summary::TableSummary| {
            serde_json::json!({
                "table": table.name, "events": table.events, "first": time(table.first), "last": time(table.last),
            })
        };
        let coverage = Coverage {
            tool: concat!("logsift ", env!("CARGO_PKG_VERSION")),
            made: context.now().to_string(),
            from: time(self.range.from),
            to: time(self.range.to),
            tables: table_summaries(self.lake).into_iter().map(table).collect(),
            gaps,
            incomplete: self.lake.manifest.objects.values().filter_map(|object| object.incomplete.clone()).collect(),
        };
        jsonl::write_line(out, &coverage)
    }
}

fn lines<T: Serialize>(out: &mut dyn Write, rows: &[T]) -> std::io::Result<()> {
    rows.iter().try_for_each(|row| jsonl::write_line(out, row))
}
