//! One secret, however often it was logged.

use super::severity::{Confidence, Severity};
use super::time::Micros;
use serde::Serialize;
use std::collections::BTreeMap;

/// The aggregate of one secret. Holds a mask and a keyed fingerprint, never the value.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `HMAC-SHA256(key, secret)` in hex. The rule is no part of it: a renamed rule is no new secret.
    pub fingerprint: String,
    /// Which key made the fingerprint; fingerprints of different keys cannot be compared.
    pub key_id: String,
    pub rule: String,
    pub rule_name: String,
    pub category: String,
    pub provider: String,
    pub severity: Severity,
    pub confidence: Confidence,
    pub mask: String,
    /// Number of occurrences.
    pub count: u64,
    pub first_seen: Option<Micros>,
    pub last_seen: Option<Micros>,
    /// Occurrences per log group, resource or file.
    pub places: BTreeMap<String, u64>,
    /// Ids that may be shown and joined, as name and value.
    pub public_ids: Vec<(String, String)>,
    /// Facts read from the value by its validator, as name and value.
    pub facts: Vec<(String, String)>,
    pub remediation: String,
}
