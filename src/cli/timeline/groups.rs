//! Sessions and histogram: a timeline counted instead of told.

use super::print::{TimelineFormat, TimelineOutput};
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::listing::Listing;
use crate::frame::FrameError;
use crate::lake::Lake;
use crate::model::summary::Histogram;
use crate::model::{Masker, Micros, TimeRange};
use crate::timeline::{self, Session, Sessions, StorySources, TimelineQuery, Wanted};
use serde::Serialize;

pub(super) fn sessions(
    lake: &Lake,
    query: &TimelineQuery,
    (idle, limit): (i64, Option<usize>),
    output: &TimelineOutput,
    masker: &dyn Masker,
    context: &Context,
) -> anyhow::Result<Exit> {
    let mut sessions = Sessions::new(idle);
    let none = StorySources { findings: &[], detections: &[] };
    timeline::timeline::<FrameError>(lake, query, &none, Wanted::Bare, None, &mut |entries| {
        entries.iter().for_each(|entry| sessions.push(entry));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    let mut all = sessions.finish();
    if let Some(limit) = limit.filter(|limit| *limit < all.len()) {
        all.truncate(limit);
        context.terminal.say("ended by --limit: there are more sessions");
    }
    all.iter_mut().for_each(|session| mask(session, masker));
    let headers = ["first", "last", "duration", "actor", "source_ips", "sources", "events", "failed", "actions", "ref"];
    let row = |s: &Session| -> [String; 10] {
        let joined = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        [
            context.show_time(s.first),
            context.show_time(s.last),
            super::print::delta(s.first, s.last).trim_start_matches('+').to_owned(),
            s.actor.clone(),
            joined(&s.source_ips),
            joined(&s.sources),
            s.events.to_string(),
            s.failures.to_string(),
            actions(s),
            s.reference.clone(),
        ]
    };
    let shown: Vec<usize> = vec![4, 5, 8, 9];
    write(&all, &headers, row, &shown, output, context)?;
    Ok(Exit::Clean)
}

/// The commonest first: `GetObject 25, ListBuckets`.
fn actions(session: &Session) -> String {
    let mut all: Vec<_> = session.actions.iter().collect();
    all.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let told = |(name, count): (&String, &u64)| if *count == 1 { name.clone() } else { format!("{name} {count}") };
    all.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

fn mask(session: &mut Session, masker: &dyn Masker) {
    let masked = |text: &String| masker.mask(text).into_owned();
    session.actor = masked(&session.actor);
    session.source_ips = session.source_ips.iter().map(masked).collect();
    session.actions = session.actions.iter().map(|(action, count)| (masked(action), *count)).collect();
}

/// `+0.120s`, `-3h02m`.
fn signed(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "+" };
    let told = super::print::delta(Micros(0), Micros(micros.abs()));
    format!("{sign}{}", told.trim_start_matches('+'))
}

pub(super) fn skew(lake: &Lake, range: TimeRange, output: &TimelineOutput, context: &Context) -> anyhow::Result<Exit> {
    let all = timeline::skews(lake, range)?;
    if all.is_empty() {
        context.terminal.say("no two sources here have seen the same requests, so their clocks cannot be compared");
    }
    let headers = ["first", "second", "ids", "median", "nine tenths from", "to", "told"];
    let row = |skew: &timeline::Skew| -> [String; 7] {
        [
            skew.first.clone(),
            skew.second.clone(),
            skew.ids.to_string(),
            signed(skew.median),
            signed(skew.low),
            signed(skew.high),
            if skew.is_apart() { "clocks apart" } else { "within what requests take" }.to_owned(),
        ]
    };
    write(&all, &headers, row, &[], output, context)?;
    Ok(Exit::Clean)
}

/// One bar.
#[derive(Serialize)]
struct Bar {
    time: Micros,
    events: u64,
    /// By table, those that have any.
    tables: serde_json::Map<String, serde_json::Value>,
}

/// Characters of the longest bar.
const LONGEST: usize = 50;

pub(super) fn histogram(
    lake: &Lake,
    query: &TimelineQuery,
    bucket: Option<i64>,
    output: &TimelineOutput,
    context: &Context,
) -> anyhow::Result<Exit> {
    let told = timeline::histogram(lake, query, bucket)?;
    if bucket.is_some_and(|bucket| bucket < told.bucket) {
        let width = super::print::delta(Micros(0), Micros(told.bucket));
        context
            .terminal
            .say(&format!("bars are {} wide: more of them could not be shown", width.trim_start_matches('+')));
    }
    let bars = bars(&told);
    let most = bars.iter().map(|bar| bar.events).max().unwrap_or(0);
    if most == 0 {
        context.terminal.say("nothing matches; widen the time or take a filter off");
        return Ok(Exit::Clean);
    }
    let row = |bar: &Bar| -> [String; 4] {
        let told = |(table, n): (&String, &serde_json::Value)| format!("{table} {n}");
        let tables = bar.tables.iter().map(told).collect::<Vec<_>>().join(", ");
        [context.show_time(bar.time), bar.events.to_string(), drawn(bar.events, most), tables]
    };
    write(&bars, &["time", "events", "", "tables"], row, &[3], output, context)?;
    Ok(Exit::Clean)
}

/// Every bucket from the first that has an event to the last.
fn bars(told: &Histogram) -> Vec<Bar> {
    let buckets = told.series.first().map_or(0, |(_, counts)| counts.len());
    let mut all: Vec<Bar> = (0..buckets)
        .map(|at| {
            let of = told.series.iter().filter(|(_, counts)| counts[at] > 0);
            Bar {
                time: Micros(told.start + told.bucket * at as i64),
                events: told.series.iter().map(|(_, counts)| counts[at]).sum(),
                tables: of.map(|(table, counts)| (table.clone(), counts[at].into())).collect(),
            }
        })
        .collect();
    let empty = |bar: &&Bar| bar.events == 0;
    all.truncate(all.len() - all.iter().rev().take_while(empty).count());
    all.drain(..all.iter().take_while(empty).count());
    all
}

/// A bar in eighths of a character.
fn drawn(count: u64, most: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as u128 * (LONGEST * 8) as u128).div_ceil(u128::from(most.max(1))) as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Rows as a list; `clipped` names the cells that may be long.
fn write<T: Serialize, const N: usize>(
    rows: &[T],
    headers: &[&str; N],
    cells: impl Fn(&T) -> [String; N],
    clipped: &[usize],
    output: &TimelineOutput,
    context: &Context,
) -> anyhow::Result<()> {
    let format = match output.format {
        TimelineFormat::Table => TableFormat::Table,
        TimelineFormat::Jsonl => TableFormat::Jsonl,
        TimelineFormat::Csv => TableFormat::Csv,
        TimelineFormat::Parquet | TimelineFormat::Timesketch | TimelineFormat::Ecs | TimelineFormat::Ocsf => {
            anyhow::bail!("sessions and histograms are written as table, jsonl or csv")
        }
    };
    let clipped: Vec<(usize, usize)> = clipped.iter().map(|cell| (*cell, 60)).collect();
    let listing = Listing { headers, numbers: &NUMBERS, clipped: &clipped };
    listing.write(rows, cells, (format, output.output.as_deref()), context)
}

const NUMBERS: [&str; 7] = ["events", "failed", "duration", "ids", "median", "nine tenths from", "to"];
