//! `logsift import`.

use super::context::Context;
use super::exit::Exit;
use super::read_args::{ReadArgs, format_of};
use crate::lake::Lake;
use crate::model::{RejectReason, Tally};
use crate::pipeline::import::{ImportConfig, ImportReport, import};
use crate::report::text::{counted, number, terminal as one_line};
use anyhow::{Context as _, bail};
use clap::Args;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Read exported logs into the lake.
///
/// Files and directories, plain or compressed (gzip with any number of members, zstd), and archives (zip, tar,
/// tar.gz, tar.zst), told by content and not by name: ALB access logs, VPC Flow Logs, API Gateway access logs,
/// CloudTrail, CloudWatch Logs export objects and the JSON that `aws logs filter-log-events` and
/// `get-log-events` print. `-` reads standard input. Members of archives are objects of their own, called
/// `<archive>!/<member>`; nothing is extracted to disk under their names.
///
/// What was imported before is skipped: whole objects by their SHA-256, CloudTrail events by their eventID,
/// CloudWatch events by account, region, group, stream, time and text. Lines that no format knows are kept
/// as rejects, and scanned like all others.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// Files, directories and archives, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read everything as this format, see `logsift formats list`
    #[arg(long, value_name = "ID")]
    format: Option<String>,
    #[command(flatten)]
    read: ReadArgs,
    /// Exit with 2 when any record was rejected
    #[arg(long)]
    strict: bool,
    /// Print the counts as JSON on stdout
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    output_format: String,
}

const EXAMPLES: &str = "\
Examples:
  logsift import ./AWSLogs
  logsift import --log-group /aws/lambda/orders --account 111122223333 --region eu-central-1 ./exportedlogs
  aws logs filter-log-events --log-group-name /app | logsift import --log-group /app -";

pub(super) fn run(args: &ImportArgs, context: &Context) -> anyhow::Result<Exit> {
    let format = args.format.as_deref().map(format_of).transpose()?;
    let mut lake = Lake::create(&context.settings.lake.value)?;
    // Before the lock: a slow stream must not keep other writers out.
    let spooled = spool_stdin(args, &lake)?;
    let lock = context.lock(&lake)?;
    lake.reload()?;
    lake.remove_orphans()?;
    let mut paths: Vec<PathBuf> = args.paths.iter().filter(|path| !is_stdin(path)).cloned().collect();
    paths.extend(spooled.iter().map(|spool| spool.path().to_path_buf()));
    check_space(&lake, &paths)?;
    let config = ImportConfig {
        paths,
        format,
        options: args.read.options(),
        origin: args.read.origin(context),
        now: context.now(),
        stdin: spooled.as_ref().map(|spool| spool.path().to_path_buf()),
    };
    let bar = context.terminal.bar("import");
    let result = import(&mut lake, &config, &bar);
    bar.finish();
    if result.is_err() {
        // What was staged for the failed commit only takes up space; the error matters more than this.
        let _ = lake.remove_orphans();
    }
    let report = result?;
    drop(lock);
    tell(&report, &lake, args, context)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Standard input is kept in a file while it is imported: its SHA-256, which names it, is known at its end.
fn spool_stdin(args: &ImportArgs, lake: &Lake) -> anyhow::Result<Option<tempfile::NamedTempFile>> {
    if !args.paths.iter().any(|path| is_stdin(path)) {
        return Ok(None);
    }
    let mut spool = tempfile::Builder::new()
        .prefix(crate::lake::store::SPOOL)
        .tempfile_in(lake.root().join(crate::lake::store::INTERNAL))
        .context("standard input cannot be kept in the lake's folder while it is read")?;
    std::io::copy(&mut std::io::stdin().lock(), &mut spool).context("standard input cannot be read to its end")?;
    spool.flush()?;
    Ok(Some(spool))
}

/// A lake of Parquet with zstd is rarely larger than half of its compressed input.
fn check_space(lake: &Lake, paths: &[PathBuf]) -> anyhow::Result<()> {
    let (files, _) = crate::source::walk::walk(paths, lake.root());
    let needed: u64 = files.iter().map(|file| file.size / 2).sum();
    match lake.store.free_bytes() {
        Some(free) if free < needed => bail!(
            "{}: {} bytes are free, about {} are needed; free some space or put the lake elsewhere with --lake",
            lake.root().display(),
            number(free),
            number(needed)
        ),
        _ => Ok(()),
    }
}

fn tell(report: &ImportReport, lake: &Lake, args: &ImportArgs, context: &Context) -> anyhow::Result<Exit> {
    let terminal = &context.terminal;
    report.notes.iter().for_each(|note| terminal.say(&one_line(note)));
    report.errors.iter().for_each(|error| {
        let cause = std::error::Error::source(error).map(|c| format!(" ({c})")).unwrap_or_default();
        terminal.warn(&one_line(&format!("{error}{cause}")));
    });
    if args.output_format == "json" {
        let mut out = super::terminal::output(None)?;
        let summary = serde_json::json!({
            "lake": lake.root().display().to_string(),
            "objects": report.objects,
            "skipped": report.skipped,
            "tally": report.tally,
            "errors": report.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        crate::report::jsonl::write_line(&mut out, &summary)?;
        out.flush()?;
    } else {
        tell_tally(report, lake, context);
    }
    let rejects = Tally::total(&report.tally.rejects);
    let failed = !report.errors.is_empty() || (args.strict && rejects > 0);
    Ok(if failed { Exit::Failure } else { Exit::Clean })
}

pub(super) fn tell_tally(report: &ImportReport, lake: &Lake, context: &Context) {
    let tally = &report.tally;
    let list = |map: &std::collections::BTreeMap<String, u64>| {
        let items: Vec<String> = map.iter().map(|(name, n)| format!("{name} {}", number(*n))).collect();
        if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) }
    };
    let say = |text: String| context.terminal.say(&text);
    say(format!(
        "{} read, {} skipped (already in the lake)",
        counted(report.objects, "object"),
        number(report.skipped)
    ));
    say(format!("{} in", counted(tally.records_in, "record")));
    let lines = [
        ("events", &tally.events),
        ("duplicates", &tally.duplicates),
        ("ignored", &tally.ignored),
        ("rejects", &tally.rejects),
    ];
    for (name, map) in lines {
        say(format!("  {:>12} {name}{}", number(Tally::total(map)), list(map)));
    }
    for reason in RejectReason::ALL {
        if tally.rejects.contains_key(reason.as_str()) {
            say(format!("  {}: {}", reason.as_str(), reason.remedy()));
        }
    }
    say(format!("lake: {}", lake.root().display()));
}
