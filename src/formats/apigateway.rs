//! API Gateway access logs of REST, HTTP and WebSocket APIs, in JSON, common log format, CSV and XML. Facts: AWS,
//! "Variables for access logging" and the console's default formats. A line is whatever the stage's format string
//! made of it, so with that string it is read by it; without, names are matched and the rest is kept.

use super::shared::apigw::fields::{self, FIELDS};
use super::shared::apigw::template::Template;
use super::shared::apigw::{REPLACED_ID, members, text};
use super::{Claim, LogFormat, Options, Outcome, Parser, Shape};
use crate::codec::tokens;
use crate::model::{Common, Field, Micros, Record, Reject, Row, Value};
use std::sync::Arc;

pub struct ApiGateway;

/// Names that only API Gateway gives: one of them must be there.
const SURE: [usize; 12] = [
    fields::EXTENDED_ID,
    fields::ROUTE_KEY,
    fields::RESOURCE_PATH,
    fields::REQUEST_TIME,
    fields::TIME_EPOCH,
    fields::LENGTH,
    fields::LATENCY,
    fields::API_ID,
    fields::CONNECTION,
    fields::INVOKE_STATUS,
    fields::INTEGRATION_LATENCY,
    fields::PROTOCOL,
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
            (Common::EventTime, "the CloudWatch timestamp where the format has no time"),
            (Common::EventEnd, "event_time and responseLatency"),
            (Common::Region, "region in domainName, where that is AWS's"),
            (Common::SourceIp, "identity.sourceIp, where it is an address"),
            (Common::UserName, "identity.user, else authorizer.principalId, else authorizer.claims.sub"),
            (Common::SessionName, "session in identity.userArn"),
            (Common::HttpMethod, "httpMethod, else the method of routeKey"),
            (Common::EventAction, "httpMethod, or eventType of a WebSocket API"),
            (Common::UrlPath, "path, else resourcePath, else the path of routeKey"),
            (Common::Target, "as url_path, else routeKey"),
            (Common::RequestId, "requestId; extendedRequestId where that is unset or no UUID"),
            (Common::TraceId, "xrayTraceId without Root="),
            (Common::EventOutcome, "failure from status 400 on, else success"),
            (Common::ErrorCode, "error.responseType, error.message, error.messageString or integration.error"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        fields::cell_of(name)
    }

    fn claims(&self, record: &Record<'_>, options: &Options) -> Option<Claim> {
        let text = record.text.trim();
        if options.apigw_format.as_deref().and_then(Template::new).is_some_and(|template| template.matches(text)) {
            return Some(Claim { score: 88, reason: "made by the access log format that was given" });
        }
        match text.as_bytes().first()? {
            b'{' => is_access_log(text)
                .then_some(Claim { score: 80, reason: "a flat JSON object with requestId, status and route" }),
            b'<' => text::xml_request(text).map(|_| Claim { score: 80, reason: "XML with a request and its id" }),
            _ => text::clf(text)
                .map(|_| Claim { score: 70, reason: "common log format ending in an API Gateway request id" })
                .or_else(|| {
                    let reason = "the columns of an API Gateway console format";
                    text::csv(text).map(|_| Claim { score: 75, reason })
                }),
        }
    }

    fn parser(&self, options: &Options) -> Box<dyn Parser> {
        let template = options.apigw_format.as_deref().and_then(Template::new).map(Arc::new);
        Box::new(AccessParser { template })
    }
}

/// An id, three other names of variables, and nothing that an application's own line or a whole event has.
fn is_access_log(text: &str) -> bool {
    let names = members::names(text);
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("requestContext") || has("eventVersion") || (has("level") && has("message")) {
        return false;
    }
    let cells: Vec<usize> = names.iter().filter_map(|name| fields::cell_of(name)).collect();
    let is_id = |cell: &usize| matches!(*cell, fields::REQUEST_ID | fields::EXTENDED_ID);
    let branches = names.iter().filter(|name| matches!(name.as_ref(), "identity" | "integration" | "authorizer"));
    let rest = cells.iter().filter(|cell| !is_id(cell)).count() + branches.count();
    cells.iter().any(is_id) && rest >= 3 && cells.iter().any(|cell| SURE.contains(cell))
}

struct AccessParser {
    template: Option<Arc<Template>>,
}

