//! One row per Lambda invocation out of the lines of its log: START, END, REPORT and what lies between, in
//! text or JSON. Facts: AWS, "Lambda logs". An execution environment writes one stream and serves one
//! invocation at a time, so a line without a request id belongs to the invocation that is open there.

mod entry;
mod place;

use super::{Derived, LONGEST, Line, Stitched, Stitcher};
use crate::formats::shared::services;
use crate::model::{Common, Field, Kind, Micros, Row, Value};
use entry::{Entry, Facts, Rank};
use place::{Place, function_of_stream, is_lambda};
use std::collections::HashMap;

pub static INVOCATIONS: Derived = Derived {
    id: "invocations",
    title: "Lambda invocations, put together from their log lines",
    source: "cloudwatch",
    fields: &FIELDS,
    stitcher: || Box::new(Invocations::default()),
};

#[rustfmt::skip]
static FIELDS: [Field; 22] = [
    Field::new("inv_request_id", "RequestId", Kind::Str).feeds(Common::RequestId),
    Field::new("inv_start", "(time of START)", Kind::Time).feeds(Common::EventTime),
    Field::new("inv_end", "(time of END, else of REPORT)", Kind::Time).feeds(Common::EventEnd),
    Field::new("inv_duration_ms", "Duration", Kind::Float),
    Field::new("inv_billed_duration_ms", "Billed Duration", Kind::Float),
    Field::new("inv_memory_size_mb", "Memory Size", Kind::Int),
    Field::new("inv_max_memory_used_mb", "Max Memory Used", Kind::Int),
    Field::new("inv_init_duration_ms", "Init Duration", Kind::Float),
    Field::new("inv_restore_duration_ms", "Restore Duration", Kind::Float),
    Field::new("inv_cold_start", "(Init or Restore Duration, or INIT_START before START)", Kind::Bool),
    Field::new("inv_version", "Version", Kind::Str),
    Field::new("inv_status", "Status", Kind::Str),
    Field::new("inv_error_type", "Error Type", Kind::Str).feeds(Common::ErrorCode),
    Field::new("inv_error_message", "errorMessage", Kind::Str),
    Field::new("inv_timed_out", "(Status: timeout, or Task timed out)", Kind::Bool),
    Field::new("inv_trace_id", "XRAY TraceId", Kind::Str).feeds(Common::TraceId),
    Field::new("inv_lines", "(number of lines)", Kind::Int),
    Field::new("inv_attempt", "(which one of this request id)", Kind::Int),
    Field::new("inv_log_group", "logGroup", Kind::Str).feeds(Common::Resource),
    Field::new("inv_log_stream", "logStream", Kind::Str),
    Field::new("inv_function", "(function)", Kind::Str).feeds(Common::Target),
    Field::new("inv_finished", "(REPORT is there)", Kind::Bool),
];

/// Attempts of one request lie no further apart than a failed one and the wait after it take.
const RETRIES: i64 = 60 * 60 * 1_000_000;

/// See [`INVOCATIONS`].
#[derive(Default)]
struct Invocations {
    places: HashMap<Place, usize>,
    streams: Vec<Stream>,
    last: Option<Last>,
    /// Numbers of accounts, regions and groups together.
    groups: HashMap<[Option<String>; 3], usize>,
    now: Option<Micros>,
    /// Streams with lines of that time, which wait for the others of it.
    waiting: Vec<usize>,
    /// Attempts so far of a request in a group, whatever the stream, and when the last one began.
    attempts: HashMap<(usize, Box<str>), (usize, Option<Micros>)>,
    /// Over, and not given yet.
    done: Vec<(usize, Invocation)>,
}

/// Where the last line lay, with the stream as that line spelled it: most lines lie where the one before did.
struct Last {
    place: Place,
    /// See [`is_lambda`].
    lambda: Option<bool>,
    /// Number of the stream, once it was asked for.
    stream: Option<usize>,
}

impl Invocations {
    /// Whether the line stands in a function's log; see [`is_lambda`].
    fn go_to(&mut self, line: &Line<'_>) -> Option<bool> {
        let told = [line.account_id, line.region, line.log_group, line.log_stream];
        if let Some(Last { place, lambda, .. }) = &self.last
            && [&place.0, &place.1, &place.2, &place.3].map(Option::as_deref) == told
        {
            return *lambda;
        }
        let [account, region, group, stream] = told.map(|text| text.map(str::to_owned));
        let lambda = is_lambda(line);
        self.last = Some(Last { place: (account, region, group, stream), lambda, stream: None });
        lambda
    }

