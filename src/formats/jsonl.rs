//! Any other JSON object: a log of something AWS does not write. Names are guessed from what is usual, and
//! where two members could be meant nothing is guessed.

use super::shared::json_row::owned;
use super::shared::{cell, links};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json, JsonError};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;

pub struct JsonLines;

#[rustfmt::skip]
static FIELDS: [Field; 8] = [
    Field::new("json_time", "(time, guessed)", Kind::Time).feeds(Common::EventTime),
    Field::new("json_time_field", "(name of the member the time is from)", Kind::Str),
    Field::new("json_level", "(level, guessed)", Kind::Str),
    Field::new("json_message", "(message, guessed)", Kind::Str),
    Field::new("json_logger", "(logger, guessed)", Kind::Str),
    Field::new("json_request_id", "(request id, guessed)", Kind::Str).feeds(Common::RequestId),
    Field::new("json_trace_id", "(trace id, guessed)", Kind::Str).feeds(Common::TraceId),
    Field::new("json_ip", "(client's address, guessed)", Kind::Str).feeds(Common::SourceIp),
];

const TIME: usize = 0;
const TIME_FIELD: usize = 1;
const LEVEL: usize = 2;
const MESSAGE: usize = 3;
const LOGGER: usize = 4;
const REQUEST: usize = 5;
const TRACE: usize = 6;
const ADDRESS: usize = 7;

/// Usual names of a time, the surest first.
const TIMES: [&str; 20] = [
    "@timestamp",
    "timestamp",
    "eventtime",
    "event_time",
    "time",
    "datetime",
    "ts",
    "asctime",
    "logtime",
    "log_time",
    "created_at",
    "createdat",
    "timegenerated",
    "event_timestamp",
    "timestamp_ms",
    "epoch",
    "start_time",
    "starttime",
    "_time",
    "date",
];
/// Usual names of the other cells. Of several texts (level, message, logger) the first listed is taken; ids
/// and addresses are left out where two differ.
const NAMES: [(usize, &[&str]); 6] = [
    (LEVEL, &["level", "severity", "loglevel", "log_level", "levelname", "lvl"]),
    (MESSAGE, &["message", "msg", "log", "event", "text"]),
    (LOGGER, &["logger", "logger_name", "loggername", "service", "component", "name"]),
    (REQUEST, &["request_id", "requestid", "req_id", "x-request-id", "aws_request_id", "awsrequestid"]),
    (TRACE, &["trace_id", "traceid", "xray_trace_id", "xraytraceid", "x-amzn-trace-id", "trace.id"]),
    (
        ADDRESS,
        &[
            "client_ip",
            "clientip",
            "source_ip",
            "sourceip",
            "remote_addr",
            "remoteaddr",
            "remote_ip",
            "src_ip",
            "ip",
            "ip_address",
            "ipaddress",
            "sourceipaddress",
        ],
    ),
];
/// 2000-01-01: smaller numbers are durations and counters, not times.
const EARLIEST: Micros = Micros(946_684_800_000_000);

impl LogFormat for JsonLines {
    fn id(&self) -> &'static str {
        "jsonl"
    }

    fn title(&self) -> &'static str {
        "Other JSON objects"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp, else the first member with a usual name of a time"),
            (Common::EventAction, "level"),
            (Common::EventOutcome, "failure for an error level"),
        ]
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, _name: &str) -> Option<usize> {
        None
    }

    fn takes_anything(&self) -> bool {
        true
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let object =
            record.text.trim_start().starts_with('{') && matches!(json::parse(record.text), Ok(Json::Object(_)));
        object.then_some(Claim { score: 3, reason: "a JSON object that no other format claims" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let object = match json::parse(record.text) {
        Ok(Json::Object(object)) => object,
        Ok(_) => return Outcome::Reject(Reject::malformed("not a JSON object")),
        Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
    };
    if let Err(error) = read_object(object, row) {
        return Outcome::Reject(Reject::malformed(error.to_string()));
    }
    if let Some(time) = record.envelope.and_then(|e| e.time) {
        row.set(Common::EventTime, Value::Time(time));
    }
    let level = row.native[LEVEL].clone();
    if level.as_str().is_some_and(links::is_failure) {
        row.set(Common::EventOutcome, Value::text("failure"));
    }
    row.set(Common::EventAction, level);
    Outcome::Event
}

/// Members in one pass: for each cell the best name so far, and whether another member contradicts it.
fn read_object<'r>(object: &'r str, row: &mut Row<'r>) -> Result<(), JsonError> {
    let mut rank = [usize::MAX; FIELDS.len()];
    let mut doubtful = [false; FIELDS.len()];
    for member in json::members(object) {
        let (name, value) = member?;
        if let Some(n) = position(&TIMES, &name)
            && n < rank[TIME]
            && let Some(time) = time(&value)
        {
            rank[TIME] = n;
            row.native[TIME] = Value::Time(time);
            row.native[TIME_FIELD] = Value::Str(name.clone());
        }
        let guess = NAMES.iter().find_map(|(cell, names)| Some((*cell, position(names, &name)?)));
        if let Some((cell, n)) = guess {
            let guessed = guess_value(cell, &value);
            let other = !row.native[cell].is_null() && !guessed.is_null() && row.native[cell] != guessed;
            doubtful[cell] |= other && matches!(cell, REQUEST | TRACE | ADDRESS);
            if n < rank[cell] && !guessed.is_null() {
                rank[cell] = n;
                row.native[cell] = guessed;
            }
        }
        if value != Json::Null {
            row.extra.push((name, value.to_json()));
        }
    }
    for cell in (0..FIELDS.len()).filter(|cell| doubtful[*cell]) {
        row.native[cell] = Value::Null;
    }
    Ok(())
}

fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| known.eq_ignore_ascii_case(name))
}

