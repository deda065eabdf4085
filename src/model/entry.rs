//! One row of a timeline.

use super::field::Common;
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
    /// Rows like this one that it stands for, itself included; 1 unless rows were folded.
    #[serde(skip_serializing_if = "is_one")]
    pub count: u64,
    /// Time of the last of them, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Micros>,
    /// How a pivot came to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<EntryLink>,
    /// What is known of the addresses: `office`, `AWS S3 eu-central-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The common columns of an event, for exports that have a place for each.
    #[serde(skip)]
    pub details: Vec<(Common, Detail)>,
}

fn is_one(count: &u64) -> bool {
    *count == 1
}

/// By which link a pivot reached an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryLink {
    /// `start`, `request`, `key`, `session`, `flow`, `ip`, `named`, `target`, `token`.
    pub by: &'static str,
    /// The value that both have.
    pub value: String,
    /// Steps from the start; what the question itself names is 0.
    pub hop: u32,
}

/// A value of a common column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Text(String),
    Int(i64),
    Time(Micros),
}

impl Entry {
    /// The common column's text.
    pub fn text(&self, common: Common) -> Option<&str> {
        match self.detail(common)? {
            Detail::Text(text) => Some(text),
            Detail::Int(_) | Detail::Time(_) => None,
        }
    }

    /// The common column's number.
    pub fn int(&self, common: Common) -> Option<i64> {
        match self.detail(common)? {
            Detail::Int(number) => Some(*number),
            Detail::Text(_) | Detail::Time(_) => None,
        }
    }

    /// The common column's time.
    pub fn instant(&self, common: Common) -> Option<Micros> {
        match self.detail(common)? {
            Detail::Time(time) => Some(*time),
            Detail::Text(_) | Detail::Int(_) => None,
        }
    }

    fn detail(&self, common: Common) -> Option<&Detail> {
        self.details.iter().find(|(column, _)| *column == common).map(|(_, value)| value)
    }
}
