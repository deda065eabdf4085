//! Events of the Open Cybersecurity Schema Framework, version 1.6.0, with the profile `cloud` and, where a firewall
//! decided, `security_control`. Facts: ocsf/ocsf-schema, `events/**.json`, `objects/*.json` and `dictionary.json`.
//!
//! What that version requires, the same from 1.4.0 to 1.7.0: every class `activity_id`, `category_uid`, `class_uid`,
//! `metadata` (`product` with `name` or `uid`, and `version`), `severity_id`, `time` and `type_uid`; the profile
//! `cloud` adds `cloud.provider`. API Activity: `actor`, `api.operation`, `src_endpoint`. HTTP Activity: one of
//! `http_request` and `http_response` (which has a `code`). Network and DNS Activity: one of `src_endpoint` and
//! `dst_endpoint`. Authentication: `user`, and one of `service` and `dst_endpoint`. Detection Finding:
//! `finding_info.uid` (and `title`, before 1.4.0).
//!
//! S3's access log is API Activity, as CloudTrail's data events of the same calls are: a line tells one operation by
//! one requester on one object. Requests that tell neither method, path nor status are Base Events.

use super::event_json::{self, Class, Object, Verb, put, put_text, text};
use super::jsonl;
use crate::model::{Common, Entry, EntryKind, Micros, Severity};
use serde_json::{Value, json};
use std::io;

const VERSION: &str = "1.6.0";

/// What stands for a required name that no record tells.
const UNKNOWN: &str = "unknown";

/// A class of events with its uid and its category's.
#[derive(Clone, Copy)]
struct Kind {
    uid: u32,
    category: u32,
    name: &'static str,
}

const BASE: Kind = Kind { uid: 0, category: 0, name: "Base Event" };
const FINDING: Kind = Kind { uid: 2004, category: 2, name: "Detection Finding" };
const AUTHENTICATION: Kind = Kind { uid: 3002, category: 3, name: "Authentication" };
const NETWORK: Kind = Kind { uid: 4001, category: 4, name: "Network Activity" };
const HTTP: Kind = Kind { uid: 4002, category: 4, name: "HTTP Activity" };
const DNS: Kind = Kind { uid: 4003, category: 4, name: "DNS Activity" };
const API: Kind = Kind { uid: 6003, category: 6, name: "API Activity" };

/// What happened, as the class numbers it.
type Activity<'a> = (u32, &'a str);

/// Writes one event on one line; times are whole milliseconds since 1970.
pub fn write(out: &mut dyn io::Write, entry: &Entry) -> io::Result<()> {
    let kind = kind(entry);
    let mut event = Object::new();
    base(&mut event, entry, kind, activity(entry, kind));
    match kind.uid {
        2004 => finding(&mut event, entry),
        3002 => authentication(&mut event, entry),
        4001 => network(&mut event, entry),
        4002 => http(&mut event, entry),
        4003 => dns(&mut event, entry),
        6003 => api(&mut event, entry),
        _ => {
            let mut ends = Object::new();
            endpoints(&mut ends, entry);
            // A Base Event has no ends.
            put(&mut event, "unmapped", (!ends.is_empty()).then_some(ends));
        }
    }
    unmapped(&mut event, entry);
    jsonl::write_line(out, &event)
}

fn kind(entry: &Entry) -> Kind {
    match event_json::source(&entry.source).class {
        Class::Api if operation(entry) == "ConsoleLogin" => AUTHENTICATION,
        Class::Api => API,
        Class::Web if request(entry).is_some() || response(entry).is_some() => HTTP,
        Class::Flow | Class::Connection => NETWORK,
        Class::Dns => DNS,
        Class::Finding => FINDING,
        Class::Web | Class::Other => BASE,
    }
}

fn operation(entry: &Entry) -> &str {
    text(entry, Common::EventAction).unwrap_or(UNKNOWN)
}

