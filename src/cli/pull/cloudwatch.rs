//! `logsift pull cloudwatch`.

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::import::tell_tally;
use crate::cli::read_args::TemplateArgs;
use crate::cli::terminal::{self, Bar};
use crate::cli::time_flags::TimeArgs;
use crate::lake::manifest::Pulled;
use crate::lake::{Lake, store};
use crate::model::{Micros, Origin, Ranges, TimeRange};
use crate::pipeline::import::{ImportConfig, Importer, Incoming};
use crate::pipeline::{PipelineError, Progress as _, Silent};
use crate::pull::cloudwatch::{Ask, Given, Slice};
use crate::pull::{ClientConfig, CloudWatchLogs, LogGroup, Wanted};
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::{counted, number};
use crate::source::walk::SourceFile;
use anyhow::bail;
use clap::Args;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Fetch log groups of CloudWatch Logs.
///
/// Takes every event of the time asked for, as fast as AWS's quotas allow and no faster: 90 % of the account's
/// FilterLogEvents quota in the region, less while AWS throttles. What was fetched is remembered in the lake with
/// the events themselves, so that a run that was killed, or the same command again, fetches only what is missing.
/// Of the last ten minutes events may still come, so they are fetched anew each time; an event that is in the lake
/// already is never added twice.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CloudWatchArgs {
    /// Log groups: names, patterns with * and ?, or ARNs
    #[arg(long = "log-group", value_name = "NAME", required = true)]
    log_groups: Vec<String>,
    #[command(flatten)]
    time: TimeArgs,
    /// Only streams whose names begin so
    #[arg(long, value_name = "TEXT")]
    stream_prefix: Option<String>,
    /// Only events that match this filter pattern of CloudWatch Logs
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Ask for what data protection policies hide; needs logs:Unmask
    #[arg(long)]
    unmask: bool,
    /// Calls of FilterLogEvents a second [default: 90 % of the region's quota]
    #[arg(long, value_name = "N")]
    max_tps: Option<f64>,
    /// Fetch the last so many hours again, for events that came late
    #[arg(long, value_name = "HOURS")]
    follow_late: Option<u32>,
    /// Print what would be fetched, and fetch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    templates: TemplateArgs,
    /// Print plan and counts as JSON on stdout
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    output_format: String,
}

const EXAMPLES: &str = "\
Examples:
  logsift pull cloudwatch --log-group '/aws/lambda/*' --since 7d
  logsift pull cloudwatch --log-group /aws/lambda/orders --from 2026-03-02 --to 2026-03-03 --dry-run
  logsift pull cloudwatch --log-group 'API-Gateway-Execution-Logs_*' --since 24h --profile audit";

/// Events may come so late, mostly: what is younger is not taken for whole.
const SETTLES: i64 = 10 * 60 * 1000;
/// Events may bear a time so far ahead. Fact: AWS, PutLogEvents.
const AHEAD: i64 = 2 * 60 * 60 * 1000;
/// Bytes of messages, and time, between two commits.
const COMMIT_BYTES: u64 = 128 * 1024 * 1024;
const COMMIT_EVERY: Duration = Duration::from_secs(20);
/// A page holds 1 MB at most. Fact: AWS, FilterLogEvents.
const PAGE: i64 = 1_048_576;
/// Bytes of messages for each one that AWS counts as stored, about: text that gzip made small.
const INFLATED: i64 = 6;
/// What was fetched when the user asked to stop is still taken over within so long.
const LAST_COMMIT: Duration = Duration::from_secs(60);

/// What is to be fetched of one group.
struct Share {
    group: Arc<LogGroup>,
    missing: Ranges,
    /// Messages' bytes, about.
    bytes: i64,
}

impl Share {
    fn calls(&self) -> i64 {
        if self.missing.is_empty() { 0 } else { self.bytes / PAGE + 1 }
    }
}

fn millis(time: Micros) -> i64 {
    time.0.div_euclid(1000)
}

