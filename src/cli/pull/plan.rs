//! What is to be fetched of log groups, and what that takes.

use super::PlanFormat;
use crate::cli::context::Context;
use crate::cli::terminal;
use crate::lake::Lake;
use crate::model::{Micros, Ranges, TimeRange};
use crate::pull::cloudwatch::{Ask, Method, SLICES, Slice};
use crate::pull::{CloudWatchLogs, LogGroup, PullError, Rates};
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::{counted, number};
use clap::ValueEnum;
use std::io::Write as _;
use std::sync::Arc;

/// Events may bear a time so far ahead. Fact: AWS, PutLogEvents.
pub(super) const AHEAD: i64 = 2 * 60 * 60 * 1000;
/// A page holds 1 MB at most. Fact: AWS, FilterLogEvents.
const PAGE: i64 = 1_048_576;
/// Bytes of messages for each one that AWS counts as stored, about: text that gzip made small.
const INFLATED: i64 = 6;

/// Milliseconds since 1970.
pub(super) const fn millis(time: Micros) -> i64 {
    time.0.div_euclid(1000)
}

/// `--method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MethodArg {
    #[default]
    Auto,
    /// FilterLogEvents, slices of time side by side
    Filter,
    /// GetLogEvents, stream by stream
    Get,
    /// Both, each at its own quota
    Both,
}

/// What is to be fetched of one group.
pub(super) struct Share {
    /// Number of the identity and region.
    pub place: usize,
    pub group: Arc<LogGroup>,
    missing: Ranges,
    /// Messages' bytes, about.
    bytes: i64,
    way: Way,
    /// Bytes of messages to leave it at.
    sample: Option<u64>,
}

/// How it is fetched, what that takes about, and why.
struct Way {
    method: Method,
    calls: i64,
    seconds: f64,
    reason: String,
    dollars: f64,
}

/// Dollars for a gigabyte that Insights scans, in most regions. Fact: AWS, CloudWatch pricing.
pub(super) const SCANNED_GB: f64 = 0.005;
/// Rows of an answer of Insights, about half of what it may hold; and bytes of a row.
const ROWS: i64 = 5_000;
const ROW: i64 = 500;
/// Seconds that a query takes, about, and how many run at a time.
const QUERY: f64 = 3.0;
const QUERIES: f64 = 20.0;

/// Groups of more streams are not looked at closer: each costs GetLogEvents two calls a slice.
const MOST_STREAMS: usize = 200;
/// Seconds from which on an export task is worth a thought.
const LONG: f64 = 2.0 * 3600.0;

/// Below so many pages there is nothing to gain from a second API.
const FEW_PAGES: i64 = 100;

impl Way {
    /// For a group that has no other: every query is paid for, halves of full answers once more.
    fn insights(bytes: i64) -> Self {
        let queries = bytes / (ROWS * ROW) + 1;
        Self {
            method: Method::Insights,
            calls: queries * 5,
            seconds: queries as f64 * QUERY / QUERIES,
            reason: "class INFREQUENT_ACCESS has neither FilterLogEvents nor GetLogEvents".to_owned(),
            dollars: 2.0 * bytes as f64 / 1e9 * SCANNED_GB,
        }
    }

    /// `streams`: none where they were not counted.
    fn choose(wanted: MethodArg, bytes: i64, streams: Option<usize>, rates: Rates) -> Self {
        let pages = bytes / PAGE + 1;
        let gets = streams.map(|streams| pages + 2 * streams as i64);
        let by_filter = pages as f64 / rates.filter_log_events;
        let filter = |reason: String| Self {
            method: Method::FilterLogEvents,
            calls: pages,
            seconds: by_filter,
            reason,
            dollars: 0.0,
        };
        let get = |reason: String| {
            let calls = gets.unwrap_or(pages);
            let seconds = calls as f64 / rates.get_log_events;
            Self { method: Method::GetLogEvents, calls, seconds, reason, dollars: 0.0 }
        };
        let both = |reason: String| {
            // Both end together; the streams of each slice cost two calls more.
            let more = (2 * SLICES) as f64 * streams.unwrap_or(0) as f64;
            let seconds = (pages as f64 + more) / (rates.filter_log_events + rates.get_log_events);
            Self { method: Method::Both, calls: pages + more as i64, seconds, reason, dollars: 0.0 }
        };
        let asked = || "as asked".to_owned();
        match (wanted, streams) {
            (MethodArg::Filter, _) => filter(asked()),
            (MethodArg::Get, _) => get(asked()),
            (MethodArg::Both, _) => both(asked()),
            (MethodArg::Auto, _) if pages < FEW_PAGES => filter("few pages".to_owned()),
            (MethodArg::Auto, None) => filter("a filter pattern is FilterLogEvents' alone".to_owned()),
            (MethodArg::Auto, Some(n)) if n > MOST_STREAMS => {
                filter(format!("more than {MOST_STREAMS} streams: GetLogEvents costs two calls for each"))
            }
            (MethodArg::Auto, Some(n)) => {
                let both = both(format!("{} for so many pages: the two quotas add up", counted(n as u64, "stream")));
                if both.seconds < by_filter * 0.8 {
                    return both;
                }
                filter(format!("{} cost GetLogEvents more than its quota gives", counted(n as u64, "stream")))
            }
        }
    }
}

