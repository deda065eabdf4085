//! Matches → findings: one per secret, however often it was logged.

use crate::model::{Confidence, Finding, Micros, Severity};
use crate::patterns::{PatternSet, RuleMatch};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Makes fingerprints; holds the key.
pub trait KeyedHash: Sync {
    fn fingerprint(&self, secret: &[u8]) -> String;

    /// Names the key without giving it away.
    fn key_id(&self) -> String;
}

/// Name of the fact whether a token was live when it was logged first.
const WHEN_LOGGED: &str = "when_logged";
/// Name of the fact how many values a counted finding stands for.
pub const DIFFERENT: &str = "different";

/// Findings by fingerprint.
#[derive(Default)]
pub struct FindingSet {
    by_fingerprint: HashMap<String, Building>,
}

struct Building {
    finding: Finding,
    /// Index of the rule it is told under: of two equally sure ones the earlier.
    rule: usize,
    /// Of a rule that counts: the different values, by their hashes.
    values: HashSet<u64>,
}

impl FindingSet {
    /// Findings of an earlier scan by the same rules.
    pub fn of(findings: Vec<Finding>, set: &PatternSet) -> Self {
        let rule = |finding: &Finding| set.rules.iter().position(|rule| rule.id == finding.rule);
        let building = |finding: Finding| {
            let rule = rule(&finding).unwrap_or(usize::MAX);
            (finding.fingerprint.clone(), Building { finding, rule, values: HashSet::new() })
        };
        Self { by_fingerprint: findings.into_iter().map(building).collect() }
    }

    /// Counts one match of the finding that the fingerprint names; `value` is a hash of what was found, and
    /// `place` the log group, resource or file it is counted under. Whether it is the finding's first one.
    pub fn add(
        &mut self,
        set: &PatternSet,
        matched: &RuleMatch,
        value: u64,
        (fingerprint, key_id, mask): (&str, &str, &str),
        (place, time): (&str, Option<Micros>),
    ) -> bool {
        let building = self.by_fingerprint.entry(fingerprint.to_owned()).or_insert_with(|| {
            let rule = &set.rules[matched.rule];
            let finding = Finding {
                fingerprint: fingerprint.to_owned(),
                key_id: key_id.to_owned(),
                rule: rule.id.clone(),
                rule_name: rule.name.clone(),
                category: rule.category.as_str().to_owned(),
                provider: rule.provider.clone(),
                severity: matched.severity,
                confidence: matched.confidence,
                mask: mask.to_owned(),
                count: 0,
                first_seen: None,
                last_seen: None,
                places: BTreeMap::new(),
                public_ids: matched.verdict.public_ids.clone(),
                facts: matched.verdict.facts.clone(),
                remediation: rule.remediation.clone(),
            };
            Building { finding, rule: matched.rule, values: HashSet::new() }
        });
        if set.rules[matched.rule].counted {
            building.values.insert(value);
        }
        let surer = matched.confidence > building.finding.confidence;
        if surer || (matched.confidence == building.finding.confidence && matched.rule < building.rule) {
            let rule = &set.rules[matched.rule];
            building.rule = matched.rule;
            building.finding.rule.clone_from(&rule.id);
            building.finding.rule_name.clone_from(&rule.name);
            rule.category.as_str().clone_into(&mut building.finding.category);
            building.finding.provider.clone_from(&rule.provider);
            building.finding.remediation.clone_from(&rule.remediation);
            building.finding.facts.clone_from(&matched.verdict.facts);
            building.finding.public_ids.clone_from(&matched.verdict.public_ids);
        }
        let finding = &mut building.finding;
        finding.severity = finding.severity.max(matched.severity);
        finding.confidence = finding.confidence.max(matched.confidence);
        finding.count += 1;
        *finding.places.entry(place.to_owned()).or_default() += 1;
        note_time(finding, time);
        finding.count == 1
    }

