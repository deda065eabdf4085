//! ALB access log. Facts: AWS, "Access logs for your Application Load Balancer"; fields are read by
//! position, older lines stop earlier, newer ones may go on.

use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};

pub struct Alb;

/// Native cells; a token that holds `ip:port` fills two of them.
#[rustfmt::skip]
static FIELDS: [Field; 38] = [
    Field::new("alb_type", "type", Kind::Str),
    Field::new("alb_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("alb_elb", "elb", Kind::Str).feeds(Common::Resource),
    Field::new("alb_client_ip", "client:port", Kind::Str).feeds(Common::SourceIp),
    Field::new("alb_client_port", "client:port", Kind::Int).feeds(Common::SourcePort),
    Field::new("alb_target_ip", "target:port", Kind::Str).feeds(Common::DestinationIp),
    Field::new("alb_target_port", "target:port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("alb_request_processing_time", "request_processing_time", Kind::Float),
    Field::new("alb_target_processing_time", "target_processing_time", Kind::Float),
    Field::new("alb_response_processing_time", "response_processing_time", Kind::Float),
    Field::new("alb_elb_status_code", "elb_status_code", Kind::Int).feeds(Common::HttpStatus),
    Field::new("alb_target_status_code", "target_status_code", Kind::Int),
    Field::new("alb_received_bytes", "received_bytes", Kind::Int).feeds(Common::BytesIn),
    Field::new("alb_sent_bytes", "sent_bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("alb_request", "request", Kind::Str),
    Field::new("alb_request_url", "request", Kind::Str),
    Field::new("alb_user_agent", "user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("alb_ssl_cipher", "ssl_cipher", Kind::Str),
    Field::new("alb_ssl_protocol", "ssl_protocol", Kind::Str),
    Field::new("alb_target_group_arn", "target_group_arn", Kind::Str).link(Link::Arn),
    Field::new("alb_trace_id", "trace_id", Kind::Str),
    Field::new("alb_domain_name", "domain_name", Kind::Str),
    Field::new("alb_chosen_cert_arn", "chosen_cert_arn", Kind::Str),
    Field::new("alb_matched_rule_priority", "matched_rule_priority", Kind::Int),
    Field::new("alb_request_creation_time", "request_creation_time", Kind::Time),
    Field::new("alb_actions_executed", "actions_executed", Kind::Str),
    Field::new("alb_redirect_url", "redirect_url", Kind::Str),
    Field::new("alb_error_reason", "error_reason", Kind::Str).feeds(Common::ErrorCode),
    Field::new("alb_target_port_list", "target:port_list", Kind::Str),
    Field::new("alb_target_status_code_list", "target_status_code_list", Kind::Str),
    Field::new("alb_classification", "classification", Kind::Str),
    Field::new("alb_classification_reason", "classification_reason", Kind::Str),
    Field::new("alb_conn_trace_id", "conn_trace_id", Kind::Str).link(Link::RequestId),
    Field::new("alb_transformed_host", "transformed_host", Kind::Str),
    Field::new("alb_transformed_uri", "transformed_uri", Kind::Str),
    Field::new("alb_request_transform_status", "request_transform_status", Kind::Str),
    Field::new("alb_ip_address", "ip_address", Kind::Str).link(Link::Ip),
    Field::new("alb_extra", "(undocumented)", Kind::Str),
];

/// Cells that need more than their kind's parser.
const CLIENT: usize = 3;
const TARGET: usize = 5;
const STATUS: usize = 10;
const REQUEST: usize = 14;
const URL: usize = 15;
const TRACE: usize = 20;
const EXTRA: usize = 37;
/// Tokens every line had from the first day: up to the quoted request.
const FEWEST_TOKENS: usize = 12;

const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

impl LogFormat for Alb {
    fn id(&self) -> &'static str {
        "alb"
    }

    fn title(&self) -> &'static str {
        "Application Load Balancer access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventEnd, "time"),
            (Common::EventAction, "method of request"),
            (Common::HttpMethod, "method of request"),
            (Common::UrlPath, "path of request, without the query"),
            (Common::Target, "path of request, without the query"),
            (Common::TraceId, "Root of trace_id"),
            (Common::EventOutcome, "failure from elb_status_code 400 on, else success"),
        ]
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = record.text.splitn(5, ' ');
        let kind = tokens.next()?;
        let time = tokens.next()?;
        let (_, used) = Micros::parse_rfc3339_prefix(time.as_bytes())?;
        let (elb, client) = (tokens.next()?, tokens.next()?);
        if !TYPES.contains(&kind) || used != time.len() {
            return None;
        }
        if elb.starts_with("app/") {
            return Some(Claim { score: 95, reason: "a request type, a time and an app/… load balancer id" });
        }
        tokens::ip_port(client)
            .1
            .map(|_| Claim { score: 85, reason: "a request type, a time, a name and a client:port" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(AlbParser)
    }
}

struct AlbParser;

impl Parser for AlbParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let mut cell = 0;
        let mut count = 0;
        for token in tokens::split(record.text) {
            count += 1;
            if cell >= EXTRA {
                let more = match row.native[EXTRA].as_str() {
                    Some(before) => Value::owned(format!("{before} {token}")),
                    None => Value::text(token),
                };
                row.native[EXTRA] = more;
                continue;
            }
            cell = set_token(row, cell, token);
        }
        if count < FEWEST_TOKENS {
            return Outcome::Reject(Reject::malformed(format!("{count} fields, at least {FEWEST_TOKENS} expected")));
        }
        if row.native[1].is_null() {
            return Outcome::Reject(Reject::malformed("field 2 (time) is not a time"));
        }
        derive(row);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(AlbParser)
    }
}

/// Stores one token from cell `cell` on; returns the next free cell.
fn set_token<'r>(row: &mut Row<'r>, cell: usize, token: &'r str) -> usize {
    match cell {
        CLIENT | TARGET => {
            let (address, port) = tokens::ip_port(token);
            row.native[cell] = tokens::ip(address).map_or(Value::text(address), Value::Str);
            row.native[cell + 1] = port.map_or(Value::Null, Value::Int);
            cell + 2
        }
        REQUEST => {
            row.native[REQUEST] = text(token);
            set_request(row, token);
            cell + 2
        }
        _ => {
            row.native[cell] = match FIELDS[cell].kind {
                Kind::Int => Value::int(token),
                Kind::Float => Value::float(token),
                Kind::Time => Value::time(Micros::parse_rfc3339(token)),
                Kind::Str | Kind::Bool | Kind::Json => text(token),
            };
            cell + 1
        }
    }
}

