//! What the exports of single events share: what each source table holds, and fields of JSON objects that are
//! left out where there is nothing to say. No format of its own.
//!
//! Facts: meaning of each source's time from AWS's pages on its log format.

use crate::model::{Common, Entry, EntryKind, Micros};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::IpAddr;

pub type Object = Map<String, Value>;

/// Bytes of UTF-8 that Lucene takes as one term: Elasticsearch and OpenSearch refuse a document with a longer one.
pub const TERM: usize = 32_766;

/// What the records of a source table tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A call of an AWS API.
    Api,
    /// A request over HTTP.
    Web,
    /// Packets in one direction; `bytes_out` is what the source sent.
    Flow,
    /// A connection to a listener.
    Connection,
    Dns,
    /// What somebody's rule found.
    Finding,
    Other,
}

/// A source table.
pub struct Source {
    pub class: Class,
    /// Who wrote the records.
    pub product: &'static str,
    /// What the time of its records is the time of.
    pub stamp: &'static str,
}

/// What is known of a source table; of one that is not known, only that its records have a time.
pub fn source(table: &str) -> Source {
    let (class, product, stamp) = match table {
        "cloudtrail" => (Class::Api, "CloudTrail", "API call"),
        "s3access" => (Class::Api, "S3 server access logs", "Request received"),
        "alb" => (Class::Web, "Application Load Balancer", "Response sent"),
        "alb_health" => (Class::Web, "Application Load Balancer", "Health check"),
        "clb" => (Class::Web, "Classic Load Balancer", "Request received"),
        "apigateway" => (Class::Web, "API Gateway", "Request received"),
        "apigateway_execution" => (Class::Web, "API Gateway", "Execution step"),
        "cloudfront" | "cloudfront_realtime" => (Class::Web, "CloudFront", "Response sent"),
        "waf" => (Class::Web, "AWS WAF", "Request inspected"),
        "vpcflow" => (Class::Flow, "VPC Flow Logs", "Flow start"),
        "tgwflow" => (Class::Flow, "Transit Gateway Flow Logs", "Flow start"),
        "network_firewall" => (Class::Flow, "Network Firewall", "Traffic inspected"),
        "nlb" => (Class::Connection, "Network Load Balancer", "Connection end"),
        "alb_connection" => (Class::Connection, "Application Load Balancer", "Connection attempt"),
        "cloudfront_connection" => (Class::Connection, "CloudFront", "Connection attempt"),
        "route53_resolver" => (Class::Dns, "Route 53 Resolver", "DNS query"),
        "route53_public" => (Class::Dns, "Route 53", "DNS query"),
        "guardduty" => (Class::Finding, "GuardDuty", "Activity first seen"),
        "findings" => (Class::Finding, "logsift", "Secret first logged"),
        "detections" => (Class::Finding, "logsift", "Detection"),
        "config" => (Class::Other, "AWS Config", "Configuration captured"),
        "posture" => (Class::Other, "logsift", "Settings read"),
        "xray" => (Class::Other, "X-Ray", "Segment start"),
        "cloudwatch" => (Class::Other, "CloudWatch Logs", "Log event"),
        "jsonl" | "text" => (Class::Other, "application", "Log line"),
        _ => (Class::Other, "unknown", "Event"),
    };
    Source { class, product, stamp }
}

/// What a call does to what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Create,
    Read,
    Update,
    Delete,
    Other,
}

/// The verb of an API operation, `GetObject`, or of S3's access log, `REST.GET.OBJECT`.
///
/// Names are AWS's habit and no contract: `Other` where the first word is none of the usual ones.
pub fn verb(operation: &str) -> Verb {
    const READ: &str = "Get List Describe Head Lookup Search Query Scan Select View Download";
    const CREATE: &str = "Create Run Register Allocate Import Copy";
    const UPDATE: &str = "Put Update Modify Set Change Replace Reset Restore Add Remove Attach Detach Associate \
        Disassociate Enable Disable Start Stop Tag Untag Authorize Revoke";
    const DELETE: &str = "Delete Terminate Deregister Release Purge";
    if let Some((_, rest)) = operation.split_once('.') {
        return match rest.split('.').next() {
            Some("GET" | "HEAD" | "LIST") => Verb::Read,
            Some("PUT") => Verb::Update,
            Some("COPY" | "CREATE") => Verb::Create,
            Some("DELETE" | "EXPIRE") => Verb::Delete,
            _ => Verb::Other,
        };
    }
    let operation = operation.strip_prefix("Batch").unwrap_or(operation);
    let begins = |word: &str| {
        operation.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
    };
    let verbs = [(READ, Verb::Read), (CREATE, Verb::Create), (UPDATE, Verb::Update), (DELETE, Verb::Delete)];
    let verb = verbs.into_iter().find(|(words, _)| words.split(' ').any(begins));
    verb.map_or(Verb::Other, |(_, verb)| verb)
}

