//! How far a pull is: a bar for all of it and one for each log group in work, or a line of JSON each second.

use crate::cli::context::Context;
use crate::cli::terminal::{self, Bar, Row};
use crate::pull::{Given, Stats};
use crate::report::text::{counted, number};
use clap::ValueEnum;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two lines of JSON.
const EVERY: Duration = Duration::from_secs(1);
/// Bars of log groups at a time.
const ROWS: usize = 8;
/// From this share on, the rest is guessed from the time that it took.
const ENOUGH: f64 = 0.02;

/// `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// At a terminal only
    #[default]
    Bar,
    /// One line of JSON a second on stderr
    Json,
}

/// What is wanted of one log group, and what came.
struct Group {
    arn: String,
    name: String,
    /// Milliseconds.
    wanted: i64,
    done: i64,
    /// Bytes that are expected.
    weight: f64,
    events: u64,
    bytes: u64,
    /// Events of which something was hidden.
    masked: u64,
    row: Option<Row>,
    /// Since the last line of JSON.
    changed: bool,
}

impl Group {
    /// 0 to 1.
    fn share(&self) -> f64 {
        if self.wanted > 0 { (self.done as f64 / self.wanted as f64).min(1.0) } else { 1.0 }
    }
}

/// Calls a second: those that are allowed at present, and at most.
pub(super) type Rate = (f64, f64);

/// See the module.
pub(super) struct Meter<'a> {
    pub bar: Bar,
    kind: ProgressArg,
    stats: &'a Stats,
    groups: Vec<Group>,
    /// Bytes to come, where that is known.
    total: Option<u64>,
    begun: Instant,
    told: Instant,
    /// Calls at the last look, and those a second then.
    calls: (u64, f64),
}

impl<'a> Meter<'a> {
    /// Of log groups, which [`Self::expect`] names.
    pub fn of_groups(kind: ProgressArg, stats: &'a Stats, context: &Context) -> Self {
        let now = Instant::now();
        let bar = context.terminal.spinner("pull");
        Self { bar, kind, stats, groups: Vec::new(), total: None, begun: now, told: now, calls: (0, 0.0) }
    }

    /// Of objects of so many bytes.
    pub fn of_objects(kind: ProgressArg, stats: &'a Stats, total: u64, context: &Context) -> Self {
        let bar = context.terminal.bar("pull");
        crate::pipeline::Progress::total(&bar, total);
        Self { bar, total: Some(total), ..Self::of_groups(kind, stats, context) }
    }

    /// `wanted`: milliseconds; `bytes`: about.
    pub fn expect(&mut self, arn: &str, name: &str, wanted: i64, bytes: i64) {
        self.groups.push(Group {
            arn: arn.to_owned(),
            name: name.to_owned(),
            wanted,
            done: 0,
            weight: bytes.max(1) as f64,
            events: 0,
            bytes: 0,
            masked: 0,
            row: None,
            changed: false,
        });
    }

    pub fn came(&mut self, given: &Given) {
        let Given::Slice { slice, events, bytes, masked, .. } = given else { return };
        let shown = self.groups.iter().filter(|group| group.row.is_some()).count();
        let Some(group) = self.groups.iter_mut().find(|group| group.arn == slice.group.arn) else { return };
        group.done += slice.to - slice.from;
        group.events += events;
        group.bytes += bytes;
        group.masked += masked;
        group.changed = true;
        if group.share() >= 1.0 {
            group.row = None;
        } else if group.row.is_none() && shown < ROWS {
            group.row = self.bar.row(&group.name);
        }
        if let Some(row) = &group.row {
            row.tell(group.share(), &format!("{} events, {} bytes", number(group.events), number(group.bytes)));
        }
    }

    /// Groups of which events came with something hidden: name, such events, all events.
    pub fn masked(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        let hidden = self.groups.iter().filter(|group| group.masked > 0);
        hidden.map(|group| (group.name.as_str(), group.masked, group.events))
    }

    /// 0 to 1; none where nothing is known.
    fn share(&self) -> Option<f64> {
        if let Some(total) = self.total {
            let bytes = self.stats.bytes.load(Ordering::Relaxed);
            return (total > 0).then(|| (bytes as f64 / total as f64).min(1.0));
        }
        let all: f64 = self.groups.iter().map(|group| group.weight).sum();
        (all > 0.0).then(|| self.groups.iter().map(|group| group.weight * group.share()).sum::<f64>() / all)
    }

    /// Seconds to go, about.
    fn rest(&self) -> Option<f64> {
        let share = self.share().filter(|share| *share >= ENOUGH)?;
        Some(self.begun.elapsed().as_secs_f64() * (1.0 - share) / share)
    }

    /// Shows how far it is.
    pub fn tell(&mut self, rate: Option<Rate>) {
        let told = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (events, bytes, calls) = (told(&self.stats.events), told(&self.stats.bytes), told(&self.stats.calls));
        let since = self.told.elapsed();
        if since >= EVERY {
            self.calls = (calls, (calls - self.calls.0) as f64 / since.as_secs_f64());
            self.told = Instant::now();
            if self.kind == ProgressArg::Json {
                self.json(rate);
            }
        }
        if self.kind == ProgressArg::Bar {
            let mut more = format!("{}, {:.1} a second", counted(calls, "call"), self.calls.1);
            if let Some((now, most)) = rate {
                more.push_str(&format!(" of {now:.1} (at most {most:.1})"));
            }
            if let Some(rest) = self.rest() {
                more.push_str(&format!(", about {} s to go", number(rest.round() as u64)));
            }
            self.bar.tell(events, bytes, &more);
        }
    }

    fn json(&mut self, rate: Option<Rate>) {
        let told = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (events, bytes) = (told(&self.stats.events), told(&self.stats.bytes));
        let seconds = self.begun.elapsed().as_secs_f64();
        let changed = self.groups.iter_mut().filter(|group| group.changed);
        let groups: Vec<_> = changed
            .map(|group| {
                group.changed = false;
                json!({"log_group": group.name, "share": group.share(), "events": group.events, "bytes": group.bytes})
            })
            .collect();
        let line = json!({
            "elapsed_seconds": seconds, "events": events, "bytes": bytes,
            "events_per_second": events as f64 / seconds, "bytes_per_second": bytes as f64 / seconds,
            "calls": self.calls.0, "calls_per_second": self.calls.1,
            "rate": rate.map(|rate| rate.0), "rate_limit": rate.map(|rate| rate.1),
            "throttles": told(&self.stats.throttles), "retries": told(&self.stats.retries),
            "empty_pages": told(&self.stats.empty_pages),
            "share": self.share(), "eta_seconds": self.rest(), "log_groups": groups,
        });
        terminal::print_plain(&line.to_string());
    }

    /// Takes the bars away; of JSON there is a last line.
    pub fn finish(&mut self) {
        self.groups.iter_mut().for_each(|group| group.row = None);
        if self.kind == ProgressArg::Json {
            self.json(None);
        }
    }
}
