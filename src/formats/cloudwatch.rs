//! CloudWatch Logs events that no other format claims: Lambda platform lines in text and JSON, application
//! lines, plain or structured, and those of other services that write to well-known groups. Facts: AWS,
//! "CloudWatch Logs" and "Lambda logs". The framer has taken off the transport (export line, API output,
//! subscription document, query result); time, stream and group come with it.

use super::shared::lambda::{self, Platform, Text};
use super::shared::members::Members;
use super::shared::{cell, links, runtimes, services};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Row, Value};

pub struct CloudWatch;

#[rustfmt::skip]
static FIELDS: [Field; 48] = [
    Field::new("cw_log_group", "logGroup", Kind::Str).feeds(Common::Resource),
    Field::new("cw_log_stream", "logStream", Kind::Str),
    Field::new("cw_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("cw_ingestion_time", "ingestionTime", Kind::Time),
    Field::new("cw_event_id", "eventId", Kind::Str),
    Field::new("cw_type", "(kind of line)", Kind::Str).feeds(Common::EventAction),
    Field::new("cw_level", "level", Kind::Str),
    Field::new("cw_request_id", "requestId", Kind::Str).feeds(Common::RequestId),
    Field::new("cw_version", "Version", Kind::Str),
    Field::new("cw_runtime_version", "Runtime Version", Kind::Str),
    Field::new("cw_duration_ms", "Duration", Kind::Float),
    Field::new("cw_billed_duration_ms", "Billed Duration", Kind::Float),
    Field::new("cw_memory_size_mb", "Memory Size", Kind::Int),
    Field::new("cw_max_memory_used_mb", "Max Memory Used", Kind::Int),
    Field::new("cw_init_duration_ms", "Init Duration", Kind::Float),
    Field::new("cw_status", "Status", Kind::Str),
    Field::new("cw_error_type", "Error Type", Kind::Str).feeds(Common::ErrorCode),
    Field::new("cw_xray_trace_id", "XRAY TraceId", Kind::Str).feeds(Common::TraceId),
    Field::new("cw_function", "(function of the log group)", Kind::Str).feeds(Common::Target),
    Field::new("cw_json", "(message, where it is a JSON object)", Kind::Bool),
    Field::new("cw_owner", "owner", Kind::Str).feeds(Common::AccountId),
    Field::new("cw_service", "(service of the log group)", Kind::Str),
    Field::new("cw_runtime_version_arn", "Runtime Version ARN", Kind::Str),
    Field::new("cw_restore_duration_ms", "Restore Duration", Kind::Float),
    Field::new("cw_billed_restore_duration_ms", "Billed Restore Duration", Kind::Float),
    Field::new("cw_phase", "Phase", Kind::Str),
    Field::new("cw_initialization_type", "initializationType", Kind::Str),
    Field::new("cw_error_message", "errorMessage", Kind::Str),
    Field::new("cw_segment_id", "SegmentId", Kind::Str),
    Field::new("cw_sampled", "Sampled", Kind::Bool),
    Field::new("cw_name", "Name", Kind::Str),
    Field::new("cw_state", "State", Kind::Str),
    Field::new("cw_events", "Events", Kind::Str),
    Field::new("cw_reason", "reason", Kind::Str),
    Field::new("cw_produced_bytes", "producedBytes", Kind::Int),
    Field::new("cw_dropped_bytes", "droppedBytes", Kind::Int),
    Field::new("cw_dropped_records", "droppedRecords", Kind::Int),
    Field::new("cw_spans", "spans", Kind::Json),
    Field::new("cw_function_arn", "functionArn", Kind::Str).link(Link::Arn),
    Field::new("cw_message", "message", Kind::Str),
    Field::new("cw_logger", "logger", Kind::Str),
    Field::new("cw_location", "location", Kind::Str),
    Field::new("cw_app_service", "service", Kind::Str),
    Field::new("cw_cold_start", "cold_start", Kind::Bool),
    Field::new("cw_correlation_id", "correlation_id", Kind::Str).link(Link::RequestId),
    Field::new("cw_tenant_id", "tenantId", Kind::Str),
    Field::new("cw_metric_namespace", "_aws.CloudWatchMetrics.Namespace", Kind::Str),
    Field::new("cw_metrics", "_aws.CloudWatchMetrics", Kind::Json),
];

const GROUP: usize = 0;
const STREAM: usize = 1;
const TIMESTAMP: usize = 2;
const TYPE: usize = 5;
const LEVEL: usize = 6;
const REQUEST_ID: usize = 7;
const VERSION: usize = 8;
const STATUS: usize = 15;
const ERROR_TYPE: usize = 16;
const TRACE: usize = 17;
const FUNCTION: usize = 18;
const IS_JSON: usize = 19;
const SERVICE: usize = 21;
const ERROR_MESSAGE: usize = 27;
const NAMESPACE: usize = 46;
const METRICS: usize = 47;

/// Names that Lambda's JSON format, Powertools and common loggers give to what a cell holds, the surest first.
#[rustfmt::skip]
static MEMBERS: [(usize, &[&str]); 15] = [
    (LEVEL, &["level", "severity", "log.level", "levelname"]),
    (REQUEST_ID, &["requestId", "function_request_id", "aws_request_id", "awsRequestId", "AWSRequestId", "lambda_request_id", "lambdaRequestId"]),
    (VERSION, &["function_version", "functionVersion"]),
    (ERROR_TYPE, &["errorType", "exception_name", "error.type", "error.name", "err.type"]),
    (TRACE, &["xray_trace_id", "xrayTraceId", "xRayTraceId"]),
    (FUNCTION, &["function_name", "functionName"]),
    (ERROR_MESSAGE, &["errorMessage", "error.message", "err.message"]),
    (12, &["function_memory_size", "functionMemorySize"]),
    (38, &["function_arn", "functionArn"]),
    (39, &["message", "msg"]),
    (40, &["logger", "loggerName"]),
    (41, &["location"]),
    (42, &["service"]),
    (44, &["correlation_id", "correlationId"]),
    (45, &["tenantId"]),
];

impl LogFormat for CloudWatch {
    fn id(&self) -> &'static str {
        "cloudwatch"
    }

    fn title(&self) -> &'static str {
        "CloudWatch Logs: Lambda platform, service and application lines"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        const TOLD: &str = "what a line of Step Functions, AppSync, EKS or RDS says";
        &[
            (
                Common::EventOutcome,
                "failure for an error level, an error type or a timeout; success for a clean REPORT; else what a service says",
            ),
            (Common::EventAction, "cw_type, or what a line of Step Functions, AppSync, EKS or RDS says is done"),
            (Common::Target, "what a line of a service names; else the function, cluster or instance of the log group"),
            (Common::UserName, TOLD),
            (Common::UserArn, TOLD),
            (Common::SessionName, TOLD),
            (Common::AccessKeyId, TOLD),
            (Common::SourceIp, TOLD),
            (Common::SourcePort, TOLD),
            (Common::UserAgent, TOLD),
            (Common::UrlPath, TOLD),
            (Common::HttpStatus, TOLD),
            (Common::Region, "region of a state machine's execution"),
            (Common::TraceId, "a trace root anywhere in the text"),
        ]
    }

    fn takes_anything(&self) -> bool {
        true
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        if record.envelope.is_some() {
            return Some(Claim { score: 4, reason: "an event of CloudWatch Logs that no other format claims" });
        }
        let text = record.text.trim_start();
        let platform = match lambda::word(text) {
            Some(_) => text.contains("RequestId: ") || text.contains("Runtime Version"),
            None => lambda::platform(text).is_some(),
        };
        platform.then_some(Claim { score: 60, reason: "a Lambda platform line" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

/// Whether a message begins as nothing but a Lambda runtime's does: most of CloudWatch is such lines, and no other
/// format need be asked about them.
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    let node = text.get(19) == Some(&b'.') && text.get(23..25) == Some(b"Z\t") && text[0].is_ascii_digit();
    let platform = [&b"START RequestId: "[..], b"END RequestId: ", b"REPORT RequestId: "];
    let python = [&b"[INFO]\t"[..], b"[ERROR]\t", b"[WARNING]\t", b"[DEBUG]\t", b"[ERROR] "];
    node || platform.iter().chain(&python).any(|start| text.starts_with(start))
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if record.envelope.is_none() && record.text.trim().is_empty() {
        return Outcome::Ignored("empty line");
    }
    set_transport(row, record);
    let text = record.text.trim();
    let object = Some(text).filter(|t| t.starts_with('{')).and_then(|t| json::parse(t).ok());
    if object.is_some() {
        row.native[IS_JSON] = Value::Bool(true);
    }
    if let Some(line) = lambda::platform(text) {
        set_platform(row, line);
    } else if let Some(object) = &object {
        set_json(row, object);
    } else {
        set_application(row, text);
    }
    set_service(row, record, text, object.as_ref());
    links::add(row, record.text);
    set_outcome(row);
    Outcome::Event
}

fn group<'r>(record: &Record<'r>) -> Option<&'r str> {
    record.envelope.and_then(|e| e.log_group.as_deref()).or(record.origin.log_group.as_deref())
}