fn activity(entry: &Entry, kind: Kind) -> Activity<'_> {
    const OTHER: u32 = 99;
    match kind.uid {
        2004 => (1, "Create"),
        3002 => (1, "Logon"),
        4001 if event_json::allowed(entry) == Some(false) => (5, "Refuse"),
        // The log of a load balancer's handshakes tells of an attempt, every other one of what was carried.
        4001 if entry.source.ends_with("_connection") => match event_json::succeeded(entry) {
            Some(false) => (4, "Fail"),
            _ => (1, "Open"),
        },
        4001 => (6, "Traffic"),
        4002 => match text(entry, Common::HttpMethod) {
            Some(method) => METHODS.iter().find(|known| known.0 == method).map_or((OTHER, method), |known| known.1),
            None => (0, "Unknown"),
        },
        // The record has the question and what became of it.
        4003 => (6, "Traffic"),
        6003 => match event_json::verb(operation(entry)) {
            Verb::Create => (1, "Create"),
            Verb::Read => (2, "Read"),
            Verb::Update => (3, "Update"),
            Verb::Delete => (4, "Delete"),
            Verb::Other => text(entry, Common::EventAction).map_or((0, "Unknown"), |operation| (OTHER, operation)),
        },
        _ => text(entry, Common::EventAction).map_or((0, "Unknown"), |action| (OTHER, action)),
    }
}

const METHODS: [(&str, Activity<'static>); 9] = [
    ("CONNECT", (1, "Connect")),
    ("DELETE", (2, "Delete")),
    ("GET", (3, "Get")),
    ("HEAD", (4, "Head")),
    ("OPTIONS", (5, "Options")),
    ("POST", (6, "Post")),
    ("PUT", (7, "Put")),
    ("TRACE", (8, "Trace")),
    ("PATCH", (9, "Patch")),
];

fn base(event: &mut Object, entry: &Entry, kind: Kind, (activity, activity_name): Activity<'_>) {
    put(event, "time", Some(millis(entry.time)));
    put(event, "class_uid", Some(kind.uid));
    put(event, "class_name", Some(kind.name));
    put(event, "category_uid", Some(kind.category));
    put(event, "activity_id", Some(activity));
    put_text(event, "activity_name", Some(activity_name));
    put(event, "type_uid", Some(kind.uid * 100 + activity));
    put(event, "severity_id", Some(severity(entry)));
    let (status, status_name) = match event_json::succeeded(entry) {
        // The status of a finding is how far its handling is.
        _ if kind.uid == FINDING.uid => (1, "New"),
        Some(true) => (1, "Success"),
        Some(false) => (2, "Failure"),
        None => (0, "Unknown"),
    };
    put(event, "status_id", Some(status));
    put(event, "status", Some(status_name));
    put_text(event, "status_code", text(entry, Common::ErrorCode));
    put_text(event, "message", Some(&event_json::summary(entry)));
    let mut profiles = vec!["cloud"];
    if let Some(allowed) = event_json::allowed(entry) {
        profiles.push("security_control");
        let (action, disposition) = if allowed { ("Allowed", "Allowed") } else { ("Denied", "Blocked") };
        put(event, "action_id", Some(if allowed { 1 } else { 2 }));
        put(event, "action", Some(action));
        put(event, "disposition_id", Some(if allowed { 1 } else { 2 }));
        put(event, "disposition", Some(disposition));
    }
    metadata(event, entry, profiles);
    put(event, "cloud.provider", Some("AWS"));
    put_text(event, "cloud.region", text(entry, Common::Region));
    if let Some(account) = text(entry, Common::AccountId) {
        put(event, "cloud.account", Some(json!({"uid": account, "type_id": 10, "type": "AWS Account"})));
    }
    if let Some(end) = event_json::end(entry) {
        put(event, "start_time", Some(millis(entry.time)));
        put(event, "end_time", Some(millis(end)));
        put(event, "duration", Some(millis(end) - millis(entry.time)));
    }
    put(event, "count", (entry.count > 1).then_some(entry.count));
    if entry.kind == EntryKind::Event {
        put(event, "raw_data", entry.message.as_deref());
    }
}

fn metadata(event: &mut Object, entry: &Entry, profiles: Vec<&str>) {
    let product = event_json::source(&entry.source).product;
    let vendor = match product {
        "logsift" => "logsift",
        "application" | "unknown" => UNKNOWN,
        _ => "AWS",
    };
    put(event, "metadata.version", Some(VERSION));
    put(event, "metadata.product.name", Some(product));
    put(event, "metadata.product.vendor_name", Some(vendor));
    if product == "logsift" {
        put(event, "metadata.product.version", Some(env!("CARGO_PKG_VERSION")));
    }
    put(event, "metadata.profiles", Some(profiles));
    put_text(event, "metadata.uid", Some(&event_json::uid(entry)));
    put_text(event, "metadata.log_name", Some(&entry.source));
    put_text(event, "metadata.event_code", text(entry, Common::EventAction));
    put(event, "metadata.original_time", Some(entry.time.to_string()));
    let correlation = text(entry, Common::TraceId).or_else(|| text(entry, Common::RequestId));
    put_text(event, "metadata.correlation_uid", correlation);
}

const fn millis(time: Micros) -> i64 {
    time.0.div_euclid(1_000)
}

fn severity(entry: &Entry) -> u8 {
    let ours = match entry.severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    };
    if entry.source == "guardduty" { guardduty_severity(entry).unwrap_or(0) } else { ours }
}

