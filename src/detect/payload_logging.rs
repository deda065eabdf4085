//! Which resources log whole requests, responses or events: by the envelopes in their lines, not by findings (CWE-532).

mod kinds;
mod shape;

use crate::frame::{self, Cells, FrameError};
use crate::lake::manifest::Part;
use crate::lake::{Lake, LakeError};
use crate::model::{Micros, PayloadField, PayloadLog, Severity, TimeRange};
use kinds::KINDS;
use polars::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tables of what programs write. Access logs have no bodies.
const TABLES: [&str; 4] = ["cloudwatch", "text", "jsonl", "apigateway_execution"];
/// Payloads of one resource and kind in one part that are looked at for their structure.
const SAMPLE: u64 = 64;
/// Fields of a payload that are told.
const FIELDS: usize = 8;
/// Events of a kind that has no envelope: fewer are no habit.
const HABIT: u64 = 3;

/// Resource and table.
type Place = (String, String);

#[derive(Default)]
struct Seen {
    /// Events and bytes of each resource.
    all: BTreeMap<Place, (u64, u64)>,
    payloads: BTreeMap<(Place, usize), Building>,
}

#[derive(Default)]
struct Building {
    events: u64,
    bytes: u64,
    with_body: u64,
    largest: u64,
    first_seen: Option<Micros>,
    last_seen: Option<Micros>,
    /// Whether it has no body, time, event id, shape: the least is told.
    example: Option<(bool, Option<Micros>, String, String)>,
    leaves: BTreeMap<String, u64>,
}

/// Every resource that logs payloads, the worst first: by findings in their fields, then by bytes.
pub fn payload_logging(lake: &Lake, range: TimeRange) -> Result<Vec<PayloadLog>, FrameError> {
    let parts: Vec<&Part> = TABLES.iter().flat_map(|table| lake.parts(table, range)).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<Seen, LakeError> {
        let mut seen = Seen::default();
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            seen.add(part_of(lake, part, range)?);
        }
        Ok(seen)
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut seen = Seen::default();
    for result in results {
        // What a thread had seen must not be missing from the answer.
        let result = result.map_err(|_| FrameError { message: "a thread has failed".to_owned() })?;
        seen.add(result.map_err(|error| FrameError { message: error.to_string() })?);
    }
    let found = found_in_fields(lake, range)?;
    let mut told: Vec<PayloadLog> = seen.told(&found);
    told.sort_by(|a, b| {
        (b.severity(), b.bytes, &a.resource, a.kind).cmp(&(a.severity(), a.bytes, &b.resource, b.kind))
    });
    Ok(told)
}

fn part_of(lake: &Lake, part: &Part, range: TimeRange) -> Result<Seen, LakeError> {
    let mut seen = Seen::default();
    for batch in lake.raw_batches(part)? {
        let batch = batch?;
        // Neighbours are of one resource mostly.
        let mut run: (Option<&str>, u64, u64) = (None, 0, 0);
        for i in 0..batch.len() {
            let time = batch.time(i).map(Micros);
            if !range.is_open() && time.is_none_or(|time| !range.contains(time)) {
                continue;
            }
            let raw = batch.bytes(i);
            let resource = batch.resource(i).unwrap_or(&part.table);
            if run.0 != Some(resource) {
                seen.count(run, &part.table);
                run = (Some(resource), 0, 0);
            }
            run = (run.0, run.1 + 1, run.2 + raw.len() as u64);
            if let Some((kind, has_body)) = kinds::kind_of(raw) {
                let text = batch.raw(i);
                let place = (resource.to_owned(), part.table.clone());
                let id = || batch.place(i).event_id.to_owned();
                seen.payloads.entry((place, kind)).or_default().count(text, has_body, time, id);
            }
        }
        seen.count(run, &part.table);
    }
    Ok(seen)
}

impl Seen {
    /// Adds a run of events of one resource, and their bytes.
    fn count(&mut self, (resource, events, bytes): (Option<&str>, u64, u64), table: &str) {
        if let Some(resource) = resource {
            let of = self.all.entry((resource.to_owned(), table.to_owned())).or_default();
            *of = (of.0 + events, of.1 + bytes);
        }
    }

    fn add(&mut self, other: Self) {
        for (place, (events, bytes)) in other.all {
            let of = self.all.entry(place).or_default();
            *of = (of.0 + events, of.1 + bytes);
        }
        for (key, building) in other.payloads {
            self.payloads.entry(key).or_default().add(building);
        }
    }