    fn place(&mut self, place: Place) -> usize {
        if let Some(at) = self.places.get(&place) {
            return *at;
        }
        let groups = self.groups.len();
        let group = [&place.0, &place.1, &place.2].map(Option::clone);
        let group = *self.groups.entry(group).or_insert(groups);
        self.places.insert(place.clone(), self.streams.len());
        self.streams.push(Stream { place, group, ..Stream::default() });
        self.streams.len() - 1
    }

    /// The stream of the line that [`Invocations::go_to`] was called with last.
    fn stream(&mut self) -> Option<usize> {
        let Last { place, stream, .. } = self.last.as_ref()?;
        if stream.is_some() {
            return *stream;
        }
        let (account, region, group, stream) = place.clone();
        let exported = stream.map(|stream| stream.replace('/', "-"));
        let at = self.place((account, region, group, exported));
        self.last.as_mut()?.stream = Some(at);
        Some(at)
    }

    /// Takes the lines that waited, now that all of their time are there.
    fn settle(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by(|a, b| self.streams[*a].place.cmp(&self.streams[*b].place));
        for at in waiting.drain(..) {
            let stream = &mut self.streams[at];
            let mut entries = std::mem::take(&mut stream.waiting);
            entries.sort_by_key(|entry| (entry.time, entry.rank, entry.id));
            entries.dedup_by_key(|entry| entry.id);
            for entry in entries.drain(..) {
                let attempts = &mut self.attempts;
                let group = stream.group;
                let next = |request_id: &str| {
                    let seen = attempts.entry((group, Box::from(request_id))).or_default();
                    *seen = (seen.0 + 1, entry.time);
                    seen.0
                };
                self.done.extend(stream.take(&entry, next).map(|over| (at, over)));
            }
            stream.waiting = entries;
        }
        self.waiting = waiting;
    }

    /// Gives what is over, in an order of its own.
    fn give(&mut self, give: &mut dyn FnMut(Stitched)) {
        let (mut done, streams) = (std::mem::take(&mut self.done), &self.streams);
        done.sort_by(|(a, one), (b, other)| {
            (one.first, &streams[*a].place, one.attempt, &one.request_id).cmp(&(
                other.first,
                &streams[*b].place,
                other.attempt,
                &other.request_id,
            ))
        });
        for (at, invocation) in done {
            give(invocation.stitched(&streams[at]));
        }
    }
}

impl Stitcher for Invocations {
    fn add(&mut self, line: &Line<'_>) {
        let lambda = self.go_to(line);
        if lambda == Some(false) {
            return;
        }
        let entry = Entry::of(line);
        // Where nothing says that the log is a function's, only Lambda's own lines do.
        if lambda.is_none() && !entry.platform {
            return;
        }
        if line.time != self.now {
            self.settle();
            self.now = line.time;
        }
        let Some(at) = self.stream() else { return };
        let stream = &mut self.streams[at];
        // `/` is greater than `-`.
        if line.log_stream > stream.name.as_deref() {
            stream.name = line.log_stream.map(str::to_owned);
        }
        if stream.waiting.is_empty() {
            self.waiting.push(at);
        }
        stream.waiting.push(entry);
    }

    fn retire(&mut self, now: Micros, give: &mut dyn FnMut(Stitched)) {
        self.settle();
        let over = |time: Option<Micros>| time.is_some_and(|time| now.0.saturating_sub(time.0) > LONGEST);
        for (at, stream) in self.streams.iter_mut().enumerate() {
            self.done.extend(stream.live.extract_if(|_, one| over(one.seen)).map(|(_, one)| (at, one)));
        }
        self.attempts.retain(|_, (_, began)| began.is_none_or(|began| now.0.saturating_sub(began.0) < RETRIES));
        self.give(give);
    }

    fn finish(mut self: Box<Self>, give: &mut dyn FnMut(Stitched)) {
        self.settle();
        for (at, stream) in self.streams.iter_mut().enumerate() {
            self.done.extend(stream.live.drain().map(|(_, one)| (at, one)));
        }
        self.give(give);
    }
}

