//! API Gateway execution logs of REST and WebSocket APIs: one event per step of a request. Facts: AWS, "Set up
//! CloudWatch logging for REST APIs". The table `requests` puts the lines of a request together.

use super::shared::cell;
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::execution_log::{self, Details, ExecutionLine, Step};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;

pub struct ApiGatewayExecution;

#[rustfmt::skip]
static FIELDS: [Field; 24] = [
    Field::new("apigwx_request_id", "(requestId)", Kind::Str).feeds(Common::RequestId),
    Field::new("apigwx_step", "(leading words)", Kind::Str).feeds(Common::EventAction),
    Field::new("apigwx_extended_request_id", "Extended Request Id", Kind::Str).link(Link::RequestId),
    Field::new("apigwx_http_method", "HTTP Method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("apigwx_resource_path", "Resource Path", Kind::Str),
    Field::new("apigwx_status", "Method completed with status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("apigwx_endpoint_status", "Received response. Status", Kind::Int),
    Field::new("apigwx_integration_latency_ms", "Integration latency", Kind::Int),
    Field::new("apigwx_endpoint_uri", "Endpoint request URI", Kind::Str),
    Field::new("apigwx_function_arn", "(function in Endpoint request URI)", Kind::Str).link(Link::Arn),
    Field::new("apigwx_lambda_request_id", "AWS Integration Endpoint RequestId", Kind::Str).link(Link::RequestId),
    Field::new("apigwx_xray_trace_id", "X-ray Tracing ID", Kind::Str).feeds(Common::TraceId),
    Field::new("apigwx_source_ip", "(first hop of X-Forwarded-For, identity.sourceIp)", Kind::Str).feeds(Common::SourceIp),
    Field::new("apigwx_host", "Host", Kind::Str),
    Field::new("apigwx_user_agent", "User-Agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("apigwx_connection_id", "Connection Id", Kind::Str).link(Link::RequestId),
    Field::new("apigwx_api_id", "(API in the name of the log group)", Kind::Str).feeds(Common::Resource),
    Field::new("apigwx_stage", "(stage in the name of the log group)", Kind::Str),
    Field::new("apigwx_canary", "(log group of a canary)", Kind::Bool),
    Field::new("apigwx_error", "(error text)", Kind::Str),
    Field::new("apigwx_truncated", "[TRUNCATED]", Kind::Bool),
    Field::new("apigwx_body", "(text after the colon)", Kind::Str),
    Field::new("apigwx_log_group", "logGroupName", Kind::Str),
    Field::new("apigwx_log_stream", "logStreamName", Kind::Str),
];

/// Where API Gateway says once that it may write logs.
const WELCOME: &str = "/aws/apigateway/welcome";

impl LogFormat for ApiGatewayExecution {
    fn id(&self) -> &'static str {
        "apigateway_execution"
    }

    fn title(&self) -> &'static str {
        "API Gateway execution log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp, or the time that a test call prints"),
            (Common::UrlPath, "Resource Path, without the query"),
            (Common::Target, "as url_path"),
            (Common::ErrorCode, "Gateway response type, or the leading clause of the error text"),
            (Common::EventOutcome, "failure for an error or a status from 400 on; success for a completed step"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let group = log_group(record);
        if group.is_some_and(|group| group == WELCOME || execution_log::is_own_group(group)) {
            return Some(Claim { score: 75, reason: "the log group of an API's execution log" });
        }
        // The line is short; an id and a step stand at its beginning.
        let line = execution_log::parse(record.text);
        let known = line.step != Step::Other && (line.request_id.is_some() || line.test_time.is_some());
        known
            .then_some(Claim { score: 75, reason: "a request id in brackets, or a test call's time, and a known step" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(ExecutionParser { test_id: None })
    }
}

#[derive(Clone)]
struct ExecutionParser {
    /// Request id of the console's test call, whose lines do not repeat it.
    test_id: Option<String>,
}

impl Parser for ExecutionParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        if record.text.trim().is_empty() {
            return Outcome::Ignored("empty line");
        }
        if log_group(record) == Some(WELCOME) {
            return Outcome::Ignored("welcome message");
        }
        let line = execution_log::parse(record.text);
        let envelope = record.envelope.and_then(|envelope| envelope.time);
        if line.step == Step::TestInvoke {
            self.test_id = line.request_id.map(str::to_owned);
            if envelope.is_none() {
                return Outcome::Ignored("header of a test call");
            }
        }
        let Some(time) = envelope.or_else(|| line.test_time.and_then(test_time)) else {
            return Outcome::Reject(Reject::malformed("no CloudWatch timestamp and no time of a test call"));
        };
        row.set(Common::EventTime, Value::Time(time));
        row.native[0] = match (line.request_id, &self.test_id) {
            (Some(id), _) => Value::text(id),
            (None, Some(id)) if line.test_time.is_some() => Value::owned(id.clone()),
            _ => Value::Null,
        };
        set_line(row, &line);
        set_details(row, line.details());
        set_group(row, record);
        derive(row, line.step);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(self.clone())
    }

    fn is_state(&self, record: &[u8]) -> bool {
        record.starts_with(b"Execution log for request")
    }
}

const RESOURCE_PATH: usize = 4;
const STATUS: usize = 5;
const API: usize = 16;
const STAGE: usize = 17;
const ERROR: usize = 19;

fn set_line<'r>(row: &mut Row<'r>, line: &ExecutionLine<'r>) {
    row.native[1] = Value::text(line.step.words());
    row.native[20] = Value::Bool(line.truncated);
    if line.has_body() {
        row.native[21] = Value::text(line.value);
    }
}

