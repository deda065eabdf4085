//! API Gateway access logs in their JSON and CLF forms, of REST, HTTP and WebSocket APIs. Facts: AWS,
//! "Variables for access logging" and the console's default formats. A line is whatever the stage's
//! format string made of it, so names are matched and the rest is kept.

use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;

pub struct ApiGateway;

#[rustfmt::skip]
static FIELDS: [Field; 29] = [
    Field::new("apigw_request_id", "requestId", Kind::Str).feeds(Common::RequestId),
    Field::new("apigw_extended_request_id", "extendedRequestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_ip", "identity.sourceIp", Kind::Str),
    Field::new("apigw_caller", "identity.caller", Kind::Str),
    Field::new("apigw_user", "identity.user", Kind::Str).feeds(Common::UserName),
    Field::new("apigw_user_arn", "identity.userArn", Kind::Str).feeds(Common::UserArn),
    Field::new("apigw_user_agent", "identity.userAgent", Kind::Str).feeds(Common::UserAgent),
    Field::new("apigw_request_time", "requestTime", Kind::Time).feeds(Common::EventTime),
    Field::new("apigw_request_time_epoch", "requestTimeEpoch", Kind::Time).feeds(Common::EventTime),
    Field::new("apigw_http_method", "httpMethod", Kind::Str).feeds(Common::HttpMethod),
    Field::new("apigw_resource_path", "resourcePath", Kind::Str),
    Field::new("apigw_route_key", "routeKey", Kind::Str),
    Field::new("apigw_path", "path", Kind::Str).feeds(Common::UrlPath),
    Field::new("apigw_event_type", "eventType", Kind::Str).feeds(Common::EventAction),
    Field::new("apigw_connection_id", "connectionId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_status", "status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("apigw_protocol", "protocol", Kind::Str),
    Field::new("apigw_response_length", "responseLength", Kind::Int).feeds(Common::BytesOut),
    Field::new("apigw_response_latency", "responseLatency", Kind::Int),
    Field::new("apigw_integration_request_id", "integration.requestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_integration_status", "integration.status", Kind::Int),
    Field::new("apigw_integration_error", "integration.error", Kind::Str),
    Field::new("apigw_error_message", "error.message", Kind::Str).feeds(Common::ErrorCode),
    Field::new("apigw_xray_trace_id", "xrayTraceId", Kind::Str),
    Field::new("apigw_api_id", "apiId", Kind::Str).feeds(Common::Resource),
    Field::new("apigw_stage", "stage", Kind::Str),
    Field::new("apigw_domain_name", "domainName", Kind::Str),
    Field::new("apigw_account_id", "accountId", Kind::Str).feeds(Common::AccountId),
    Field::new("apigw_api_key_id", "identity.apiKeyId", Kind::Str),
];

const REQUEST_ID: usize = 0;
const EXTENDED_ID: usize = 1;
const IP: usize = 2;
const CALLER: usize = 3;
const USER: usize = 4;
const REQUEST_TIME: usize = 7;
const METHOD: usize = 9;
const RESOURCE_PATH: usize = 10;
const ROUTE_KEY: usize = 11;
const PATH: usize = 12;
const EVENT_TYPE: usize = 13;
const CONNECTION: usize = 14;
const STATUS: usize = 15;
const PROTOCOL: usize = 16;
const LENGTH: usize = 17;
const TRACE: usize = 23;

/// Names that stages give a variable in their JSON formats, where not the variable's own last part.
const ALIASES: [(&str, usize); 15] = [
    ("ip", IP),
    ("sourceIp", IP),
    ("source_ip", IP),
    ("caller", CALLER),
    ("user", USER),
    ("userArn", 5),
    ("userAgent", 6),
    ("user_agent", 6),
    ("integrationRequestId", 19),
    ("integrationStatus", 20),
    ("integrationError", 21),
    ("integrationErrorMessage", 21),
    ("errorMessage", 22),
    ("traceId", TRACE),
    ("apiKeyId", 28),
];

impl LogFormat for ApiGateway {
    fn id(&self) -> &'static str {
        "apigateway"
    }

    fn title(&self) -> &'static str {
        "API Gateway access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::SourceIp, "identity.sourceIp, normalised"),
            (Common::EventAction, "httpMethod, or eventType of a WebSocket API"),
            (Common::UrlPath, "path, else resourcePath, else the path of routeKey"),
            (Common::Target, "as url_path"),
            (Common::TraceId, "xrayTraceId without Root="),
            (Common::EventOutcome, "failure from status 400 on, else success"),
            (Common::EventTime, "the CloudWatch timestamp where the format has no time"),
        ]
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim();
        if text.starts_with('{') {
            let id = text.contains("\"requestId\"") || text.contains("\"extendedRequestId\"");
            let rest =
                ["\"httpMethod\"", "\"routeKey\"", "\"resourcePath\"", "\"status\"", "\"requestTime\"", "\"ip\""]
                    .iter()
                    .filter(|name| text.contains(**name))
                    .count();
            let event = text.contains("\"requestContext\"") || text.contains("\"eventVersion\"");
            return (id && rest >= 3 && !event)
                .then_some(Claim { score: 80, reason: "a flat JSON object with requestId, status and route" });
        }
        parse_clf(text).map(|_| Claim { score: 70, reason: "common log format ending in an API Gateway request id" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(AccessParser)
    }
}