impl Share {
    pub fn slices(&self) -> impl Iterator<Item = Slice> {
        let pieces = self.missing.iter().count().max(1) as u64;
        let pages = self.bytes.unsigned_abs() / PAGE.unsigned_abs() / pieces;
        self.missing.iter().map(move |range| {
            let slice = Slice::new(Arc::clone(&self.group), range, self.way.method, pages);
            slice.left_at(self.sample.map(|bytes| bytes / pieces))
        })
    }

    /// Milliseconds that are missing, and bytes of messages, about.
    pub fn size(&self) -> (i64, i64) {
        (self.missing.len().cast_signed(), self.bytes)
    }

    /// Why what is fetched is not all there is; none where it is all.
    pub fn partial(&self, ask: &Ask) -> Option<String> {
        if let Some(sample) = self.sample {
            let whole = number(self.bytes.unsigned_abs());
            return Some(format!("a sample of {} bytes of about {whole}", number(sample)));
        }
        ask.is_masked(&self.group).then(|| HIDDEN.to_owned())
    }
}

/// Why a masked group is not all there is.
pub(super) const HIDDEN: &str = "a data protection policy hid sensitive data when it was pulled (--unmask asks for it)";

/// What all groups have in common.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub ask: &'a Ask,
    pub range: TimeRange,
    pub follow_late: Option<u32>,
    /// Milliseconds since 1970.
    pub now: i64,
    pub method: MethodArg,
    pub sample: Option<u64>,
    pub places: &'a [CloudWatchLogs],
}

impl Planner<'_> {
    /// What the lake lacks of the group's time.
    pub fn share(&self, place: usize, group: LogGroup, lake: Option<&Lake>) -> Result<Share, PullError> {
        let now = self.now;
        let from = self.range.from.map_or(0, millis).max(group.oldest(now).unwrap_or(i64::MIN));
        let to = self.range.to.map_or(now + AHEAD, millis);
        let late = self.follow_late.map_or(i64::MAX, |hours| now - i64::from(hours) * 60 * 60 * 1000);
        let mut known = Ranges::default();
        let fetched = lake.and_then(|lake| lake.manifest.pulled.get(&self.ask.source(&group)));
        for (begin, end) in fetched.into_iter().flat_map(Ranges::iter) {
            known.add(begin, end.min(late));
        }
        let missing = known.missing(from, to);
        let age = (now - group.created.unwrap_or(now)).max(1);
        let past: i64 =
            missing.iter().map(|(begin, end)| end.min(now).saturating_sub(begin.max(now - age)).max(0)).sum();
        let bytes = (group.stored_bytes as f64 * INFLATED as f64 * (past as f64 / age as f64).min(1.0)) as i64;
        let bytes = if missing.is_empty() { 0 } else { bytes };
        let at = &self.places[place];
        let infrequent = group.is_infrequent();
        let counted = self.ask.filter_pattern.is_none() && bytes / PAGE >= FEW_PAGES && !infrequent;
        let streams = counted.then(|| at.streams(self.ask, &group, MOST_STREAMS)).transpose()?;
        let method = if self.sample.is_some() { MethodArg::Filter } else { self.method };
        let wanted = self.sample.map_or(bytes, |sample| bytes.min(sample as i64));
        let mut way = if infrequent { Way::insights(bytes) } else { Way::choose(method, wanted, streams, at.rates) };
        if missing.is_empty() {
            way = Way { calls: 0, seconds: 0.0, reason: "all in the lake already".to_owned(), dollars: 0.0, ..way };
        }
        Ok(Share { place, group: Arc::new(group), missing, bytes, way, sample: self.sample })
    }
}