fn time(value: &Json<'_>) -> Option<Micros> {
    let text = value.scalar()?;
    let text = text.trim();
    // `2026-03-02 08:15:30,123`, as Python's and Java's loggers write it.
    let dotted: Cow<'_, str> =
        if text.contains(',') { Cow::Owned(text.replacen(',', ".", 1)) } else { Cow::Borrowed(text) };
    cell::time(&dotted).filter(|time| *time >= EARLIEST)
}

fn guess_value<'r>(cell: usize, value: &Json<'r>) -> Value<'r> {
    let Some(text) = value.scalar() else {
        return Value::Null;
    };
    match cell {
        ADDRESS => tokens::ip(text.trim()).map_or(Value::Null, |ip| Value::owned(ip.into_owned())),
        TRACE => {
            let root = tokens::trace_root(text.trim()).unwrap_or(text.trim());
            owned(Value::text(root))
        }
        LEVEL if !text.bytes().all(|b| b.is_ascii_digit()) && !links::is_level(&text) => Value::Null,
        _ => cell::of_json(Kind::Str, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Link, Origin};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn times_by_their_usual_names_and_shapes() {
        for (member, field) in [
            (r#""@timestamp":"2026-03-02T08:15:30.500Z","time":"x""#, "@timestamp"),
            (r#""time":1,"ts":1772439330.5"#, "ts"),
            (r#""Time":"1772439330500""#, "Time"),
            (r#""date":"02/Mar/2026:09:15:30 +0100","asctime":"2026-03-02 08:15:30,500""#, "asctime"),
            (r#""time":1772439330500,"timestamp":"2026-03-02 08:15:30.500""#, "timestamp"),
        ] {
            let text = format!("{{{member},\"a\":1}}");
            let (outcome, row) = parse(&text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.500000Z", "{member}");
            assert_eq!(row.native[TIME_FIELD], Value::text(field));
        }
        let (outcome, row) = parse(r#"{"time":12,"date":"today","x":null,"y":[1]}"#);
        assert_eq!(outcome, Outcome::Event);
        assert!(row.time().is_none() && row.native[TIME_FIELD].is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"time":12,"date":"today","y":[1]}"#);
        let envelope = Envelope { time: Some(Micros(9)), ..Envelope::default() };
        let mut row = Row::new(FIELDS.len());
        read(&Record { text: "{}", envelope: Some(&envelope), origin: &ORIGIN }, &mut row);
        assert_eq!(row.time(), Some(Micros(9)));
    }

    #[test]
    fn what_could_be_two_things_is_none() {
        let (_, row) = parse(
            r#"{"level":"error","msg":"no","requestId":"r","ip":"2001:DB8::7","traceId":"Root=1-69a54a12-0123456789abcdef01234567","name":"orders"}"#,
        );
        assert_eq!(row.common(Common::RequestId), &Value::text("r"));
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::7"));
        assert_eq!(row.common(Common::TraceId), &Value::text("1-69a54a12-0123456789abcdef01234567"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.native[MESSAGE], Value::text("no"));
        let (_, row) = parse(
            r#"{"client_ip":"192.0.2.1","remote_addr":"192.0.2.2","request_id":"a","req_id":"a","level":"top","ip":"none"}"#,
        );
        assert!(row.common(Common::SourceIp).is_null() && row.native[LEVEL].is_null());
        assert_eq!(row.links(Link::RequestId), ["a"]);
        assert!(matches!(parse("[1]").0, Outcome::Reject(_)));
        assert!(matches!(parse(r#"{"a" 1}"#).0, Outcome::Reject(_)));
    }
}
