//! AWS WAF web ACL logs, of WAF and of WAF Classic. Facts: AWS, "Logging AWS WAF web ACL traffic". One
//! JSON object a record, the same in S3, CloudWatch Logs and Firehose.

use super::shared::derive;
use super::shared::json_row::JsonMap;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct Waf;

#[rustfmt::skip]
static FIELDS: [Field; 36] = [
    Field::new("waf_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("waf_format_version", "formatVersion", Kind::Int),
    Field::new("waf_webacl_id", "webaclId", Kind::Str).feeds(Common::Resource),
    Field::new("waf_terminating_rule_id", "terminatingRuleId", Kind::Str),
    Field::new("waf_terminating_rule_type", "terminatingRuleType", Kind::Str),
    Field::new("waf_action", "action", Kind::Str).feeds(Common::EventAction),
    Field::new("waf_terminating_rule_match_details", "terminatingRuleMatchDetails", Kind::Json),
    Field::new("waf_http_source_name", "httpSourceName", Kind::Str),
    Field::new("waf_http_source_id", "httpSourceId", Kind::Str),
    Field::new("waf_rule_group_list", "ruleGroupList", Kind::Json),
    Field::new("waf_rate_based_rule_list", "rateBasedRuleList", Kind::Json),
    Field::new("waf_non_terminating_matching_rules", "nonTerminatingMatchingRules", Kind::Json),
    Field::new("waf_request_headers_inserted", "requestHeadersInserted", Kind::Json),
    Field::new("waf_response_code_sent", "responseCodeSent", Kind::Int).feeds(Common::HttpStatus),
    Field::new("waf_http_request_client_ip", "httpRequest.clientIp", Kind::Str).feeds(Common::SourceIp),
    Field::new("waf_http_request_country", "httpRequest.country", Kind::Str),
    Field::new("waf_http_request_headers", "httpRequest.headers", Kind::Json),
    Field::new("waf_http_request_uri", "httpRequest.uri", Kind::Str),
    Field::new("waf_http_request_args", "httpRequest.args", Kind::Str),
    Field::new("waf_http_request_http_version", "httpRequest.httpVersion", Kind::Str),
    Field::new("waf_http_request_http_method", "httpRequest.httpMethod", Kind::Str).feeds(Common::HttpMethod),
    Field::new("waf_http_request_request_id", "httpRequest.requestId", Kind::Str),
    Field::new("waf_http_request_fragment", "httpRequest.fragment", Kind::Str),
    Field::new("waf_http_request_scheme", "httpRequest.scheme", Kind::Str),
    Field::new("waf_http_request_host", "httpRequest.host", Kind::Str),
    Field::new("waf_labels", "labels", Kind::Json),
    Field::new("waf_captcha_response", "captchaResponse", Kind::Json),
    Field::new("waf_challenge_response", "challengeResponse", Kind::Json),
    Field::new("waf_ja3_fingerprint", "ja3Fingerprint", Kind::Str),
    Field::new("waf_ja4_fingerprint", "ja4Fingerprint", Kind::Str),
    Field::new("waf_client_asn", "clientAsn", Kind::Int),
    Field::new("waf_forwarded_asn", "forwardedAsn", Kind::Int),
    Field::new("waf_request_body_size", "requestBodySize", Kind::Int).feeds(Common::BytesIn),
    Field::new("waf_request_body_size_inspected_by_waf", "requestBodySizeInspectedByWAF", Kind::Int),
    Field::new("waf_oversize_fields", "oversizeFields", Kind::Json),
    Field::new("waf_cf_distribution_tenant_id", "cfDistributionTenantId", Kind::Str),
];

const TIMESTAMP: usize = 0;
const WEB_ACL: usize = 2;
const ACTION: usize = 5;
const SOURCE_ID: usize = 8;
const CLIENT_IP: usize = 14;
const HEADERS: usize = 16;
const URI: usize = 17;
const REQUEST_ID: usize = 21;
const HOST: usize = 24;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

impl LogFormat for Waf {
    fn id(&self) -> &'static str {
        "waf"
    }

    fn title(&self) -> &'static str {
        "AWS WAF web ACL log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::AccountId, "account of the ARN in webaclId, else the one httpSourceId begins with"),
            (Common::Region, "region of the ARN in webaclId"),
            (Common::EventOutcome, "failure for BLOCK, CAPTCHA and CHALLENGE, success for ALLOW"),
            (Common::UrlPath, "httpRequest.uri unless it is redacted"),
            (Common::Target, "Host and uri, else httpSourceId"),
            (Common::UserAgent, "User-Agent in httpRequest.headers"),
            (Common::RequestId, "httpRequest.requestId where it is no trace id"),
            (Common::TraceId, "httpRequest.requestId of a load balancer, else Root of X-Amzn-Trace-Id"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let named = text.starts_with('{')
            && ["\"webaclId\"", "\"terminatingRuleId\"", "\"httpRequest\""].iter().all(|name| text.contains(name));
        named.then_some(Claim { score: 93, reason: "a JSON object with webaclId, terminatingRuleId and httpRequest" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(reject) = MAP.fill_record(row, &FIELDS, record.text) {
        return Outcome::Reject(reject);
    }
    if row.native[WEB_ACL].is_null() && row.native[ACTION].is_null() {
        return Outcome::Reject(Reject::malformed("neither webaclId nor action"));
    }
    if let Err(reject) = derive::set_time(row, TIMESTAMP, record.envelope, "timestamp is missing or no time") {
        return Outcome::Reject(reject);
    }
    derive_common(row);
    Outcome::Event
}

/// The request headers that other logs know the request by.
#[derive(Default)]
struct Headers {
    host: Option<String>,
    user_agent: Option<String>,
    trace: Option<String>,
    forwarded: Vec<String>,
    /// `X-Amz-Cf-Id`: the distribution's id of the request, where one is in front.
    edge_id: Option<String>,
}

fn read_headers(text: &str) -> Headers {
    let mut headers = Headers::default();
    let Ok(Json::Array(array)) = json::parse(text) else {
        return headers;
    };
    for header in json::elements(array).map_while(Result::ok) {
        let (Some(name), Some(value)) = (header.get("name"), header.get("value")) else {
            continue;
        };
        let (Some(name), Some(value)) = (name.scalar(), value.scalar().filter(|v| !v.is_empty() && v != "REDACTED"))
        else {
            continue;
        };
        let value = value.into_owned();
        match name.to_ascii_lowercase().as_str() {
            "host" => headers.host = Some(value),
            "user-agent" => headers.user_agent = Some(value),
            "x-amzn-trace-id" => headers.trace = Some(value),
            "x-forwarded-for" => headers.forwarded.push(value),
            "x-amz-cf-id" => headers.edge_id = Some(value),
            _ => {}
        }
    }
    headers
}

fn derive_common(row: &mut Row<'_>) {
    derive::canonical_ip(row, CLIENT_IP);
    let headers = row.native[HEADERS].as_str().map(read_headers).unwrap_or_default();
    if let Some(agent) = headers.user_agent {
        row.set(Common::UserAgent, Value::owned(agent));
    }
    for list in &headers.forwarded {
        derive::link_forwarded(row, list);
    }
    if let Some(id) = headers.edge_id {
        row.add_link(Link::RequestId, Cow::Owned(id));
    }
    set_ids(row, headers.trace.as_deref());
    set_place(row);
    match row.native[ACTION].as_str() {
        Some("BLOCK" | "CAPTCHA" | "CHALLENGE") => row.set(Common::EventOutcome, Value::text("failure")),
        Some("ALLOW") => row.set(Common::EventOutcome, Value::text("success")),
        Some(_) | None => {}
    }
    let uri = row.native[URI].clone();
    let path = if uri.as_str() == Some("REDACTED") { Value::Null } else { uri };
    let host = headers.host.or_else(|| row.native[HOST].as_str().map(str::to_owned));
    let target = match host {
        Some(host) => Value::owned(host + path.as_str().unwrap_or_default()),
        None => row.native[SOURCE_ID].clone(),
    };
    row.set(Common::Target, target);
    row.set(Common::UrlPath, path);
}

/// Load balancers give their trace id as the request id; some requests have the word `null`.
fn set_ids(row: &mut Row<'_>, trace_header: Option<&str>) {
    let id = row.native[REQUEST_ID].clone();
    let text = id.as_str().unwrap_or_default();
    if let Some(root) = tokens::trace_root(text).filter(|root| is_trace(root)) {
        row.set(Common::TraceId, Value::owned(root.to_owned()));
    } else if text != "null" {
        row.set(Common::RequestId, id);
    }
    if let Some(root) = trace_header.and_then(tokens::trace_root).filter(|root| is_trace(root)) {
        row.set_default(Common::TraceId, Value::owned(root.to_owned()));
    }
}

/// `1-`, 8 hex digits, `-`, 24 hex digits.
fn is_trace(text: &str) -> bool {
    let hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    let mut parts = text.split('-');
    parts.next() == Some("1")
        && parts.next().is_some_and(|time| hex(time, 8))
        && parts.next().is_some_and(|rest| hex(rest, 24))
        && parts.next().is_none()
}

fn set_place(row: &mut Row<'_>) {
    if let Some(arn) = row.native[WEB_ACL].as_str().filter(|id| id.starts_with("arn:")).map(str::to_owned) {
        derive::place_of_arn(row, &arn);
        row.add_link(Link::Arn, Cow::Owned(arn));
    }
    // `<account>-app/<name>/<hash>` of a load balancer, `<account>:<api>:<stage>` of an API.
    let source = row.native[SOURCE_ID].as_str().and_then(|id| id.split(['-', ':']).next());
    if let Some(account) = source.filter(|id| derive::is_account(id)).map(str::to_owned) {
        row.set_default(Common::AccountId, Value::owned(account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Micros, Origin};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn a_blocked_request_of_a_load_balancer() {
        let (outcome, row) = parse(
            r#"{"timestamp":1576280412771,"formatVersion":1,"webaclId":"arn:aws:wafv2:ap-southeast-2:111122223333:regional/webacl/test/1","terminatingRuleId":"r","action":"BLOCK","httpSourceName":"ALB","httpSourceId":"123456789012-app/web/6a19","terminatingRuleMatchDetails":[{"conditionType":"XSS"}],"httpRequest":{"clientIp":"2001:DB8::7","headers":[{"name":"hOsT","value":"shop.example.com"},{"name":"user-agent","value":"a \"b\""},{"name":"X-Forwarded-For","value":"192.0.2.9"},{"name":"X-Amz-Cf-Id","value":"edge=="},{"name":"odd","myValue":"x"}],"uri":"/a","httpMethod":"GET","requestId":"1-64f01dc6-7d2deb5d54820c4d7284912a","new":{"deep":1}},"newer":[2]}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2019-12-13T23:40:12.771000Z");
        assert_eq!(row.common(Common::Region), &Value::text("ap-southeast-2"));
        assert_eq!(row.common(Common::AccountId), &Value::text("111122223333"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::7"));
        assert_eq!(row.common(Common::Target), &Value::text("shop.example.com/a"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("a \"b\""));
        assert_eq!(row.common(Common::TraceId), &Value::text("1-64f01dc6-7d2deb5d54820c4d7284912a"));
        assert!(row.common(Common::RequestId).is_null());
        assert!(row.links(Link::RequestId).contains(&Cow::Borrowed("edge==")));
        assert_eq!(row.links(Link::Ip), ["192.0.2.9", "2001:db8::7"]);
        assert_eq!(row.native[6], Value::text(r#"[{"conditionType":"XSS"}]"#));
        assert_eq!(row.extra_json().unwrap(), r#"{"httpRequest.new":{"deep":1},"newer":[2]}"#);
    }

    #[test]
    fn the_words_null_and_redacted_are_no_values() {
        let (outcome, row) = parse(
            r#"{"timestamp":1576280412771,"webaclId":"385cb038-3a6f-4f2f-ac64-09ab912af590","action":"CAPTCHA","responseCodeSent":405,"httpSourceId":"123456789012:b34:test","httpRequest":{"headers":[{"name":"X-Amzn-Trace-Id","value":"Root=1-614cc240-18b57ff33c10e5c016b508c5"},{"name":"User-Agent","value":"REDACTED"}],"uri":"REDACTED","requestId":"null"}}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert!(row.common(Common::RequestId).is_null());
        assert_eq!(row.common(Common::TraceId), &Value::text("1-614cc240-18b57ff33c10e5c016b508c5"));
        assert!(row.common(Common::UrlPath).is_null() && row.common(Common::UserAgent).is_null());
        assert_eq!(row.common(Common::Target), &Value::text("123456789012:b34:test"));
        assert_eq!(row.common(Common::AccountId), &Value::text("123456789012"));
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(405));
        assert!(row.links(Link::Arn).is_empty());
    }

    #[test]
    fn the_envelope_has_the_time_where_the_record_has_none() {
        let text = r#"{"webaclId":"x","terminatingRuleId":"y","action":"ALLOW","httpRequest":null}"#;
        assert!(matches!(parse(text).0, Outcome::Reject(_)));
        let envelope = Envelope { time: Some(Micros(5)), ..Envelope::default() };
        let record = Record { text, envelope: Some(&envelope), origin: &ORIGIN };
        let mut row = Row::new(FIELDS.len());
        assert_eq!(read(&record, &mut row), Outcome::Event);
        assert_eq!(row.time(), Some(Micros(5)));
        assert!(Waf.claims(&record, &Options::default()).is_some());
        assert!(matches!(parse("{}").0, Outcome::Reject(_)));
        assert!(matches!(parse("[1]").0, Outcome::Reject(_)));
        assert!(matches!(parse(r#"{"webaclId":"#).0, Outcome::Reject(_)));
    }
}
