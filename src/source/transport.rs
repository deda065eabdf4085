//! Takes the transport off a frame: CloudWatch's export lines and API output carry a message with
//! a time, a stream and ids around it.

use super::framing::{self, Framing};
use crate::codec::json::{self, Json};
use crate::model::{Envelope, Micros};
use std::borrow::Cow;
use std::sync::Arc;

/// The message inside a frame, and what was around it.
pub struct Unwrapped<'f> {
    pub bytes: Cow<'f, [u8]>,
    pub envelope: Option<Envelope>,
}

/// Unwraps one frame; a frame that does not have its transport's shape is a message as it stands.
pub fn unwrap(framing: Framing, frame: &[u8]) -> Unwrapped<'_> {
    match framing {
        Framing::ExportLines => {
            if let Some(time) = framing::export_stamp(frame) {
                let envelope = Envelope { time: Some(time), ..Envelope::default() };
                return Unwrapped { bytes: Cow::Borrowed(&frame[framing::STAMP..]), envelope: Some(envelope) };
            }
        }
        Framing::JsonArray("events") => {
            if let Some(unwrapped) = api_event(frame) {
                return unwrapped;
            }
        }
        Framing::Lines | Framing::JsonArray(_) | Framing::JsonValues => {}
    }
    Unwrapped { bytes: Cow::Borrowed(frame), envelope: None }
}

/// An element of `events` of FilterLogEvents or GetLogEvents.
fn api_event(frame: &[u8]) -> Option<Unwrapped<'_>> {
    let value = json::parse(std::str::from_utf8(frame).ok()?).ok()?;
    let millis = |name: &str| value.get(name).and_then(|v| v.as_i64()).and_then(Micros::from_millis);
    let text = |name: &str| value.get(name).and_then(|v| v.as_str());
    let Some(Json::Str(message)) = value.get("message") else {
        return None;
    };
    let envelope = Envelope {
        time: Some(millis("timestamp")?),
        ingestion_time: millis("ingestionTime"),
        event_id: text("eventId").map(Cow::into_owned),
        log_group: None,
        log_stream: text("logStreamName").map(|name| Arc::from(name.as_ref())),
    };
    let bytes = match json::unescape(message) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Some(Unwrapped { bytes, envelope: Some(envelope) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_line_and_an_api_event_give_the_same_message() {
        let export = unwrap(Framing::ExportLines, b"2025-02-25T12:25:04.000Z a \"b\"\n");
        let api = unwrap(
            Framing::JsonArray("events"),
            br#"{"logStreamName":"s","timestamp":1740486304000,"message":"a \"b\"\n","eventId":"1"}"#,
        );
        assert_eq!(export.bytes, api.bytes);
        let (export, api) = (export.envelope.unwrap(), api.envelope.unwrap());
        assert_eq!(export.time, api.time);
        assert_eq!(api.log_stream.as_deref(), Some("s"));
        assert!(unwrap(Framing::JsonArray("events"), br#"{"other":1}"#).envelope.is_none());
    }
}