fn set_details<'r>(row: &mut Row<'r>, details: Details<'r>) {
    let text = |text: Option<&'r str>| text.map_or(Value::Null, Value::text);
    let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
    let ip = details.forwarded_ip.or(details.source_ip).map_or(Value::Null, |ip| match ip {
        Cow::Borrowed(ip) => cell::address(ip),
        Cow::Owned(ip) => Value::owned(ip),
    });
    let cells = [
        (2, text(details.extended_request_id)),
        (3, text(details.http_method)),
        (RESOURCE_PATH, text(details.resource_path)),
        (STATUS, int(details.status)),
        (6, int(details.endpoint_status)),
        (7, int(details.integration_latency_ms)),
        (8, text(details.endpoint_uri)),
        (9, text(details.function_arn)),
        (10, text(details.lambda_request_id)),
        (11, text(details.trace_id)),
        (12, ip),
        (13, text(details.host)),
        (14, text(details.user_agent)),
        (15, text(details.connection_id)),
        (API, text(details.api_id)),
        (STAGE, text(details.stage)),
        (ERROR, text(details.error)),
    ];
    for (cell, value) in cells {
        row.native[cell] = value;
    }
}

fn log_group<'r>(record: &Record<'r>) -> Option<&'r str> {
    let own = record.envelope.and_then(|envelope| envelope.log_group.as_deref());
    own.or(record.origin.log_group.as_deref())
}

fn set_group<'r>(row: &mut Row<'r>, record: &Record<'r>) {
    let stream = record.envelope.and_then(|e| e.log_stream.as_deref()).or(record.origin.log_stream.as_deref());
    row.native[23] = stream.map_or(Value::Null, Value::text);
    let Some(group) = log_group(record) else {
        return;
    };
    row.native[22] = Value::text(group);
    if let Some(place) = execution_log::place(group) {
        row.native[API] = Value::text(place.api_id);
        row.native[STAGE] = Value::text(place.stage);
        row.native[18] = Value::Bool(place.is_canary);
    }
}

fn derive(row: &mut Row<'_>, step: Step) {
    if let Some(path) = row.native[RESOURCE_PATH].as_str().map(|path| tokens::url_path(path).to_owned()) {
        row.set(Common::UrlPath, Value::owned(path.clone()));
        row.set(Common::Target, Value::owned(path));
    }
    let error = row.native[ERROR].as_str().map(|error| execution_log::error_code(error).to_owned());
    let outcome = match row.native[STATUS] {
        _ if error.is_some() => Some("failure"),
        Value::Int(status) => Some(if status >= 400 { "failure" } else { "success" }),
        _ => matches!(step, Step::Done | Step::AuthorizerDone).then_some("success"),
    };
    row.set(Common::ErrorCode, error.map_or(Value::Null, Value::owned));
    row.set(Common::EventOutcome, outcome.map_or(Value::Null, Value::text));
}