pub(super) fn run(args: &CloudWatchArgs, config: &ClientConfig, context: &Context) -> anyhow::Result<Exit> {
    let range = args.time.range(context.now(), &context.tz)?;
    if range.from.is_none() {
        bail!("say how far back: --since 7d, or --from 2026-03-02");
    }
    let aws = CloudWatchLogs::connect(config, args.max_tps)?;
    let wanted: Vec<Wanted> = args.log_groups.iter().map(|text| Wanted::new(text)).collect();
    let (groups, vain) = aws.find(&wanted)?;
    let mut failed = false;
    let mut warn = |text: String| {
        context.terminal.warn(&text);
        failed = true;
    };
    for wanted in vain {
        let seen = &aws.region;
        warn(format!("no log group of {seen} is called {}; `logsift pull discover` lists them", wanted.text()));
    }
    let (readable, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.unreadable().is_none());
    for group in others {
        warn(format!("{}: {}", group.name, group.unreadable().unwrap_or_default()));
    }
    if readable.is_empty() {
        return Ok(Exit::Failure);
    }
    let ask =
        Ask { stream_prefix: args.stream_prefix.clone(), filter_pattern: args.filter.clone(), unmask: args.unmask };
    for group in readable.iter().filter(|group| group.is_masked() && !args.unmask) {
        let name = &group.name;
        context.terminal.say(&format!(
            "{name}: a data protection policy hides sensitive data behind asterisks; what is fetched is no proof that \
             none is there (--unmask asks for it)"
        ));
    }
    let mut lake = if args.dry_run { context.lake().ok() } else { Some(Lake::create(&context.settings.lake.value)?) };
    let lock = match &lake {
        Some(lake) if !args.dry_run => Some(context.lock(lake)?),
        _ => None,
    };
    if let Some(lake) = lake.as_mut().filter(|_| lock.is_some()) {
        lake.reload()?;
        lake.remove_orphans()?;
    }
    let shares: Vec<Share> =
        readable.into_iter().map(|group| share(group, &ask, range, args, lake.as_ref(), context)).collect();
    if args.dry_run {
        tell_plan(&shares, &aws, args, context)?;
        return Ok(if failed { Exit::Failure } else { Exit::Clean });
    }
    let Some(mut lake) = lake else { return Ok(Exit::Failure) };
    let fetched = fetch(&mut lake, &aws, ask, &shares, args, context)?;
    let failed = failed || fetched == Exit::Failure;
    Ok(if failed { Exit::Failure } else { fetched })
}

/// What the lake lacks of the group's time.
fn share(
    group: LogGroup,
    ask: &Ask,
    range: TimeRange,
    args: &CloudWatchArgs,
    lake: Option<&Lake>,
    context: &Context,
) -> Share {
    let now = millis(context.now());
    let from = millis(range.from.unwrap_or(Micros(0))).max(group.oldest(now).unwrap_or(i64::MIN));
    let to = range.to.map_or(now + AHEAD, millis);
    let late = args.follow_late.map_or(i64::MAX, |hours| now - i64::from(hours) * 60 * 60 * 1000);
    let mut known = Ranges::default();
    let fetched = lake.and_then(|lake| lake.manifest.pulled.get(&ask.source(&group)));
    for (begin, end) in fetched.into_iter().flat_map(Ranges::iter) {
        known.add(begin, end.min(late));
    }
    let missing = known.missing(from, to);
    let age = (now - group.created.unwrap_or(now)).max(1);
    let past: i64 = missing.iter().map(|(begin, end)| end.min(now).saturating_sub(begin.max(now - age)).max(0)).sum();
    let bytes = (group.stored_bytes as f64 * INFLATED as f64 * (past as f64 / age as f64).min(1.0)) as i64;
    Share { group: Arc::new(group), missing, bytes }
}

