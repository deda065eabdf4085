//! One row per request out of the lines of API Gateway's execution log.

use super::{Derived, LONGEST, Line, Stitched, Stitcher};
use crate::codec::execution_log::{self, ExecutionLine, Step};
use crate::codec::{java_map, tokens};
use crate::model::{Common, Field, Kind, Link, Micros, Row, Value};
use std::collections::BTreeMap;

pub static REQUESTS: Derived = Derived {
    id: "requests",
    title: "API Gateway requests, put together from their execution log lines",
    source: "apigateway_execution",
    fields: &FIELDS,
    stitcher: || Box::<Requests>::default(),
};

/// Where AWS names a thing, the name is that of the line it stands in.
#[rustfmt::skip]
static FIELDS: [Field; 46] = [
    Field::new("req_request_id", "(requestId)", Kind::Str).feeds(Common::RequestId),
    Field::new("req_extended_request_id", "Extended Request Id", Kind::Str).link(Link::RequestId),
    Field::new("req_log_group", "logGroupName", Kind::Str),
    Field::new("req_api_id", "(API in the name of the log group)", Kind::Str).feeds(Common::Resource),
    Field::new("req_stage", "(stage in the name of the log group)", Kind::Str),
    Field::new("req_first_time", "(time of the first line)", Kind::Time).feeds(Common::EventTime),
    Field::new("req_last_time", "(time of the last line)", Kind::Time).feeds(Common::EventEnd),
    Field::new("req_lines", "(number of lines)", Kind::Int),
    Field::new("req_http_method", "HTTP Method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("req_resource_path", "Resource Path", Kind::Str),
    Field::new("req_status", "Method completed with status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("req_endpoint_uri", "Endpoint request URI", Kind::Str),
    Field::new("req_function_arn", "(function in Endpoint request URI)", Kind::Str).link(Link::Arn),
    Field::new("req_endpoint_status", "Received response. Status", Kind::Int),
    Field::new("req_integration_latency_ms", "Integration latency", Kind::Int),
    Field::new("req_lambda_request_id", "AWS Integration Endpoint RequestId", Kind::Str).link(Link::RequestId),
    Field::new("req_xray_trace_id", "X-ray Tracing ID", Kind::Str).feeds(Common::TraceId),
    Field::new("req_source_ip", "identity.sourceIp", Kind::Str).feeds(Common::SourceIp),
    Field::new("req_forwarded_ip", "(first hop of X-Forwarded-For)", Kind::Str).feeds(Common::SourceIp).link(Link::Ip),
    Field::new("req_host", "Host", Kind::Str),
    Field::new("req_user_agent", "User-Agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("req_connection_id", "Connection Id", Kind::Str).link(Link::RequestId),
    Field::new("req_error", "(error texts)", Kind::Str),
    Field::new("req_gateway_response_type", "Gateway response type", Kind::Str).feeds(Common::ErrorCode),
    Field::new("req_path_parameters", "Method request path", Kind::Json),
    Field::new("req_path_parameters_truncated", "(Method request path is cut)", Kind::Bool),
    Field::new("req_query_string", "Method request query string", Kind::Json),
    Field::new("req_query_string_truncated", "(Method request query string is cut)", Kind::Bool),
    Field::new("req_headers", "Method request headers", Kind::Json),
    Field::new("req_headers_truncated", "(Method request headers are cut)", Kind::Bool),
    Field::new("req_body", "Method request body before transformations", Kind::Str),
    Field::new("req_body_truncated", "(Method request body is cut)", Kind::Bool),
    Field::new("req_authorizer_result", "Authorizer result body before parsing", Kind::Str),
    Field::new("req_authorizer_result_truncated", "(Authorizer result body is cut)", Kind::Bool),
    Field::new("req_endpoint_headers", "Endpoint request headers", Kind::Json),
    Field::new("req_endpoint_headers_truncated", "(Endpoint request headers are cut)", Kind::Bool),
    Field::new("req_endpoint_body", "Endpoint request body after transformations", Kind::Str),
    Field::new("req_endpoint_body_truncated", "(Endpoint request body is cut)", Kind::Bool),
    Field::new("req_endpoint_response_headers", "Endpoint response headers", Kind::Json),
    Field::new("req_endpoint_response_headers_truncated", "(Endpoint response headers are cut)", Kind::Bool),
    Field::new("req_endpoint_response_body", "Endpoint response body before transformations", Kind::Str),
    Field::new("req_endpoint_response_body_truncated", "(Endpoint response body is cut)", Kind::Bool),
    Field::new("req_response_headers", "Method response headers", Kind::Json),
    Field::new("req_response_headers_truncated", "(Method response headers are cut)", Kind::Bool),
    Field::new("req_response_body", "Method response body after transformations", Kind::Str),
    Field::new("req_response_body_truncated", "(Method response body is cut)", Kind::Bool),
];

const GROUP: usize = 2;
const API: usize = 3;
const STAGE: usize = 4;
const METHOD: usize = 8;
const PATH: usize = 9;
const STATUS: usize = 10;
const SOURCE_IP: usize = 17;
const FORWARDED_IP: usize = 18;
const USER_AGENT: usize = 20;
const ERROR: usize = 22;
const GATEWAY_TYPE: usize = 23;

/// Lines this far apart are of two requests: a client may set the id itself, and use it again.
const GAP: i64 = 15 * 60 * 1_000_000;

/// Account, region, log group, request id.
type Key = [String; 4];

struct Kept {
    time: Option<Micros>,
    step: Step,
    /// Empty where the line says nothing but that the step was reached.
    raw: String,
    event_id: String,
}

#[derive(Default)]
struct Requests {
    lines: BTreeMap<Key, Vec<Kept>>,
}

impl Stitcher for Requests {
    fn add(&mut self, line: &Line<'_>) {
        let parsed = execution_log::parse(line.raw);
        let Some(id) = parsed.request_id else {
            return;
        };
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let key = [owned(line.account_id), owned(line.region), owned(line.log_group), id.to_owned()];
        let telling = parsed.has_body() || parsed.details() != execution_log::Details::default();
        self.lines.entry(key).or_default().push(Kept {
            time: line.time,
            step: parsed.step,
            raw: if telling { line.raw.to_owned() } else { String::new() },
            event_id: line.event_id.to_owned(),
        });
    }

    fn retire(&mut self, now: Micros, give: &mut dyn FnMut(Stitched)) {
        let over = |lines: &[Kept]| {
            lines.last().and_then(|line| line.time).is_some_and(|last| now.0.saturating_sub(last.0) > LONGEST)
        };
        let keys: Vec<Key> = self.lines.iter().filter(|(_, lines)| over(lines)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(lines) = self.lines.remove(&key) {
                give_rows(&key, lines, give);
            }
        }
    }

    fn finish(self: Box<Self>, give: &mut dyn FnMut(Stitched)) {
        for (key, lines) in self.lines {
            give_rows(&key, lines, give);
        }
    }
}

/// One row, or several where an id came back much later.
fn give_rows(key: &Key, mut lines: Vec<Kept>, give: &mut dyn FnMut(Stitched)) {
    // CloudWatch does not keep the order within a millisecond; that of the steps does.
    lines.sort_unstable_by(|a, b| (a.time, a.step, &a.raw, &a.event_id).cmp(&(b.time, b.step, &b.raw, &b.event_id)));
    lines.dedup_by(|a, b| a.event_id == b.event_id);
    let apart = |a: &Kept, b: &Kept| match (a.time, b.time) {
        (Some(a), Some(b)) => b.0.saturating_sub(a.0) > GAP,
        _ => false,
    };
    for lines in lines.chunk_by(|a, b| !apart(a, b)) {
        give(stitched(key, lines));
    }
}

fn stitched(key: &Key, lines: &[Kept]) -> Stitched {
    let [account, region, group, id] = key;
    let mut row = Row::new(FIELDS.len());
    row.native[0] = text(Some(id));
    row.native[GROUP] = text(Some(group));
    let times = || lines.iter().filter_map(|line| line.time);
    row.native[5] = Value::time(times().min());
    row.native[6] = Value::time(times().max());
    row.native[7] = Value::Int(i64::try_from(lines.len()).unwrap_or(i64::MAX));
    let mut errors: Vec<String> = Vec::new();
    for line in lines {
        let line = execution_log::parse(&line.raw);
        set_details(&mut row, &line, &mut errors);
        set_part(&mut row, &line);
    }
    if let Some(place) = execution_log::place(group) {
        row.native[API] = text(Some(place.api_id));
        row.native[STAGE] = text(Some(place.stage));
    }
    row.native[ERROR] = text(Some(&errors.join("; ")));
    row.set(Common::AccountId, text(Some(account)));
    row.set(Common::Region, text(Some(region)));
    let complete = lines.iter().any(|line| line.step == Step::Done);
    let raw = derive(&mut row, errors.first().map(String::as_str), complete);
    let first = times().min();
    let event_id = format!("{account}\n{region}\n{group}\n{id}\n{}", first.map_or(0, |time| time.0));
    Stitched { row, event_id, first, raw }
}

fn text(text: Option<&str>) -> Value<'static> {
    match text.map(Value::text) {
        Some(Value::Str(text)) => Value::owned(text.into_owned()),
        _ => Value::Null,
    }
}

/// Takes over what a line says. A later line wins: an authorizer's endpoint comes before the integration's.
fn set_details(row: &mut Row<'static>, line: &ExecutionLine<'_>, errors: &mut Vec<String>) {
    let details = line.details();
    let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
    let cells = [
        (1, text(details.extended_request_id)),
        (API, text(details.api_id)),
        (STAGE, text(details.stage)),
        (METHOD, text(details.http_method)),
        (PATH, text(details.resource_path)),
        (STATUS, int(details.status)),
        (11, text(details.endpoint_uri)),
        (12, text(details.function_arn)),
        (13, int(details.endpoint_status)),
        (14, int(details.integration_latency_ms)),
        (15, text(details.lambda_request_id)),
        (16, text(details.trace_id)),
        (SOURCE_IP, text(details.source_ip.as_deref())),
        (FORWARDED_IP, text(details.forwarded_ip.as_deref())),
        (19, text(details.host)),
        (USER_AGENT, text(details.user_agent)),
        (21, text(details.connection_id)),
    ];
    for (cell, value) in cells.into_iter().filter(|(_, value)| !value.is_null()) {
        row.native[cell] = value;
    }
    match details.error {
        Some(kind) if line.step == Step::GatewayType => row.native[GATEWAY_TYPE] = text(Some(kind)),
        Some(error) if !errors.iter().any(|other| other == error) => errors.push(error.to_owned()),
        _ => {}
    }
}

/// What a part of the request is written as.
#[derive(Clone, Copy)]
enum Part {
    Parameters,
    Headers,
    Text,
}

/// The line's value, where it is a part of the request or of an answer, and whether that is cut.
fn set_part(row: &mut Row<'static>, line: &ExecutionLine<'_>) {
    let (cell, part) = match line.step {
        Step::RequestPath => (24, Part::Parameters),
        Step::RequestQuery => (26, Part::Parameters),
        Step::RequestHeaders => (28, Part::Headers),
        Step::RequestBody => (30, Part::Text),
        Step::AuthorizerResult => (32, Part::Text),
        Step::EndpointRequestHeaders => (34, Part::Headers),
        Step::EndpointRequestBody => (36, Part::Text),
        Step::EndpointResponseHeaders => (38, Part::Headers),
        Step::EndpointResponseBody => (40, Part::Text),
        Step::ResponseHeaders | Step::GatewayHeaders => (42, Part::Headers),
        Step::ResponseBody | Step::GatewayBody => (44, Part::Text),
        _ => return,
    };
    row.native[cell] = match part {
        Part::Text => text(Some(line.value)),
        Part::Parameters => Value::owned(object(java_map::entries(line.value))),
        Part::Headers => Value::owned(object(java_map::headers(line.value))),
    };
    row.native[cell + 1] = Value::Bool(line.truncated);
}

/// A map as JSON. A name that comes twice was a part of the value before; none of it is lost.
fn object(entries: java_map::Entries<'_>) -> String {
    let mut object = serde_json::Map::new();
    for (name, value) in entries {
        match object.get_mut(name) {
            Some(serde_json::Value::String(before)) => {
                before.push_str(", ");
                before.push_str(value);
            }
            _ => {
                object.insert(name.to_owned(), value.into());
            }
        }
    }
    serde_json::Value::Object(object).to_string()
}

/// The common columns that are more than a copy; returns the line for people.
fn derive(row: &mut Row<'static>, error: Option<&str>, complete: bool) -> String {
    let path = row.native[PATH].as_str().map(|path| tokens::url_path(path).to_owned());
    let method = row.native[METHOD].as_str().map(str::to_owned);
    row.set(Common::UrlPath, text(path.as_deref()));
    row.set(Common::Target, text(path.as_deref()));
    row.set(Common::EventAction, text(method.as_deref()));
    if row.native[GATEWAY_TYPE].is_null() {
        row.set(Common::ErrorCode, text(error.map(execution_log::error_code)));
    }
    let status = match row.native[STATUS] {
        Value::Int(status) => Some(status),
        _ => None,
    };
    let failed = error.is_some() || !row.native[GATEWAY_TYPE].is_null() || status.is_some_and(|status| status >= 400);
    let outcome = if failed { Some("failure") } else { (complete || status.is_some()).then_some("success") };
    row.set(Common::EventOutcome, text(outcome));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!("{} {} {}", or_dash(method), or_dash(path), or_dash(status.map(|status| status.to_string())))
}

#[cfg(test)]
mod tests;
