//! Records that are JSON values: one after another, or elements of a document's array.

use super::{Found, State, detect};
use crate::codec::json;
use crate::source::transport::Context;
use std::sync::Arc;

pub(super) fn find_value(window: &[u8]) -> Found {
    let start = json::skip_space(window, 0);
    if start == window.len() {
        return if start == 0 { Found::NeedMore } else { Found::Skip(start) };
    }
    if !matches!(window[start], b'{' | b'[') {
        return Found::Lost;
    }
    value_record(window, start)
}

fn value_record(window: &[u8], start: usize) -> Found {
    match json::value_end(window, start) {
        Ok(end) => Found::Record { start, end, next: end },
        Err(error) if error.is_cut() => Found::NeedMore,
        Err(_) => Found::Lost,
    }
}

pub(super) fn find_element(window: &[u8], name: &str, state: &mut State, context: &mut Option<Arc<Context>>) -> Found {
    let at = json::skip_space(window, 0);
    let Some(&byte) = window.get(at) else {
        return if at == 0 { Found::NeedMore } else { Found::Skip(at) };
    };
    match (*state, byte) {
        (State::Outside, b'[') if name.is_empty() => enter(state, at),
        (State::Outside, b'{') if !name.is_empty() => find_document(window, at, name, state, context),
        (State::Outside, _) => Found::Lost,
        (State::InArray, b']') => {
            *state = if name.is_empty() { State::Outside } else { State::AfterArray };
            Found::Skip(at + 1)
        }
        (State::InArray, b',') => Found::Skip(at + 1),
        (State::InArray, b'{' | b'[' | b'"') => value_record(window, at),
        (State::InArray, _) => match json::value_end(window, at) {
            Ok(end) if end < window.len() => Found::Record { start: at, end, next: end },
            Ok(_) => Found::NeedMore,
            Err(_) => Found::Lost,
        },
        (State::AfterArray, b'}') => {
            *state = State::Outside;
            Found::Skip(at + 1)
        }
        (State::AfterArray, b',') => Found::Skip(at + 1),
        (State::AfterArray, b'"') => skip_member(window, at, name, state),
        (State::AfterArray, _) => Found::Lost,
    }
}

fn enter(state: &mut State, at: usize) -> Found {
    *state = State::InArray;
    Found::Skip(at + 1)
}

/// A document begins at `at`. A later one may be of another kind: it is a record as a whole then.
fn find_document(window: &[u8], at: usize, name: &str, state: &mut State, context: &mut Option<Arc<Context>>) -> Found {
    let document = &window[at..];
    *context = None;
    let expected = if name == detect::LOG_EVENTS {
        match detect::subscription(document) {
            detect::Subscription::Cut => return Found::NeedMore,
            detect::Subscription::No => false,
            detect::Subscription::Control => {
                *context = Some(Arc::new(Context::Control));
                false
            }
            detect::Subscription::Data(stream) => {
                *context = Some(Arc::new(Context::Stream(stream)));
                true
            }
        }
    } else {
        detect::wrapper(document) == Some(name)
    };
    if !expected {
        return value_record(window, at);
    }
    *state = State::AfterArray;
    Found::Skip(at + 1)
}

/// What AWS puts beside the array of that name and what says nothing of its elements: tokens of the next
/// page, and what the [`Context`] knows.
fn is_transport(array: &str, member: &[u8]) -> bool {
    let members: &[&[u8]] = match array {
        "events" => &[b"nextForwardToken", b"nextBackwardToken", b"searchedLogStreams"],
        detect::LOG_EVENTS => {
            &[b"messageType", b"owner", b"logGroup", b"logStream", b"subscriptionFilters", b"policyLevel"]
        }
        "records" => &[b"invocationId", b"deliveryStreamArn", b"sourceKinesisStreamArn", b"region"],
        "results" | "QueryResultRows" => {
            &[b"status", b"statistics", b"queryLanguage", b"encryptionKey", b"QueryStatus", b"QueryStatistics"]
        }
        "Traces" => &[b"UnprocessedTraceIds"],
        "configurationItems" => &[b"fileVersion", b"configSnapshotId", b"requestId"],
        _ => &[],
    };
    matches!(member, b"nextToken" | b"NextToken") || members.contains(&member)
}

/// Passes over a member of the top-level object, or enters the array it is looked for.
fn skip_member(window: &[u8], at: usize, name: &str, state: &mut State) -> Found {
    let Ok(name_end) = json::value_end(window, at) else {
        return Found::NeedMore;
    };
    let colon = json::skip_space(window, name_end);
    let value = json::skip_space(window, colon + 1);
    match (window.get(colon), window.get(value)) {
        (None, _) | (Some(b':'), None) => Found::NeedMore,
        (Some(b':'), Some(b'[')) if &window[at + 1..name_end - 1] == name.as_bytes() => enter(state, value),
        (Some(b':'), Some(_)) => match json::value_end(window, value) {
            // A number or word at the end of the window may go on.
            Ok(end) if end == window.len() => Found::NeedMore,
            Ok(end) if is_transport(name, &window[at + 1..name_end - 1]) => Found::Skip(end),
            // Whatever else stands beside the array is no transport: it is kept and scanned as a record.
            Ok(end) => Found::Record { start: at, end, next: end },
            Err(error) if error.is_cut() => Found::NeedMore,
            Err(_) => Found::Lost,
        },
        _ => Found::Lost,
    }
}
