//! `logsift pull cloudwatch`.

use super::follow::follow;
use super::meter::Meter;
use super::plan::{self, MethodArg, Planner, Share, millis};
use super::take::{Landed, Taker, folder, import_config};
use super::{Aws, PlanFormat, RunArgs, tell_missing};
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
use std::path::Path;
use std::sync::Arc;

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
    /// Go on with what the groups get from now on, and print it, masked, until Ctrl-C
    #[arg(long, conflicts_with_all = ["sample", "dry_run", "to", "around"])]
    follow: bool,
    /// Seconds between two looks of --follow
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) interval: u64,
    #[command(flatten)]
    run: RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift pull cloudwatch --log-group '/aws/lambda/*' --since 7d
  logsift pull cloudwatch --log-group /aws/lambda/orders --from 2026-03-02 --to 2026-03-03 --dry-run
  logsift pull cloudwatch --log-group 'API-Gateway-Execution-Logs_*' --since 24h --profile audit
  logsift pull cloudwatch --log-group /aws/lambda/orders --since 10m --follow";

/// Events may come so late, mostly: what is younger is not taken for whole.
pub(super) const SETTLES: i64 = 10 * 60 * 1000;

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
        Some(mut lake) if !args.run.dry_run => {
            let job = Job { places: &places, stats: &stats, ask: &ask, args, context };
            job.fetch(&mut lake, planner, shares)?
        }
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
    let missing = tell_missing(&wanted, &found, &names.join(", "), context);
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
    Ok((readable, failed || missing))
}

/// What is asked, of whom.
pub(super) struct Job<'a> {
    places: &'a [CloudWatchLogs],
    pub stats: &'a Stats,
    ask: &'a Ask,
    pub args: &'a CloudWatchArgs,
    pub context: &'a Context,
}

impl Job<'_> {
    pub fn is_json(&self) -> bool {
        self.args.run.output_format == PlanFormat::Json
    }

    /// Calls of FilterLogEvents a second, at present and at most.
    fn rate(&self) -> (f64, f64) {
        let sum = |rate: fn(&CloudWatchLogs) -> f64| self.places.iter().map(rate).sum::<f64>();
        (sum(|place| place.pace().filter_log_events), sum(|place| place.rates.filter_log_events))
    }

    fn fetch(&self, lake: &mut Lake, planner: Planner<'_>, shares: Vec<Share>) -> anyhow::Result<Exit> {
        let config = import_config(self.args.run.templates.options(), self.context);
        let mut taker = Taker::new(lake, &config, self.stats);
        let mut meter = Meter::of_groups(self.args.run.progress, self.stats, self.context);
        for share in &shares {
            let (wanted, bytes) = share.size();
            meter.expect(&share.group.arn, &share.group.name, wanted, bytes);
        }
        let partial: HashMap<String, String> =
            shares.iter().filter_map(|share| Some((share.group.arn.clone(), share.partial(self.ask)?))).collect();
        let slices = shares.iter().flat_map(|share| share.slices().map(|slice| (share.place, slice))).collect();
        self.round(&mut taker, &mut meter, slices, planner.now, &partial, |_, _| Ok(()))?;
        let groups: Vec<Arc<LogGroup>> = shares.iter().map(|share| Arc::clone(&share.group)).collect();
        if self.args.follow {
            follow(self, planner, shares, &partial, &mut taker, &mut meter)?;
        }
        taker.commit()?;
        if taker.failures.is_empty() {
            let whole = groups.iter().filter(|group| !partial.contains_key(&group.arn));
            taker.settle(whole.map(|group| (group.arn.clone(), self.ask.source(group))))?;
        }
        taker.finish(&counted(groups.len() as u64, "log group"), &mut meter, self.is_json(), self.context)
    }

    /// Fetches slices, each of its place, and takes them over; `seen` looks at each file before. `now`: milliseconds
    /// since 1970.
    pub fn round(
        &self,
        taker: &mut Taker<'_>,
        meter: &mut Meter<'_>,
        slices: Vec<(usize, Slice)>,
        now: i64,
        partial: &HashMap<String, String>,
        mut seen: impl FnMut(&Slice, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (give, given) = std::sync::mpsc::channel();
        let mut of_place: Vec<Vec<Slice>> = vec![Vec::new(); self.places.len()];
        slices.into_iter().for_each(|(place, slice)| of_place[place].push(slice));
        for (place, slices) in self.places.iter().zip(of_place).filter(|(_, slices)| !slices.is_empty()) {
            place.fetch(self.ask.clone(), &folder(taker.lake), slices, give.clone());
        }
        drop(give);
        let mut unseen = Ok(());
        let land = |given| {
            if let (Given::Slice { slice, path, .. }, true) = (&given, unseen.is_ok()) {
                unseen = seen(slice, path);
            }
            land(given, self.ask, now - SETTLES, partial)
        };
        taker.take(&given, meter, self.context, land, || Some(self.rate()))?;
        unseen
    }
}

/// Times after `settled` are not taken for whole.
fn land(given: Given, ask: &Ask, settled: i64, partial: &HashMap<String, String>) -> Option<Landed> {
    let Given::Slice { slice: Slice { group, from, to, .. }, path, events, bytes, .. } = given else { return None };
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
    let why = partial.get(&group.arn).cloned();
    // What is not settled is fetched again anyway.
    let partial = why.map(|why| (group.arn.clone(), Partial { why, from: from.min(settled - 1), to: to.min(settled) }));
    Some(Landed { incoming, file: path, pulled, partial, bytes })
}
