//! Documents of the Elastic Common Schema, version 8.11. Facts: elastic/ecs, `generated/csv/fields.csv` (names and
//! types) and `docs/reference/ecs-allowed-values-event-*.md` (what `event.kind`, `category`, `type` and `outcome` may
//! be, and which types are expected in which category).
//!
//! Where a common column's `ecs()` is no field of ECS, or means something else there, it goes under `logsift`:
//! `event.target` does not exist, `user.effective.name` is another user and no session, and `service.name` is not
//! the interface, zone or bucket that `resource` can be.

use super::event_json::{self, Class, Object, Verb, put, put_text, text};
use super::jsonl;
use crate::model::{Common, Entry, EntryKind, Severity};
use serde_json::Value;
use std::io;

const VERSION: &str = "8.11.0";

/// Writes one document on one line: nested objects, no nulls, numbers as numbers. Keywords have at most 32,766 bytes;
/// `event.original` is whole, since ECS does not index it.
pub fn write(out: &mut dyn io::Write, entry: &Entry) -> io::Result<()> {
    let class = event_json::source(&entry.source).class;
    let mut document = Object::new();
    put(&mut document, "@timestamp", Some(entry.time.to_string()));
    let told = match entry.kind {
        // The record itself is `event.original`.
        EntryKind::Event => None,
        EntryKind::Finding | EntryKind::Detection => entry.message.as_deref().filter(|text| !text.is_empty()),
    };
    put_text(&mut document, "message", Some(&told.map_or_else(|| event_json::summary(entry), str::to_owned)));
    put(&mut document, "ecs.version", Some(VERSION));
    event(&mut document, entry, class);
    cloud(&mut document, entry);
    sides(&mut document, entry);
    request(&mut document, entry, class);
    user(&mut document, entry);
    rule(&mut document, entry);
    related(&mut document, entry);
    own(&mut document, entry);
    jsonl::write_line(out, &document)
}

fn event(document: &mut Object, entry: &Entry, class: Class) {
    let kind = if class == Class::Finding { "alert" } else { "event" };
    let (categories, types) = sorts(entry, class);
    put(document, "event.kind", Some(kind));
    put(document, "event.category", (!categories.is_empty()).then_some(categories));
    put(document, "event.type", Some(types));
    put(document, "event.module", Some("aws"));
    put_text(document, "event.dataset", Some(&format!("aws.{}", entry.source)));
    let provider = match entry.kind {
        EntryKind::Event => entry.text(Common::Resource).filter(|_| entry.source == "cloudtrail"),
        EntryKind::Finding | EntryKind::Detection => Some("logsift"),
    };
    put_text(document, "event.provider", provider);
    put_text(document, "event.action", text(entry, Common::EventAction));
    put(document, "event.outcome", outcome(entry));
    put_text(document, "event.id", Some(&event_json::uid(entry)));
    put(document, "event.severity", Some(severity(entry.severity)));
    if let Some(end) = event_json::end(entry) {
        put(document, "event.start", Some(entry.time.to_string()));
        put(document, "event.end", Some(end.to_string()));
        let nanoseconds = end.0.checked_sub(entry.time.0).and_then(|micros| micros.checked_mul(1_000));
        put(document, "event.duration", nanoseconds);
    }
    if entry.kind == EntryKind::Event {
        put(document, "event.original", entry.message.as_deref());
    }
}