impl Parser for AccessParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let text = record.text.trim();
        let done = self.template.as_ref().is_some_and(|template| template.fill(row, text));
        if !done && let Err(detail) = sniff(row, text) {
            return Outcome::Reject(Reject::malformed(detail));
        }
        if row.native[fields::REQUEST_ID].is_null() && row.native[fields::EXTENDED_ID].is_null() {
            return Outcome::Reject(Reject::malformed("neither requestId nor extendedRequestId"));
        }
        let envelope = record.envelope.and_then(|envelope| envelope.time);
        let Some(time) = own_time(row).or(envelope) else {
            return Outcome::Reject(Reject::malformed("no requestTime, requestTimeEpoch or CloudWatch timestamp"));
        };
        row.set(Common::EventTime, Value::Time(time));
        derive(row, time);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(AccessParser { template: self.template.clone() })
    }
}

/// Whom the token of the request names, in a claim that the access log format asks for. The line has the name of the
/// variable, or one that its author gave it.
fn subject(row: &Row<'_>) -> Option<String> {
    const NAMES: [&str; 3] = ["authorizer.claims.sub", "claims.sub", "sub"];
    let (_, json) = row.extra.iter().find(|(name, _)| NAMES.contains(&name.as_ref()))?;
    serde_json::from_str(json).ok()
}

/// Fills the row by the line's own looks.
fn sniff<'r>(row: &mut Row<'r>, line: &'r str) -> Result<(), &'static str> {
    match line.as_bytes().first() {
        Some(b'{') => members::fill(row, line),
        Some(b'<') => text::xml(row, line),
        _ => {
            let cells = text::clf(line).or_else(|| text::csv(line));
            text::fill(row, cells.ok_or("no access log format of the console's made it")?);
            Ok(())
        }
    }
}

/// requestTimeEpoch is the finer one where it is in milliseconds.
fn own_time(row: &Row<'_>) -> Option<Micros> {
    [fields::TIME_EPOCH, fields::REQUEST_TIME].into_iter().find_map(|cell| match row.native[cell] {
        Value::Time(time) => Some(time),
        _ => None,
    })
}

fn owned(text: Option<&str>) -> Value<'static> {
    text.map_or(Value::Null, |text| Value::owned(text.to_owned()))
}

fn derive(row: &mut Row<'_>, time: Micros) {
    if let Value::Int(latency @ 0..=86_400_000) = row.native[fields::LATENCY] {
        row.set(Common::EventEnd, Value::Time(Micros(time.0.saturating_add(latency * 1_000))));
    }
    let text = |row: &Row<'_>, cell: usize| row.native[cell].as_str().map(str::to_owned);
    if let Some(ip) = text(row, fields::IP).filter(|ip| tokens::ip(ip).is_some()) {
        row.set(Common::SourceIp, Value::owned(ip));
    }
    set_request(row);
    let arn = text(row, fields::USER_ARN);
    row.set(Common::SessionName, owned(arn.as_deref().and_then(session)));
    row.set(Common::Region, owned(text(row, fields::DOMAIN).as_deref().and_then(region)));
    if row.native[fields::USER].is_null() {
        let principal = row.native[fields::PRINCIPAL_ID].clone();
        let named = if principal.is_null() { owned(subject(row).as_deref()) } else { principal };
        row.set(Common::UserName, named);
    }
    let own = text(row, fields::REQUEST_ID).filter(|id| id != REPLACED_ID);
    let id = own.or_else(|| text(row, fields::EXTENDED_ID)).or_else(|| text(row, fields::REQUEST_ID));
    row.set(Common::RequestId, owned(id.as_deref()));
    let trace = text(row, fields::TRACE);
    row.set(Common::TraceId, owned(trace.as_deref().and_then(tokens::trace_root)));
    if let Value::Int(status) = row.native[fields::STATUS] {
        row.set(Common::EventOutcome, Value::text(if status >= 400 { "failure" } else { "success" }));
    }
    let errors =
        [fields::ERROR_RESPONSE_TYPE, fields::ERROR_MESSAGE, fields::MESSAGE_STRING, fields::INTEGRATION_ERROR];
    if let Some(error) = errors.into_iter().find_map(|cell| text(row, cell)) {
        row.set(Common::ErrorCode, Value::owned(error));
    }
}