/// GuardDuty's own number, which no common column has: 1 to 3.9 low, to 6.9 medium, to 8.9 high, from 9 on critical
/// (AWS, "Severity levels of GuardDuty findings").
fn guardduty_severity(entry: &Entry) -> Option<u8> {
    let record: Value = serde_json::from_str(entry.message.as_deref()?).ok()?;
    let at = ["/severity", "/detail/severity", "/Severity"];
    let number = at.into_iter().find_map(|pointer| record.pointer(pointer)?.as_f64())?;
    Some(match number {
        n if n >= 9.0 => 5,
        n if n >= 7.0 => 4,
        n if n >= 4.0 => 3,
        n if n >= 1.0 => 2,
        _ => 0,
    })
}

/// An end of a connection; an address that is none is a name.
fn endpoint(address: Option<&str>, port: Option<i64>) -> Object {
    let mut end = Object::new();
    match address.map(|text| (text, event_json::ip(text))) {
        Some((_, Some(ip))) => put(&mut end, "ip", Some(ip)),
        Some((text, None)) => put_text(&mut end, "name", Some(text)),
        None => return end,
    }
    put(&mut end, "port", event_json::port(port));
    end
}

/// Puts both ends, as far as they are known.
fn endpoints(event: &mut Object, entry: &Entry) {
    let ends = [
        ("src_endpoint", Common::SourceIp, Common::SourcePort),
        ("dst_endpoint", Common::DestinationIp, Common::DestinationPort),
    ];
    for (field, address, port) in ends {
        let end = endpoint(text(entry, address), entry.int(port));
        put(event, field, (!end.is_empty()).then_some(end));
    }
}

/// Puts both ends; where the far one is unknown, the resource that logged stands for it.
fn connection(event: &mut Object, entry: &Entry) {
    endpoints(event, entry);
    if !event.contains_key("dst_endpoint") {
        put_text(event, "dst_endpoint.name", Some(text(entry, Common::Resource).unwrap_or(UNKNOWN)));
    }
    let (sent, received) = event_json::bytes(entry);
    // Both are told from the source's side.
    put(event, "traffic.bytes_out", sent);
    put(event, "traffic.bytes_in", received);
    let total = sent.unwrap_or(0).checked_add(received.unwrap_or(0));
    put(event, "traffic.bytes", total.filter(|_| sent.is_some() || received.is_some()));
}

fn network(event: &mut Object, entry: &Entry) {
    connection(event, entry);
    if event_json::source(&entry.source).class == Class::Flow {
        // A flow is logged by direction, and the side that answers may be its source.
        put(event, "is_src_dst_assignment_known", Some(false));
    }
}

