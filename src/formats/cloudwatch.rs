//! CloudWatch Logs events that no other format claims: Lambda platform lines in text and JSON, and
//! application lines, plain or structured. Facts: AWS, "CloudWatch Logs" and "Lambda logs". The
//! framer has taken off the transport (export line, API output); time and stream come with it.

use super::shared::links::{self, bracketed_level, is_uuid, request_id_in};
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::json::{self, Json};
use crate::model::{Common, Field, Kind, Micros, Record, Row, Value};

pub struct CloudWatch;

#[rustfmt::skip]
static FIELDS: [Field; 20] = [
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
];

const GROUP: usize = 0;
const STREAM: usize = 1;
const TIMESTAMP: usize = 2;
const TYPE: usize = 5;
const LEVEL: usize = 6;
const REQUEST_ID: usize = 7;
const VERSION: usize = 8;
const RUNTIME: usize = 9;
const STATUS: usize = 15;
const ERROR_TYPE: usize = 16;
const TRACE: usize = 17;
const FUNCTION: usize = 18;
const IS_JSON: usize = 19;

const PLATFORM: [&str; 10] = [
    "START",
    "END",
    "REPORT",
    "INIT_START",
    "INIT_REPORT",
    "RESTORE_START",
    "RESTORE_REPORT",
    "EXTENSION",
    "TELEMETRY",
    "LOGS",
];

impl LogFormat for CloudWatch {
    fn id(&self) -> &'static str {
        "cloudwatch"
    }

    fn title(&self) -> &'static str {
        "CloudWatch Logs: Lambda platform and application lines"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[(Common::EventOutcome, "failure for an error level, an error type or a timeout; success for a clean REPORT")]
    }

    fn takes_anything(&self) -> bool {
        true
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        if record.envelope.is_some() {
            return Some(Claim { score: 4, reason: "an event of CloudWatch Logs that no other format claims" });
        }
        platform_word(record.text)
            .filter(|_| record.text.contains("RequestId: ") || record.text.contains("Runtime Version"))
            .map(|_| Claim { score: 60, reason: "a Lambda platform line" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(EventParser)
    }
}

struct EventParser;

impl Parser for EventParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        if record.envelope.is_none() && record.text.trim().is_empty() {
            return Outcome::Ignored("empty line");
        }
        set_transport(row, record);
        let text = record.text.trim_end();
        if let Some(word) = platform_word(text) {
            set_platform(row, word, text);
        } else if let Ok(value @ Json::Object(_)) = json::parse(text) {
            set_json(row, &value);
        } else {
            set_application(row, text);
        }
        links::add(row, record.text);
        set_outcome(row);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(EventParser)
    }
}

fn platform_word(text: &str) -> Option<&'static str> {
    PLATFORM
        .into_iter()
        .find(|word| text.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.contains(':')))
}

fn set_transport<'r>(row: &mut Row<'r>, record: &Record<'r>) {
    let group = record.envelope.and_then(|e| e.log_group.as_deref()).or(record.origin.log_group.as_deref());
    let stream = record.envelope.and_then(|e| e.log_stream.as_deref()).or(record.origin.log_stream.as_deref());
    row.native[GROUP] = group.map_or(Value::Null, Value::text);
    row.native[STREAM] = stream.map_or(Value::Null, Value::text);
    row.native[FUNCTION] = group.and_then(|g| g.strip_prefix("/aws/lambda/")).map_or(Value::Null, Value::text);
    if let Some(envelope) = record.envelope {
        row.native[TIMESTAMP] = Value::time(envelope.time);
        row.native[3] = Value::time(envelope.ingestion_time);
        row.native[4] = envelope.event_id.as_deref().map_or(Value::Null, Value::text);
    }
}

/// `WORD Key: value<TAB>Key: value…`; START has blanks between its two pairs.
fn set_platform<'r>(row: &mut Row<'r>, word: &'static str, text: &'r str) {
    row.native[TYPE] = Value::text(word);
    let rest = text[word.len()..].trim_start();
    for pair in rest.split(['\t', '\n', '\r']) {
        let Some((key, value)) = pair.split_once(": ") else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "RequestId" => {
                let (id, after) = value.split_once(' ').unwrap_or((value, ""));
                row.native[REQUEST_ID] = Value::text(id);
                if let Some(version) = after.strip_prefix("Version: ") {
                    row.native[VERSION] = Value::text(version.trim());
                }
            }
            "Runtime Version" => row.native[RUNTIME] = Value::text(value),
            other => set_metric(row, other, value),
        }
    }
}