const fn name(method: Method) -> &'static str {
    match method {
        Method::FilterLogEvents => "FilterLogEvents",
        Method::GetLogEvents => "GetLogEvents",
        Method::Both => "both",
        Method::Insights => "Insights",
    }
}

/// Prints the plan.
pub(super) fn tell(
    shares: &[Share],
    places: &[CloudWatchLogs],
    format: PlanFormat,
    context: &Context,
) -> anyhow::Result<()> {
    let mut out = terminal::output(None)?;
    let names = ["log_group", "place", "missing_hours", "bytes_about", "method", "calls", "seconds_about", "reason"];
    let mut table = Table::new(&names).right_aligned(&["missing_hours", "bytes_about", "calls", "seconds_about"]);
    for Share { place, group, missing, bytes, way, .. } in shares {
        let place = &places[*place];
        if format == PlanFormat::Json {
            let value = serde_json::json!({
                "log_group": group.name, "arn": group.arn, "place": place.name, "method": name(way.method),
                "reason": way.reason, "missing": missing, "bytes_about": bytes, "calls": way.calls,
                "filter_calls_per_second": place.rates.filter_log_events,
                "get_calls_per_second": place.rates.get_log_events, "seconds_about": way.seconds,
                "dollars": way.dollars, "masked": group.is_masked(),
            });
            jsonl::write_line(&mut out, &value)?;
        }
        table.push(vec![
            group.name.clone(),
            place.name.clone(),
            format!("{:.1}", missing.len() as f64 / 3_600_000.0),
            number(bytes.unsigned_abs()),
            name(way.method).to_owned(),
            number(way.calls.unsigned_abs()),
            format!("{:.0}", way.seconds),
            way.reason.clone(),
        ]);
    }
    if format == PlanFormat::Text {
        write!(out, "{}", table.render(context.terminal.width()))?;
        for (n, place) in places.iter().enumerate() {
            let here = || shares.iter().filter(|share| share.place == n);
            let (calls, seconds): (i64, f64) =
                (here().map(|share| share.way.calls).sum(), here().map(|share| share.way.seconds).sum());
            let Rates { filter_log_events, get_log_events } = place.rates;
            writeln!(
                out,
                "{}: {}, about {seconds:.0} s at {filter_log_events:.1} (FilterLogEvents) and {get_log_events:.1} \
                 (GetLogEvents) a second",
                place.name,
                counted(calls.unsigned_abs(), "call")
            )?;
        }
        if shares.iter().map(|share| share.way.seconds).sum::<f64>() > LONG {
            writeln!(
                out,
                "`logsift pull export-task` may be faster: AWS writes the events into a bucket, without quotas"
            )?;
        }
        writeln!(
            out,
            "{:.2} USD, for what Insights scans; AWS charges for no other of these calls. Bytes are {INFLATED} times \
             what AWS counts as stored, which is compressed and up to a day old",
            shares.iter().map(|share| share.way.dollars).sum::<f64>()
        )?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: i64 = 1 << 30;

    fn chosen(bytes: i64, streams: Option<usize>) -> (Method, f64) {
        let way = Way::choose(MethodArg::Auto, bytes, streams, Rates::new("us-east-1", None, None));
        (way.method, way.seconds)
    }

    #[test]
    fn the_method_follows_from_the_quotas() {
        assert_eq!(chosen(GB / 100, Some(1)).0, Method::FilterLogEvents);
        // 10,241 pages at 22.5 + 22.5 a second, and 320 calls for ten streams in sixteen slices.
        let (method, seconds) = chosen(10 * GB, Some(10));
        assert_eq!(method, Method::Both);
        assert!((234.0..235.0).contains(&seconds), "{seconds}");
        assert_eq!(chosen(10 * GB, Some(201)).0, Method::FilterLogEvents);
        assert_eq!(chosen(10 * GB, None).0, Method::FilterLogEvents);
        // 1,025 pages, but 6,400 calls for the streams.
        assert_eq!(chosen(GB, Some(200)).0, Method::FilterLogEvents);
    }
}
