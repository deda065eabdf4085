//! Tells the framing from the first bytes.

use super::{Framing, csv, lines};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::Envelope;
use std::sync::Arc;

pub(super) fn detect(head: &[u8]) -> Framing {
    if lines::export_stamp(head).is_some() {
        return Framing::ExportLines;
    }
    let start = json::skip_space(head, 0);
    let first_line = head[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    match head.get(start) {
        Some(b'{') => match wrapper(&head[start..]) {
            Some(name) => Framing::JsonArray(name),
            None if !matches!(subscription(&head[start..]), Subscription::No | Subscription::Cut) => {
                Framing::JsonArray(LOG_EVENTS)
            }
            None if json::value_end(first_line, 0)
                .is_ok_and(|end| json::skip_space(first_line, end) == first_line.len()) =>
            {
                Framing::Lines
            }
            None => Framing::JsonValues,
        },
        Some(b'[')
            if json::skip_space(head, start + 1) < head.len()
                && matches!(head[json::skip_space(head, start + 1)], b'{' | b']') =>
        {
            Framing::JsonArray("")
        }
        Some(b'0'..=b'9') => tail(head),
        _ if csv::is_header(first_line.trim_ascii_end()) => Framing::Csv,
        _ => Framing::Lines,
    }
}

/// How many lines of a tail must agree.
const TAIL_LINES: usize = 3;

fn tail(head: &[u8]) -> Framing {
    // Lines that go on from the one before begin with a blank or close a bracket.
    let lines: Vec<&[u8]> = head
        .split(|b| *b == b'\n')
        .filter(|line| !matches!(line.first(), None | Some(b' ' | b'\t' | b'\r' | b'}' | b']')))
        .take(TAIL_LINES)
        .collect();
    if lines.iter().all(|line| is_detailed(line)) {
        Framing::TailLines
    } else if lines.iter().all(|line| lines::tail_short(line).is_some()) {
        Framing::TailShort
    } else {
        Framing::Lines
    }
}

/// Load balancers' and CloudFront's logs begin with a time in `Z`, syslog with one with an offset: what
/// follows there is no stream.
fn is_detailed(line: &[u8]) -> bool {
    let Some(tail) = lines::tail_line(line) else {
        return false;
    };
    let message = &line[tail.message..];
    let tag = message.split(|b| *b == b' ').next().unwrap_or_default();
    let syslog = tag.ends_with(b"]:");
    let zulu = line[..tail.message].contains(&b'Z') && !line[..tail.message].contains(&b'+');
    let stream = tail.stream.contains(['/', '[']);
    !syslog && tokens::ip(tail.stream).is_none() && (stream || !zulu)
}

/// The array of a subscription document.
pub(super) const LOG_EVENTS: &str = "logEvents";

/// What the head of a document says of CloudWatch's subscription envelope.
pub(super) enum Subscription {
    /// What all its events share.
    Data(Envelope),
    /// CloudWatch asking whether the destination is there.
    Control,
    No,
    /// The document ends before it can be told; with more of it, it may be told.
    Cut,
}

/// `messageType`, `owner`, `logGroup`, `logStream`, which AWS writes before `logEvents`; any order is taken.
pub(super) fn subscription(document: &[u8]) -> Subscription {
    let (mut kind, mut owner, mut group, mut stream) = (None, None, None, None);
    let mut events = false;
    let mut at = 1;
    let whole = loop {
        let (name, value) = match next_member(document, &mut at) {
            Member::Of(name, value) => (name, value),
            Member::End => break true,
            Member::Cut => break false,
            Member::Bad => return Subscription::No,
        };
        let text = || string_at(document, value);
        match name {
            b"messageType" => kind = text(),
            b"owner" => owner = text(),
            b"logGroup" => group = text(),
            b"logStream" => stream = text(),
            b"logEvents" => events = document.get(value) == Some(&b'['),
            // No member of a subscription document: most JSON is told at its first name.
            b"subscriptionFilters" | b"policyLevel" => {}
            _ if kind.is_none() => return Subscription::No,
            _ => {}
        }
        if kind.is_some() && owner.is_some() && group.is_some() && stream.is_some() && events {
            break true;
        }
        match json::value_end(document, value) {
            Ok(end) => at = end,
            Err(error) if error.is_cut() => break false,
            Err(_) => return Subscription::No,
        }
    };
    match (kind.as_deref(), events) {
        (Some("CONTROL_MESSAGE"), _) => Subscription::Control,
        (Some("DATA_MESSAGE"), true) if whole => {
            let given = |text: Option<Arc<str>>| text.filter(|t| !t.is_empty());
            let (account_id, log_group, log_stream) = (given(owner), given(group), given(stream));
            Subscription::Data(Envelope { account_id, log_group, log_stream, ..Envelope::default() })
        }
        (Some("DATA_MESSAGE") | None, _) if !whole => Subscription::Cut,
        _ => Subscription::No,
    }
}

fn string_at(document: &[u8], at: usize) -> Option<Arc<str>> {
    let end = json::value_end(document, at).ok()?;
    match json::parse(std::str::from_utf8(&document[at..end]).ok()?).ok()? {
        Json::Str(raw) => Some(Arc::from(json::unescape(raw).as_ref())),
        _ => None,
    }
}

enum Member<'d> {
    /// Its name, as written, and where its value begins.
    Of(&'d [u8], usize),
    End,
    Cut,
    Bad,
}

/// The member at or after `at`, which is moved to its name.
fn next_member<'d>(document: &'d [u8], at: &mut usize) -> Member<'d> {
    *at = json::skip_space(document, *at);
    while document.get(*at) == Some(&b',') {
        *at = json::skip_space(document, *at + 1);
    }
    match document.get(*at) {
        Some(b'"') => {}
        Some(b'}') => return Member::End,
        Some(_) => return Member::Bad,
        None => return Member::Cut,
    }
    let Ok(end) = json::value_end(document, *at) else {
        return Member::Cut;
    };
    let colon = json::skip_space(document, end);
    let value = json::skip_space(document, colon + 1);
    match document.get(colon) {
        None => Member::Cut,
        Some(b':') if value < document.len() => Member::Of(&document[*at + 1..end - 1], value),
        Some(b':') => Member::Cut,
        Some(_) => Member::Bad,
    }
}

