//! One row per Lambda invocation out of the lines of its log: START, END, REPORT and what lies between, in
//! text or JSON. Facts: AWS, "Lambda logs". An execution environment writes one stream and serves one
//! invocation at a time, so a line without a request id belongs to the invocation that is open there.

mod entry;

use super::{Derived, Line, Stitched, Stitcher};
use crate::formats::shared::services;
use crate::model::{Common, Field, Kind, Micros, Row, Value};
use entry::{Entry, Facts, Rank};
use std::any::Any;
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

/// Account, region, group, and stream as export tasks spell it: one stream may come in both spellings.
type Place = (Option<String>, Option<String>, Option<String>, Option<String>);

#[derive(Default)]
struct Invocations {
    places: HashMap<Place, usize>,
    streams: Vec<Stream>,
    /// Where the last line lay, with the stream as that line spelled it, and which one that is: most lines lie where
    /// the one before did.
    last: Option<(Place, usize)>,
}

#[derive(Default)]
struct Stream {
    place: Place,
    /// As CloudWatch spells it, where a line has that.
    name: Option<String>,
    entries: Vec<Entry>,
}

impl Invocations {
    fn place(&mut self, place: Place) -> usize {
        let streams = &mut self.streams;
        *self.places.entry(place).or_insert_with_key(|place| {
            streams.push(Stream { place: place.clone(), ..Stream::default() });
            streams.len() - 1
        })
    }

    fn stream_of(&mut self, line: &Line<'_>) -> usize {
        let told = [line.account_id, line.region, line.log_group, line.log_stream];
        if let Some((place, at)) = &self.last
            && [&place.0, &place.1, &place.2, &place.3].map(Option::as_deref) == told
        {
            return *at;
        }
        let [account, region, group, stream] = told.map(|text| text.map(str::to_owned));
        let exported = stream.as_ref().map(|stream| stream.replace('/', "-"));
        let at = self.place((account.clone(), region.clone(), group.clone(), exported));
        self.last = Some(((account, region, group, stream), at));
        at
    }
}

impl Stitcher for Invocations {
    fn add(&mut self, line: &Line<'_>) {
        let lambda = is_lambda(line);
        if lambda == Some(false) {
            return;
        }
        let entry = Entry::of(line);
        // Where nothing says that the log is a function's, only Lambda's own lines do.
        if lambda.is_none() && !entry.platform {
            return;
        }
        let at = self.stream_of(line);
        let stream = &mut self.streams[at];
        // `/` is greater than `-`.
        if line.log_stream > stream.name.as_deref() {
            stream.name = line.log_stream.map(str::to_owned);
        }
        stream.entries.push(entry);
    }

