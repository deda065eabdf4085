//! One row of a timeline.

use super::severity::Severity;
use super::time::Micros;
use serde::Serialize;

/// What kind of thing a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    Event,
    Finding,
    Detection,
}

impl EntryKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Finding => "finding",
            Self::Detection => "detection",
        }
    }
}

/// One row: an event, a finding (at its first sighting) or a detection (at its first event).
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub time: Micros,
    pub kind: EntryKind,
    /// Source table; `findings` or `detections` for those.
    pub source: String,
    pub severity: Severity,
    pub actor: Option<String>,
    pub source_ip: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub outcome: Option<String>,
    /// What the record says, shortened for reading.
    pub message: Option<String>,
    /// Event id, fingerprint or detector id.
    pub reference: String,
}
