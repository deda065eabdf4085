//! `logsift pull export-task`.

use super::plan::{HIDDEN, millis};
use super::s3::{Fate, Job, fetch, known};
use super::{Aws, PlanFormat, RunArgs, tell_missing};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::cli::time_flags::TimeArgs;
use crate::lake::Lake;
use crate::lake::manifest::{Change, Partial, Pulled};
use crate::model::{Origin, Ranges};
use crate::pipeline::Progress as _;
use crate::pull::cloudwatch::Ask;
use crate::pull::export::{Export, Exports, State};
use crate::pull::s3::{Bucket, Window};
use crate::pull::{CloudWatchLogs, LogGroup, PullError, Rates, Stats, Wanted};
use crate::report::jsonl;
use anyhow::bail;
use clap::Args;
use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Have AWS export log groups to a bucket, and fetch what it wrote.
///
/// The faster way from some hundred gigabytes on, for no quota of calls applies; and one that a group of class
/// INFREQUENT_ACCESS has too. AWS runs one task of an account and region at a time, and takes minutes to hours. The
/// bucket must lie in the group's region and its policy must let logs.REGION.amazonaws.com write. A run that was cut
/// short finds its task again. Makes the one call of logsift that changes something: CreateExportTask.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportTaskArgs {
    /// Log groups: names, patterns with * and ?, or ARNs
    #[arg(long = "log-group", value_name = "NAME", required = true)]
    log_groups: Vec<String>,
    /// Where the tasks write: s3://bucket or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    destination: String,
    #[command(flatten)]
    time: TimeArgs,
    /// Only streams whose names begin so
    #[arg(long, value_name = "TEXT")]
    stream_prefix: Option<String>,
    /// Ask for so many hours more than the time, for events that came late
    #[arg(long, value_name = "HOURS", default_value_t = 1)]
    late: u32,
    /// Do not keep the objects themselves in the lake, only their events
    #[arg(long)]
    no_originals: bool,
    #[command(flatten)]
    run: RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift pull export-task --log-group /aws/lambda/orders --destination s3://my-exports --from 2026-02-01 --to 2026-03-01
  logsift pull export-task --log-group '/aws/lambda/*' --destination s3://my-exports/case-7 --since 30d --dry-run";

const HOUR: i64 = 3_600_000;
/// Events may take so long until an export has them. Fact: AWS, "Export log data to Amazon S3".
const EXPORTABLE: i64 = 12 * HOUR;
/// AWS's own name, where none is given. Fact: AWS, CreateExportTask.
const PREFIX: &str = "exportedlogs";
/// Between two looks at a task.
const LOOK: Duration = Duration::from_secs(10);

/// One task, and the range that need not be fetched any more once it is done.
struct Task {
    group: LogGroup,
    export: Export,
    claimed: Pulled,
}

pub(super) fn run(args: &ExportTaskArgs, aws: &Aws<'_>, context: &Context) -> anyhow::Result<Exit> {
    let range = args.time.range(context.now(), &context.tz)?;
    let Some(from) = range.from.map(millis) else {
        bail!("say how far back: --since 7d, or --from 2026-03-02");
    };
    let now = millis(context.now());
    let to = range.to.map_or(now, millis).min(now);
    let (bucket, prefix) = super::s3::place(&args.destination)?;
    let prefix = prefix.trim_end_matches('/');
    let session = aws.session()?;
    let stats = Arc::new(Stats::default());
    let place = CloudWatchLogs::connect(&session, Rates::new(&session.region, None, None), aws.patience(), &stats);
    let wanted: Vec<Wanted> = args.log_groups.iter().map(|text| Wanted::new(text)).collect();
    let (groups, fits) = place.find(&wanted, false)?;
    let missing = tell_missing(&wanted, &fits, &place.name, context);
    let mut exit = if missing { Exit::Failure } else { Exit::Clean };
    let mut lake =
        if args.run.dry_run { context.lake().ok() } else { Some(Lake::create(&context.settings.lake.value)?) };
    let ask = Ask { stream_prefix: args.stream_prefix.clone(), ..Ask::default() };
    let mut tasks = Vec::new();
    for group in groups {
        let source = ask.source(&group);
        let fetched = lake.as_ref().and_then(|lake| lake.manifest.pulled.get(&source)).cloned();
        let from = group.oldest(now).unwrap_or(i64::MIN).max(from).max(0);
        for (from, to) in fetched.unwrap_or_default().missing(from, to).iter() {
            let export = Export {
                log_group: group.name.clone(),
                stream_prefix: args.stream_prefix.clone(),
                from,
                to: (to + i64::from(args.late) * HOUR).min(now),
                bucket: bucket.to_owned(),
                prefix: if prefix.is_empty() { PREFIX } else { prefix }.to_owned(),
            };
            let claimed = Pulled { source: source.clone(), from, to: to.min(now - EXPORTABLE) };
            tasks.push(Task { group: group.clone(), export, claimed });
        }
    }
    if args.run.dry_run {
        tell_plan(&tasks, args, context)?;
        return Ok(exit);
    }
    if to > now - EXPORTABLE {
        context.terminal.say(
            "what is younger than twelve hours may not be exported yet: that time is not taken for whole, and \
             `logsift pull cloudwatch` fetches it",
        );
    }
    let Some(lake) = lake.as_mut() else { return Ok(Exit::Failure) };
    for task in tasks {
        let connect = || Bucket::connect(&session, bucket, false, aws.patience());
        match task.run(&place, connect, lake, args, context) {
            Ok(Exit::Clean) => {}
            Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
            Ok(_) => exit = Exit::Failure,
            Err(error) => {
                context.terminal.warn(&format!("{}: {error:#}", task.group.name));
                exit = Exit::Failure;
            }
        }
    }
    Ok(exit)
}