fn set_transport<'r>(row: &mut Row<'r>, record: &Record<'r>) {
    let stream = record.envelope.and_then(|e| e.log_stream.as_deref()).or(record.origin.log_stream.as_deref());
    row.native[GROUP] = group(record).map_or(Value::Null, Value::text);
    row.native[STREAM] = stream.map_or(Value::Null, Value::text);
    if let Some(envelope) = record.envelope {
        row.native[TIMESTAMP] = Value::time(envelope.time);
        row.native[3] = Value::time(envelope.ingestion_time);
        row.native[4] = envelope.event_id.as_deref().map_or(Value::Null, Value::text);
        row.native[20] = envelope.account_id.as_deref().map_or(Value::Null, Value::text);
    }
}

fn value(text: Text<'_>) -> Value<'_> {
    text.map_or(Value::Null, Value::Str)
}

fn set_time(row: &mut Row<'_>, time: Option<Micros>) {
    if row.native[TIMESTAMP].is_null() {
        row.native[TIMESTAMP] = Value::time(time);
    }
}

fn set_platform<'r>(row: &mut Row<'r>, line: Platform<'r>) {
    set_time(row, line.time);
    let texts = [
        (TYPE, line.kind),
        (REQUEST_ID, line.request_id),
        (VERSION, line.version),
        (9, line.runtime_version),
        (STATUS, line.status),
        (ERROR_TYPE, line.error_type),
        (TRACE, line.trace_id),
        (FUNCTION, line.function),
        (22, line.runtime_version_arn),
        (25, line.phase),
        (26, line.initialization_type),
        (ERROR_MESSAGE, line.error_message),
        (28, line.segment_id),
        (30, line.name),
        (31, line.state),
        (32, line.events),
        (33, line.reason),
        (37, line.spans),
        (38, line.function_arn),
    ];
    for (cell, text) in texts {
        if let Some(text) = text {
            row.native[cell] = Value::Str(text);
        }
    }
    if let Some(sampled) = line.sampled {
        row.native[29] = Value::Bool(sampled);
    }
    let durations = [
        (10, line.duration),
        (11, line.billed_duration),
        (14, line.init_duration),
        (23, line.restore_duration),
        (24, line.billed_restore_duration),
    ];
    for (cell, number) in durations {
        if let Some(number) = number {
            row.native[cell] = Value::Float(number);
        }
    }
    let counts = [
        (12, line.memory_size),
        (13, line.max_memory_used),
        (34, line.produced_bytes),
        (35, line.dropped_bytes),
        (36, line.dropped_records),
    ];
    for (cell, number) in counts {
        if let Some(number) = number {
            row.native[cell] = Value::Int(number);
        }
    }
}