    fn absorb(&mut self, other: Box<dyn Any>) {
        let Ok(other) = other.downcast::<Self>() else { return };
        for stream in other.streams {
            let at = self.place(stream.place);
            let own = &mut self.streams[at];
            own.name = own.name.take().max(stream.name);
            own.entries.extend(stream.entries);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn finish(self: Box<Self>, give: &mut dyn FnMut(Stitched)) {
        let mut streams = self.streams;
        let mut all: Vec<(usize, usize, Invocation)> = Vec::new();
        for (at, stream) in streams.iter_mut().enumerate() {
            let made = invocations(&mut std::mem::take(&mut stream.entries));
            all.extend(made.into_iter().map(|invocation| (at, 0, invocation)));
        }
        // Attempts of one request may lie in several streams.
        let group = |at: usize| {
            let (account, region, group, _) = &streams[at].place;
            (account, region, group)
        };
        all.sort_by(|(a, _, one), (b, _, other)| {
            let request = one.request_id.cmp(&other.request_id).then_with(|| group(*a).cmp(&group(*b)));
            request
                .then_with(|| (one.first, &streams[*a].place, one.id).cmp(&(other.first, &streams[*b].place, other.id)))
        });
        for same in
            all.chunk_by_mut(|(a, _, one), (b, _, other)| one.request_id == other.request_id && group(*a) == group(*b))
        {
            same.iter_mut().enumerate().for_each(|(n, (_, attempt, _))| *attempt = n);
        }
        all.sort_by(|(a, n, one), (b, m, other)| {
            (one.first, group(*a), &one.request_id, n).cmp(&(other.first, group(*b), &other.request_id, m))
        });
        for (at, n, invocation) in all {
            give(invocation.stitched(n, &streams[at]));
        }
    }
}

/// Whether the line stands in a function's log; `None` where group and stream do not tell.
fn is_lambda(line: &Line<'_>) -> Option<bool> {
    if let Some(service) = line.log_group.and_then(services::of_group) {
        return Some(service.id == "lambda");
    }
    // `2026/03/02/[$LATEST]<32 hex>`, with the function's name before the bracket in groups of several.
    let environment = line.log_stream.and_then(|stream| stream.rsplit_once(']')).map(|(_, environment)| environment);
    environment.is_some_and(|e| e.len() == 32 && e.bytes().all(|b| b.is_ascii_hexdigit())).then_some(true)
}

/// The function's name in `2026/03/02/name[version]…`.
fn function_of_stream(stream: &str) -> Option<&str> {
    let (head, _) = stream.split_once('[')?;
    let date = head.get(..11)?;
    let shaped = date.bytes().enumerate().all(|(i, b)| match i {
        4 | 7 | 10 => matches!(b, b'/' | b'-'),
        _ => b.is_ascii_digit(),
    });
    Some(&head[11..]).filter(|name| shaped && !name.is_empty())
}

#[derive(Default)]
struct Invocation {
    request_id: String,
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

/// The invocations of one stream.
fn invocations(entries: &mut Vec<Entry>) -> Vec<Invocation> {
    entries.sort_by_key(|entry| (entry.time, entry.rank, entry.id));
    entries.dedup_by_key(|entry| entry.id);
    let mut all: Vec<Invocation> = Vec::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    let mut open: Option<usize> = None;
    let mut init: Option<Init> = None;
    for entry in entries.iter() {
        let Some(request_id) = entry.request_id.as_deref() else {
            let starting = matches!(entry.rank, Rank::InitStart | Rank::InitReport);
            let within = entry.facts.as_ref().is_some_and(|f| f.phase.as_deref() == Some("invoke"));
            match open {
                Some(at) if !starting || within => all[at].take(entry),
                _ if starting => init.get_or_insert_default().take(entry),
                _ => {}
            }
            continue;
        };
        let known = last.get(request_id).copied().filter(|&at| !all[at].is_over_before(entry.rank));
        let at = known.unwrap_or_else(|| {
            all.push(Invocation {
                request_id: request_id.to_owned(),
                id: entry.id,
                first: entry.time,
                ..Invocation::default()
            });
            all.len() - 1
        });
        last.insert(request_id, at);
        if let Some(init) = init.take_if(|_| matches!(entry.rank, Rank::Start)) {
            all[at].begin_cold(init);
        }
        all[at].take(entry);
        match entry.rank {
            Rank::Start => open = Some(at),
            Rank::End | Rank::Report if open == Some(at) => open = None,
            _ => {}
        }
    }
    all
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

    /// `ordinal`: which attempt it is, from 0.
    fn stitched(self, ordinal: usize, stream: &Stream) -> Stitched {
        let text = |text: Option<&str>| text.map_or(Value::Null, |t| Value::owned(t.to_owned()));
        let float = |number: Option<f64>| number.map_or(Value::Null, Value::Float);
        let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
        let (account, region, group, _) = &stream.place;
        let stream = &stream.name;
        let part = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
        let event_id =
            [part(account), part(region), part(group), self.request_id.clone(), ordinal.to_string()].join("\n");
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
            Value::Int(i64::try_from(ordinal + 1).unwrap_or(i64::MAX)),
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
