//! What Lambda itself writes to a function's log, in its text and its JSON form, and the shapes its runtimes
//! give to an application's lines. Facts: AWS, "Lambda logs" and the Telemetry API's event schema.

use super::links::is_uuid;
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::Micros;
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A text that a line may have.
pub type Text<'a> = Option<Cow<'a, str>>;

/// A line of the platform: START, REPORT, `platform.report` and the like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Platform<'a> {
    /// `REPORT`, `platform.report`; `timeout` and `exit` for the lines that tell the end of a process.
    pub kind: Text<'a>,
    /// The line's own time; text lines have none.
    pub time: Option<Micros>,
    pub request_id: Text<'a>,
    pub version: Text<'a>,
    pub function: Text<'a>,
    pub function_arn: Text<'a>,
    pub runtime_version: Text<'a>,
    pub runtime_version_arn: Text<'a>,
    pub initialization_type: Text<'a>,
    pub phase: Text<'a>,
    /// `success`, `failure`, `error`, `timeout`.
    pub status: Text<'a>,
    pub error_type: Text<'a>,
    pub error_message: Text<'a>,
    /// Bare root, `1-…-…`.
    pub trace_id: Text<'a>,
    pub segment_id: Text<'a>,
    pub sampled: Option<bool>,
    /// Name and state of an extension or a subscriber, and what it listens to.
    pub name: Text<'a>,
    pub state: Text<'a>,
    pub events: Text<'a>,
    /// Why log records were dropped.
    pub reason: Text<'a>,
    /// JSON text.
    pub spans: Text<'a>,
    /// Milliseconds.
    pub duration: Option<f64>,
    pub billed_duration: Option<f64>,
    pub init_duration: Option<f64>,
    pub restore_duration: Option<f64>,
    pub billed_restore_duration: Option<f64>,
    /// MB.
    pub memory_size: Option<i64>,
    pub max_memory_used: Option<i64>,
    pub produced_bytes: Option<i64>,
    pub dropped_bytes: Option<i64>,
    pub dropped_records: Option<i64>,
}

const WORDS: [&str; 10] = [
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

/// The word a platform line of the text form begins with.
pub fn word(text: &str) -> Option<&'static str> {
    // Asked of every line.
    let capital = text.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
    WORDS
        .into_iter()
        .filter(|_| capital)
        .find(|word| text.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.contains(':')))
}

fn some(text: &str) -> Text<'_> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

static PLATFORM: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"platform."));
static TIMED_OUT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(" Task timed out after "));

/// A platform line of either form; `None` for an application's.
pub fn platform(text: &str) -> Option<Platform<'_>> {
    let text = text.trim_end();
    if text.starts_with('{') {
        // The type is Lambda's second member: other JSON is not parsed twice.
        PLATFORM.find(text.as_bytes())?;
        return json_line(&json::parse(text).ok()?);
    }
    match word(text) {
        Some(word) => Some(text_line(word, &text[word.len()..])),
        None => process_end(text),
    }
}

/// `Key: value<TAB>Key: value…`; START has blanks between its two pairs.
fn text_line<'a>(word: &'static str, rest: &'a str) -> Platform<'a> {
    let mut line = Platform { kind: some(word), ..Platform::default() };
    for pair in rest.trim_start().split(['\t', '\n', '\r']) {
        let Some((key, value)) = pair.split_once(": ") else {
            continue;
        };
        let value = value.trim();
        let number = || value.split(' ').next().and_then(|n| n.parse::<f64>().ok());
        let whole = || value.split(' ').next().and_then(|n| n.parse::<i64>().ok());
        match key.trim() {
            "RequestId" => {
                let (id, after) = value.split_once(' ').unwrap_or((value, ""));
                line.request_id = some(id);
                line.version = after.strip_prefix("Version: ").and_then(|version| some(version.trim()));
            }
            "Version" => line.version = some(value),
            "Runtime Version" => line.runtime_version = some(value),
            "Runtime Version ARN" => line.runtime_version_arn = some(value),
            "Duration" => line.duration = number(),
            "Billed Duration" => line.billed_duration = number(),
            "Init Duration" => line.init_duration = number(),
            "Restore Duration" => line.restore_duration = number(),
            "Billed Restore Duration" => line.billed_restore_duration = number(),
            "Memory Size" => line.memory_size = whole(),
            "Max Memory Used" => line.max_memory_used = whole(),
            "Phase" => line.phase = some(value),
            "Status" => line.status = some(value),
            "Error Type" => line.error_type = some(value),
            "XRAY TraceId" => line.trace_id = some(value),
            "SegmentId" => line.segment_id = some(value),
            "Sampled" => line.sampled = value.parse().ok(),
            "Name" => line.name = some(value),
            "State" => line.state = some(value),
            "Events" | "Types" => line.events = some(value),
            _ => {}
        }
    }
    line
}