/// Puts a field, unless there is no value or it is an empty text. Dots of the path part nested objects.
pub fn put<V: Into<Value>>(object: &mut Object, path: &str, value: Option<V>) {
    let Some(value) = value.map(Into::into) else { return };
    if value.is_null() || value.as_str() == Some("") {
        return;
    }
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Object::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, Some(value));
            }
        }
    }
}

/// Puts a text of at most [`TERM`] bytes.
pub fn put_text(object: &mut Object, path: &str, text: Option<&str>) {
    put(object, path, text.map(|text| cut(text, TERM)));
}

/// The text, or as many whole characters of it as fit `limit` bytes together with `…`.
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let mut end = limit.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (head, _) = text.split_at(end);
    Cow::Owned(format!("{head}{MARK}"))
}

/// An IP address as it is usually written; `None` for anything else.
pub fn ip(text: &str) -> Option<String> {
    text.parse::<IpAddr>().ok().map(|address| address.to_string())
}

/// A number that can be a port.
pub fn port(number: Option<i64>) -> Option<u16> {
    number.and_then(|number| u16::try_from(number).ok())
}

/// A number that can be a count of bytes.
pub fn size(number: Option<i64>) -> Option<i64> {
    number.filter(|number| *number >= 0)
}

/// A number that can be a status of HTTP; some of AWS's own (460, 561) are in no RFC.
pub fn status(number: Option<i64>) -> Option<i64> {
    number.filter(|number| (100..=999).contains(number))
}

/// What a row says of itself, for fields that may not be empty: never the raw record.
pub fn summary(entry: &Entry) -> String {
    let parts = [entry.action.as_deref(), entry.target.as_deref(), entry.outcome.as_deref()];
    let text = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ");
    if text.is_empty() { entry.source.clone() } else { text }
}

/// The common column's text; the row's own where it has none, as findings and detections do.
pub fn text(entry: &Entry, common: Common) -> Option<&str> {
    let of_row = match common {
        Common::SourceIp => &entry.source_ip,
        Common::EventAction => &entry.action,
        Common::Target => &entry.target,
        _ => &None,
    };
    entry.text(common).or(of_row.as_deref()).filter(|text| !text.is_empty())
}

/// `Some(true)` for a success; `None` where nothing tells, as of findings, whose row tells how sure they are.
pub fn succeeded(entry: &Entry) -> Option<bool> {
    let told = match entry.kind {
        EntryKind::Event => entry.text(Common::EventOutcome),
        EntryKind::Detection => entry.outcome.as_deref(),
        EntryKind::Finding => None,
    };
    match told? {
        "success" => Some(true),
        "failure" => Some(false),
        _ => None,
    }
}

/// Whether a firewall or a security group let the traffic pass; `None` where nobody decided.
pub fn allowed(entry: &Entry) -> Option<bool> {
    let decides = matches!(entry.source.as_str(), "vpcflow" | "waf" | "network_firewall");
    match text(entry, Common::EventAction).filter(|_| decides)? {
        "ACCEPT" | "ALLOW" | "allowed" | "pass" => Some(true),
        "REJECT" | "BLOCK" | "CAPTCHA" | "CHALLENGE" | "blocked" | "drop" | "reject" => Some(false),
        _ => None,
    }
}

/// Bytes of the source and of the destination.
pub fn bytes(entry: &Entry) -> (Option<i64>, Option<i64>) {
    let (received, sent) = (size(entry.int(Common::BytesIn)), size(entry.int(Common::BytesOut)));
    match source(&entry.source).class {
        // A flow log knows one direction only, and what it counts is what its source sent.
        Class::Flow => (sent, received),
        _ => (received, sent),
    }
}

