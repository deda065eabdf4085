//! X-Ray segment documents, as exported from `BatchGetTraces` (bare, in their `{Id,Document}` wrapper, or
//! whole traces), and the OpenTelemetry spans Transaction Search writes to the log group `aws/spans`.
//! Facts: AWS, "X-Ray segment documents". One record is one event: of a whole trace its root segment, the
//! others stay beside it as JSON.

use super::shared::json_row::{JsonMap, adopt, ip, part};
use super::shared::otel;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::sync::LazyLock;

pub struct XRay;

#[rustfmt::skip]
static FIELDS: [Field; 56] = [
    Field::new("xray_name", "name", Kind::Str).feeds(Common::Resource),
    Field::new("xray_id", "id", Kind::Str),
    Field::new("xray_trace_id", "trace_id", Kind::Str).feeds(Common::TraceId),
    Field::new("xray_parent_id", "parent_id", Kind::Str),
    Field::new("xray_start_time", "start_time", Kind::Time).feeds(Common::EventTime),
    Field::new("xray_end_time", "end_time", Kind::Time).feeds(Common::EventEnd),
    Field::new("xray_in_progress", "in_progress", Kind::Bool),
    Field::new("xray_type", "type", Kind::Str),
    Field::new("xray_namespace", "namespace", Kind::Str),
    Field::new("xray_origin", "origin", Kind::Str),
    Field::new("xray_user", "user", Kind::Str).feeds(Common::UserName),
    Field::new("xray_inferred", "inferred", Kind::Bool),
    Field::new("xray_fault", "fault", Kind::Bool),
    Field::new("xray_error", "error", Kind::Bool),
    Field::new("xray_throttle", "throttle", Kind::Bool),
    Field::new("xray_http_method", "http.request.method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("xray_http_url", "http.request.url", Kind::Str),
    Field::new("xray_http_client_ip", "http.request.client_ip", Kind::Str),
    Field::new("xray_http_x_forwarded_for", "http.request.x_forwarded_for", Kind::Bool),
    Field::new("xray_http_traced", "http.request.traced", Kind::Bool),
    Field::new("xray_http_user_agent", "http.request.user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("xray_http_status", "http.response.status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("xray_http_content_length", "http.response.content_length", Kind::Int).feeds(Common::BytesOut),
    Field::new("xray_aws_account_id", "aws.account_id", Kind::Str).feeds(Common::AccountId),
    Field::new("xray_aws_region", "aws.region", Kind::Str).feeds(Common::Region),
    Field::new("xray_aws_operation", "aws.operation", Kind::Str),
    Field::new("xray_aws_request_id", "aws.request_id", Kind::Str).feeds(Common::RequestId),
    Field::new("xray_aws_function_arn", "aws.function_arn", Kind::Str).link(Link::Arn),
    Field::new("xray_aws_resource_names", "aws.resource_names", Kind::Json),
    Field::new("xray_aws_queue_url", "aws.queue_url", Kind::Str),
    Field::new("xray_aws_table_name", "aws.table_name", Kind::Str),
    Field::new("xray_aws_ec2_instance_id", "aws.ec2.instance_id", Kind::Str),
    Field::new("xray_aws_ecs_container", "aws.ecs.container", Kind::Str),
    Field::new("xray_aws_api_gateway", "aws.api_gateway", Kind::Json),
    Field::new("xray_aws_cloudwatch_logs", "aws.cloudwatch_logs", Kind::Json),
    Field::new("xray_sql", "sql", Kind::Json),
    Field::new("xray_sql_url", "sql.url", Kind::Str),
    Field::new("xray_sql_user", "sql.user", Kind::Str),
    Field::new("xray_sql_sanitized_query", "sql.sanitized_query", Kind::Str),
    Field::new("xray_cause", "cause", Kind::Json),
    Field::new("xray_annotations", "annotations", Kind::Json),
    Field::new("xray_metadata", "metadata", Kind::Json),
    Field::new("xray_subsegments", "subsegments", Kind::Json),
    Field::new("xray_service", "service", Kind::Json),
    Field::new("xray_links", "links", Kind::Json),
    Field::new("xray_precursor_ids", "precursor_ids", Kind::Json),
    Field::new("xray_trace_duration", "Duration", Kind::Float),
    Field::new("xray_trace_limit_exceeded", "LimitExceeded", Kind::Bool),
    Field::new("xray_trace_segments", "(segments of the trace beside this one)", Kind::Json),
    Field::new("xray_span_kind", "kind", Kind::Str),
    Field::new("xray_span_status_code", "status.code", Kind::Str),
    Field::new("xray_span_attributes", "attributes", Kind::Json),
    Field::new("xray_span_resource", "resource", Kind::Json),
    Field::new("xray_span_events", "events", Kind::Json),
    Field::new("xray_span_scope", "scope", Kind::Json),
    Field::new("xray_w3c_trace_id", "traceId", Kind::Str).link(Link::RequestId),
];

const ID: usize = 1;
const TRACE: usize = 2;
const PARENT: usize = 3;
const START: usize = 4;
const END: usize = 5;
const IN_PROGRESS: usize = 6;
const FLAGS: [usize; 3] = [12, 13, 14];
const METHOD: usize = 15;
const URL: usize = 16;
const CLIENT: usize = 17;
const OPERATION: usize = 25;
const SQL_URL: usize = 36;
const CAUSE: usize = 39;
const SEGMENTS: usize = 48;
const STATUS_CODE: usize = 50;
const ATTRIBUTES: usize = 51;
const SPAN_RESOURCE: usize = 52;
const W3C: usize = 55;

/// Members of the wrappers, and those of a span that need arithmetic.
const NOTES: [&str; 5] = ["Id", "Document", "Segments", "startTimeUnixNano", "endTimeUnixNano"];
const DOCUMENT: usize = 1;
const TRACE_SEGMENTS: usize = 2;
const START_NANO: usize = 3;
const END_NANO: usize = 4;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| {
    let map = JsonMap::new(&FIELDS).alias("parentSpanId", PARENT).alias("spanId", ID);
    NOTES.iter().enumerate().fold(map, |map, (n, name)| map.note(name, n))
});

impl LogFormat for XRay {
    fn id(&self) -> &'static str {
        "xray"
    }

    fn title(&self) -> &'static str {
        "X-Ray segments and spans"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "startTimeUnixNano of a span; else the CloudWatch timestamp"),
            (Common::EventEnd, "endTimeUnixNano of a span"),
            (Common::TraceId, "traceId of a span as 1-8hex-24hex"),
            (Common::SourceIp, "http.request.client_ip, normalised; client.address of a span"),
            (Common::EventAction, "aws.operation, else http.request.method; name of a span"),
            (Common::Resource, "service.name of a span's resource"),
            (Common::Target, "http.request.url, else sql.url, else aws.operation"),
            (Common::UrlPath, "path of http.request.url"),
            (Common::EventOutcome, "failure with fault, error or throttle, or status ERROR; success when it ended"),
            (Common::ErrorCode, "type of the first exception in cause"),
            (Common::AccountId, "cloud.account.id of a span's resource"),
            (Common::Region, "cloud.region of a span's resource"),
            (Common::HttpMethod, "http.request.method of a span's attributes"),
            (Common::HttpStatus, "http.response.status_code of a span's attributes"),
            (Common::UserAgent, "user_agent.original of a span's attributes"),
            (Common::RequestId, "aws.request_id of a span's attributes"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "API Activity [6003]"
    }

    fn wrapped_in(&self) -> &'static [&'static str] {
        &["Document"]
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        MAP.cell_of(name)
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let all = |names: &[&str]| text.starts_with('{') && names.iter().all(|name| text.contains(name));
        if all(&["\"trace_id\"", "\"start_time\"", "\"id\"", "\"name\""]) && names_a_trace(text) {
            return Some(Claim { score: 85, reason: "a JSON object with name, id, start_time and a trace_id 1-…" });
        }
        if all(&["\"Id\"", "\"Document\"", "\\\"trace_id\\\""]) || all(&["\"Id\"", "\"Segments\"", "trace_id"]) {
            return Some(Claim { score: 85, reason: "a trace or segment as BatchGetTraces returns it" });
        }
        all(&["\"traceId\"", "\"spanId\"", "\"startTimeUnixNano\""])
            .then_some(Claim { score: 80, reason: "a JSON object with traceId, spanId and startTimeUnixNano" })
    }

    /// Both ids and the end: a segment may be sent while it runs and again when it ended.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let (trace, id) = (row.common(Common::TraceId).as_str()?, row.native[ID].as_str()?);
        let whole = if row.native[SEGMENTS].is_null() { "" } else { "/trace" };
        match row.common(Common::EventEnd) {
            Value::Time(end) => Some(format!("{trace}/{id}/{end}{whole}")),
            _ => Some(format!("{trace}/{id}/-{whole}")),
        }
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