fn tell_plan(shares: &[Share], aws: &CloudWatchLogs, args: &CloudWatchArgs, context: &Context) -> anyhow::Result<()> {
    let mut out = terminal::output(None)?;
    let names = ["log_group", "missing_hours", "bytes_about", "method", "calls", "seconds_about"];
    let mut table = Table::new(&names).right_aligned(&["missing_hours", "bytes_about", "calls", "seconds_about"]);
    for share in shares {
        let hours = share.missing.len() as f64 / 3_600_000.0;
        let seconds = share.calls() as f64 / aws.rate;
        if args.output_format == "json" {
            let value = serde_json::json!({
                "log_group": share.group.name, "arn": share.group.arn, "method": "FilterLogEvents",
                "missing": share.missing, "bytes_about": share.bytes, "calls": share.calls(),
                "calls_per_second": aws.rate, "seconds_about": seconds, "masked": share.group.is_masked(),
            });
            jsonl::write_line(&mut out, &value)?;
        }
        table.push(vec![
            share.group.name.clone(),
            format!("{hours:.1}"),
            number(share.bytes.unsigned_abs()),
            "FilterLogEvents".to_owned(),
            number(share.calls().unsigned_abs()),
            format!("{seconds:.0}"),
        ]);
    }
    if args.output_format == "text" {
        write!(out, "{}", table.render(context.terminal.width()))?;
        let (calls, rate) = (shares.iter().map(Share::calls).sum::<i64>(), aws.rate);
        writeln!(
            out,
            "{} at {rate:.1} a second in {}: about {:.0} s. AWS does not charge for FilterLogEvents; bytes are \
             {INFLATED} times what AWS counts as stored, which is compressed and up to a day old",
            counted(calls.unsigned_abs(), "call"),
            aws.region,
            calls as f64 / rate
        )?;
    }
    out.flush()?;
    Ok(())
}

/// Finished slices that wait for the next commit.
#[derive(Default)]
struct Pending {
    files: Vec<(Slice, tempfile::TempPath, u64)>,
    bytes: u64,
}

/// Takes over what is fetched, commit by commit.
struct Taker<'a> {
    lake: &'a mut Lake,
    importer: Importer<'a>,
    aws: &'a CloudWatchLogs,
    ask: Ask,
    /// Later times are not taken for whole.
    settled: i64,
    pending: Pending,
}

impl Taker<'_> {
    fn commit(&mut self) -> Result<(), PipelineError> {
        let pending = std::mem::take(&mut self.pending);
        let mut files = Vec::new();
        let mut pulled = Vec::new();
        for (slice, path, events) in &pending.files {
            let group = &slice.group;
            let source = self.ask.source(group);
            let shared = |text: Option<&str>| text.map(Arc::from);
            if *events > 0 {
                let separator = if source.contains('?') { '&' } else { '?' };
                files.push(Incoming {
                    file: SourceFile {
                        path: path.to_path_buf(),
                        size: std::fs::metadata(path).map_or(0, |meta| meta.len()),
                    },
                    name: Some(format!("{source}{separator}startTime={}&endTime={}", slice.from, slice.to - 1)),
                    origin: Origin {
                        account_id: shared(group.account()),
                        region: shared(group.region()),
                        log_group: shared(Some(&group.name)),
                        log_stream: None,
                    },
                    etag: None,
                });
            }
            pulled.push(Pulled { source, from: slice.from, to: slice.to.min(self.settled) });
        }
        if !pending.files.is_empty() {
            // What was fetched is kept also when the user has asked to stop.
            self.importer.group(self.lake, &files, pulled, &Silent)?;
        }
        self.aws.stats.spooled.fetch_sub(pending.bytes, Ordering::Relaxed);
        Ok(())
    }
}