    fn told(self, found: &Found) -> Vec<PayloadLog> {
        let Self { all, payloads } = self;
        let habits = payloads.into_iter().filter(|((_, kind), b)| KINDS[*kind].has_envelope() || b.events >= HABIT);
        habits.map(|((place, kind), building)| building.told(place, kind, &all, found)).collect()
    }
}

impl Building {
    fn count(&mut self, text: &str, has_body: bool, time: Option<Micros>, id: impl Fn() -> String) {
        self.events += 1;
        self.bytes += text.len() as u64;
        self.largest = self.largest.max(text.len() as u64);
        self.with_body += u64::from(has_body);
        self.first_seen = [self.first_seen, time].into_iter().flatten().min();
        self.last_seen = self.last_seen.max(time);
        let is_better = self.example.as_ref().is_none_or(|(no_body, at, ..)| (!has_body, time) < (*no_body, *at));
        if is_better {
            self.example = Some((!has_body, time, id(), shape::of(text)));
        }
        if self.events <= SAMPLE
            && let Some(value) = shape::json_of(text)
        {
            shape::add_leaves(&value, &mut self.leaves);
        }
    }

    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.with_body += other.with_body;
        self.largest = self.largest.max(other.largest);
        self.first_seen = [self.first_seen, other.first_seen].into_iter().flatten().min();
        self.last_seen = self.last_seen.max(other.last_seen);
        self.example = [self.example.take(), other.example].into_iter().flatten().min();
        for (path, bytes) in other.leaves {
            *self.leaves.entry(path).or_default() += bytes;
        }
    }

    fn told(self, place: Place, kind: usize, all: &BTreeMap<Place, (u64, u64)>, found: &Found) -> PayloadLog {
        let (of_events, of_bytes) = all.get(&place).copied().unwrap_or_default();
        let (_, _, event_id, shape) = self.example.unwrap_or_default();
        let kind = &KINDS[kind];
        let own = found.get(&place.0);
        let mut fields: Vec<PayloadField> = self
            .leaves
            .into_iter()
            .map(|(path, bytes)| {
                let there = own.and_then(|own| own.get(&path));
                let severity = there.and_then(|there| there.iter().map(|(_, _, severity)| *severity).max());
                let found = there.into_iter().flatten().map(|(rule, n, _)| (rule.clone(), *n)).collect();
                PayloadField { path, found, severity, bytes }
            })
            .collect();
        fields.sort_by(|a, b| (b.severity, b.bytes, &a.path).cmp(&(a.severity, a.bytes, &b.path)));
        fields.truncate(FIELDS);
        PayloadLog {
            resource: place.0,
            source_table: place.1,
            kind: kind.id,
            title: kind.title,
            events: self.events,
            of_events,
            bytes: self.bytes,
            of_bytes,
            with_body: self.with_body,
            largest: self.largest,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            event_id,
            shape,
            fields,
            cause: kind.cause,
            remedy: kind.remedy,
        }
    }
}

/// Of each resource and path: rules, the number of different secrets, and their severity.
type Found = BTreeMap<String, BTreeMap<String, Vec<(String, u64, Severity)>>>;

/// What the last scan found in fields of JSON.
fn found_in_fields(lake: &Lake, range: TimeRange) -> Result<Found, FrameError> {
    let mut found = Found::new();
    let Some(mut plan) = frame::table(lake, "occurrences", range)? else {
        return Ok(found);
    };
    // Scans of older versions did not keep it.
    if !plan.collect_schema()?.contains("context") {
        return Ok(found);
    }
    let keys = ["resource", "source_table", "context", "rule", "severity"];
    let plan = plan
        .filter(col("context").str().starts_with(lit("json(")))
        .group_by(keys.map(col))
        .agg([col("fingerprint").n_unique().alias("n")])
        .sort(keys, SortMultipleOptions::default());
    let cells = Cells::collect(plan)?;
    for row in 0..cells.rows() {
        let text = |name: &str| cells.text(name, row);
        let (Some(resource), Some(context), Some(rule)) =
            (text("resource").or_else(|| text("source_table")), text("context"), text("rule"))
        else {
            continue;
        };
        let severity = text("severity").and_then(|text| Severity::parse(&text)).unwrap_or(Severity::Info);
        let n = cells.int("n", row).unwrap_or(0).unsigned_abs();
        let there = found.entry(resource).or_default().entry(shape::without_numbers(&context)).or_default();
        match there.iter_mut().find(|(known, ..)| *known == rule) {
            Some((_, sum, _)) => *sum += n,
            None => there.push((rule, n, severity)),
        }
    }
    Ok(found)
}