fn text(token: &str) -> Value<'_> {
    match Value::text(token) {
        Value::Str(_) => Value::Str(tokens::unescape_hex(token)),
        null => null,
    }
}

/// `METHOD url HTTP/x`: the URL may hold blanks, so the method ends at the first and the version
/// begins after the last. A malformed request has `-` for method and version.
fn set_request<'r>(row: &mut Row<'r>, request: &'r str) {
    let Some((method, rest)) = request.split_once(' ') else {
        return;
    };
    let url = rest.rsplit_once(' ').map_or(rest, |(url, _)| url);
    let method = Value::text(method);
    let url = if method.is_null() { url.strip_suffix('-').unwrap_or(url) } else { url };
    row.native[URL] = text(url.trim());
    let path = Value::text(tokens::url_path(url.trim()));
    row.set(Common::EventAction, method.clone());
    row.set(Common::HttpMethod, method);
    row.set(Common::UrlPath, path.clone());
    row.set(Common::Target, path);
}

fn derive(row: &mut Row<'_>) {
    if let Some(root) = row.native[TRACE].as_str().and_then(tokens::trace_root) {
        let root = root.to_owned();
        row.set(Common::TraceId, Value::owned(root));
    }
    let end = row.native[1].clone();
    row.set(Common::EventEnd, end);
    if let Value::Int(status) = row.native[STATUS] {
        let outcome = if status >= 400 { "failure" } else { "success" };
        row.set(Common::EventOutcome, Value::text(outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(line: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = AlbParser.parse(&Record { text: line, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    /// The malformed request of the access log guide's shape: rule priority `-`, three bare dashes.
    const MALFORMED: &str = r#"http 2025-03-01T10:00:00.000000Z app/demo/0123456789abcdef 198.51.100.7:40001 - -1 -1 -1 400 - 0 272 "- http://demo-1.us-east-1.elb.amazonaws.com:80- -" "-" - - - "-" "-" "-" - 2025-03-01T09:59:59.999000Z "-" "-" "-" "-" "-" "-" "-" TID_00112233445566778899aabbccddeeff"#;

    #[test]
    fn a_malformed_request_is_an_event() {
        let (outcome, row) = parse(MALFORMED);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourceIp), &Value::text("198.51.100.7"));
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(400));
        assert!(row.common(Common::HttpMethod).is_null());
        assert_eq!(row.native[URL], Value::text("http://demo-1.us-east-1.elb.amazonaws.com:80"));
        assert_eq!(row.native[7], Value::Float(-1.0));
        assert_eq!(row.links(Link::RequestId), ["TID_00112233445566778899aabbccddeeff"]);
    }

    #[test]
    fn every_length_of_line_parses() {
        let whole = format!("{MALFORMED} \"-\" \"-\" \"-\" 203.0.113.10 \"-\" \"-\" a b c d");
        let all: Vec<&str> = tokens::split(&whole).collect();
        for n in [12, 15, 17, 20, 25, 29, 30, 33, 34, 36, 40] {
            let line = all[..n].iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(" ");
            let (outcome, row) = parse(&line);
            assert_eq!(outcome, Outcome::Event, "{n} fields");
            assert_eq!(row.native[36].is_null(), n < 34, "{n} fields");
        }
        let (outcome, _) = parse("http 2025-03-01T10:00:00Z app/x/y 1.2.3.4:1");
        assert!(matches!(outcome, Outcome::Reject(_)));
    }

    #[test]
    fn ipv6_blanks_in_the_url_and_an_empty_status() {
        let line = r#"h2 2025-03-01T10:00:00.000000Z app/a/b 2001:DB8::F215:50718 10.0.0.1:80 0.001 0.002 0.000  - 5 7 "GET https://h:443/a b?x=\x22y HTTP/2.0" "agent \x22q\x22""#;
        let (outcome, row) = parse(line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::f215"));
        assert_eq!(row.common(Common::SourcePort), &Value::Int(50_718));
        assert!(row.common(Common::HttpStatus).is_null());
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a b"));
        assert_eq!(row.native[URL], Value::text("https://h:443/a b?x=\"y"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("agent \"q\""));
    }
}