/// Structured application lines.
fn set_json<'r>(row: &mut Row<'r>, object: &Json<'r>) {
    row.native[TYPE] = Value::text("app");
    let members = Members::of(object);
    for (cell, names) in MEMBERS {
        if let Some(found) = names.iter().find_map(|name| members.path(name)) {
            row.native[cell] = cell::of_json(FIELDS[cell].kind, &found);
        }
    }
    if let Some(Json::Bool(cold)) = members.get("cold_start").or_else(|| members.get("coldStart")) {
        row.native[43] = Value::Bool(cold);
    }
    if let Value::Str(root) = &row.native[TRACE] {
        row.native[TRACE] = Value::owned(tokens::trace_root(root).unwrap_or_default().to_owned());
    }
    // The embedded metric format.
    if let Some(Json::Array(metrics)) = members.path("_aws.CloudWatchMetrics") {
        row.native[TYPE] = Value::text("emf");
        row.native[METRICS] = Value::text(metrics);
        let first = json::elements(metrics).next().and_then(Result::ok);
        row.native[NAMESPACE] = value(first.and_then(|m| m.get("Namespace")).and_then(|n| n.as_str()));
    }
    let time = ["time", "timestamp", "@timestamp", "_aws.Timestamp"].iter().find_map(|name| {
        let text = members.path(name)?.scalar()?;
        // Python's loggers put a comma before the milliseconds.
        cell::time(&text).or_else(|| cell::time(&text.replacen(',', ".", 1)))
    });
    set_time(row, time);
}