/// `<ISO> <id> Task timed out after 3.00 seconds`, `RequestId: <id> Process exited before completing request`,
/// `RequestId: <id> Error: Runtime exited with error: signal: killed<NL>Runtime.ExitError`.
fn process_end(text: &str) -> Option<Platform<'_>> {
    let end = memchr::memchr2(b'\n', b'\r', text.as_bytes());
    let (first, rest) = end.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let timeout =
        first.as_bytes().first().filter(|b| b.is_ascii_digit()).and_then(|_| TIMED_OUT.find(first.as_bytes()));
    if let Some(at) = timeout {
        let (head, after) = first.split_at(at);
        let (time, id) = head.split_once(' ')?;
        let time = Micros::parse_rfc3339(time)?;
        let error_message = some(&first[head.len() + 1..]).filter(|_| after.ends_with("seconds") && is_uuid(id))?;
        return Some(Platform {
            kind: some("timeout"),
            time: Some(time),
            request_id: some(id),
            status: some("timeout"),
            error_message: Some(error_message),
            ..Platform::default()
        });
    }
    let (id, message) = first.strip_prefix("RequestId: ")?.split_once(' ')?;
    let message = message.strip_prefix("Error: ").unwrap_or(message);
    let told = message.starts_with("Process exited before completing request")
        || message.starts_with("Runtime exited ")
        || message.starts_with("Task timed out after ");
    (told && is_uuid(id)).then(|| {
        let timeout = message.starts_with("Task");
        let error_type = rest.trim();
        let named = !error_type.is_empty() && error_type.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        Platform {
            kind: some(if timeout { "timeout" } else { "exit" }),
            request_id: some(id),
            status: some(if timeout { "timeout" } else { "error" }),
            error_type: some(error_type).filter(|_| named),
            error_message: some(message.trim_end()),
            ..Platform::default()
        }
    })
}

/// `{"time":…,"type":"platform.x","record":{…}}`.
fn json_line<'a>(value: &Json<'a>) -> Option<Platform<'a>> {
    let text = |value: Option<Json<'a>>| value.and_then(|v| v.scalar()).filter(|t| !t.is_empty());
    let kind = text(value.get("type")).filter(|kind| kind.starts_with("platform."))?;
    let mut line = Platform {
        time: text(value.get("time")).and_then(|time| Micros::parse_rfc3339(&time)),
        kind: Some(kind),
        ..Platform::default()
    };
    let Some(Json::Object(record)) = value.get("record") else {
        return Some(line);
    };
    for (name, value) in json::members(record).map_while(Result::ok) {
        match name.as_ref() {
            "requestId" => line.request_id = text(Some(value)),
            "version" | "functionVersion" => line.version = text(Some(value)),
            "functionName" => line.function = text(Some(value)),
            "functionArn" => line.function_arn = text(Some(value)),
            "runtimeVersion" => line.runtime_version = text(Some(value)),
            "runtimeVersionArn" => line.runtime_version_arn = text(Some(value)),
            "initializationType" => line.initialization_type = text(Some(value)),
            "phase" => line.phase = text(Some(value)),
            "status" => line.status = text(Some(value)),
            "errorType" => line.error_type = text(Some(value)),
            "name" => line.name = text(Some(value)),
            "state" => line.state = text(Some(value)),
            "events" | "types" => line.events = Some(value.to_json()),
            "reason" => line.reason = text(Some(value)),
            "spans" => line.spans = Some(value.to_json()),
            "droppedBytes" => line.dropped_bytes = value.as_i64(),
            "droppedRecords" => line.dropped_records = value.as_i64(),
            "metrics" => set_metrics(&mut line, &value),
            "tracing" => {
                let root = text(value.get("value"));
                line.trace_id = root.and_then(|r| tokens::trace_root(&r).map(|root| Cow::Owned(root.to_owned())));
                line.segment_id = text(value.get("spanId"));
                line.sampled = text(value.get("value")).and_then(|t| sampled(&t));
            }
            _ => {}
        }
    }
    Some(line)
}