fn request(entry: &Entry) -> Option<Object> {
    let method = text(entry, Common::HttpMethod);
    let path = text(entry, Common::UrlPath);
    if method.is_none() && path.is_none() {
        return None;
    }
    let mut request = Object::new();
    put_text(&mut request, "http_method", method.filter(|method| METHODS.iter().any(|known| known.0 == *method)));
    put_text(&mut request, "url.path", path);
    put_text(&mut request, "user_agent", text(entry, Common::UserAgent));
    put_text(&mut request, "uid", text(entry, Common::RequestId));
    (!request.is_empty()).then_some(request)
}

fn response(entry: &Entry) -> Option<Object> {
    let mut response = Object::new();
    put(&mut response, "code", Some(event_json::status(entry.int(Common::HttpStatus))?));
    Some(response)
}

fn http(event: &mut Object, entry: &Entry) {
    connection(event, entry);
    put(event, "http_request", request(entry));
    put(event, "http_response", response(entry));
}

fn dns(event: &mut Object, entry: &Entry) {
    connection(event, entry);
    put_text(event, "query.hostname", text(entry, Common::Target).map(event_json::domain));
    if event.contains_key("query") {
        put_text(event, "query.type", text(entry, Common::EventAction));
        put(event, "query_time", Some(millis(entry.time)));
    }
    let told = text(entry, Common::ErrorCode);
    if told.is_none() && event_json::succeeded(entry) != Some(true) {
        return;
    }
    let (id, name) = match told.unwrap_or("NOERROR") {
        "NOERROR" => (0, "NoError"),
        "FORMERR" => (1, "FormError"),
        "SERVFAIL" => (2, "ServError"),
        "NXDOMAIN" => (3, "NXDomain"),
        "NOTIMP" => (4, "NotImp"),
        "REFUSED" => (5, "Refused"),
        other => (99, other),
    };
    put(event, "rcode_id", Some(id));
    put_text(event, "rcode", Some(name));
}

/// The user, if the record tells one.
fn user(entry: &Entry) -> Option<Object> {
    let mut user = Object::new();
    put_text(&mut user, "uid", text(entry, Common::UserArn));
    put_text(&mut user, "name", text(entry, Common::UserName));
    (!user.is_empty()).then_some(user)
}

/// Who did it, if the record tells: user, session and key.
fn actor(entry: &Entry) -> Object {
    let mut actor = Object::new();
    put(&mut actor, "user", user(entry));
    put_text(&mut actor, "session.uid", text(entry, Common::SessionName));
    put_text(&mut actor, "session.credential_uid", text(entry, Common::AccessKeyId));
    actor
}

fn api(event: &mut Object, entry: &Entry) {
    let mut actor = actor(entry);
    if actor.is_empty() {
        put_text(
            &mut actor,
            "app_name",
            Some(entry.actor.as_deref().filter(|name| !name.is_empty()).unwrap_or(UNKNOWN)),
        );
    }
    put(event, "actor", Some(actor));
    let service = match entry.source.as_str() {
        "s3access" => Some("s3.amazonaws.com"),
        _ => text(entry, Common::Resource),
    };
    put_text(event, "api.operation", Some(operation(entry)));
    put_text(event, "api.service.name", service);
    put_text(event, "api.request.uid", text(entry, Common::RequestId));
    put_text(event, "api.response.error", text(entry, Common::ErrorCode));
    endpoints(event, entry);
    if !event.contains_key("src_endpoint") {
        // CloudTrail names a service where AWS itself called; the common column has addresses only.
        put(event, "src_endpoint.name", Some(UNKNOWN));
    }
    put_text(event, "dst_endpoint.svc_name", service);
    if let Some(target) = text(entry, Common::Target) {
        put(event, "resources", Some(json!([{"uid": target}])));
    }
    let mut call = request(entry).unwrap_or_default();
    put_text(&mut call, "user_agent", text(entry, Common::UserAgent));
    put(event, "http_request", (!call.is_empty()).then_some(call));
    put(event, "http_response", response(entry));
}