/// Method, path and target; a routeKey is `GET /pets`, `$default` or a WebSocket's route.
fn set_request(row: &mut Row<'_>) {
    let route = row.native[fields::ROUTE_KEY].as_str().map(str::to_owned);
    let parts = route.as_deref().and_then(|route| route.split_once(' ')).filter(|(_, path)| path.starts_with('/'));
    let method = match row.native[fields::METHOD].as_str() {
        Some(method) => Some(method.to_owned()),
        None => parts.map(|(method, _)| method.to_owned()).filter(|method| method != "ANY"),
    };
    row.set(Common::HttpMethod, owned(method.as_deref()));
    let event = row.native[fields::EVENT_TYPE].as_str().map(str::to_owned);
    row.set(Common::EventAction, owned(method.as_deref().or(event.as_deref())));
    let own = [fields::PATH, fields::RESOURCE_PATH].into_iter().find_map(|cell| row.native[cell].as_str());
    let path = own.or_else(|| parts.map(|(_, path)| path)).map(|path| tokens::url_path(path).to_owned());
    let target = path.clone().or(route);
    row.set(Common::UrlPath, owned(path.as_deref()));
    row.set(Common::Target, owned(target.as_deref()));
}

/// `arn:aws:sts::111122223333:assumed-role/Role/session`.
fn session(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":assumed-role/")?;
    Some(rest.split_once('/')?.1)
}