fn fetch(
    lake: &mut Lake,
    aws: &CloudWatchLogs,
    ask: Ask,
    shares: &[Share],
    args: &CloudWatchArgs,
    context: &Context,
) -> anyhow::Result<Exit> {
    let now = context.now();
    let slices = shares
        .iter()
        .flat_map(|share| share.missing.iter().map(|(from, to)| Slice { group: Arc::clone(&share.group), from, to }));
    let folder = lake.root().join(store::INTERNAL);
    terminal::grace(LAST_COMMIT);
    let given = aws.fetch(ask.clone(), &folder, slices.collect());
    let config = ImportConfig {
        paths: Vec::new(),
        format: None,
        options: args.templates.options(),
        origin: Origin::default(),
        now,
        stdin: None,
    };
    let (importer, settled) = (Importer::new(&config), millis(now) - SETTLES);
    let mut taker = Taker { lake, importer, aws, ask, settled, pending: Pending::default() };
    let bar = context.terminal.spinner("pull");
    let failures = take(&mut taker, &given, &bar, aws)?;
    bar.finish();
    let Taker { lake, importer, .. } = taker;
    let report = importer.finish(lake, &bar)?;
    for failure in &failures {
        context.terminal.warn(failure);
    }
    report.notes.iter().for_each(|note| context.terminal.say(note));
    let stats = &aws.stats;
    let told = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    if args.output_format == "json" {
        let mut out = terminal::output(None)?;
        let summary = serde_json::json!({
            "lake": lake.root().display().to_string(), "groups": shares.len(), "objects": report.objects,
            "skipped": report.skipped, "tally": report.tally,
            "calls": told(&stats.calls), "retries": told(&stats.retries), "throttles": told(&stats.throttles),
            "empty_pages": told(&stats.empty_pages), "bytes": told(&stats.bytes), "errors": failures,
        });
        jsonl::write_line(&mut out, &summary)?;
        out.flush()?;
    } else {
        context.terminal.say(&format!(
            "{}, {} ({} throttled, {} repeated, {} empty pages), {} bytes of messages",
            counted(shares.len() as u64, "log group"),
            counted(told(&stats.calls), "call"),
            number(told(&stats.throttles)),
            number(told(&stats.retries)),
            number(told(&stats.empty_pages)),
            number(told(&stats.bytes))
        ));
        tell_tally(&report, lake, context);
    }
    if bar.cancelled() {
        return Ok(Exit::Interrupted);
    }
    Ok(if failures.is_empty() && report.errors.is_empty() { Exit::Clean } else { Exit::Failure })
}

/// Until nothing more comes; gives what went wrong.
fn take(
    taker: &mut Taker<'_>,
    given: &Receiver<Given>,
    bar: &Bar,
    aws: &CloudWatchLogs,
) -> Result<Vec<String>, PipelineError> {
    let mut failures = Vec::new();
    let mut committed = Instant::now();
    loop {
        let stats = &aws.stats;
        if bar.cancelled() {
            stats.stop.store(true, Ordering::Relaxed);
        }
        let events = stats.events.load(Ordering::Relaxed);
        let (bytes, calls) = (stats.bytes.load(Ordering::Relaxed), stats.calls.load(Ordering::Relaxed));
        bar.tell(
            events,
            bytes,
            &format!("{} at {:.1} of {:.1} a second", counted(calls, "call"), aws.pace(), aws.rate),
        );
        match given.recv_timeout(Duration::from_millis(200)) {
            Ok(Given::Slice { slice, path, events, bytes }) => {
                taker.pending.files.push((slice, path, events));
                taker.pending.bytes += bytes;
            }
            Ok(Given::Failed { group, why }) => failures.push(format!("{}: {why}", group.name)),
            Ok(Given::Credentials(why)) => failures.push(format!(
                "the credentials do not work (any more): {why}; renew them and run the same command again, it goes on \
                 where it stopped"
            )),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if taker.pending.bytes > COMMIT_BYTES || committed.elapsed() > COMMIT_EVERY {
            taker.commit()?;
            committed = Instant::now();
        }
    }
    taker.commit()?;
    Ok(failures)
}
