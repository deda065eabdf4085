//! Something a detector says about events.

use super::severity::Severity;
use super::time::Micros;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One detection; text fields hold log content and go through the Masker before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Id of the detector, kebab-case.
    pub detector: Cow<'static, str>,
    pub title: String,
    pub severity: Severity,
    /// ATT&CK technique id.
    pub technique: Cow<'static, str>,
    pub first_seen: Micros,
    pub last_seen: Micros,
    /// Number of events behind it.
    pub events: u64,
    pub source_table: String,
    pub actor: Option<String>,
    pub source_ip: Option<String>,
    pub target: Option<String>,
    pub outcome: Option<String>,
    /// Event id of the first event behind it.
    pub event_id: Option<String>,
    /// Addresses and access key ids to follow from here: the attacker's, not the victim's.
    pub follow_ips: Vec<String>,
    pub follow_keys: Vec<String>,
}