/// Of `abc.execute-api.eu-central-1.amazonaws.com`; a domain of one's own does not say.
fn region(domain: &str) -> Option<&str> {
    let (_, rest) = domain.split_once(".execute-api.")?;
    rest.split_once(".amazonaws.com").map(|(region, _)| region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Link, Origin};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };
    const ID: &str = "a1b2c3d4-0000-4111-8222-333344445555";

    fn options(format: Option<&str>) -> Options {
        Options { apigw_format: format.map(str::to_owned), ..Options::default() }
    }

    fn parse_by<'r>(text: &'r str, format: Option<&str>) -> (Outcome, Row<'r>) {
        let mut row = Row::new(FIELDS.len());
        let record = Record { text, envelope: None, origin: &ORIGIN };
        let outcome = ApiGateway.parser(&options(format)).parse(&record, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        parse_by(text, None)
    }

    fn score(text: &str, format: Option<&str>) -> Option<u8> {
        let record = Record { text, envelope: None, origin: &ORIGIN };
        ApiGateway.claims(&record, &options(format)).map(|claim| claim.score)
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
    fn a_message_in_two_pairs_of_quotes_is_an_event() {
        let line = format!(
            r#"{{"requestId":"{ID}","requestTime":"09/Mar/2024:10:11:12 +0000","status":"403","error.messageString":""Missing "Authentication" Token"","responseType":"MISSING_AUTHENTICATION_TOKEN"}}"#
        );
        let (outcome, row) = parse(&line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[fields::MESSAGE_STRING], Value::text("Missing \"Authentication\" Token"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("MISSING_AUTHENTICATION_TOKEN"));
        assert_eq!(score(&line, None), Some(80));
    }

    #[test]
    fn clf_of_the_three_kinds_of_api() {
        let rest = r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000]"GET /users/{id} HTTP/1.1" 403 42 a1b2c3d4-0000-1111-2222-333344445555 Vwc2abcdefGHIjk="#;
        for line in [rest, &rest.replace("]\"", "] \"")] {
            let (outcome, row) = parse(line);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
            assert_eq!(row.common(Common::UrlPath), &Value::text("/users/{id}"));
        }
        let (_, row) =
            parse(r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000] "GET GET /pets HTTP/1.1" 200 42 Vwc2abcdefGHIjk="#);
        assert_eq!(row.native[fields::ROUTE_KEY], Value::text("GET /pets"));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/pets"));
        let (_, row) =
            parse(r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000] "CONNECT $connect Vwc2x=" 200 Vwc2abcdefGHIjk="#);
        assert_eq!(row.common(Common::EventAction), &Value::text("CONNECT"));
        assert_eq!(row.native[fields::ROUTE_KEY], Value::text("$connect"));
        assert_eq!(row.common(Common::Target), &Value::text("$connect"));
        assert!(row.common(Common::UrlPath).is_null());
    }

    #[test]
    fn cells_are_the_same_in_every_encoding() {
        let ids = format!("{ID} Vwc2abcdefGHIjk=");
        let lines = [
            format!(
                r#"{{"requestId":"{ID}","extendedRequestId":"Vwc2abcdefGHIjk=","ip":"192.0.2.7","caller":"AIDAEXAMPLE","user":"-","requestTime":"09/Mar/2024:10:11:12 +0000","httpMethod":"GET","resourcePath":"/a","status":"200","protocol":"HTTP/1.1","responseLength":"42"}}"#
            ),
            format!(r#"192.0.2.7 AIDAEXAMPLE - [09/Mar/2024:10:11:12 +0000]"GET /a HTTP/1.1" 200 42 {ids}"#),
            format!("192.0.2.7,AIDAEXAMPLE,-,09/Mar/2024:10:11:12 +0000,GET,/a,HTTP/1.1,200,42,{ID},Vwc2abcdefGHIjk="),
            format!(
                "<request id=\"{ID}\"> <extendedRequestId>Vwc2abcdefGHIjk=</extendedRequestId> <ip>192.0.2.7</ip> <caller>AIDAEXAMPLE</caller> <user>-</user> <requestTime>09/Mar/2024:10:11:12 +0000</requestTime> <httpMethod>GET</httpMethod> <resourcePath>/a</resourcePath> <status>200</status> <protocol>HTTP/1.1</protocol> <responseLength>42</responseLength> </request>"
            ),
        ];
        let (_, first) = parse(&lines[0]);
        assert_eq!(first.native.iter().filter(|value| !value.is_null()).count(), 10);
        for line in &lines {
            let (outcome, row) = parse(line);
            assert_eq!(outcome, Outcome::Event, "{line}");
            assert_eq!(row.native, first.native, "{line}");
            assert!(score(line, None).is_some(), "{line}");
        }
    }

    #[test]
    fn a_given_format_reads_its_lines_and_leaves_the_others() {
        let format = "$context.requestTimeEpoch|$context.identity.sourceIp|$context.routeKey|$context.status|$context.identity.userAgent|$context.authorizer.claims.sub|$context.requestId";
        let line = "1709979072250|192.0.2.7|GET /pets|200|a, b|user-1|JKJaXmPLvHcESHB=";
        assert_eq!((score(line, Some(format)), score(line, None)), (Some(88), None));
        let (outcome, row) = parse_by(line, Some(format));
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2024-03-09T10:11:12.250000Z");
        assert_eq!(row.common(Common::HttpMethod), &Value::text("GET"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("a, b"));
        assert_eq!(row.extra_json().unwrap(), r#"{"authorizer.claims.sub":"user-1"}"#);
        assert_eq!(row.common(Common::UserName), &Value::text("user-1"));
        let other = r#"192.0.2.7 - - [09/Mar/2024:10:11:12 +0000]"GET /a HTTP/1.1" 200 42 JKJaXmPLvHcESHB="#;
        assert_eq!(score(other, Some(format)), Some(70));
        assert_eq!(parse_by(other, Some(format)).0, Outcome::Event);
    }

    #[test]
    fn a_replaced_request_id_is_no_identity() {
        let line = format!(
            r#"{{"requestId":"{REPLACED_ID}","extendedRequestId":"Vwc2abcdefGHIjk=","requestTimeEpoch":"1709979072250","responseLatency":"50","identity":{{"userArn":"arn:aws:sts::111122223333:assumed-role/Web/jane"}},"domainName":"a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"}}"#
        );
        let (outcome, row) = parse(&line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::RequestId), &Value::text("Vwc2abcdefGHIjk="));
        assert_eq!(row.links(Link::RequestId), ["Vwc2abcdefGHIjk="]);
        assert_eq!(row.common(Common::SessionName), &Value::text("jane"));
        assert_eq!(row.common(Common::Region), &Value::text("eu-central-1"));
        assert_eq!(row.common(Common::EventEnd), &Value::Time(Micros(1_709_979_072_300_000)));
    }

    #[test]
    fn other_lines_are_not_claimed() {
        for line in [
            r#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023 "http://x" "Mozilla""#,
            r#"83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023"#,
            r#"{"level":"INFO","message":"done","requestId":"a","httpMethod":"GET","status":200,"resourcePath":"/"}"#,
            r#"{"requestContext":{},"requestId":"a","httpMethod":"GET","status":200,"resourcePath":"/"}"#,
            r#"{"requestId":"a","status":200,"ip":"192.0.2.1","user":"x"}"#,
            "<request>1</request>",
            "",
        ] {
            assert_eq!(score(line, None), None, "{line}");
        }
    }
}
