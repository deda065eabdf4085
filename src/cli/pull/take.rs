//! What was fetched → the lake, commit by commit.

use super::meter::{Meter, Rate};
use super::plan::SCANNED_GB;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::import::tell_tally;
use crate::cli::terminal;
use crate::lake::manifest::{Change, Partial, Pulled};
use crate::lake::{Lake, store};
use crate::model::Origin;
use crate::pipeline::import::{ImportConfig, ImportReport, Importer, Incoming};
use crate::pipeline::{PipelineError, Progress as _, Silent};
use crate::pull::{Given, Stats};
use crate::report::jsonl;
use crate::report::text::{counted, number};
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Bytes, and time, between two commits.
const COMMIT_BYTES: u64 = 64 * 1024 * 1024;
const COMMIT_EVERY: Duration = Duration::from_secs(20);
/// What was fetched when the user asked to stop is still taken over within so long.
const LAST_COMMIT: Duration = Duration::from_secs(60);

/// Something fetched whole.
pub(super) struct Landed {
    /// None where there was no event.
    pub incoming: Option<Incoming>,
    /// Removed once it is taken over.
    pub file: tempfile::TempPath,
    /// What need not be fetched any more, once this is in the lake.
    pub pulled: Option<Pulled>,
    /// Its source, where this is not all of it.
    pub partial: Option<(String, Partial)>,
    /// As counted by [`Stats::spooled`].
    pub bytes: u64,
}

/// A lake that is pulled into.
pub(super) struct Taker<'a> {
    pub lake: &'a mut Lake,
    importer: Importer<'a>,
    stats: &'a Stats,
    pending: Vec<Landed>,
    bytes: u64,
    committed: Instant,
    /// What went wrong.
    pub failures: Vec<String>,
}

/// How imports of a pull are made.
pub(super) fn import_config(options: crate::formats::Options, context: &Context) -> ImportConfig {
    ImportConfig {
        paths: Vec::new(),
        format: None,
        options,
        origin: Origin::default(),
        now: context.now(),
        stdin: None,
    }
}

/// Where fetched files wait.
pub(super) fn folder(lake: &Lake) -> PathBuf {
    lake.root().join(store::INTERNAL)
}

impl<'a> Taker<'a> {
    pub fn new(lake: &'a mut Lake, config: &'a ImportConfig, stats: &'a Stats) -> Self {
        terminal::grace(LAST_COMMIT);
        let (importer, committed) = (Importer::new(config), Instant::now());
        Self { lake, importer, stats, pending: Vec::new(), bytes: 0, committed, failures: Vec::new() }
    }

