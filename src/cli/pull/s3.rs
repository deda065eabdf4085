//! `logsift pull s3`.

use super::meter::Meter;
use super::plan::millis;
use super::take::{Landed, Taker, folder, import_config};
use super::{Aws, PlanFormat, RunArgs};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::cli::time_flags::TimeArgs;
use crate::lake::Lake;
use crate::lake::manifest::SourceObject;
use crate::model::Origin;
use crate::pipeline::import::Incoming;
use crate::pull::Given;
use crate::pull::s3::{Bucket, S3Object, Window};
use crate::report::jsonl;
use crate::report::text::{counted, number};
use crate::source::s3_key::export_folder;
use crate::source::walk::SourceFile;
use anyhow::{Context as _, bail};
use clap::Args;
use std::collections::HashSet;
use std::io::Write as _;
use std::sync::atomic::Ordering;

/// Fetch logs that lie in buckets.
///
/// Load balancers, flow logs, CloudTrail, WAF, CloudFront, server access logs, Config, GuardDuty, Firehose, export
/// tasks: whatever lies under the prefix and may hold events of the time asked for. Folders and names tell the time,
/// so only those that may are listed and fetched. Each object is fetched in the version that was listed, kept in the
/// lake as it was delivered, and imported; one that is in the lake already is not fetched again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct S3Args {
    /// Where: s3://bucket or s3://bucket/prefix
    #[arg(value_name = "URI", required = true)]
    uris: Vec<String>,
    #[command(flatten)]
    time: TimeArgs,
    /// Objects may be written so many hours after their events
    #[arg(long, value_name = "HOURS", default_value_t = 1)]
    late: u32,
    /// Pay for the requests to a bucket of somebody else's
    #[arg(long)]
    requester_pays: bool,
    /// Do not keep the objects themselves in the lake, only their events
    #[arg(long)]
    no_originals: bool,
    #[command(flatten)]
    run: RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift pull s3 s3://my-logs --since 7d
  logsift pull s3 s3://my-trail/AWSLogs/111122223333/CloudTrail/ --from 2026-03-02 --to 2026-03-03 --dry-run
  logsift pull s3 s3://flow-logs s3://alb-logs/prod --since 24h --late 6";

/// GET and LIST requests in us-east-1, dollars for a thousand. Fact: AWS, S3 pricing; other regions differ by some
/// per cent.
const THOUSAND_GETS: f64 = 0.0004;
const THOUSAND_LISTS: f64 = 0.005;

/// Bucket and prefix.
pub(super) fn place(uri: &str) -> anyhow::Result<(&str, &str)> {
    let rest = uri.strip_prefix("s3://").with_context(|| format!("{uri} is no S3 URI: s3://bucket/prefix is one"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        bail!("{uri} names no bucket: s3://bucket/prefix does");
    }
    Ok((bucket, prefix))
}

pub(super) fn run(args: &S3Args, aws: &Aws<'_>, context: &Context) -> anyhow::Result<Exit> {
    let range = args.time.range(context.now(), &context.tz)?;
    let window = Window {
        from: range.from.map_or(i64::MIN / 2, millis),
        to: range.to.map_or(i64::MAX / 2, millis),
        late: i64::from(args.late) * 3_600_000,
    };
    let places = args.uris.iter().map(|uri| place(uri)).collect::<anyhow::Result<Vec<_>>>()?;
    let session = aws.session()?;
    let mut lake =
        if args.run.dry_run { context.lake().ok() } else { Some(Lake::create(&context.settings.lake.value)?) };
    let known: HashSet<Version> = lake.iter().flat_map(known).collect();
    let mut jobs = Vec::new();
    let mut failed = false;
    for (name, prefix) in places {
        let listed = Bucket::connect(&session, name, args.requester_pays, aws.patience()).and_then(|bucket| {
            let (objects, listed) = bucket.list(prefix, window)?;
            Ok((bucket, objects, listed))
        });
        match listed {
            Ok((bucket, objects, listed)) => jobs.push(Job::new(bucket, objects, listed, &known)),
            Err(error) => {
                failed = true;
                context.terminal.warn(&format!("s3://{name}/{prefix}: {error}"));
            }
        }
    }
    if args.run.dry_run {
        tell_plan(&jobs, args)?;
        return Ok(if failed { Exit::Failure } else { Exit::Clean });
    }
    let Some(lake) = lake.as_mut() else { return Ok(Exit::Failure) };
    let _lock = context.lock(lake)?;
    lake.reload()?;
    lake.remove_orphans()?;
    let mut exit = if failed { Exit::Failure } else { Exit::Clean };
    let fate = Fate { origin: Origin::default(), keep: !args.no_originals, run: &args.run };
    for job in jobs {
        match fetch(lake, job, &fate, context)? {
            Exit::Clean => {}
            Exit::Interrupted => return Ok(Exit::Interrupted),
            _ => exit = Exit::Failure,
        }
    }
    Ok(exit)
}

/// ETag and size: objects of two names that have the same are the same bytes. Of an export the folder too: streams of
/// equal bytes are two.
pub(super) type Version = (String, u64, Option<String>);

fn version(etag: &str, size: u64, name: &str) -> Version {
    (etag.to_owned(), size, export_folder(name).map(str::to_owned))
}

/// What was fetched before.
pub(super) fn known(lake: &Lake) -> impl Iterator<Item = Version> + '_ {
    let objects = lake.manifest.objects.values().filter(|object| object.incomplete.is_none());
    let versions = |object: &'_ SourceObject| -> Vec<Version> {
        let etag = object.etag.iter();
        etag.flat_map(|etag| object.names().map(|name| version(etag, object.size, name))).collect()
    };
    objects.flat_map(versions)
}

