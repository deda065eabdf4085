//! `logsift pull cloudwatch`.

use super::plan::{self, MethodArg, Planner, Share, millis};
use super::take::{Landed, Taker, folder, import_config};
use super::{Aws, PlanFormat, RunArgs};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::time_flags::TimeArgs;
use crate::lake::Lake;
use crate::lake::manifest::{Partial, Pulled};
use crate::model::Origin;
use crate::pipeline::import::Incoming;
use crate::pull::cloudwatch::{Ask, Slice};
use crate::pull::{CloudWatchLogs, Given, LogGroup, Rates, Session, Stats, Wanted};
use crate::report::text::counted;
use crate::source::walk::SourceFile;
use anyhow::bail;
use clap::Args;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    /// About so many bytes of messages from each group, spread over the time: 50MB, 1GB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    sample: Option<u64>,
    /// Calls of FilterLogEvents a second [default: 90 % of the region's quota]
    #[arg(long, value_name = "N")]
    max_tps: Option<f64>,
    /// Calls of GetLogEvents a second [default: 90 % of the region's quota]
    #[arg(long, value_name = "N")]
    max_get_tps: Option<f64>,
    /// Which API to fetch with; auto takes what the quotas make the fastest, as --dry-run shows
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    method: MethodArg,
    /// Also log groups of the accounts that are linked to this monitoring account
    #[arg(long)]
    linked_accounts: bool,
    /// Fetch the last so many hours again, for events that came late
    #[arg(long, value_name = "HOURS")]
    follow_late: Option<u32>,
    #[command(flatten)]
    run: RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift pull cloudwatch --log-group '/aws/lambda/*' --since 7d
  logsift pull cloudwatch --log-group /aws/lambda/orders --from 2026-03-02 --to 2026-03-03 --dry-run
  logsift pull cloudwatch --log-group 'API-Gateway-Execution-Logs_*' --since 24h --profile audit";

/// Events may come so late, mostly: what is younger is not taken for whole.
const SETTLES: i64 = 10 * 60 * 1000;
/// `50MB`, `1 GiB`, `4096`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err("a size is 4096, 50MB or 1GiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a size is 4096, 50MB or 1GiB".to_owned())?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(|| "that is no size".to_owned())
}

pub(super) fn run(args: &CloudWatchArgs, aws: &Aws<'_>, context: &Context) -> anyhow::Result<Exit> {
    let range = args.time.range(context.now(), &context.tz)?;
    if range.from.is_none() {
        bail!("say how far back: --since 7d, or --from 2026-03-02");
    }
    if args.filter.is_some() && matches!(args.method, MethodArg::Get | MethodArg::Both) {
        bail!("GetLogEvents knows no filter pattern: leave out --filter, or --method");
    }
    let stats = Arc::new(Stats::default());
    let mut failed = false;
    let sessions = aws.sessions(|text| {
        context.terminal.warn(&text);
        failed = true;
    })?;
    let connect = |session: &Session| {
        let rates = Rates::new(&session.region, args.max_tps, args.max_get_tps);
        CloudWatchLogs::connect(session, rates, aws.patience(), &stats)
    };
    let places: Vec<CloudWatchLogs> = sessions.iter().map(connect).collect();
    let (groups, others_failed) = groups(args, &places, context)?;
    failed |= others_failed;
    if groups.is_empty() {
        return Ok(Exit::Failure);
    }
    let ask = Ask {
        stream_prefix: args.stream_prefix.clone(),
        filter_pattern: args.filter.clone(),
        unmask: args.unmask,
        linked: args.linked_accounts,
    };
    let mut lake =
        if args.run.dry_run { context.lake().ok() } else { Some(Lake::create(&context.settings.lake.value)?) };
    let lock = match &lake {
        Some(lake) if !args.run.dry_run => Some(context.lock(lake)?),
        _ => None,
    };
    if let Some(lake) = lake.as_mut().filter(|_| lock.is_some()) {
        lake.reload()?;
        lake.remove_orphans()?;
    }
    let (method, now) = (args.method, millis(context.now()));
    let (follow_late, sample) = (args.follow_late, args.sample);
    let planner = Planner { ask: &ask, range, follow_late, now, method, sample, places: &places };
    let shares = groups.into_iter().map(|(place, group)| planner.share(place, group, lake.as_ref()));
    let shares: Vec<Share> = shares.collect::<Result<_, _>>()?;
    let fetched = match lake {
        Some(mut lake) if !args.run.dry_run => fetch(&mut lake, &places, &stats, ask, &shares, args, context)?,
        _ => {
            plan::tell(&shares, &places, args.run.output_format, context)?;
            Exit::Clean
        }
    };
    Ok(if failed && fetched != Exit::Interrupted { Exit::Failure } else { fetched })
}