fn set_metric<'r>(row: &mut Row<'r>, key: &str, value: &'r str) {
    let Some(cell) = FIELDS.iter().position(|f| f.native == key) else {
        return;
    };
    let number = value.split(' ').next().unwrap_or_default();
    row.native[cell] = match FIELDS[cell].kind {
        Kind::Float => Value::float(number),
        Kind::Int => Value::int(number),
        Kind::Str | Kind::Bool | Kind::Time | Kind::Json => Value::text(value),
    };
}

/// Lambda's JSON platform lines (`{"time","type":"platform.x","record"}`) and structured application
/// lines, by the names Lambda and Powertools use.
fn set_json<'r>(row: &mut Row<'r>, value: &Json<'r>) {
    row.native[IS_JSON] = Value::Bool(true);
    let text = |path: &str| value.path(path).and_then(|v| v.scalar()).filter(|t| !t.is_empty());
    let first = |paths: &[&str]| paths.iter().find_map(|path| text(path)).map_or(Value::Null, Value::Str);
    let platform = text("type").filter(|kind| kind.starts_with("platform."));
    row.native[TYPE] = platform.map_or(Value::text("app"), Value::Str);
    row.native[LEVEL] = first(&["level", "severity", "log.level"]);
    row.native[REQUEST_ID] =
        first(&["record.requestId", "requestId", "function_request_id", "aws_request_id", "awsRequestId"]);
    row.native[ERROR_TYPE] = first(&["record.errorType", "errorType"]);
    row.native[STATUS] = first(&["record.status"]);
    row.native[VERSION] = first(&["record.version"]);
    row.native[RUNTIME] = first(&["record.runtimeVersion"]);
    row.native[TRACE] = match first(&["record.tracing.value", "xray_trace_id"]) {
        Value::Str(root) => Value::owned(crate::codec::tokens::trace_root(&root).unwrap_or_default().to_owned()),
        other => other,
    };
    let metrics = [
        (10, "durationMs"),
        (11, "billedDurationMs"),
        (12, "memorySizeMB"),
        (13, "maxMemoryUsedMB"),
        (14, "initDurationMs"),
    ];
    for (cell, name) in metrics {
        if let Some(value) = value.path(&format!("record.metrics.{name}")) {
            row.native[cell] = match FIELDS[cell].kind {
                Kind::Int => value.as_i64().map_or(Value::Null, Value::Int),
                _ => value.as_f64().map_or(Value::Null, Value::Float),
            };
        }
    }
    if row.native[TIMESTAMP].is_null() {
        let time = text("time").or_else(|| text("timestamp")).and_then(|t| Micros::parse_rfc3339(&t));
        row.native[TIMESTAMP] = Value::time(time);
    }
}

/// Node (`time<TAB>id<TAB>LEVEL<TAB>message`), Python (`[LEVEL]<TAB>time<TAB>id<TAB>message`) and free text.
fn set_application<'r>(row: &mut Row<'r>, text: &'r str) {
    row.native[TYPE] = Value::text("app");
    let parts: Vec<&str> = text.splitn(4, '\t').collect();
    let (time, id, level) = match parts.as_slice() {
        [time, id, level, _] if Micros::parse_rfc3339(time).is_some() => (Some(*time), Some(*id), Some(*level)),
        [level, time, id, _] if level.starts_with('[') && level.ends_with(']') => {
            (Some(*time), Some(*id), Some(level.trim_matches(['[', ']'])))
        }
        _ => (None, request_id_in(text), bracketed_level(text)),
    };
    row.native[LEVEL] = level.map_or(Value::Null, Value::text);
    row.native[REQUEST_ID] = id.filter(|id| is_uuid(id)).map_or(Value::Null, Value::text);
    if text.contains("Task timed out after ") {
        row.native[TYPE] = Value::text("timeout");
        row.native[STATUS] = Value::text("timeout");
    }
    if row.native[TIMESTAMP].is_null() {
        row.native[TIMESTAMP] = Value::time(time.and_then(Micros::parse_rfc3339));
    }
}

fn set_outcome(row: &mut Row<'_>) {
    let level = row.native[LEVEL].as_str().map(str::to_ascii_uppercase);
    let failed = matches!(level.as_deref(), Some("ERROR" | "FATAL" | "CRITICAL"))
        || !row.native[ERROR_TYPE].is_null()
        || matches!(row.native[STATUS].as_str(), Some("timeout" | "error" | "failure"));
    let done = matches!(row.native[TYPE].as_str(), Some("REPORT" | "platform.report"));
    if failed {
        row.set(Common::EventOutcome, Value::text("failure"));
    } else if done {
        row.set(Common::EventOutcome, Value::text("success"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Link, Origin};
    use std::borrow::Cow;

    fn parse<'r>(text: &'r str, envelope: &'r Envelope, origin: &'r Origin) -> Row<'r> {
        let mut row = Row::new(FIELDS.len());
        let outcome = EventParser.parse(&Record { text, envelope: Some(envelope), origin }, &mut row);
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
