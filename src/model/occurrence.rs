//! One place where a secret stands.

use super::text::Text;
use super::time::Micros;
use serde::{Deserialize, Serialize};

/// Where a scanned record lies: an event of the lake, or a line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// File path, or source object of the event; `-` is stdin.
    pub path: Text,
    /// From 1; 0 where lines have no meaning (a lake event).
    pub line: u64,
    /// Record number in the object, from 1; 0 for files.
    pub record: u64,
    pub event_id: Option<String>,
    pub event_time: Option<Micros>,
    pub source_table: Option<Text>,
    /// Log group, load balancer, function: what to fix.
    pub resource: Option<Text>,
}

/// What an offline validator found out; empty where there was nothing to check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// A checksum or structure check: passed, failed, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<bool>,
    /// Facts read from the value, as name and value: `brand`, `alg`, `exp`. Never secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
    /// Ids that may be shown and joined: access key id, JWT iss/sub/jti/kid, user@host of a URI.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub public_ids: Vec<(String, String)>,
}

/// Where people may read it as RFC 3339, else the number.
impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("no time as RFC 3339 writes it"))
    }
}

impl Serialize for Micros {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}