/// The groups that are meant and can be read, with the place of each; and whether others were meant.
fn groups(
    args: &CloudWatchArgs,
    places: &[CloudWatchLogs],
    context: &Context,
) -> anyhow::Result<(Vec<(usize, LogGroup)>, bool)> {
    let wanted: Vec<Wanted> = args.log_groups.iter().map(|text| Wanted::new(text)).collect();
    let mut found = vec![false; wanted.len()];
    let mut groups = Vec::new();
    let mut failed = false;
    let mut warn = |text: String| {
        context.terminal.warn(&text);
        failed = true;
    };
    for (n, place) in places.iter().enumerate() {
        match place.find(&wanted, args.linked_accounts) {
            Ok((here, fits)) => {
                found.iter_mut().zip(fits).for_each(|(found, fits)| *found |= fits);
                groups.extend(here.into_iter().map(|group| (n, group)));
            }
            Err(error) if places.len() == 1 => return Err(error.into()),
            Err(error) => warn(format!("{}: {error}", place.name)),
        }
    }
    let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    for (wanted, _) in wanted.iter().zip(found).filter(|(_, found)| !found) {
        let (text, seen) = (wanted.text(), names.join(", "));
        warn(format!("no log group of {seen} is called {text}; `logsift pull discover` lists them"));
    }
    let (groups, others): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|(_, group)| args.filter.is_none() || !group.is_infrequent());
    for (_, group) in others {
        warn(format!("{}: its class INFREQUENT_ACCESS knows no filter pattern: leave out --filter", group.name));
    }
    let (readable, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, group)| group.unreadable().is_none());
    for (_, group) in others {
        warn(format!("{}: {}", group.name, group.unreadable().unwrap_or_default()));
    }
    for (_, group) in readable.iter().filter(|(_, group)| group.is_masked() && !args.unmask) {
        let name = &group.name;
        context.terminal.say(&format!(
            "{name}: a data protection policy hides sensitive data behind asterisks; what is fetched is no proof that \
             none is there (--unmask asks for it)"
        ));
    }
    Ok((readable, failed))
}

fn fetch(
    lake: &mut Lake,
    places: &[CloudWatchLogs],
    stats: &Stats,
    ask: Ask,
    shares: &[Share],
    args: &CloudWatchArgs,
    context: &Context,
) -> anyhow::Result<Exit> {
    let config = import_config(args.run.templates.options(), context);
    let settled = millis(config.now) - SETTLES;
    let mut taker = Taker::new(lake, &config, stats);
    let (give, given) = std::sync::mpsc::channel();
    for (n, place) in places.iter().enumerate() {
        let here = shares.iter().filter(|share| share.place == n);
        place.fetch(ask.clone(), &folder(taker.lake), here.flat_map(Share::slices).collect(), give.clone());
    }
    drop(give);
    let bar = context.terminal.spinner("pull");
    let more = || {
        let calls = counted(stats.calls.load(Ordering::Relaxed), "call");
        let sum = |rate: fn(&CloudWatchLogs) -> f64| places.iter().map(rate).sum::<f64>();
        let (now, most) = (sum(|place| place.pace().filter_log_events), sum(|place| place.rates.filter_log_events));
        format!("{calls}, FilterLogEvents at {now:.1} of {most:.1} a second")
    };
    let partial: HashMap<&str, String> =
        shares.iter().filter_map(|share| Some((share.group.arn.as_str(), share.partial(&ask)?))).collect();
    taker.take(&given, &bar, context, |given| land(given, &ask, settled, &partial), more)?;
    if taker.failures.is_empty() {
        let settled_groups = shares.iter().filter(|share| !partial.contains_key(share.group.arn.as_str()));
        taker.settle(settled_groups.map(|share| (share.group.arn.clone(), ask.source(&share.group))))?;
    }
    taker.finish(&counted(shares.len() as u64, "log group"), &bar, args.run.output_format == PlanFormat::Json, context)
}

/// Times after `settled` are not taken for whole.
fn land(given: Given, ask: &Ask, settled: i64, partial: &HashMap<&str, String>) -> Option<Landed> {
    let Given::Slice { slice: Slice { group, from, to, .. }, path, events, bytes } = given else { return None };
    let source = ask.source(&group);
    let shared = |text: Option<&str>| text.map(Arc::from);
    let separator = if source.contains('?') { '&' } else { '?' };
    let incoming = (events > 0).then(|| Incoming {
        file: SourceFile { path: path.to_path_buf(), size: std::fs::metadata(&path).map_or(0, |meta| meta.len()) },
        name: Some(format!("{source}{separator}startTime={from}&endTime={}", (to - 1).max(from))),
        origin: Origin {
            account_id: shared(group.account()),
            region: shared(group.region()),
            log_group: shared(Some(&group.name)),
            log_stream: None,
        },
        etag: None,
        keep: false,
    });
    // A file of GetLogEvents may be given before its slice is done: it claims nothing.
    let pulled = (from < to).then(|| Pulled { source, from, to: to.min(settled) });
    let why = partial.get(group.arn.as_str()).cloned();
    // What is not settled is fetched again anyway.
    let partial = why.map(|why| (group.arn.clone(), Partial { why, from: from.min(settled - 1), to: to.min(settled) }));
    Some(Landed { incoming, file: path, pulled, partial, bytes })
}