/// What is to be fetched from one bucket.
pub(super) struct Job {
    bucket: Bucket,
    objects: Vec<S3Object>,
    /// Objects that were listed, of all times.
    listed: u64,
    /// Objects of the time that the lake has.
    there: usize,
}

impl Job {
    /// `known`: versions that need not be fetched.
    pub fn new(bucket: Bucket, mut objects: Vec<S3Object>, listed: u64, known: &HashSet<Version>) -> Self {
        let needed = objects.len();
        let is_known = |object: &S3Object| {
            object.etag.as_ref().is_some_and(|etag| known.contains(&version(etag, object.size, &object.uri())))
        };
        objects.retain(|object| !is_known(object));
        let there = needed - objects.len();
        Self { bucket, objects, listed, there }
    }

    fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }

    fn dollars(&self) -> f64 {
        let lists = self.bucket.stats.calls.load(Ordering::Relaxed);
        (self.objects.len() as f64 * THOUSAND_GETS + lists as f64 * THOUSAND_LISTS) / 1000.0
    }
}

fn tell_plan(jobs: &[Job], args: &S3Args) -> anyhow::Result<()> {
    let mut out = terminal::output(None)?;
    for job in jobs {
        if args.run.output_format == PlanFormat::Json {
            for object in &job.objects {
                let value = serde_json::json!({
                    "uri": object.uri(), "bytes": object.size, "etag": object.etag,
                    "storage_class": object.storage_class,
                });
                jsonl::write_line(&mut out, &value)?;
            }
            continue;
        }
        for object in &job.objects {
            writeln!(out, "{:>15}  {}", number(object.size), crate::report::text::terminal(&object.uri()))?;
        }
        writeln!(
            out,
            "{}, {} bytes to fetch in {}; {} of the time are in the lake already; {} listed in {}; about {:.4} USD for \
             the requests, where data leaves AWS that costs more",
            counted(job.objects.len() as u64, "object"),
            number(job.bytes()),
            job.bucket.region,
            number(job.there as u64),
            number(job.listed),
            counted(job.bucket.stats.calls.load(Ordering::Relaxed), "call"),
            job.dollars()
        )?;
    }
    out.flush()?;
    Ok(())
}

/// What becomes of objects.
pub(super) struct Fate<'a> {
    /// Of all of them, as far as their names do not tell.
    pub origin: Origin,
    /// Keep them as they were delivered.
    pub keep: bool,
    pub run: &'a RunArgs,
}

pub(super) fn fetch(lake: &mut Lake, job: Job, fate: &Fate<'_>, context: &Context) -> anyhow::Result<Exit> {
    let config = import_config(fate.run.templates.options(), context);
    let bytes = job.bytes();
    let what = format!(
        "{} of {} listed ({} in the lake already)",
        counted(job.objects.len() as u64, "object"),
        number(job.listed),
        number(job.there as u64)
    );
    let stats = &job.bucket.stats;
    let mut taker = Taker::new(lake, &config, stats);
    let given = job.bucket.fetch(&folder(taker.lake), job.objects);
    let mut meter = Meter::of_objects(fate.run.progress, stats, bytes, context);
    taker.take(&given, &mut meter, context, |given| land(given, fate), || None)?;
    taker.commit()?;
    taker.finish(&what, &mut meter, fate.run.output_format == PlanFormat::Json, context)
}

fn land(given: Given, fate: &Fate<'_>) -> Option<Landed> {
    let Given::Object { object, path } = given else { return None };
    let incoming = Incoming {
        file: SourceFile { path: path.to_path_buf(), size: object.size },
        name: Some(object.uri()),
        origin: fate.origin.clone(),
        etag: object.etag,
        keep: fate.keep,
    };
    Some(Landed { incoming: Some(incoming), file: path, pulled: None, partial: None, bytes: object.size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        assert_eq!(place("s3://b").unwrap(), ("b", ""));
        assert_eq!(place("s3://b/p/q").unwrap(), ("b", "p/q"));
        assert!(place("b/p").is_err() && place("s3:///p").is_err());
    }
}