struct AccessParser;

impl Parser for AccessParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let text = record.text.trim();
        let result = if text.starts_with('{') { set_json(row, text) } else { set_clf(row, text) };
        if let Err(detail) = result {
            return Outcome::Reject(Reject::malformed(detail));
        }
        if row.native[REQUEST_ID].is_null() && row.native[EXTENDED_ID].is_null() {
            return Outcome::Reject(Reject::malformed("neither requestId nor extendedRequestId"));
        }
        derive(row, record);
        if row.native[REQUEST_TIME].is_null() && row.native[8].is_null() && row.time().is_none() {
            return Outcome::Reject(Reject::malformed("no requestTime, requestTimeEpoch or CloudWatch timestamp"));
        }
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(AccessParser)
    }
}

fn cell_of(name: &str) -> Option<usize> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, cell)| *cell);
    alias.or_else(|| FIELDS.iter().position(|f| f.native == name))
}

fn set_json<'r>(row: &mut Row<'r>, text: &'r str) -> Result<(), String> {
    let Some(end) = json::value_end(text.as_bytes(), 0).ok().filter(|end| *end == text.len()) else {
        return Err("the JSON object does not end with the line".to_owned());
    };
    if set_members(row, &text[..end]).is_ok() {
        return Ok(());
    }
    // An unset variable prints a bare dash, which is no JSON value where the format has no quotes.
    let repaired = repair_dashes(text);
    row.native.fill(Value::Null);
    row.extra.clear();
    let mut own = Row::new(FIELDS.len());
    set_members(&mut own, &repaired).map_err(|error| error.to_string())?;
    for (cell, value) in own.native.into_iter().enumerate() {
        row.native[cell] = into_owned(value);
    }
    row.extra = own.extra.into_iter().map(|(k, v)| (Cow::Owned(k.into_owned()), Cow::Owned(v.into_owned()))).collect();
    Ok(())
}

fn into_owned<'b>(value: Value<'_>) -> Value<'b> {
    match value {
        Value::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
        Value::Null => Value::Null,
        Value::Int(n) => Value::Int(n),
        Value::Float(n) => Value::Float(n),
        Value::Bool(b) => Value::Bool(b),
        Value::Time(t) => Value::Time(t),
    }
}