/// `event.category`, empty where none fits, and `event.type`.
fn sorts(entry: &Entry, class: Class) -> (Vec<&'static str>, Vec<&'static str>) {
    let operation = text(entry, Common::EventAction).unwrap_or_default();
    let verdict = match event_json::allowed(entry) {
        Some(true) => Some("allowed"),
        Some(false) => Some("denied"),
        None => None,
    };
    match class {
        Class::Api if operation == "ConsoleLogin" => (vec!["authentication"], vec!["start"]),
        Class::Api => {
            let service = entry.text(Common::Resource).unwrap_or_default();
            let categories = match service {
                "iam.amazonaws.com" => vec!["api", "iam"],
                _ => vec!["api"],
            };
            let kind = match event_json::verb(operation) {
                Verb::Create => "creation",
                Verb::Read => "access",
                Verb::Update => "change",
                Verb::Delete => "deletion",
                Verb::Other => "info",
            };
            (categories, vec![kind])
        }
        // `allowed` and `denied` are types of the network, not of the web.
        Class::Web if verdict.is_some() => (vec!["web", "network"], ["access"].into_iter().chain(verdict).collect()),
        Class::Web if entry.source == "alb_health" => (vec!["web"], vec!["info"]),
        Class::Web if event_json::succeeded(entry) == Some(false) => (vec!["web"], vec!["access", "error"]),
        Class::Web => (vec!["web"], vec!["access"]),
        Class::Flow | Class::Connection => (vec!["network"], ["connection"].into_iter().chain(verdict).collect()),
        Class::Dns => (vec!["network"], vec!["protocol"]),
        // What a log gave away is a weakness to mend and no intrusion.
        Class::Finding if entry.kind == EntryKind::Finding => (vec!["vulnerability"], vec!["info"]),
        Class::Finding => (vec!["intrusion_detection"], vec!["info"]),
        Class::Other if matches!(entry.source.as_str(), "config" | "posture") => (vec!["configuration"], vec!["info"]),
        Class::Other => (Vec::new(), vec!["info"]),
    }
}

/// `unknown` only where the record tells an outcome and it is neither of the two.
fn outcome(entry: &Entry) -> Option<&'static str> {
    let told =
        entry.text(Common::EventOutcome).is_some() || (entry.kind == EntryKind::Detection && entry.outcome.is_some());
    match event_json::succeeded(entry) {
        Some(true) => Some("success"),
        Some(false) => Some("failure"),
        None => told.then_some("unknown"),
    }
}

/// ECS leaves the scale to the source: ours is 1 to 5.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn cloud(document: &mut Object, entry: &Entry) {
    put(document, "cloud.provider", Some("aws"));
    put_text(document, "cloud.account.id", entry.text(Common::AccountId));
    put_text(document, "cloud.region", entry.text(Common::Region));
    if entry.source == "cloudtrail" {
        let service = entry.text(Common::Resource);
        put_text(document, "cloud.service.name", service.and_then(|name| name.strip_suffix(".amazonaws.com")));
    }
}

fn sides(document: &mut Object, entry: &Entry) {
    let (sent, received) = event_json::bytes(entry);
    let ends = [
        ("source", Common::SourceIp, Common::SourcePort, sent),
        ("destination", Common::DestinationIp, Common::DestinationPort, received),
    ];
    for (side, address, port, bytes) in ends {
        let address = text(entry, address);
        put_text(document, &format!("{side}.address"), address);
        put(document, &format!("{side}.ip"), address.and_then(event_json::ip));
        put(document, &format!("{side}.port"), event_json::port(entry.int(port)));
        put(document, &format!("{side}.bytes"), bytes);
    }
    let total = match (sent, received) {
        (None, None) => None,
        (sent, received) => sent.unwrap_or(0).checked_add(received.unwrap_or(0)),
    };
    put(document, "network.bytes", total);
}

fn request(document: &mut Object, entry: &Entry, class: Class) {
    put_text(document, "http.request.method", entry.text(Common::HttpMethod));
    put_text(document, "http.request.id", entry.text(Common::RequestId));
    put(document, "http.response.status_code", event_json::status(entry.int(Common::HttpStatus)));
    put_text(document, "url.path", entry.text(Common::UrlPath));
    put_text(document, "user_agent.original", entry.text(Common::UserAgent));
    put_text(document, "error.code", entry.text(Common::ErrorCode));
    put_text(document, "trace.id", entry.text(Common::TraceId));
    if matches!(class, Class::Web | Class::Connection) {
        put_text(document, "service.name", entry.text(Common::Resource));
    }
    if class == Class::Dns {
        put(document, "network.protocol", Some("dns"));
        put_text(document, "dns.question.name", text(entry, Common::Target).map(event_json::domain));
        put_text(document, "dns.question.type", text(entry, Common::EventAction));
        let fine = (event_json::succeeded(entry) == Some(true)).then_some("NOERROR");
        put_text(document, "dns.response_code", entry.text(Common::ErrorCode).or(fine));
    }
}