/// Whether the value of `trace_id` begins as X-Ray's do.
fn names_a_trace(text: &str) -> bool {
    let after = text.split_once("\"trace_id\"").map_or("", |(_, after)| after);
    after.trim_start_matches([' ', ':', '\n', '\r', '\t']).starts_with("\"1-")
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(detail) = read_segment(record.text, row, true) {
        return Outcome::Reject(Reject::malformed(detail));
    }
    derive(row);
    if row.native[START].is_null() && row.time().is_none() {
        let Some(time) = record.envelope.and_then(|e| e.time) else {
            return Outcome::Reject(Reject::malformed("start_time is missing or no time"));
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    Outcome::Event
}

/// Reads a segment, or the one inside a wrapper; a wrapper inside a wrapper is none of X-Ray's.
fn read_segment<'r>(text: &'r str, row: &mut Row<'r>, wrapped: bool) -> Result<(), String> {
    let mut notes = [const { Json::Null }; NOTES.len()];
    MAP.fill_noting(row, &FIELDS, text, &mut notes).map_err(|error| error.to_string())?;
    if wrapped && let Some(document) = notes[DOCUMENT].as_str() {
        return read_inner(&document, row);
    }
    if wrapped && let Json::Array(segments) = notes[TRACE_SEGMENTS] {
        return read_trace(segments, row);
    }
    for (note, common) in [(START_NANO, Common::EventTime), (END_NANO, Common::EventEnd)] {
        row.set_default(common, Value::time(nanoseconds(&notes[note])));
    }
    Ok(())
}

fn read_inner(document: &str, row: &mut Row<'_>) -> Result<(), String> {
    let mut inner = Row::new(FIELDS.len());
    read_segment(document, &mut inner, false).map_err(|detail| format!("Document: {detail}"))?;
    adopt(row, inner);
    Ok(())
}

/// The root of a trace is the segment without a parent; where all have one, the first stands for it.
fn read_trace(segments: &str, row: &mut Row<'_>) -> Result<(), String> {
    let mut documents = Vec::new();
    for segment in json::elements(segments) {
        let segment = segment.map_err(|error| error.to_string())?;
        documents.push(match segment.get("Document").and_then(|document| document.as_str()) {
            Some(document) => document,
            None => segment.to_json(),
        });
    }
    let has_no_parent = |text: &str| matches!(json::parse(text), Ok(value) if value.get("parent_id").is_none());
    let root = documents.iter().position(|text| has_no_parent(text)).unwrap_or(0);
    if documents.is_empty() {
        return Err("a trace without segments".to_owned());
    }
    let document = documents.remove(root);
    if !documents.is_empty() {
        // A broken document must not break the list it stands in.
        let sound = documents.iter().map(|text| if json::parse(text).is_ok() { text.as_ref() } else { "null" });
        row.native[SEGMENTS] = Value::owned(format!("[{}]", sound.collect::<Vec<_>>().join(",")));
    }
    read_inner(&document, row)
}

/// Nanoseconds since 1970, some writers' `1.7e18` included.
fn nanoseconds(value: &Json<'_>) -> Option<Micros> {
    let whole = value.as_i64().or_else(|| value.as_f64().filter(|n| (0.0..9.2e18).contains(n)).map(|n| n as i64))?;
    (whole > 0).then(|| Micros::from_epoch(whole / 1_000)).flatten()
}

fn derive(row: &mut Row<'_>) {
    let span = !row.native[W3C].is_null();
    if span {
        derive_span(row);
    }
    let client = ip(&row.native[CLIENT]);
    row.set_default(Common::SourceIp, client);
    for cell in [OPERATION, METHOD] {
        let action = row.native[cell].clone();
        row.set_default(Common::EventAction, action);
    }
    for cell in [URL, SQL_URL, OPERATION] {
        let target = row.native[cell].clone();
        row.set_default(Common::Target, target);
    }
    let url_path = part(&row.native[URL], |url| Some(tokens::url_path(url)));
    row.set_default(Common::UrlPath, url_path);
    if let Some(kind) = row.native[CAUSE].as_str().and_then(first_exception) {
        row.set_default(Common::ErrorCode, Value::owned(kind));
    }
    let failed = FLAGS.iter().any(|cell| row.native[*cell] == Value::Bool(true))
        || matches!(row.native[STATUS_CODE].as_str(), Some("ERROR" | "STATUS_CODE_ERROR" | "2"));
    let ended = !row.native[END].is_null() || !row.common(Common::EventEnd).is_null();
    if failed || (ended && row.native[IN_PROGRESS] != Value::Bool(true)) {
        row.set(Common::EventOutcome, Value::text(if failed { "failure" } else { "success" }));
    }
}

/// `cause` is an object with the exceptions, or the id of another segment's exception.
fn first_exception(cause: &str) -> Option<String> {
    let Json::Array(exceptions) = json::parse(cause).ok()?.get("exceptions")? else {
        return None;
    };
    let first = json::elements(exceptions).next()?.ok()?;
    first.get("type")?.scalar().map(|kind| kind.into_owned())
}

fn derive_span(row: &mut Row<'_>) {
    let hex = row.native[W3C].as_str().filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    if let Some(root) = hex.map(|id| format!("1-{}-{}", &id[..8], &id[8..])) {
        row.native[TRACE] = Value::owned(root);
    }
    let name = row.native[0].clone();
    row.set(Common::EventAction, name);
    for (cell, inside) in [(ATTRIBUTES, None), (SPAN_RESOURCE, Some("attributes"))] {
        if let Value::Str(text) = row.native[cell].clone()
            && let Ok(value) = json::parse(&text)
        {
            let attributes = inside.map_or(Some(value.clone()), |name| value.get(name));
            otel::set_attributes(row, attributes.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Origin};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    fn claimed(text: &str) -> bool {
        XRay.claims(&Record { text, envelope: None, origin: &ORIGIN }, &Options::default()).is_some()
    }

    const SEGMENT: &str = r#"{"trace_id":"1-69a54a12-0123456789abcdef01234567","id":"aaaabbbbccccdddd","name":"shop","start_time":1772439330.125,"end_time":1772439330.5,"fault":true,"http":{"request":{"method":"GET","url":"https://shop.example.com/cart?x=1","client_ip":"2001:DB8::7"},"response":{"status":500,"content_length":42}},"aws":{"account_id":"111122223333","request_id":"r-1"},"cause":{"exceptions":[{"id":"e","type":"KeyError","message":"m"}]},"annotations":{"a":1},"custom":2}"#;

    #[test]
    fn a_segment_and_the_same_in_its_wrappers() {
        let wrapped = format!(r#"{{"Id":"aaaabbbbccccdddd","Document":{}}}"#, serde_json::Value::from(SEGMENT));
        let child = SEGMENT.replace("\"name\"", "\"parent_id\":\"9999\",\"name\"").replace("shop\"", "cart\"");
        let trace = format!(
            r#"{{"Id":"1-69a54a12-0123456789abcdef01234567","Duration":0.375,"Segments":[{{"Id":"b","Document":{}}},{wrapped}]}}"#,
            serde_json::Value::from(child)
        );
        for text in [SEGMENT, &wrapped, &trace] {
            assert!(claimed(text));
            let (outcome, row) = parse(text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.125000Z");
            assert_eq!(row.common(Common::Resource), &Value::text("shop"));
            assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::7"));
            assert_eq!(row.common(Common::UrlPath), &Value::text("/cart"));
            assert_eq!(row.common(Common::Target), &Value::text("https://shop.example.com/cart?x=1"));
            assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
            assert_eq!(row.common(Common::ErrorCode), &Value::text("KeyError"));
            assert_eq!(row.common(Common::BytesOut), &Value::Int(42));
            assert_eq!(row.extra_json().unwrap(), r#"{"custom":2}"#);
        }
        let (_, row) = parse(&trace);
        let others: serde_json::Value = serde_json::from_str(row.native[SEGMENTS].as_str().unwrap()).unwrap();
        assert_eq!(others[0]["name"], "cart");
        assert_ne!(XRay.aws_id(&row), XRay.aws_id(&parse(SEGMENT).1));
    }

    #[test]
    fn subsegments_running_ones_and_broken_ones() {
        let (outcome, row) = parse(
            r#"{"type":"subsegment","trace_id":"1-69a54a12-0123456789abcdef01234567","parent_id":"a","id":"b","name":"db","start_time":1.772439330E9,"in_progress":true,"namespace":"remote","sql":{"url":"jdbc:postgresql://db.example.com/shop"},"cause":"0123456789abcdef"}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::Target), &Value::text("jdbc:postgresql://db.example.com/shop"));
        assert!(row.common(Common::EventOutcome).is_null() && row.common(Common::ErrorCode).is_null());
        for text in [
            r#"{"Id":"1-a","Segments":[]}"#,
            r#"{"Id":"a","Document":"no"}"#,
            r#"{"id":"a"}"#,
            r#"{"Id":"a","Document":"{\"Id\":\"b\",\"Document\":\"{}\"}"}"#,
        ] {
            assert!(matches!(parse(text).0, Outcome::Reject(_)), "{text}");
        }
        assert!(!claimed(r#"{"trace_id":"abc","start_time":1,"id":"x","name":"n"}"#));
        let envelope = Envelope { time: Some(Micros(7)), ..Envelope::default() };
        let mut row = Row::new(FIELDS.len());
        let record = Record { text: r#"{"id":"a"}"#, envelope: Some(&envelope), origin: &ORIGIN };
        assert_eq!(read(&record, &mut row), Outcome::Event);
        assert_eq!(row.time(), Some(Micros(7)));
    }

    #[test]
    fn spans_with_attributes_as_map_and_as_list() {
        let map = r#"{"http.request.method":"POST","http.response.status_code":201,"client.address":"198.51.100.7"}"#;
        let list = r#"[{"key":"http.method","value":{"stringValue":"POST"}},{"key":"http.status_code","value":{"intValue":"201"}},{"key":"client.address","value":{"stringValue":"198.51.100.7"}}]"#;
        for attributes in [map, list] {
            let text = format!(
                r#"{{"resource":{{"attributes":{{"service.name":"shop"}}}},"traceId":"69a54a120123456789abcdef01234567","spanId":"aaaabbbbccccdddd","name":"POST /orders","kind":"SERVER","startTimeUnixNano":1772439330125000000,"endTimeUnixNano":1772439330500000000,"attributes":{attributes},"status":{{"code":"UNSET"}}}}"#
            );
            assert!(claimed(&text));
            let (outcome, row) = parse(&text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.125000Z");
            assert_eq!(row.common(Common::TraceId), &Value::text("1-69a54a12-0123456789abcdef01234567"));
            assert_eq!(row.common(Common::Resource), &Value::text("shop"));
            assert_eq!(row.common(Common::HttpStatus), &Value::Int(201));
            assert_eq!(row.common(Common::SourceIp), &Value::text("198.51.100.7"));
            assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        }
        let bad = r#"{"traceId":"é","startTimeUnixNano":-1}"#;
        assert!(matches!(parse(bad).0, Outcome::Reject(_)));
    }
}