/// `:-,` and `:-}` outside of strings become `:null`.
fn repair_dashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut in_string = false;
    let mut escaped = false;
    let bytes = text.as_bytes();
    for (at, c) in text.char_indices() {
        let lone = c == '-'
            && !in_string
            && text[..at].trim_end().ends_with(':')
            && matches!(bytes.get(json::skip_space(bytes, at + 1)), Some(b',' | b'}'));
        if lone {
            out.push_str("null");
        } else {
            out.push(c);
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

fn set_members<'r>(row: &mut Row<'r>, object: &'r str) -> Result<(), json::JsonError> {
    for member in json::members(object) {
        let (name, value) = member?;
        match cell_of(&name) {
            Some(cell) => row.native[cell] = cell_value(cell, &value),
            None => row.extra.push((name, value.to_json())),
        }
    }
    Ok(())
}

fn cell_value<'r>(cell: usize, value: &Json<'r>) -> Value<'r> {
    let Some(text) = value.scalar().filter(|text| !text.is_empty() && text != "-") else {
        return Value::Null;
    };
    match FIELDS[cell].kind {
        Kind::Int => Value::int(&text),
        Kind::Float => Value::float(&text),
        Kind::Time => Value::time(parse_time(&text)),
        Kind::Str | Kind::Bool | Kind::Json => Value::Str(text),
    }
}

fn parse_time(text: &str) -> Option<Micros> {
    Micros::parse_clf(text)
        .or_else(|| Micros::parse_rfc3339(text))
        .or_else(|| text.parse().ok().and_then(Micros::from_epoch))
}

/// The parts of a CLF line: `ip caller user [time] "a b c" status length id id`.
struct Clf<'a> {
    head: [&'a str; 3],
    time: &'a str,
    request: &'a str,
    tail: Vec<&'a str>,
}

fn parse_clf(line: &str) -> Option<Clf<'_>> {
    let (head, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    // REST formats have no blank between `]` and the quote, older ones and HTTP APIs do.
    let (request, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    let mut words = head.split_whitespace();
    let head = [words.next()?, words.next()?, words.next()?];
    Micros::parse_clf(time)?;
    tokens::ip(head[0])?;
    let tail: Vec<&str> = rest.split_whitespace().collect();
    // Apache lines end in a number of bytes or in quoted fields; here a request id ends the line.
    let id = tail.last()?;
    let is_id = id.len() >= 12 && id.bytes().any(|b| b == b'=' || b == b'-') && !id.contains('"');
    let status = tail.first()?.parse::<u16>().is_ok() || *tail.first()? == "-";
    (is_id && status && (2..=4).contains(&tail.len())).then_some(Clf { head, time, request, tail })
}

fn set_clf<'r>(row: &mut Row<'r>, line: &'r str) -> Result<(), String> {
    let clf = parse_clf(line).ok_or("not a common log format line of API Gateway")?;
    row.native[IP] = Value::text(clf.head[0]);
    row.native[CALLER] = Value::text(clf.head[1]);
    row.native[USER] = Value::text(clf.head[2]);
    row.native[REQUEST_TIME] = Value::time(Micros::parse_clf(clf.time));
    row.native[STATUS] = Value::int(clf.tail[0]);
    let web_socket = clf.tail.len() == 2;
    let (first, last) = clf.request.split_once(' ').ok_or("the quoted request has one word")?;
    let (middle, last) = last.rsplit_once(' ').ok_or("the quoted request has two words")?;
    if web_socket {
        row.native[EVENT_TYPE] = Value::text(first);
        row.native[ROUTE_KEY] = Value::text(middle);
        row.native[CONNECTION] = Value::text(last);
        row.native[REQUEST_ID] = Value::text(clf.tail[1]);
        return Ok(());
    }
    row.native[METHOD] = Value::text(first);
    // A routeKey is `GET /pets`: the method stands twice in an HTTP API's line.
    let route = middle.contains(' ') || middle == "$default";
    row.native[if route { ROUTE_KEY } else { RESOURCE_PATH }] = Value::text(middle);
    row.native[PROTOCOL] = Value::text(last);
    row.native[LENGTH] = Value::int(clf.tail[1]);
    row.native[REQUEST_ID] = clf.tail.get(2).map_or(Value::Null, |id| Value::text(id));
    row.native[EXTENDED_ID] = clf.tail.get(3).map_or(Value::Null, |id| Value::text(id));
    Ok(())
}