fn user(document: &mut Object, entry: &Entry) {
    let (arn, name) = user_of(entry);
    put_text(document, "user.id", arn);
    put_text(document, "user.name", name);
    // Elastic's own integration for AWS has this field; ECS has none for a key's id.
    put_text(document, "aws.cloudtrail.user_identity.access_key_id", entry.text(Common::AccessKeyId));
}

/// ARN and name. The actor of an event's row may be a resource, so only its columns tell; of a detection there is
/// nothing else.
fn user_of(entry: &Entry) -> (Option<&str>, Option<&str>) {
    match (entry.kind, entry.actor.as_deref()) {
        (EntryKind::Event, _) => (entry.text(Common::UserArn), entry.text(Common::UserName)),
        (_, Some(actor)) if actor.starts_with("arn:") => (Some(actor), None),
        (_, actor) => (None, actor),
    }
}

fn rule(document: &mut Object, entry: &Entry) {
    let Some(rule) = event_json::rule(entry) else { return };
    put_text(document, "rule.id", Some(rule.id));
    put_text(document, "rule.name", Some(rule.name));
    let Some(id) = rule.technique else { return };
    put(document, "threat.framework", Some("MITRE ATT&CK"));
    let technique = id.split('.').next().unwrap_or(id);
    put(document, "threat.technique.id", Some(vec![technique]));
    if technique != id {
        put(document, "threat.technique.subtechnique.id", Some(vec![id]));
    }
}

fn related(document: &mut Object, entry: &Entry) {
    let addresses = [Common::SourceIp, Common::DestinationIp];
    let ips = addresses.into_iter().filter_map(|common| text(entry, common).and_then(event_json::ip));
    put_list(document, "related.ip", ips);
    let (arn, name) = user_of(entry);
    let users = [arn, name, entry.text(Common::SessionName)].into_iter().flatten();
    put_list(document, "related.user", users.map(|user| event_json::cut(user, event_json::TERM).into_owned()));
}

/// Puts each text once; no field for none.
fn put_list(document: &mut Object, path: &str, texts: impl Iterator<Item = String>) {
    let mut all: Vec<Value> = Vec::new();
    for text in texts.filter(|text| !text.is_empty()).map(Value::from) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    put(document, path, (!all.is_empty()).then_some(all));
}

/// What ECS has no field for.
fn own(document: &mut Object, entry: &Entry) {
    put_text(document, "logsift.resource", entry.text(Common::Resource));
    put_text(document, "logsift.target", text(entry, Common::Target));
    put_text(document, "logsift.session_name", entry.text(Common::SessionName));
    put_text(document, "logsift.network", entry.network.as_deref());
    if entry.kind == EntryKind::Finding {
        put_text(document, "logsift.confidence", entry.outcome.as_deref());
    }
    if entry.kind == EntryKind::Detection {
        put_text(document, "logsift.reference", Some(&entry.reference));
    }
    put(document, "logsift.count", (entry.count > 1).then_some(entry.count));
    if let Some(link) = &entry.link {
        put(document, "logsift.pivot.by", Some(link.by));
        put_text(document, "logsift.pivot.value", Some(&link.value));
        put(document, "logsift.pivot.hop", Some(link.hop));
    }
}

#[cfg(test)]
mod tests {
    use super::super::event_json::{TERM, fixture};
    use super::*;
    use serde_json::json;