/// A log stream: one execution environment, one invocation at a time.
#[derive(Default)]
struct Stream {
    place: Place,
    group: usize,
    /// As CloudWatch spells it, where a line has that.
    name: Option<String>,
    /// Lines of one time.
    waiting: Vec<Entry>,
    /// The last attempt of each request id.
    live: HashMap<Box<str>, Invocation>,
    /// The one that was started and has not ended.
    open: Option<Box<str>>,
    init: Option<Init>,
}

impl Stream {
    /// Takes the next line; gives the attempt that it shows to be over. `next` counts attempts, from 1.
    fn take(&mut self, entry: &Entry, next: impl FnOnce(&str) -> usize) -> Option<Invocation> {
        let Some(request_id) = entry.request_id.as_deref() else {
            let starting = matches!(entry.rank, Rank::InitStart | Rank::InitReport);
            let within = entry.facts.as_ref().is_some_and(|f| f.phase.as_deref() == Some("invoke"));
            match &self.open {
                Some(open) if !starting || within => {
                    if let Some(one) = self.live.get_mut(open) {
                        one.take(entry);
                    }
                }
                _ if starting => self.init.get_or_insert_default().take(entry),
                _ => {}
            }
            return None;
        };
        let over = match self.live.get(request_id) {
            Some(known) if known.is_over_before(entry.rank) => self.live.remove(request_id),
            _ => None,
        };
        if !self.live.contains_key(request_id) {
            let one = Invocation {
                request_id: request_id.to_owned(),
                attempt: next(request_id),
                id: entry.id,
                first: entry.time,
                ..Invocation::default()
            };
            self.live.insert(Box::from(request_id), one);
        }
        if let Some(one) = self.live.get_mut(request_id) {
            if let Some(init) = self.init.take_if(|_| entry.rank == Rank::Start) {
                one.begin_cold(init);
            }
            one.take(entry);
        }
        match entry.rank {
            Rank::Start => self.open = Some(Box::from(request_id)),
            Rank::End | Rank::Report if self.open.as_deref() == Some(request_id) => self.open = None,
            _ => {}
        }
        over
    }
}

#[derive(Default)]
struct Invocation {
    request_id: String,
    /// From 1.
    attempt: usize,
    /// Time of its last line.
    seen: Option<Micros>,
    /// Of its first line.
    id: u128,
    first: Option<Micros>,
    start: Option<Micros>,
    started: bool,
    end: Option<Micros>,
    report: Option<Micros>,
    reported: bool,
    cold: bool,
    timed_out: bool,
    failed: bool,
    lines: i64,
    facts: Facts,
}

/// What an environment did before the next invocation.
#[derive(Default)]
struct Init {
    lines: i64,
    first: Option<(Option<Micros>, u128)>,
    facts: Facts,
}

/// What was not known is taken over.
fn complete(facts: &mut Facts, from: &Facts) {
    macro_rules! or {
        ($($name:ident)*) => { $(if facts.$name.is_none() { facts.$name.clone_from(&from.$name); })* };
    }
    or!(version function status error_type error_message trace_id);
    or!(duration billed_duration init_duration restore_duration memory_size max_memory_used);
}

impl Init {
    fn take(&mut self, entry: &Entry) {
        self.lines += 1;
        self.first.get_or_insert((entry.time, entry.id));
        if let Some(facts) = &entry.facts {
            complete(&mut self.facts, facts);
        }
    }
}

impl Invocation {
    /// Whether a line of that kind belongs to the next attempt, for this one has it or is past it.
    fn is_over_before(&self, rank: Rank) -> bool {
        match rank {
            Rank::Start => self.started || self.reported,
            Rank::Report => self.reported,
            _ => false,
        }
    }

    fn begin_cold(&mut self, init: Init) {
        self.cold = true;
        self.lines += init.lines;
        if let Some((time, id)) = init.first {
            (self.first, self.id) = (time.or(self.first), id);
        }
        let Facts { function, init_duration, restore_duration, .. } = init.facts;
        complete(&mut self.facts, &Facts { function, init_duration, restore_duration, ..Facts::default() });
    }