/// Where the row ends, if that is known and not before its begin.
pub fn end(entry: &Entry) -> Option<Micros> {
    entry.last.or_else(|| entry.instant(Common::EventEnd)).filter(|end| *end >= entry.time)
}

/// Name of a domain without the dot at its end.
pub fn domain(name: &str) -> &str {
    name.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// An id of the row among those of its kind; of a detection, its event's id alone would be the event's.
pub fn uid(entry: &Entry) -> String {
    match (entry.kind, entry.action.as_deref()) {
        (EntryKind::Detection, Some(detector)) if detector != entry.reference => {
            format!("{detector}/{}", entry.reference)
        }
        _ => entry.reference.clone(),
    }
}

/// The rule behind a finding or a detection.
pub struct Rule<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// ATT&CK technique, `T1098` or `T1136.003`.
    pub technique: Option<&'a str>,
}

/// Taken from the texts that the timeline makes: `secret logged: <rule>`, and `<title> [<technique>]`.
pub fn rule(entry: &Entry) -> Option<Rule<'_>> {
    let action = entry.action.as_deref().filter(|action| !action.is_empty())?;
    match entry.kind {
        EntryKind::Event => None,
        EntryKind::Finding => {
            let id = action.strip_prefix("secret logged: ").filter(|id| !id.is_empty()).unwrap_or(action);
            Some(Rule { id, name: id, technique: None })
        }
        EntryKind::Detection => {
            let message = entry.message.as_deref().filter(|message| !message.is_empty()).unwrap_or(action);
            let parts = message.strip_suffix(']').and_then(|text| text.rsplit_once(" ["));
            let parts = parts.filter(|(_, id)| is_technique(id));
            let (name, technique) = parts.map_or((message, None), |(title, id)| (title, Some(id)));
            Some(Rule { id: action, name, technique })
        }
    }
}

fn is_technique(id: &str) -> bool {
    id.strip_prefix('T').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
pub mod fixture;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cut_text_ends_at_a_character_and_with_a_mark() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc…");
        assert_eq!(cut("aééé", 6), "aé…");
        let long = cut(&"é".repeat(20_000), TERM).into_owned();
        assert!(long.len() <= TERM && long.len() > TERM - 3 && long.ends_with('…'));
    }

    #[test]
    fn empty_values_leave_no_field_and_dots_nest() {
        let mut object = Object::new();
        put(&mut object, "a.b.c", Some(1));
        put(&mut object, "a.b.d", None::<i64>);
        put_text(&mut object, "a.e", Some(""));
        put(&mut object, "a.b.c.x", Some(2));
        assert_eq!(Value::Object(object), json!({"a": {"b": {"c": 1}}}));
    }

    #[test]
    fn verbs_are_whole_words() {
        let cases = [
            ("GetObject", Verb::Read),
            ("BatchGetItem", Verb::Read),
            ("CreateUser", Verb::Create),
            ("PutBucketPolicy", Verb::Update),
            ("TerminateInstances", Verb::Delete),
            ("Settle", Verb::Other),
            ("AssumeRole", Verb::Other),
            ("REST.GET.OBJECT", Verb::Read),
            ("S3.EXPIRE.OBJECT", Verb::Delete),
            ("", Verb::Other),
        ];
        for (operation, expected) in cases {
            assert_eq!(verb(operation), expected, "{operation}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_texts_that_are_no_address_are_refused() {
        assert_eq!([port(Some(443)), port(Some(-1)), port(Some(65_536))], [Some(443), None, None]);
        assert_eq!([size(Some(0)), size(Some(-5))], [Some(0), None]);
        assert_eq!([status(Some(0)), status(Some(460))], [None, Some(460)]);
        assert_eq!(ip("2001:DB8:0::1").as_deref(), Some("2001:db8::1"));
        assert_eq!([ip("s3.amazonaws.com"), ip("10.0.0.999"), ip(" 10.0.0.1")], [None, None, None]);
        assert_eq!([domain("a.b."), domain("."), domain("a")], ["a.b", ".", "a"]);
    }
}