fn derive<'r>(row: &mut Row<'r>, record: &Record<'r>) {
    if let Some(address) = row.native[IP].as_str() {
        let address = tokens::ip(address).map_or_else(|| address.to_owned(), Cow::into_owned);
        row.set(Common::SourceIp, Value::owned(address));
    }
    let method = row.native[METHOD].clone();
    row.set_default(Common::EventAction, method);
    let route_path = row.native[ROUTE_KEY].as_str().map(|r| r.split_once(' ').map_or(r, |(_, path)| path).to_owned());
    let path = [PATH, RESOURCE_PATH].into_iter().map(|c| row.native[c].clone()).find(|v| !v.is_null());
    if let Some(path) = path.or_else(|| route_path.map(Value::owned)) {
        row.set(Common::UrlPath, path.clone());
        row.set(Common::Target, path);
    }
    if let Some(root) = row.native[TRACE].as_str().and_then(tokens::trace_root) {
        let root = root.to_owned();
        row.set(Common::TraceId, Value::owned(root));
    }
    if let Value::Int(status) = row.native[STATUS] {
        row.set(Common::EventOutcome, Value::text(if status >= 400 { "failure" } else { "success" }));
    }
    if row.native[REQUEST_TIME].is_null()
        && row.native[8].is_null()
        && let Some(time) = record.envelope.and_then(|e| e.time)
    {
        row.set(Common::EventTime, Value::Time(time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = AccessParser.parse(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn the_console_json_format_of_a_rest_api() {
        let (outcome, row) = parse(
            r#"{"requestId":"a1b2c3d4-0000-1111-2222-333344445555","extendedRequestId":"Vwc2abcdefGHIjk=","ip":"192.0.2.7","caller":"-","user":"-","requestTime":"09/Mar/2024:10:11:12 +0000","httpMethod":"GET","resourcePath":"/users/{id}","status":"200","protocol":"HTTP/1.1","responseLength":"12","custom":{"a":1}}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2024-03-09T10:11:12.000000Z");
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(200));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/users/{id}"));
        assert!(row.common(Common::UserName).is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"custom":{"a":1}}"#);
        assert_eq!(row.links(Link::RequestId).len(), 2);
    }

    #[test]
    fn an_unset_number_without_quotes_is_repaired() {
        let (outcome, row) =
            parse(r#"{"requestId":"x-y:-,","status":-,"integrationStatus": - ,"requestTimeEpoch":1709979072000}"#);
        assert_eq!(outcome, Outcome::Event);
        assert!(row.common(Common::HttpStatus).is_null());
        assert_eq!(row.common(Common::RequestId), &Value::text("x-y:-,"));
    }

    #[test]
    fn clf_of_the_three_kinds_of_api() {
        let rest = r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000]"GET /users/{id} HTTP/1.1" 403 42 a1b2c3d4-0000-1111-2222-333344445555 Vwc2abcdefGHIjk="#;
        let (outcome, row) = parse(rest);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/users/{id}"));
        let (_, row) =
            parse(r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000] "GET GET /pets HTTP/1.1" 200 42 Vwc2abcdefGHIjk="#);
        assert_eq!(row.native[ROUTE_KEY], Value::text("GET /pets"));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/pets"));
        let (_, row) =
            parse(r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000] "CONNECT $connect Vwc2x=" 200 Vwc2abcdefGHIjk="#);
        assert_eq!(row.common(Common::EventAction), &Value::text("CONNECT"));
        assert_eq!(row.native[ROUTE_KEY], Value::text("$connect"));
    }

    #[test]
    fn an_apache_line_is_not_claimed() {
        let apache =
            r#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023 "http://x" "Mozilla""#;
        assert!(
            ApiGateway.claims(&Record { text: apache, envelope: None, origin: &ORIGIN }, &Options::default()).is_none()
        );
    }
}
