//! `logsift find`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::scan::{OccurrenceLine, print_table};
use super::terminal;
use crate::model::Confidence;
use crate::patterns::PatternSet;
use crate::pipeline::scan::{ScanConfig, ScanReport};
use crate::pipeline::scan_files::scan_files;
use crate::pipeline::scan_lake::scan_lake;
use crate::pipeline::sightings::Sighting;
use crate::report::text::{counted, number, terminal as one_line};
use crate::report::{csv, jsonl};
use crate::scan::Engine;
use anyhow::Context as _;
use clap::Args;
use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

/// A value is no shorter, and no longer.
const SHORTEST: usize = 4;
const LONGEST: u64 = 4096;

/// Find every place where one known value stands, in any encoding.
///
/// The value is read from standard input, for arguments are seen by others and kept in histories; a line break at its
/// end is no part of it. It is looked for in plain, in hex, in base64 wherever it lies in what was encoded, with JSON's
/// escapes, and in all that `scan` decodes. It is kept nowhere, and shown only with --reveal.
///
/// Exit code: 1 where it is found, 0 where it is not, 2 when something could not be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FindArgs {
    /// Files, directories and archives [default: the lake]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read the value from standard input
    #[arg(long, required = true)]
    value_stdin: bool,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  pass show prod/db | logsift find --value-stdin                   in the lake
  logsift find --value-stdin logs/ --format jsonl < leaked-key.txt";

pub(super) fn run(args: &FindArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut value = Vec::new();
    std::io::stdin().take(LONGEST + 3).read_to_end(&mut value).context("the value cannot be read")?;
    let line = value.strip_suffix(b"\n").unwrap_or(&value);
    let value = line.strip_suffix(b"\r").unwrap_or(line);
    anyhow::ensure!(
        value.len() >= SHORTEST,
        "the value is shorter than {SHORTEST} bytes: it would be found everywhere"
    );
    anyhow::ensure!(value.len() as u64 <= LONGEST, "the value is longer than {LONGEST} bytes: give a part of it");
    // Compiled anew each time: the cache of compiled rules would keep the value.
    let engine = Engine::new(PatternSet::of_value(value)?, None)?;
    let lake = if args.paths.is_empty() { Some(context.lake()?) } else { context.lake().ok() };
    let key = context.key(None, lake.as_ref())?;
    let (min_confidence, reveal) = (Confidence::Low, args.output.reveal);
    let config = ScanConfig { engine: &engine, hash: &key, min_confidence, reveal, every_place: true };
    let bar = context.terminal.bar("find");
    let result = match lake.as_ref().filter(|_| args.paths.is_empty()) {
        Some(lake) => scan_lake(lake, &config, true, &bar),
        None => scan_files(&args.paths, &context.settings.lake.value, &config, &bar),
    };
    bar.finish();
    let report = result?;
    print(args, context, &report)?;
    for problem in &report.not_scanned {
        context.terminal.warn(&one_line(&format!("not scanned: {problem}")));
    }
    let places = report.findings.iter().map(|finding| finding.count).sum();
    let records = counted(report.records, "record");
    context.terminal.say(&format!("{} in {records}, {} bytes", counted(places, "place"), number(report.bytes)));
    Ok(match (report.not_scanned.is_empty(), places > 0) {
        (false, _) => Exit::Failure,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    })
}

fn print(args: &FindArgs, context: &Context, report: &ScanReport) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    let headers = ["time", "path", "line", "column", "resource", "context", "decode_path", "event_id"];
    let row = |s: &Sighting| {
        vec![
            s.place.event_time.map(|time| context.show_time(time)).unwrap_or_default(),
            s.place.path.to_string(),
            s.line().to_string(),
            s.column.to_string(),
            s.place.resource.as_deref().unwrap_or_default().to_owned(),
            s.context.as_deref().unwrap_or_default().to_owned(),
            s.decode_path.join(" → "),
            s.place.event_id.clone().unwrap_or_default(),
        ]
    };
    match args.output.format {
        TableFormat::Jsonl => {
            for sighting in report.sightings.iter() {
                jsonl::write_line(&mut out, &OccurrenceLine::from(&sighting?))?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(&mut out, &headers.map(Cow::Borrowed))?;
            for sighting in report.sightings.iter() {
                csv::write_row(&mut out, &row(&sighting?).into_iter().map(Cow::Owned).collect::<Vec<_>>())?;
            }
        }
        TableFormat::Table => {
            let width = if args.output.output.is_none() { context.terminal.width() } else { None };
            let painter = context.terminal.painter(args.output.output.is_none());
            print_table(&mut *out, painter, (&headers, width), report, row)?;
        }
    }
    out.flush().context("output cannot be written")
}
