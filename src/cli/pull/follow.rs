//! `--follow`: what log groups get from now on, into the lake and onto stdout.

use super::cloudwatch::{Job, SETTLES};
use super::meter::Meter;
use super::plan::{AHEAD, Planner, Share, millis};
use super::take::Taker;
use crate::cli::context::Context;
use crate::cli::terminal;
use crate::model::{Masker, Micros};
use crate::pull::cloudwatch::{Method, Slice};
use crate::report::{jsonl, text};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of the last milliseconds events come mostly in order; they are asked for in every round.
const RECENT: i64 = 60_000;
/// All that is not settled is asked for again so often.
const WHOLE_EVERY: Duration = Duration::from_secs(60);

/// Events as they come, masked.
pub(super) struct Tail<'a> {
    masker: Box<dyn Masker>,
    json: bool,
    out: Box<dyn Write>,
    context: &'a Context,
    /// Events before are not shown: milliseconds since 1970.
    from: i64,
    /// Ids of events that were shown, with their times.
    shown: HashMap<String, i64>,
}

/// A file as [`crate::pull`] writes it.
#[derive(Deserialize)]
struct Spool {
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    log_stream_name: String,
    timestamp: i64,
    message: String,
    event_id: Option<String>,
}

impl<'a> Tail<'a> {
    pub fn new(json: bool, context: &'a Context) -> anyhow::Result<Self> {
        let (masker, out) = (context.masker(false)?, terminal::output(None)?);
        Ok(Self { masker, json, out, context, from: millis(context.now()), shown: HashMap::new() })
    }

    /// Shows what the file of that slice holds, as far as it is new.
    pub fn show(&mut self, slice: &Slice, path: &Path) -> anyhow::Result<()> {
        let spool: Spool = serde_json::from_reader(BufReader::new(File::open(path)?))?;
        let from = self.from;
        for event in spool.events.iter().filter(|event| event.timestamp >= from) {
            let id = event.event_id.clone().unwrap_or_default();
            if self.shown.insert(id, event.timestamp).is_none() {
                self.line(&slice.group.name, event)?;
            }
        }
        self.out.flush()?;
        Ok(())
    }

    fn line(&mut self, group: &str, event: &Event) -> anyhow::Result<()> {
        let time = Micros::from_millis(event.timestamp).unwrap_or(Micros(0));
        let message = self.masker.mask(event.message.trim_end());
        let stream = self.masker.mask(&event.log_stream_name);
        if self.json {
            let line = json!({
                "event_time": time.to_string(), "log_group": group, "log_stream": stream, "message": message,
            });
            return Ok(jsonl::write_line(&mut self.out, &line)?);
        }
        let time = self.context.show_time(time);
        let cells = [time.as_str(), group, &stream, &message].map(text::terminal);
        writeln!(self.out, "{}", cells.join(" "))?;
        Ok(())
    }

    /// Events before can not come again.
    fn forget(&mut self, before: i64) {
        self.shown.retain(|_, time| *time >= before);
    }
}

/// Goes on until the user stops it, or nothing can be fetched any more; `shares` were fetched before.
pub(super) fn follow(
    job: &Job<'_>,
    planner: Planner<'_>,
    shares: Vec<Share>,
    partial: &HashMap<String, String>,
    taker: &mut Taker<'_>,
    meter: &mut Meter<'_>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (infrequent, others): (Vec<_>, Vec<_>) = shares.into_iter().partition(|share| share.group.is_infrequent());
    for share in infrequent {
        job.context.terminal.warn(&format!("{}: its class INFREQUENT_ACCESS cannot be followed", share.group.name));
    }
    let mut shares = others;
    // A bar and lines would write over each other.
    meter.bar.finish();
    let mut tail = Tail::new(job.is_json(), job.context)?;
    let mut whole = begun;
    let mut failures = taker.failures.len();
    while sleep(Duration::from_secs(job.args.interval), meter) && !job.stats.is_stopped() {
        let now = planner.now + begun.elapsed().as_millis() as i64;
        let mut slices = Vec::new();
        if whole.elapsed() >= WHOLE_EVERY {
            whole = Instant::now();
            taker.commit()?;
            let planner = Planner { now, ..planner };
            for share in &mut shares {
                *share = planner.share(share.place, (*share.group).clone(), Some(&*taker.lake))?;
                slices.extend(share.slices().map(|slice| (share.place, slice)));
            }
            tail.forget(now - 2 * SETTLES);
        } else {
            slices.extend(shares.iter().map(|share| {
                let range = (now - RECENT, now + AHEAD);
                (share.place, Slice::new(Arc::clone(&share.group), range, Method::FilterLogEvents, 0))
            }));
        }
        match job.round(taker, meter, slices, now, partial, |slice, path| tail.show(slice, path)) {
            // Nobody reads it any more.
            Err(error) if is_closed(&error) => return Ok(()),
            done => done?,
        }
        for failure in &taker.failures[failures..] {
            shares.retain(|share| !failure.starts_with(&format!("{}: ", share.group.name)));
        }
        failures = taker.failures.len();
        if shares.is_empty() {
            return Ok(());
        }
        taker.commit_if_due()?;
    }
    Ok(())
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

/// `false` when the user asked to stop.
fn sleep(time: Duration, meter: &Meter<'_>) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if crate::pipeline::Progress::cancelled(&meter.bar) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(100).min(time));
    }
    true
}