    fn take(&mut self, entry: &Entry) {
        self.lines += 1;
        self.seen = entry.time;
        match entry.rank {
            Rank::Start => (self.start, self.started) = (entry.time, true),
            Rank::End => self.end = entry.time.or(self.end),
            Rank::Report => (self.report, self.reported) = (entry.time, true),
            _ => {}
        }
        let Some(facts) = &entry.facts else {
            return;
        };
        self.timed_out |= facts.status.as_deref() == Some("timeout");
        self.failed |= facts.uncaught;
        // An init's own failure is not the invocation's status.
        if entry.rank == Rank::InitReport {
            let (init_duration, restore_duration) = (facts.init_duration, facts.restore_duration);
            complete(&mut self.facts, &Facts { init_duration, restore_duration, ..Facts::default() });
        } else if entry.rank == Rank::Report {
            // What it was billed for, and how it ended, the report knows best.
            let mut told = (**facts).clone();
            complete(&mut told, &self.facts);
            self.facts = told;
        } else {
            complete(&mut self.facts, facts);
        }
    }

    fn status(&self) -> Option<&str> {
        let told = self.facts.status.as_deref();
        match told {
            _ if self.timed_out => Some("timeout"),
            Some("success") | None if self.failed => Some("error"),
            None if self.reported => Some("success"),
            told => told,
        }
    }

    fn stitched(self, stream: &Stream) -> Stitched {
        let text = |text: Option<&str>| text.map_or(Value::Null, |t| Value::owned(t.to_owned()));
        let float = |number: Option<f64>| number.map_or(Value::Null, Value::Float);
        let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
        let (account, region, group, exported) = &stream.place;
        let stream = &stream.name;
        let part = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
        let first = self.first.map_or(0, |time| time.0).to_string();
        let event_id =
            [part(account), part(region), part(group), part(exported), self.request_id.clone(), first].join("\n");
        let facts = &self.facts;
        let of_group =
            group.as_deref().and_then(services::of_group).filter(|s| s.id == "lambda").and_then(|s| s.target);
        let function =
            of_group.or(facts.function.as_deref()).or_else(|| stream.as_deref().and_then(function_of_stream));
        let cold = self.cold || facts.init_duration.is_some() || facts.restore_duration.is_some();
        let mut row = Row::new(FIELDS.len());
        row.native = vec![
            text(Some(&self.request_id)),
            Value::time(self.start),
            Value::time(self.end.or(self.report)),
            float(facts.duration),
            float(facts.billed_duration),
            int(facts.memory_size),
            int(facts.max_memory_used),
            float(facts.init_duration),
            float(facts.restore_duration),
            Value::Bool(cold),
            text(facts.version.as_deref()),
            text(self.status()),
            text(facts.error_type.as_deref()),
            text(facts.error_message.as_deref()),
            Value::Bool(self.timed_out),
            text(facts.trace_id.as_deref()),
            Value::Int(self.lines),
            Value::Int(i64::try_from(self.attempt).unwrap_or(i64::MAX)),
            text(group.as_deref()),
            text(stream.as_deref()),
            text(function),
            Value::Bool(self.reported),
        ]
        .into();
        row.set(Common::EventTime, Value::time(self.start.or(self.first)));
        row.set(Common::AccountId, text(account.as_deref()));
        row.set(Common::Region, text(region.as_deref()));
        row.set(Common::EventAction, Value::text("Invoke"));
        match self.status() {
            Some("success") => row.set(Common::EventOutcome, Value::text("success")),
            Some(_) => row.set(Common::EventOutcome, Value::text("failure")),
            None => {}
        }
        let raw = self.line(function, cold);
        Stitched { row, event_id, first: self.first, raw }
    }

    /// `orders 8f50… error Runtime.ExitError 12.5 ms, cold start`
    fn line(&self, function: Option<&str>, cold: bool) -> String {
        let mut parts: Vec<String> = function.into_iter().map(str::to_owned).collect();
        parts.push(self.request_id.clone());
        parts.push(self.status().unwrap_or("not finished").to_owned());
        parts.extend(self.facts.error_type.clone());
        parts.extend(self.facts.duration.map(|ms| format!("{ms} ms")));
        parts.extend(cold.then(|| "cold start".to_owned()));
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests;
