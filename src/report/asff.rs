//! AWS Security Finding Format, for `aws securityhub batch-import-findings`. Facts: AWS, "Required top-level ASFF
//! attributes" and "Types taxonomy for ASFF".

use super::text::counted;
use crate::model::{Finding, Micros, Severity};
use serde_json::{Value, json};
use std::io;

/// Characters of a title and of a description at most, and resources of a finding.
const TITLE: usize = 256;
const DESCRIPTION: usize = 1024;
const RESOURCES: usize = 32;

/// Whom the findings are for.
pub struct Hub<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub now: Micros,
}

/// Writes the findings as a JSON array; one call of BatchImportFindings takes a hundred.
pub fn write(out: &mut dyn io::Write, hub: &Hub<'_>, findings: &[Finding]) -> io::Result<()> {
    let all: Vec<Value> = findings.iter().map(|finding| one(finding, hub)).collect();
    serde_json::to_writer_pretty(&mut *out, &all)?;
    out.write_all(b"\n")
}

fn one(finding: &Finding, Hub { account, region, now }: &Hub<'_>) -> Value {
    let partition = match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let place = finding.places.iter().max_by_key(|(_, n)| **n).map_or("", |(place, _)| place.as_str());
    let resource = |name: &String| json!({"Type": "Other", "Id": name, "Partition": partition, "Region": region});
    let resources: Vec<Value> = finding.places.keys().take(RESOURCES).map(resource).collect();
    let title = format!("{} in {place}", finding.rule_name);
    let description = format!(
        "{} ({}) was logged {}, in {}. Confidence: {}.",
        finding.rule_name,
        finding.mask,
        counted(finding.count, "time"),
        counted(finding.places.len() as u64, "place"),
        finding.confidence
    );
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("logsift/{}", finding.fingerprint),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": format!("logsift/{}", finding.rule),
        "AwsAccountId": account,
        "Types": [format!("Sensitive Data Identifications/{}", kind(&finding.category))],
        "CreatedAt": finding.first_seen.unwrap_or(*now).to_string(),
        "UpdatedAt": now.to_string(),
        "FirstObservedAt": finding.first_seen.map(|time| time.to_string()),
        "LastObservedAt": finding.last_seen.map(|time| time.to_string()),
        "Severity": {"Label": label(finding.severity)},
        "Confidence": match finding.confidence.as_str() { "high" => 95, "medium" => 60, _ => 20 },
        "Title": title.chars().take(TITLE).collect::<String>(),
        "Description": description.chars().take(DESCRIPTION).collect::<String>(),
        "Remediation": {"Recommendation": {"Text": finding.remediation.chars().take(512).collect::<String>()}},
        "Resources": resources,
        "RecordState": "ACTIVE",
    })
}

/// Category of the types taxonomy.
fn kind(category: &str) -> &'static str {
    match category {
        "credential" | "token" | "key" => "Passwords",
        "financial" => "Financial",
        _ => "PII",
    }
}

const fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}
