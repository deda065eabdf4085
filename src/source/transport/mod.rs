//! Takes the transport off a frame: CloudWatch's export lines, API output, subscription documents, tails and
//! query results carry a message with a time, a stream and ids around it; CSV rows have their header apart.

mod insights;

use super::framing::{self, Framing};
use crate::codec::json::{self, Json};
use crate::model::{Envelope, Micros};
use std::borrow::Cow;
use std::sync::Arc;

/// What stands once for many frames of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Group, stream and account of a subscription document's events.
    Stream(Envelope),
    /// The frame is CloudWatch's question whether a destination is there.
    Control,
    /// The names in a CSV file's header row.
    Columns(Vec<String>),
}

/// The message inside a frame, and what was around it.
#[derive(Debug)]
pub struct Unwrapped<'f> {
    /// The record's own bytes: what is kept as raw.
    pub bytes: Cow<'f, [u8]>,
    pub envelope: Option<Envelope>,
    /// What formats read, where that is not the bytes as text: a CSV row as a JSON object.
    pub text: Option<String>,
    /// Why this frame is no record at all: a header row, a control message.
    pub ignored: Option<&'static str>,
}

impl<'f> Unwrapped<'f> {
    fn new(bytes: Cow<'f, [u8]>, envelope: Option<Envelope>) -> Self {
        Self { bytes, envelope, text: None, ignored: None }
    }

    fn ignored(bytes: &'f [u8], why: &'static str) -> Self {
        Self { ignored: Some(why), ..Self::new(Cow::Borrowed(bytes), None) }
    }
}

/// As [`unwrap_with`] for a frame without context.
pub fn unwrap(framing: Framing, frame: &[u8]) -> Unwrapped<'_> {
    unwrap_with(framing, None, frame)
}

/// Unwraps one frame by the framing and the context that came with it; a frame that does not have its
/// transport's shape is a message as it stands.
pub fn unwrap_with<'f>(framing: Framing, context: Option<&Context>, frame: &'f [u8]) -> Unwrapped<'f> {
    let unwrapped = match (framing, context) {
        (_, Some(Context::Control)) => Some(Unwrapped::ignored(frame, "control message")),
        (Framing::ExportLines, _) => {
            framing::export_stamp(frame).map(|time| stamped(frame, framing::STAMP, time, None))
        }
        (Framing::TailLines, _) => {
            framing::tail_line(frame).map(|head| stamped(frame, head.message, head.time, Some(head.stream)))
        }
        (Framing::TailShort, _) => framing::tail_short(frame).map(|(time, from)| stamped(frame, from, time, None)),
        (Framing::JsonArray("events"), _) => log_event(frame, Envelope::default()),
        (Framing::JsonArray("logEvents"), Some(Context::Stream(stream))) => log_event(frame, stream.clone()),
        (Framing::JsonArray("results"), _) => insights::result(frame),
        (Framing::JsonArray("QueryResultRows"), _) => insights::lake_row(frame),
        (Framing::JsonArray(""), _) => insights::console_object(frame),
        (Framing::Csv, Some(Context::Columns(columns))) => {
            Some(insights::row(frame, framing::row_object(columns, frame)))
        }
        (Framing::Csv, _) => Some(Unwrapped::ignored(frame, "header line")),
        _ => None,
    };
    unwrapped.unwrap_or_else(|| Unwrapped::new(Cow::Borrowed(frame), None))
}

fn stamped<'f>(frame: &'f [u8], from: usize, time: Micros, stream: Option<&str>) -> Unwrapped<'f> {
    let envelope = Envelope { time: Some(time), log_stream: stream.map(Arc::from), ..Envelope::default() };
    Unwrapped::new(Cow::Borrowed(&frame[from..]), Some(envelope))
}

/// An element of `events` of FilterLogEvents or GetLogEvents, or of `logEvents` of a subscription.
fn log_event(frame: &[u8], mut envelope: Envelope) -> Option<Unwrapped<'_>> {
    let Json::Object(object) = json::parse(std::str::from_utf8(frame).ok()?).ok()? else {
        return None;
    };
    let mut message = None;
    for member in json::members(object) {
        let (name, value) = member.ok()?;
        let millis = || value.as_i64().and_then(Micros::from_millis);
        match (name.as_ref(), &value) {
            ("message", Json::Str(raw)) if message.is_none() => message = Some(*raw),
            ("timestamp", _) => envelope.time = millis(),
            ("ingestionTime", _) => envelope.ingestion_time = millis(),
            ("eventId" | "id", Json::Str(_)) => envelope.event_id = value.as_str().map(Cow::into_owned),
            ("logStreamName", Json::Str(_)) => {
                envelope.log_stream = value.as_str().map(|name| Arc::from(name.as_ref()))
            }
            (_, Json::Null) => {}
            _ => envelope.extra.push((name.into_owned(), value.to_json().into_owned())),
        }
    }
    envelope.time?;
    let bytes = match json::unescape(message?) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Some(Unwrapped::new(bytes, Some(envelope)))
}

#[cfg(test)]
mod tests;