fn set_application<'r>(row: &mut Row<'r>, text: &'r str) {
    let line = runtimes::application(text);
    row.native[TYPE] = Value::text("app");
    row.native[LEVEL] = line.level.map_or(Value::Null, Value::text);
    row.native[REQUEST_ID] = line.request_id.map_or(Value::Null, Value::text);
    if line.error_type.is_some() || line.error_message.is_some() {
        row.native[ERROR_TYPE] = value(line.error_type);
        row.native[ERROR_MESSAGE] = value(line.error_message);
    }
    set_time(row, line.time);
}

/// What the group's name says, and what that service's lines say.
fn set_service<'r>(row: &mut Row<'r>, record: &Record<'r>, text: &'r str, object: Option<&Json<'r>>) {
    let Some(service) = group(record).and_then(services::of_group) else {
        return;
    };
    row.native[SERVICE] = Value::text(service.id);
    if let Some(facts) = services::facts(service.id, text, object) {
        for (column, value) in facts.common {
            row.set(column, value);
        }
        if let Some(level) = facts.level {
            row.native[LEVEL] = Value::Str(level);
        }
        set_time(row, facts.time);
    }
    let target = service.target.map_or(Value::Null, Value::text);
    if service.id == "lambda" && row.native[FUNCTION].is_null() {
        row.native[FUNCTION] = target;
    } else {
        row.set_default(Common::Target, target);
    }
}