fn authentication(event: &mut Object, entry: &Entry) {
    put(event, "user", Some(user(entry).unwrap_or_else(|| Object::from_iter([("name".to_owned(), UNKNOWN.into())]))));
    let actor = actor(entry);
    put(event, "actor", (!actor.is_empty()).then_some(actor));
    put_text(event, "service.name", Some(text(entry, Common::Resource).unwrap_or("signin.amazonaws.com")));
    endpoints(event, entry);
    put(event, "is_remote", Some(true));
}

fn finding(event: &mut Object, entry: &Entry) {
    let told = entry.message.as_deref().filter(|_| entry.kind != EntryKind::Event);
    put_text(event, "message", told);
    put_text(event, "finding_info.uid", Some(&event_json::uid(entry)));
    let rule = event_json::rule(entry);
    let title = match (&rule, entry.kind) {
        (Some(rule), EntryKind::Detection) => Some(rule.name),
        _ => text(entry, Common::EventAction),
    };
    put_text(event, "finding_info.title", Some(title.unwrap_or(UNKNOWN)));
    put_text(event, "finding_info.desc", told);
    put(event, "finding_info.types", text(entry, Common::EventAction).map(|kind| vec![kind]));
    put(event, "finding_info.first_seen_time", Some(millis(entry.time)));
    put(event, "finding_info.last_seen_time", event_json::end(entry).map(millis));
    if let Some(rule) = rule {
        put(event, "finding_info.analytic", Some(json!({"type_id": 1, "type": "Rule"})));
        put_text(event, "finding_info.analytic.uid", Some(rule.id));
        put_text(event, "finding_info.analytic.name", Some(rule.name));
        if let Some(id) = rule.technique {
            let part = if id.contains('.') { "sub_technique" } else { "technique" };
            put(event, "finding_info.attacks", Some(json!([{part: {"uid": id}}])));
        }
    }
    if entry.kind == EntryKind::Finding {
        let (id, name) = match entry.outcome.as_deref() {
            Some("low") => (1, "Low"),
            Some("medium") => (2, "Medium"),
            Some("high") => (3, "High"),
            _ => (0, "Unknown"),
        };
        put(event, "confidence_id", Some(id));
        put(event, "confidence", Some(name));
    }
    put(event, "is_alert", Some(true));
    let mut evidence = Object::new();
    endpoints(&mut evidence, entry);
    let mut actor = actor(entry);
    if actor.is_empty() && entry.kind == EntryKind::Detection {
        let part = if entry.actor.as_deref().is_some_and(|name| name.starts_with("arn:")) { "uid" } else { "name" };
        put_text(&mut actor, &format!("user.{part}"), entry.actor.as_deref());
    }
    put(&mut evidence, "actor", (!actor.is_empty()).then_some(actor));
    put(event, "evidences", (!evidence.is_empty()).then(|| vec![Value::Object(evidence)]));
    let resource = text(entry, Common::Resource).or_else(|| text(entry, Common::Target));
    put(event, "resources", resource.map(|uid| json!([{"uid": uid}])));
}

/// What the classes have no place for; the timeline's own words among it.
fn unmapped(event: &mut Object, entry: &Entry) {
    put_text(event, "unmapped.resource", text(entry, Common::Resource));
    put_text(event, "unmapped.target", text(entry, Common::Target));
    put_text(event, "unmapped.network", entry.network.as_deref());
    let request = event.get("http_request").cloned().unwrap_or_default();
    if request.get("http_method").is_none() {
        put_text(event, "unmapped.http_method", text(entry, Common::HttpMethod));
    }
    if request.get("user_agent").is_none() {
        put_text(event, "unmapped.user_agent", text(entry, Common::UserAgent));
    }
    if !event.contains_key("actor") && !event.contains_key("evidences") {
        put_text(event, "unmapped.user_arn", text(entry, Common::UserArn));
        put_text(event, "unmapped.user_name", text(entry, Common::UserName));
        put_text(event, "unmapped.access_key_id", text(entry, Common::AccessKeyId));
    }
    if let Some(link) = &entry.link {
        put(event, "unmapped.pivot.by", Some(link.by));
        put_text(event, "unmapped.pivot.value", Some(&link.value));
        put(event, "unmapped.pivot.hop", Some(link.hop));
    }
}

#[cfg(test)]
mod tests;