fn tell_plan(tasks: &[Task], args: &ExportTaskArgs, context: &Context) -> anyhow::Result<()> {
    let mut out = terminal::output(None)?;
    for Task { group, export, .. } in tasks {
        let Export { from, to, bucket, prefix, .. } = export;
        if args.run.output_format == PlanFormat::Json {
            let value = serde_json::json!({
                "log_group": group.name, "arn": group.arn, "from": from, "to": to, "method": "CreateExportTask",
                "destination": bucket, "destination_prefix": prefix, "stored_bytes": group.stored_bytes,
            });
            jsonl::write_line(&mut out, &value)?;
            continue;
        }
        let time = |ms: i64| context.show_time(crate::model::Micros(ms.saturating_mul(1000)));
        writeln!(out, "{}  {} to {}  s3://{bucket}/{prefix}", group.name, time(*from), time(*to))?;
    }
    out.flush()?;
    Ok(())
}

impl Task {
    fn run(
        &self,
        place: &CloudWatchLogs,
        bucket: impl Fn() -> Result<Bucket, PullError>,
        lake: &mut Lake,
        args: &ExportTaskArgs,
        context: &Context,
    ) -> anyhow::Result<Exit> {
        let Some(id) = self.export(&Exports::new(place), context)? else { return Ok(Exit::Interrupted) };
        let folder = format!("{}/{id}/", self.export.prefix);
        let always = Window { from: i64::MIN / 2, to: i64::MAX / 2, late: 0 };
        let bucket = bucket()?;
        let (objects, listed) = bucket.list(&folder, always)?;
        let _lock = context.lock(lake)?;
        lake.reload()?;
        lake.remove_orphans()?;
        let there: HashSet<_> = known(lake).collect();
        let shared = |text: Option<&str>| text.map(Arc::from);
        let (group, region) = (&self.group, self.group.region().unwrap_or(&place.region));
        let origin = Origin {
            account_id: shared(group.account()),
            region: shared(Some(region)),
            log_group: shared(Some(&group.name)),
            log_stream: None,
        };
        let fate = Fate { origin, keep: !args.no_originals, run: &args.run };
        let exit = fetch(lake, Job::new(bucket, objects, listed, &there), &fate, context)?;
        if exit == Exit::Clean {
            lake.commit_import(self.claim())?;
        }
        Ok(exit)
    }

    /// What the lake need not fetch again.
    fn claim(&self) -> Change {
        let mut change = Change { by: "pull".to_owned(), ..Change::default() };
        if self.group.is_masked() {
            let range = Ranges::of(self.claimed.from, self.export.to);
            if let Some((from, to)) = range.iter().next() {
                let partial = Partial { why: HIDDEN.to_owned(), from, to };
                partial.add_to(&mut change.partial, self.group.arn.clone());
            }
        }
        change.pulled.push(self.claimed.clone());
        change
    }

    /// Waits until AWS has done the task; gives its id, or none when the user asked to stop.
    fn export(&self, exports: &Exports<'_>, context: &Context) -> Result<Option<String>, PullError> {
        let bar = context.terminal.spinner("export");
        let name = &self.group.name;
        let begun = Instant::now();
        let wait = |what: &str| {
            bar.tell(0, 0, &format!("{name}: {what}, {} s", begun.elapsed().as_secs()));
            std::thread::sleep(LOOK.min(begun.elapsed() + Duration::from_millis(200)));
            !bar.cancelled()
        };
        let id = match exports.find(&self.export)? {
            Some(id) => id,
            None => {
                let mut told = false;
                while exports.are_busy()? {
                    if !std::mem::replace(&mut told, true) {
                        context.terminal.say("another export task of this account is under way; waiting for it");
                    }
                    if !wait("waiting for another task") {
                        return Ok(None);
                    }
                }
                exports.begin(&self.export)?
            }
        };
        context.terminal.say(&format!("{name}: export task {id}"));
        loop {
            match exports.state(&id)? {
                State::Completed => {
                    bar.finish();
                    return Ok(Some(id));
                }
                State::Over(why) => {
                    let message = format!("export task {id}: {why}");
                    return Err(PullError::Api { operation: "CreateExportTask", message, hint: "" });
                }
                State::Going if !wait("AWS exports it") => return Ok(None),
                State::Going => {}
            }
        }
    }
}