fn set_outcome(row: &mut Row<'_>) {
    const FAILED: [&str; 7] = ["ERROR", "FATAL", "CRITICAL", "SEVERE", "PANIC", "FAIL", "CRIT"];
    let level = row.native[LEVEL].as_str();
    let failed = level.is_some_and(|level| FAILED.iter().any(|failed| level.eq_ignore_ascii_case(failed)))
        || !row.native[ERROR_TYPE].is_null()
        || matches!(row.native[STATUS].as_str(), Some("timeout" | "error" | "failure"));
    let done = matches!(row.native[TYPE].as_str(), Some("REPORT" | "platform.report"));
    if failed {
        row.set_default(Common::EventOutcome, Value::text("failure"));
    } else if done {
        row.set_default(Common::EventOutcome, Value::text("success"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Link, Origin};
    use std::borrow::Cow;

    fn parse<'r>(text: &'r str, envelope: &'r Envelope, origin: &'r Origin) -> Row<'r> {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: Some(envelope), origin }, &mut row);
        assert_eq!(outcome, Outcome::Event);
        row.feed(&FIELDS);
        row
    }

    fn transport() -> (Envelope, Origin) {
        let envelope = Envelope { time: Some(Micros(1)), log_stream: Some("s".into()), ..Envelope::default() };
        (envelope, Origin { log_group: Some("/aws/lambda/orders".into()), ..Origin::default() })
    }

    #[test]
    fn report_with_every_optional_key() {
        let (envelope, origin) = transport();
        let text = "REPORT RequestId: 8f507cfc-aaaa-bbbb-cccc-0123456789ab\tDuration: 102.25 ms\tBilled Duration: 103 ms\tMemory Size: 128 MB\tMax Memory Used: 38 MB\tInit Duration: 145.33 ms\tStatus: timeout\t\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 0123456789abcdef\tSampled: true\n";
        let row = parse(text, &envelope, &origin);
        assert_eq!(row.common(Common::EventAction), &Value::text("REPORT"));
        assert_eq!(row.common(Common::RequestId), &Value::text("8f507cfc-aaaa-bbbb-cccc-0123456789ab"));
        assert_eq!(row.native[10], Value::Float(102.25));
        assert_eq!(row.native[12], Value::Int(128));
        assert_eq!(row.native[14], Value::Float(145.33));
        assert_eq!(row.common(Common::TraceId), &Value::text("1-5759e988-bd862e3fe1be46a994272793"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::Resource), &Value::text("/aws/lambda/orders"));
        assert_eq!(row.common(Common::Target), &Value::text("orders"));
    }

    #[test]
    fn start_and_json_platform_lines() {
        let (envelope, origin) = transport();
        let row = parse("START RequestId: 8f507cfc-aaaa-bbbb-cccc-0123456789ab Version: $LATEST\n", &envelope, &origin);
        assert_eq!(row.native[VERSION], Value::text("$LATEST"));
        let text = r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"r","status":"success","metrics":{"durationMs":1.5,"memorySizeMB":128},"tracing":{"value":"Root=1-a-b;Parent=c"}}}"#;
        let row = parse(text, &envelope, &origin);
        assert_eq!(row.common(Common::EventAction), &Value::text("platform.report"));
        assert_eq!(row.native[10], Value::Float(1.5));
        assert_eq!(row.common(Common::TraceId), &Value::text("1-a-b"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
    }

    #[test]
    fn application_lines_and_links() {
        let (envelope, origin) = transport();
        let text = "2024-01-01T00:00:00.000Z\t8f507cfc-aaaa-bbbb-cccc-0123456789ab\tERROR\tkey ASIAQNZGKIQY56JQ7WML used, Root=1-5759e988-bd862e3fe1be46a994272793";
        let row = parse(text, &envelope, &origin);
        assert_eq!(row.native[LEVEL], Value::text("ERROR"));
        assert_eq!(row.links(Link::Key), ["ASIAQNZGKIQY56JQ7WML"]);
        assert!(row.links(Link::RequestId).contains(&Cow::Borrowed("1-5759e988-bd862e3fe1be46a994272793")));
        let row = parse(
            "2026-01-01T00:00:00.000Z 8f507cfc-aaaa-bbbb-cccc-0123456789ab Task timed out after 3.00 seconds",
            &envelope,
            &origin,
        );
        assert_eq!(row.common(Common::EventAction), &Value::text("timeout"));
        assert_eq!(row.common(Common::RequestId), &Value::text("8f507cfc-aaaa-bbbb-cccc-0123456789ab"));
        let row = parse("[ERROR] ValueError: nope\rTraceback", &envelope, &origin);
        assert_eq!(row.native[LEVEL], Value::text("ERROR"));
    }
}