/// `Thu Aug 31 01:07:25 UTC 2017`
fn test_time(text: &str) -> Option<Micros> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, clock, "UTC" | "GMT", year] = words.as_slice() else {
        return None;
    };
    Micros::parse_clf(&format!("{day:0>2}/{month}/{year}:{clock} +0000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Origin};

    const ID: &str = "a1b2c3d4-0000-4111-8222-333344445555";
    static NOWHERE: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn at(group: &str) -> Origin {
        Origin { log_group: Some(group.into()), ..Origin::default() }
    }

    fn envelope() -> Envelope {
        Envelope { time: Some(Micros(1_772_439_330_123_000)), log_stream: Some("s".into()), ..Envelope::default() }
    }

    fn parse<'r>(text: &'r str, envelope: &'r Envelope, origin: &'r Origin) -> (Outcome, Row<'r>) {
        let mut row = Row::new(FIELDS.len());
        let record = Record { text, envelope: Some(envelope), origin };
        let outcome = ApiGatewayExecution.parser(&Options::default()).parse(&record, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn the_group_names_api_and_stage() {
        let envelope = envelope();
        for (group, stage, canary) in [
            ("API-Gateway-Execution-Logs_a1b2c3d4e5/prod", "prod", false),
            ("API-Gateway-Execution-Logs/a1b2c3d4e5/prod/Canary", "prod", true),
            ("/aws/apigateway/a1b2c3d4e5/$default", "$default", false),
        ] {
            let origin = at(group);
            let (outcome, row) = parse("free text", &envelope, &origin);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.common(Common::Resource), &Value::text("a1b2c3d4e5"));
            assert_eq!((&row.native[STAGE], &row.native[18]), (&Value::text(stage), &Value::Bool(canary)));
        }
        let origin = at(WELCOME);
        assert!(matches!(parse("Cloudwatch logs enabled", &envelope, &origin).0, Outcome::Ignored(_)));
    }

    #[test]
    fn an_error_is_a_failure_with_its_clause() {
        let envelope = envelope();
        let text = format!("({ID}) Execution failed due to configuration error: Malformed Lambda proxy response");
        let (_, row) = parse(&text, &envelope, &NOWHERE);
        assert_eq!(row.common(Common::ErrorCode), &Value::text("Execution failed due to configuration error"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.native[ERROR].as_str(), text.split_once(") ").map(|(_, error)| error));
        let text = format!("({ID}) Method completed with status: 200");
        assert_eq!(parse(&text, &envelope, &NOWHERE).1.common(Common::EventOutcome), &Value::text("success"));
    }

    #[test]
    fn a_token_cut_at_the_limit_stays_in_the_body() {
        let envelope = envelope();
        let mut text = format!("({ID}) Method request body before transformations: {{\"token\":\"eyJEXAMPLE.");
        text.push_str(&"e".repeat(1024 - text.len()));
        let (outcome, row) = parse(&text, &envelope, &NOWHERE);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[20], Value::Bool(true));
        assert!(row.native[21].as_str().unwrap().starts_with("{\"token\":\"eyJEXAMPLE.eee"));
    }

    #[test]
    fn a_test_call_keeps_its_id_over_the_lines() {
        let mut parser = ApiGatewayExecution.parser(&Options::default());
        let first = format!("Execution log for request {ID}");
        assert!(parser.is_state(first.as_bytes()));
        let mut read = |text: &str| {
            let mut row = Row::new(FIELDS.len());
            let outcome = parser.parse(&Record { text, envelope: None, origin: &NOWHERE }, &mut row);
            row.feed(&FIELDS);
            let id = row.common(Common::RequestId).as_str().map(str::to_owned);
            (outcome, id, row.time().map(|time| time.to_string()))
        };
        assert!(matches!(read(&first).0, Outcome::Ignored(_)));
        let (outcome, id, time) = read("Thu Aug 31 01:07:25 UTC 2017 : Method completed with status: 200");
        assert_eq!((outcome, id.as_deref()), (Outcome::Event, Some(ID)));
        assert_eq!(time.unwrap(), "2017-08-31T01:07:25.000000Z");
        assert!(matches!(read(&format!("({ID}) Successfully completed execution")).0, Outcome::Reject(_)));
    }

    #[test]
    fn claims_need_an_id_and_a_step_or_the_group() {
        let score = |text: &str, origin: &Origin| {
            ApiGatewayExecution.claims(&Record { text, envelope: None, origin }, &Options::default()).map(|c| c.score)
        };
        assert_eq!(score(&format!("({ID}) HTTP Method: GET, Resource Path: /"), &NOWHERE), Some(75));
        assert_eq!(score("Thu Aug 31 01:07:25 UTC 2017 : Successfully completed execution", &NOWHERE), Some(75));
        assert_eq!(score("anything", &at("API-Gateway-Execution-Logs_a1b2c3d4e5/prod")), Some(75));
        assert_eq!(score(&format!("({ID}) something else"), &NOWHERE), None);
        assert_eq!(score("HTTP Method: GET, Resource Path: /", &NOWHERE), None);
        assert_eq!(score("anything", &at("/aws/apigateway/a1b2c3d4e5/prod")), None);
    }
}