    /// Takes over all that comes, until nothing more can; `land` says what becomes of it. What came last waits for the
    /// next commit.
    pub fn take(
        &mut self,
        given: &Receiver<Given>,
        meter: &mut Meter<'_>,
        context: &Context,
        mut land: impl FnMut(Given) -> Option<Landed>,
        rate: impl Fn() -> Option<Rate>,
    ) -> Result<(), PipelineError> {
        let mut waiting = false;
        loop {
            if meter.bar.cancelled() {
                self.stats.stop.store(true, Ordering::Relaxed);
            }
            let told = |n: &AtomicU64| n.load(Ordering::Relaxed);
            meter.tell(rate());
            if !waiting && told(&self.stats.waiting) > 0 {
                context.terminal.warn(
                    "the credentials have expired; renew them (`aws sso login`, or the file of the profile): the run \
                     waits and goes on by itself. Ctrl-C ends it, and the same command goes on later",
                );
            }
            waiting = told(&self.stats.waiting) > 0;
            match given.recv_timeout(Duration::from_millis(200)) {
                Ok(Given::Failed { what, why }) => self.failures.push(format!("{what}: {why}")),
                Ok(Given::Credentials(why)) => self.failures.push(format!(
                    "the credentials do not work (any more): {why}; renew them and run the same command again, it \
                     goes on where it stopped"
                )),
                Ok(given) => {
                    meter.came(&given);
                    if let Some(landed) = land(given) {
                        self.bytes += landed.bytes;
                        self.pending.push(landed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.commit_if_due()?;
        }
    }

    /// Commits when there is much, or some time has passed.
    pub fn commit_if_due(&mut self) -> Result<(), PipelineError> {
        if self.bytes > COMMIT_BYTES || self.committed.elapsed() > COMMIT_EVERY { self.commit() } else { Ok(()) }
    }

    pub fn commit(&mut self) -> Result<(), PipelineError> {
        let mut change = Change { by: "pull".to_owned(), ..Change::default() };
        let (mut files, mut kept) = (Vec::new(), Vec::new());
        for landed in self.pending.drain(..) {
            files.extend(landed.incoming);
            change.pulled.extend(landed.pulled);
            if let Some((source, partial)) = landed.partial {
                partial.add_to(&mut change.partial, source);
            }
            kept.push(landed.file);
        }
        if !kept.is_empty() {
            // What was fetched is kept also when the user has asked to stop.
            self.importer.group(self.lake, &files, change, &Silent)?;
        }
        self.stats.spooled.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
        self.committed = Instant::now();
        Ok(())
    }

    /// Takes the mark off sources that were partial and are whole by now, or narrows it to what is not; each with what
    /// was asked of it.
    pub fn settle(&mut self, sources: impl Iterator<Item = (String, String)>) -> Result<(), PipelineError> {
        let manifest = &self.lake.manifest;
        let mut change = Change { by: "pull".to_owned(), ..Change::default() };
        for (source, asked) in sources {
            // What was asked with a filter is a part too.
            let all = asked == source || asked == format!("{source}?unmask=true");
            let (Some(partial), Some(pulled)) = (manifest.partial.get(&source), manifest.pulled.get(&asked)) else {
                continue;
            };
            let missing: Vec<_> = pulled.missing(partial.from, partial.to).iter().collect();
            let left = missing.first().zip(missing.last()).map(|(first, last)| (first.0, last.1));
            if !all || left == Some((partial.from, partial.to)) {
                continue;
            }
            if let Some((from, to)) = left {
                change.partial.insert(source.clone(), Partial { from, to, ..partial.clone() });
            }
            change.whole.push(source);
        }
        if !change.whole.is_empty() {
            self.lake.commit_import(change)?;
        }
        Ok(())
    }

    /// Makes the derived tables, and tells what became of all; `what` was asked for.
    pub fn finish(
        self,
        what: &str,
        meter: &mut Meter<'_>,
        json_wanted: bool,
        context: &Context,
    ) -> anyhow::Result<Exit> {
        let Self { lake, importer, failures, stats, .. } = self;
        meter.finish();
        let report = importer.finish(lake, &meter.bar)?;
        meter.bar.finish();
        failures.iter().for_each(|failure| context.terminal.warn(failure));
        report.notes.iter().for_each(|note| context.terminal.say(note));
        if json_wanted {
            tell_json(lake, &report, &failures, stats, meter, what)?;
        } else {
            let told = |n: &AtomicU64| n.load(Ordering::Relaxed);
            let scanned = told(&stats.scanned);
            if scanned > 0 {
                let dollars = scanned as f64 / 1e9 * SCANNED_GB;
                context.terminal.say(&format!("Insights scanned {} bytes, about {dollars:.2} USD", number(scanned)));
            }
            context.terminal.say(&format!(
                "{what}, {} ({} throttled, {} repeated, {} empty pages), {} bytes",
                counted(told(&stats.calls), "call"),
                number(told(&stats.throttles)),
                number(told(&stats.retries)),
                number(told(&stats.empty_pages)),
                number(told(&stats.bytes))
            ));
            for (group, masked, events) in meter.masked() {
                context.terminal.say(&format!(
                    "{group}: a data protection policy hid something in {} of {}; in the lake their `extra` has \
                     \"masked\": true",
                    number(masked),
                    counted(events, "event")
                ));
            }
            tell_tally(&report, lake, context);
        }
        if meter.bar.cancelled() {
            return Ok(Exit::Interrupted);
        }
        Ok(if failures.is_empty() && report.errors.is_empty() { Exit::Clean } else { Exit::Failure })
    }
}

fn tell_json(
    lake: &Lake,
    report: &ImportReport,
    failures: &[String],
    stats: &Stats,
    meter: &Meter<'_>,
    what: &str,
) -> anyhow::Result<()> {
    let told = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let mut out = terminal::output(None)?;
    let errors: Vec<String> = failures.iter().cloned().chain(report.errors.iter().map(ToString::to_string)).collect();
    let masked = meter
        .masked()
        .map(|(group, masked, events)| json!({"log_group": group, "masked_events": masked, "events": events}));
    let masked: Vec<_> = masked.collect();
    let summary = json!({
        "lake": lake.root().display().to_string(), "pulled": what, "objects": report.objects,
        "skipped": report.skipped, "tally": report.tally,
        "calls": told(&stats.calls), "retries": told(&stats.retries), "throttles": told(&stats.throttles),
        "empty_pages": told(&stats.empty_pages), "bytes": told(&stats.bytes),
        "scanned": told(&stats.scanned), "dollars": told(&stats.scanned) as f64 / 1e9 * SCANNED_GB, "masked": masked, "errors": errors,
    });
    jsonl::write_line(&mut out, &summary)?;
    out.flush()?;
    Ok(())
}