/// The name of the top-level array whose elements are the records, if the document's members up to it can be
/// read. Applications have arrays of these names too: where a name is common, the first element must fit.
pub(super) fn wrapper(head: &[u8]) -> Option<&'static str> {
    let mut at = 1;
    loop {
        let Member::Of(name, value) = next_member(head, &mut at) else {
            return None;
        };
        if head.get(value) == Some(&b'[') {
            let array = &head[value..];
            match name {
                b"Records" => return Some("Records"),
                b"configurationItems" => return Some("configurationItems"),
                b"events" if is_empty(array) || first_has(array, &["message", "timestamp"]) => return Some("events"),
                b"records" if first_has(array, &["data"]) => return Some("records"),
                b"results" if first_has(array, &["field", "value"]) => return Some("results"),
                b"Traces" if first_has(array, &["Segments"]) => return Some("Traces"),
                b"Findings" if first_has(array, &["everity"]) => return Some("Findings"),
                b"Events" if first_has(array, &["EventId"]) || first_has(array, &["eventVersion", "eventType"]) => {
                    return Some("Events");
                }
                b"QueryResultRows" => return Some("QueryResultRows"),
                _ => {}
            }
        }
        at = json::value_end(head, value).ok()?;
    }
}

/// Whether the array's first element has members whose names end so.
fn first_has(array: &[u8], names: &[&str]) -> bool {
    let first = json::skip_space(array, 1);
    let end = json::value_end(array, first).unwrap_or(array.len());
    let element = array.get(first..end).unwrap_or_default();
    names.iter().all(|name| memchr::memmem::find(element, format!("{name}\"").as_bytes()).is_some())
}

fn is_empty(array: &[u8]) -> bool {
    array.get(json::skip_space(array, 1)) == Some(&b']')
}
