//! ALB access log. Facts: AWS, "Access logs for your Application Load Balancer"; fields are read by
//! position, older lines stop earlier, newer ones may go on.

use super::shared::elb::{self, Layout};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Row};

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
const TIME: usize = 1;
const CLIENT: usize = 3;
const TARGET: usize = 5;
const STATUS: usize = 10;
const REQUEST: usize = 14;
const TARGET_GROUP: usize = 19;
const TRACE: usize = 20;
const CERTIFICATE: usize = 22;
const ACTIONS: usize = 25;

static ORDER: [usize; 34] = elb::order(&FIELDS);

static LAYOUT: Layout = Layout {
    fewest: 12,
    time: TIME,
    pairs: &[CLIENT, TARGET],
    aliases: &[
        ("client_port", CLIENT),
        ("client_ip", CLIENT),
        ("target_port", TARGET),
        ("target_ip", TARGET),
        ("request_line", REQUEST),
        ("target_port_list", 28),
        ("timestamp", TIME),
    ],
    signs: &[
        "request_line",
        "request_processing_time",
        "target_processing_time",
        "response_processing_time",
        "elb_status_code",
        "target_status_code",
        "target_group_arn",
        "matched_rule_priority",
        "request_creation_time",
        "actions_executed",
        "redirect_url",
        "error_reason",
        "target_port_list",
        "target_status_code_list",
        "classification",
        "classification_reason",
        "transformed_host",
        "transformed_uri",
        "request_transform_status",
    ],
    elb: "app/",
    ..Layout::of_lines(&FIELDS, &ORDER)
};

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
            (Common::EventTime, "the CloudWatch timestamp where a JSON record has no time"),
            (Common::EventEnd, "time"),
            (Common::AccountId, "account of target_group_arn, else of chosen_cert_arn"),
            (Common::Region, "region of target_group_arn, else of chosen_cert_arn"),
            (Common::EventAction, "method of request"),
            (Common::HttpMethod, "method of request"),
            (Common::UrlPath, "path of request, without the query"),
            (Common::Target, "path of request, without the query"),
            (Common::TraceId, "Root of trace_id"),
            (
                Common::EventOutcome,
                "failure from elb_status_code 400 on, and where waf is the last of actions_executed; else success",
            ),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = record.text.splitn(5, ' ');
        let (kind, time) = (tokens.next()?, tokens.next().unwrap_or_default());
        if Micros::parse_rfc3339(time).is_none() {
            return LAYOUT.claims_object(record.text);
        }
        let (elb, client) = (tokens.next()?, tokens.next()?);
        let known = TYPES.contains(&kind);
        if elb.starts_with("app/") && known {
            return Some(Claim { score: 95, reason: "a request type, a time and an app/… load balancer id" });
        }
        let (address, port) = tokens::ip_port(client);
        // An address that is masked is none; the rest of the line still tells.
        let masked = known && elb.contains('/') && address.contains('.');
        if port.is_none() || (tokens::ip(address).is_none() && !masked) {
            return None;
        }
        let word = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if elb.starts_with("app/") && word {
            return Some(Claim { score: 85, reason: "a word, a time, an app/… load balancer id and a client:port" });
        }
        // A number there is the latency of a health check.
        (known && elb.parse::<f64>().is_err())
            .then_some(Claim { score: 85, reason: "a request type, a time, a name and a client:port" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let outcome = LAYOUT.read(record, row, is_shifted, is_tail);
    if outcome == Outcome::Event {
        derive(row);
    }
    outcome
}

/// A text with an odd number of quotes moves what follows to the wrong cells; the typed ones show it.
fn is_shifted(row: &Row<'_>) -> bool {
    !row.extra.is_empty() || row.native[TARGET_GROUP].as_str().is_some_and(|arn| !arn.starts_with("arn:"))
}

/// `cipher protocol target-group "trace" "domain" "certificate" priority creation-time …`, or as much of it as
/// older lines have.
fn is_tail(text: &str) -> bool {
    let mut tokens = tokens::split(text);
    let mut bare = || tokens.rest().is_some_and(|rest| !rest.starts_with('"')) && tokens.next().is_some();
    if !bare() || !bare() {
        return false;
    }
    let group = tokens.next().is_none_or(|arn| arn == "-" || arn.starts_with("arn:"));
    let priority = tokens.nth(3).is_none_or(|n| n == "-" || n.parse::<i32>().is_ok());
    group && priority && tokens.next().is_none_or(|time| time == "-" || Micros::parse_rfc3339(time).is_some())
}

/// WAF let the request go no further, where its name is the last.
fn ends_with_waf(actions: &str) -> bool {
    actions.strip_suffix("waf").is_some_and(|before| before.is_empty() || before.ends_with(','))
}

fn derive(row: &mut Row<'_>) {
    elb::set_request(row, REQUEST);
    let root = elb::part(&row.native[TRACE], tokens::trace_root);
    row.set(Common::TraceId, root);
    let end = row.native[TIME].clone();
    row.set(Common::EventEnd, end);
    elb::set_outcome(row, STATUS);
    // A rule of WAF may answer with any status.
    if row.native[ACTIONS].as_str().is_some_and(ends_with_waf) {
        row.set(Common::EventOutcome, elb::outcome(false));
    }
    elb::set_owner(row, TARGET_GROUP);
    elb::set_owner(row, CERTIFICATE);
    elb::link_arn(row, CERTIFICATE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Value};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(line: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text: line, envelope: None, origin: &ORIGIN }, &mut row);
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
        assert_eq!(row.native[REQUEST + 1], Value::text("http://demo-1.us-east-1.elb.amazonaws.com:80"));
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
        assert_eq!(row.native[REQUEST + 1], Value::text("https://h:443/a b?x=\"y"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("agent \"q\""));
    }

    const HEAD: &str = "https 2026-03-02T08:15:40.000000Z app/web/1 203.0.113.16:5121 10.0.1.20:8080 0.001 0.012 0.000 200 200 512 1843";
    const TAIL: &str = r#"ECDHE TLSv1.3 arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/7 "Root=1-a-b" "shop.example.com" "arn:aws:acm:eu-central-1:111122223333:certificate/1" 1 2026-03-02T08:15:39.990000Z "forward" "-" "-" "10.0.1.20:8080" "200" "-" "-" TID_0 "-" "-" "-" 10.0.0.5"#;

    #[test]
    fn quotes_that_do_not_pair() {
        for (texts, path, agent) in [
            (r#""GET https://h:443/odd HTTP/1.1" "a " b" c""#, "/odd", r#"a " b" c"#),
            (r#""GET https://h:443/o"d x" HTTP/1.1" "a""#, "/o\"d x\"", "a"),
            (r#""GET https://h:443/p HTTP/1.1 "a""#, "/p", "a"),
            (r#""GET https://h:443/q HTTP/1.1" "a" - "#, "/q", r#"a" - "#),
        ] {
            let line = format!("{HEAD} {texts}\" {TAIL}").replace("\"\" ", "\" ");
            let (outcome, row) = parse(&line);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.common(Common::UrlPath), &Value::text(path), "{line}");
            assert_eq!(row.common(Common::UserAgent), &Value::text(agent), "{line}");
            assert_eq!(row.common(Common::TraceId), &Value::text("1-a-b"), "{line}");
            assert_eq!(row.common(Common::Region), &Value::text("eu-central-1"), "{line}");
            assert_eq!(row.native[36], Value::text("10.0.0.5"), "{line}");
            assert!(row.extra.is_empty(), "{line}");
        }
    }

    #[test]
    fn a_line_cut_inside_its_request() {
        let line = format!("{HEAD} \"GET https://h:443/a b?c");
        let (outcome, row) = parse(&line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[REQUEST], Value::text("GET https://h:443/a b?c"));
        assert_eq!(row.common(Common::HttpMethod), &Value::text("GET"));
        assert!(row.common(Common::UserAgent).is_null());
    }

    #[test]
    fn undocumented_tokens_and_values_are_kept() {
        let line = format!(r#"{HEAD} "GET https://h:443/ HTTP/1.1" "a" {TAIL} "-" "b c" d"#).replace(" 512 ", " many ");
        let (outcome, row) = parse(&line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[37], Value::text(r#""-" "b c" d"#));
        assert!(row.common(Common::BytesIn).is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"received_bytes":"many"}"#);
        assert_eq!(row.links(Link::Arn).len(), 2);
    }

    #[test]
    fn waf_ends_a_request_whatever_its_status() {
        for (actions, expected) in
            [("waf,forward", "success"), ("authenticate,waf", "failure"), ("waf-failed", "success")]
        {
            let line = format!(r#"{HEAD} "GET https://h:443/ HTTP/1.1" "a" {TAIL}"#).replace("\"forward\"", actions);
            assert_eq!(parse(&line).1.common(Common::EventOutcome), &Value::text(expected), "{actions}");
        }
    }

    #[test]
    fn vended_records() {
        let claim = |text: &str| {
            Alb.claims(&Record { text, envelope: None, origin: &ORIGIN }, &Options::default()).map(|claim| claim.score)
        };
        let text = r#"{"elb_status_code":"502","time":"2026-03-02T08:15:30.123456Z","client_port":40001,"target_port":"2001:db8::7:80","request_line":"GET http:\/\/h:80\/a?b HTTP/1.1","sent_bytes":7,"other":{"a":1}}"#;
        let (outcome, row) = parse(text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(502));
        assert_eq!(row.common(Common::SourcePort), &Value::Int(40_001));
        assert!(row.common(Common::SourceIp).is_null());
        assert_eq!(row.common(Common::DestinationIp), &Value::text("2001:db8::7"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(80));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a"));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(7));
        assert_eq!(row.extra_json().unwrap(), r#"{"other":{"a":1}}"#);
        assert_eq!(claim(text), None, "vended records are flat");
        assert_eq!(claim(&text.replace(r#"{"a":1}"#, "1")), Some(70));
        assert_eq!(claim(r#"{"elb":"app/a/b","type":"http","request_line":"-"}"#), Some(92));
        assert_eq!(claim(r#"{"elb":"net/a/b","type":"tls","listener":"x"}"#), None);
        let foreign = r#"{"time":"2026-03-02T08:15:30Z","type":"x","level":"info","message":"m","logger":"l"}"#;
        assert!(claim(foreign).is_none() && matches!(parse(foreign).0, Outcome::Reject(_)));
    }

    #[test]
    fn hostile_lines_cost_linear_time() {
        for piece in ["\" ", "\"a ", "\" \"", "a\" \"b", " "] {
            let line = format!("{HEAD} \"{}", piece.repeat(400_000));
            assert_eq!(parse(&line).0, Outcome::Event, "{piece}");
        }
    }
}