    fn document(entry: &Entry) -> Value {
        let mut out = Vec::new();
        write(&mut out, entry).unwrap();
        fixture::parse(&out)
    }

    #[test]
    fn a_call_is_an_event_of_the_api() {
        let document = document(&fixture::cloudtrail("CreateUser"));
        assert_eq!(document["@timestamp"], "2024-03-09T10:11:12.123456Z");
        assert_eq!(document["ecs"], json!({"version": "8.11.0"}));
        let event = &document["event"];
        assert_eq!([&event["kind"], &event["outcome"], &event["module"]], ["event", "failure", "aws"]);
        assert_eq!([&event["category"], &event["type"]], [&json!(["api", "iam"]), &json!(["creation"])]);
        assert_eq!([&event["dataset"], &event["provider"]], ["aws.cloudtrail", "iam.amazonaws.com"]);
        assert_eq!([&event["original"], &event["id"]], ["{\"raw\":true}", "0123abcd"]);
        assert_eq!(document["cloud"]["account"]["id"], "111122223333");
        assert_eq!(document["related"]["ip"], json!(["2001:db8::7"]));
        assert_eq!(document["related"]["user"], json!([fixture::cloudtrail("").text(Common::UserArn), "jane"]));
        assert_eq!(document["aws"]["cloudtrail"]["user_identity"]["access_key_id"], "ASIAIOSFODNN7EXAMPLE");
    }

    #[test]
    fn a_flow_counts_what_its_source_sent() {
        let document = document(&fixture::flow());
        assert_eq!(document["source"]["bytes"], 840);
        assert!(document["destination"].get("bytes").is_none());
        assert_eq!(document["event"]["type"], json!(["connection", "denied"]));
        assert_eq!(document["event"]["duration"], 59_000_000_000_i64);
    }

    #[test]
    fn a_request_has_numbers_and_no_impossible_ones() {
        let document = document(&fixture::alb());
        assert_eq!(document["http"]["response"]["status_code"], 502);
        assert_eq!(document["source"], json!({"address": "203.0.113.10", "ip": "203.0.113.10", "bytes": 512}));
        assert_eq!(document["event"]["type"], json!(["access", "error"]));
    }

    #[test]
    fn what_rules_found_is_an_alert() {
        let [finding, detection] = [fixture::finding(), fixture::detection()].map(|entry| document(&entry));
        assert_eq!([&finding["event"]["kind"], &finding["rule"]["name"]], ["alert", "aws-secret-key"]);
        assert!(finding["event"].get("outcome").is_none() && finding["event"].get("original").is_none());
        assert_eq!([&detection["event"]["kind"], &detection["event"]["id"]], ["alert", "iam-persistence/e-9"]);
        assert_eq!(detection["rule"], json!({"id": "iam-persistence", "name": "User made [by hand]"}));
        let technique = &detection["threat"]["technique"];
        assert_eq!(*technique, json!({"id": ["T1136"], "subtechnique": {"id": ["T1136.003"]}}));
        assert_eq!(detection["user"]["id"], "arn:aws:iam::111122223333:user/eve");
    }

    #[test]
    fn hostile_records_make_documents_that_elasticsearch_takes() {
        let hostile = document(&fixture::hostile());
        assert_eq!(hostile["source"]["address"], "1.2.3.4.5, evil");
        assert!(hostile["source"].get("ip").is_none() && hostile.get("related").is_none());
        assert_eq!(hostile["event"]["outcome"], "unknown");
        assert!(hostile.get("user_agent").is_none() && hostile["http"].get("response").is_none());
        assert_eq!(hostile["event"]["original"].as_str().map(str::len), fixture::hostile().message.map(|m| m.len()));
        for entry in fixture::all() {
            let mut document = document(&entry);
            document["event"].as_object_mut().unwrap().remove("original");
            fixture::walk(&document, &mut |value| {
                assert!(!value.is_null() && value.as_str().is_none_or(|text| text.len() <= TERM));
            });
        }
    }
}
