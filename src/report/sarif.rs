//! SARIF 2.1.0: findings for code scanning and CI. Facts: OASIS, "Static Analysis Results Interchange Format 2.1.0".

use super::text::{counted, is_unsafe};
use crate::model::{Finding, Place, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

/// One place of a finding.
pub struct Location<'a> {
    pub place: &'a Place,
    /// From 1, in bytes.
    pub column: u64,
    pub context: Option<&'a str>,
}

/// Writes one run. `not_scanned`: what was not read, which makes the run a failed one.
pub fn write(
    out: &mut dyn io::Write,
    version: &str,
    results: &[(&Finding, Vec<Location<'_>>)],
    not_scanned: &[String],
) -> io::Result<()> {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for (finding, _) in results {
        rules.entry(&finding.rule).or_insert_with(|| rule(finding));
    }
    let index = |id: &str| rules.keys().position(|known| *known == id);
    let results: Vec<Value> = results.iter().map(|(finding, at)| result(finding, index(&finding.rule), at)).collect();
    let notes: Vec<Value> =
        not_scanned.iter().map(|text| json!({"level": "error", "message": {"text": plain(text)}})).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "logsift", "version": version, "rules": rules.values().collect::<Vec<_>>()}},
            "invocations": [{"executionSuccessful": not_scanned.is_empty(), "toolExecutionNotifications": notes}],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

fn rule(finding: &Finding) -> Value {
    json!({
        "id": finding.rule,
        "name": finding.rule_name,
        "shortDescription": {"text": finding.rule_name},
        "help": {"text": finding.remediation},
        "properties": {"tags": [finding.category, finding.provider]},
    })
}

fn result(finding: &Finding, index: Option<usize>, at: &[Location<'_>]) -> Value {
    let places: Vec<String> = finding.places.keys().map(|place| plain(place)).take(3).collect();
    let more = finding.places.len().saturating_sub(places.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let times = counted(finding.count, "time");
    let text = format!("{} {}, {times} in {}{more}", finding.rule_name, finding.mask, places.join(", "));
    let first = |time: Option<crate::model::Micros>| time.map(|time| time.to_string());
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Info => "note",
        },
        "message": {"text": text},
        "locations": at.iter().map(location).collect::<Vec<_>>(),
        "partialFingerprints": {"logsift/v1": finding.fingerprint},
        "occurrenceCount": finding.count,
        "properties": {
            "severity": finding.severity, "confidence": finding.confidence, "category": finding.category,
            "firstSeen": first(finding.first_seen), "lastSeen": first(finding.last_seen),
        },
    })
}

/// Columns of SARIF count characters, ours bytes: ours stands among the properties.
fn location(at: &Location<'_>) -> Value {
    let place = at.place;
    let line = if place.line > 0 { place.line } else { place.record.max(1) };
    let mut value = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&place.path)},
            "region": {"startLine": line},
        },
        "properties": {"byteColumn": at.column, "eventId": place.event_id, "context": at.context},
    });
    if let Some(resource) = &place.resource {
        value["logicalLocations"] = json!([{"fullyQualifiedName": plain(resource), "kind": "resource"}]);
    }
    value
}

/// A path as a URI reference; URIs of objects stay as they are.
fn uri(path: &str) -> String {
    let is_uri = path.contains("://") || path.starts_with("arn:");
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
        if plain || (is_uri && b":?#%".contains(&byte)) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Text that does nothing to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_uris_are_not() {
        assert_eq!(uri("logs/a b#1?.log"), "logs/a%20b%231%3F.log");
        assert_eq!(uri("s3://bucket/k?versionId=1"), "s3://bucket/k?versionId=1");
        assert_eq!(uri("é"), "%C3%A9");
    }
}