    /// Counts one match more of a counted finding, where it is there already and no less sure; whether it did.
    pub fn again(
        &mut self,
        matched: &RuleMatch,
        value: u64,
        fingerprint: &str,
        (place, time): (&str, Option<Micros>),
    ) -> bool {
        let sure = |building: &&mut Building| building.finding.confidence >= matched.confidence;
        let Some(building) = self.by_fingerprint.get_mut(fingerprint).filter(sure) else {
            return false;
        };
        let Some(places) = building.finding.places.get_mut(place) else {
            return false;
        };
        *places += 1;
        building.finding.count += 1;
        building.values.insert(value);
        note_time(&mut building.finding, time);
        true
    }

    /// Adds another thread's findings.
    pub fn merge(&mut self, other: Self) {
        for (fingerprint, theirs) in other.by_fingerprint {
            match self.by_fingerprint.get_mut(&fingerprint) {
                None => {
                    self.by_fingerprint.insert(fingerprint, theirs);
                }
                Some(ours) => merge_one(ours, theirs),
            }
        }
    }

    /// Worst first: by severity, confidence, count, then fingerprint.
    pub fn into_sorted(self) -> Vec<Finding> {
        let told = |Building { mut finding, values, .. }| {
            note_life(&mut finding);
            if !values.is_empty() {
                note_different(&mut finding, values.len());
            }
            finding
        };
        let mut all: Vec<Finding> = self.by_fingerprint.into_values().map(told).collect();
        sort(&mut all);
        all
    }
}

/// Worst first: by severity, confidence, count, then fingerprint.
pub fn sort(findings: &mut [Finding]) {
    let key = |f: &Finding| -> (std::cmp::Reverse<(Severity, Confidence, u64)>, String) {
        (std::cmp::Reverse((f.severity, f.confidence, f.count)), f.fingerprint.clone())
    };
    findings.sort_by_cached_key(key);
}

fn note_time(finding: &mut Finding, time: Option<Micros>) {
    if let Some(time) = time {
        finding.first_seen = Some(finding.first_seen.map_or(time, |t| t.min(time)));
        finding.last_seen = Some(finding.last_seen.map_or(time, |t| t.max(time)));
    }
}

/// Says of a token that tells its end whether it was good when it was logged first.
fn note_life(finding: &mut Finding) {
    let end = finding.facts.iter().find(|(name, _)| name == "exp").and_then(|(_, exp)| Micros::parse_rfc3339(exp));
    if let (Some(end), Some(logged)) = (end, finding.first_seen) {
        finding.facts.retain(|(name, _)| name != WHEN_LOGGED);
        let life = if logged < end { "live" } else { "expired" };
        finding.facts.push((WHEN_LOGGED.to_owned(), life.to_owned()));
    }
}

/// How many different values a counted finding stands for; of one it shows the mask.
pub fn note_different(finding: &mut Finding, values: usize) {
    finding.facts.retain(|(name, _)| name != DIFFERENT);
    finding.facts.push((DIFFERENT.to_owned(), values.to_string()));
    if values > 1 {
        finding.mask = format!("{values} different");
    }
}

fn merge_one(ours: &mut Building, theirs: Building) {
    ours.values.extend(&theirs.values);
    let better = (theirs.finding.confidence, std::cmp::Reverse(theirs.rule))
        > (ours.finding.confidence, std::cmp::Reverse(ours.rule));
    let (mut keep, other) =
        if better { (theirs.finding, &ours.finding) } else { (ours.finding.clone(), &theirs.finding) };
    keep.severity = keep.severity.max(other.severity);
    keep.count += other.count;
    for (place, n) in &other.places {
        *keep.places.entry(place.clone()).or_default() += n;
    }
    for time in [other.first_seen, other.last_seen] {
        note_time(&mut keep, time);
    }
    if better {
        ours.rule = theirs.rule;
    }
    ours.finding = keep;
}