fn sampled(tracing: &str) -> Option<bool> {
    match tracing.split(';').find_map(|part| part.trim().strip_prefix("Sampled="))? {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// `durationMs` is the duration of what the line reports: an invocation, an init or a restore.
fn set_metrics(line: &mut Platform<'_>, metrics: &Json<'_>) {
    let number = |name: &str| metrics.get(name).and_then(|v| v.as_f64());
    let whole = |name: &str| number(name).filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15).map(|n| n as i64);
    let duration = number("durationMs");
    match line.kind.as_deref() {
        Some("platform.initReport") => line.init_duration = duration,
        Some("platform.restoreReport") => line.restore_duration = duration,
        _ => line.duration = duration,
    }
    line.init_duration = number("initDurationMs").or(line.init_duration);
    line.restore_duration = number("restoreDurationMs").or(line.restore_duration);
    line.billed_restore_duration = number("billedRestoreDurationMs");
    line.billed_duration = number("billedDurationMs");
    line.memory_size = whole("memorySizeMB");
    line.max_memory_used = whole("maxMemoryUsedMB");
    line.produced_bytes = whole("producedBytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f507cfc-aaaa-4bbb-8ccc-0123456789ab";

    #[test]
    fn report_with_every_optional_key() {
        let text = format!(
            "REPORT RequestId: {ID}\tDuration: 102.25 ms\tBilled Duration: 103 ms\tMemory Size: 128 MB\tMax Memory Used: 38 MB\tInit Duration: 145.33 ms\tRestore Duration: 200.5 ms\tBilled Restore Duration: 201 ms\tStatus: error\tError Type: Runtime.OutOfMemory\t\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 0123456789abcdef\tSampled: true\t\n"
        );
        let line = platform(&text).unwrap();
        let expected = Platform {
            kind: some("REPORT"),
            request_id: some(ID),
            duration: Some(102.25),
            billed_duration: Some(103.0),
            memory_size: Some(128),
            max_memory_used: Some(38),
            init_duration: Some(145.33),
            restore_duration: Some(200.5),
            billed_restore_duration: Some(201.0),
            status: some("error"),
            error_type: some("Runtime.OutOfMemory"),
            trace_id: some("1-5759e988-bd862e3fe1be46a994272793"),
            segment_id: some("0123456789abcdef"),
            sampled: Some(true),
            ..Platform::default()
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn the_other_text_lines() {
        let line =
            platform("INIT_REPORT Init Duration: 150.79 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.Unknown")
                .unwrap();
        assert_eq!((line.init_duration, line.phase, line.status), (Some(150.79), some("invoke"), some("error")));
        let line = platform("EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]").unwrap();
        assert_eq!((line.name, line.state, line.events), (some("agent"), some("Ready"), some("[INVOKE, SHUTDOWN]")));
        let line = platform("RESTORE_REPORT Restore Duration: 474.87 ms").unwrap();
        assert_eq!(line.restore_duration, Some(474.87));
        let killed = format!("RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError");
        let line = platform(&killed).unwrap();
        assert_eq!((line.kind, line.error_type), (some("exit"), some("Runtime.ExitError")));
        assert_eq!(line.error_message, some("Runtime exited with error: signal: killed"));
        let exited = format!("RequestId: {ID} Process exited before completing request\n\n");
        assert_eq!(platform(&exited).unwrap().status, some("error"));
        let late = format!("2026-01-01T00:00:00.000Z {ID} Task timed out after 3.00 seconds\n\n");
        assert_eq!(platform(&late).unwrap().request_id, some(ID));
        // An application may say so too.
        assert_eq!(platform("batch 7: Task timed out after 3.00 seconds"), None);
        assert_eq!(platform("STARTED at: noon"), None);
    }

    #[test]
    fn json_lines() {
        let line = platform(r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"r","status":"timeout","metrics":{"durationMs":1.5,"billedDurationMs":2,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":9.25,"restoreDurationMs":3},"tracing":{"spanId":"0123456789abcdef","type":"X-Amzn-Trace-Id","value":"Root=1-a-b;Parent=c;Sampled=1"},"spans":[{"name":"x"}]}}"#).unwrap();
        assert_eq!((line.duration, line.billed_duration, line.init_duration), (Some(1.5), Some(2.0), Some(9.25)));
        assert_eq!((line.trace_id, line.sampled, line.spans), (some("1-a-b"), Some(true), some(r#"[{"name":"x"}]"#)));
        assert_eq!((line.memory_size, line.restore_duration), (Some(128), Some(3.0)));
        let line = platform(r#"{"time":"2026-01-01T00:00:00Z","type":"platform.initReport","record":{"initializationType":"snap-start","phase":"init","status":"success","metrics":{"durationMs":125.5}}}"#).unwrap();
        assert_eq!((line.init_duration, line.duration), (Some(125.5), None));
        let line = platform(
            r#"{"type":"platform.logsDropped","record":{"droppedBytes":12345,"droppedRecords":123,"reason":"slow"}}"#,
        )
        .unwrap();
        assert_eq!((line.dropped_bytes, line.dropped_records, line.reason), (Some(12345), Some(123), some("slow")));
        let line = platform(r#"{"type":"platform.notYetKnown","record":{"requestId":"r"}}"#).unwrap();
        assert_eq!((line.kind, line.request_id), (some("platform.notYetKnown"), some("r")));
        assert_eq!(platform(r#"{"type":"order","platform":"platform.x"}"#), None);
    }
}
