//! Rows of queries: CloudWatch Logs Insights and CloudTrail Lake, from the API or as the console saves them.

use super::Unwrapped;
use crate::codec::json::{self, Json};
use crate::model::{Envelope, Micros};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

fn array(frame: &[u8]) -> Option<&str> {
    match json::parse(std::str::from_utf8(frame).ok()?).ok()? {
        Json::Array(array) => Some(array),
        _ => None,
    }
}

/// A row of GetQueryResults: `[{"field":…,"value":…},…]`.
pub(super) fn result(frame: &[u8]) -> Option<Unwrapped<'_>> {
    let mut object = Map::new();
    for cell in json::elements(array(frame)?) {
        let cell = cell.ok()?;
        let name = cell.get("field")?.as_str()?.into_owned();
        if let Some(value) = cell.get("value") {
            object.insert(name, serde_json::from_str(&value.to_json()).ok()?);
        }
    }
    Some(row(frame, object))
}

/// A row of CloudTrail Lake's GetQueryResults: `[{"eventName":"…"},{"eventTime":"…"},…]`.
pub(super) fn lake_row(frame: &[u8]) -> Option<Unwrapped<'_>> {
    let mut object = Map::new();
    for cell in json::elements(array(frame)?) {
        let Json::Object(cell) = cell.ok()? else {
            return None;
        };
        for member in json::members(cell) {
            let (name, value) = member.ok()?;
            object.insert(name.into_owned(), serde_json::from_str(&value.to_json()).ok()?);
        }
    }
    Some(row(frame, object))
}

/// An element of the array that the console saves; only with a message is it CloudWatch's.
pub(super) fn console_object(frame: &[u8]) -> Option<Unwrapped<'_>> {
    memchr::memmem::find(frame, b"\"@message\"")?;
    match serde_json::from_slice(frame).ok()? {
        Value::Object(object) if object.contains_key("@message") => Some(row(frame, object)),
        _ => None,
    }
}

/// A row with `@message` is that CloudWatch event; any other is a JSON object of its columns.
pub(super) fn row(frame: &[u8], mut object: Map<String, Value>) -> Unwrapped<'_> {
    let time = object.get("@timestamp").and_then(time_of);
    let mut envelope = Envelope { time, ..Envelope::default() };
    match object.shift_remove("@message") {
        Some(message) if time.is_some() => {
            fill(&mut envelope, object);
            // The console shows a JSON message as an object.
            let text = match message {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Unwrapped::new(Cow::Owned(text.into_bytes()), Some(envelope))
        }
        message => {
            object.extend(message.map(|message| ("@message".to_owned(), message)));
            let text = Value::Object(object).to_string();
            let envelope = time.is_some().then_some(envelope);
            Unwrapped { text: Some(text), ..Unwrapped::new(Cow::Borrowed(frame), envelope) }
        }
    }
}

fn fill(envelope: &mut Envelope, object: Map<String, Value>) {
    for (name, value) in object {
        match (name.as_str(), &value) {
            ("@timestamp", _) | (_, Value::Null) => {}
            ("@ingestionTime", _) => envelope.ingestion_time = time_of(&value),
            ("@logStream", Value::String(stream)) => envelope.log_stream = Some(Arc::from(stream.as_str())),
            ("@log", Value::String(log)) => {
                let (account, group) = log.split_once(':').unwrap_or(("", log));
                let account = Some(account).filter(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit()));
                envelope.account_id = account.map(Arc::from);
                envelope.log_group = Some(Arc::from(group));
            }
            _ => envelope.extra.push((name, value.to_string())),
        }
    }
}

/// `2026-03-02 03:00:00.123` in UTC; some exports have milliseconds since 1970.
fn time_of(value: &Value) -> Option<Micros> {
    match value {
        Value::String(text) => Micros::parse_rfc3339(text).or_else(|| Micros::parse_epoch(text)),
        Value::Number(number) => number.as_i64().and_then(Micros::from_epoch),
        _ => None,
    }
}
