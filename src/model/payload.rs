//! Whole requests, responses or events that a resource logs.

use super::severity::Severity;
use super::time::Micros;
use serde::Serialize;

/// One kind of payload in one log group (or other resource). Names, paths and the shape are log content: they go
/// through the Masker before they are shown.
#[derive(Clone, Debug, Serialize)]
pub struct PayloadLog {
    /// Log group, stage, function; the table where events name none.
    pub resource: String,
    pub source_table: String,
    /// Kebab-case: `apigateway-rest-event`.
    pub kind: &'static str,
    pub title: &'static str,
    /// Events that hold such a payload, and all events of the resource.
    pub events: u64,
    pub of_events: u64,
    /// The same in bytes of raw text.
    pub bytes: u64,
    pub of_bytes: u64,
    /// Events whose body, message or input is there and not empty.
    pub with_body: u64,
    /// Bytes of the largest event.
    pub largest: u64,
    pub first_seen: Option<Micros>,
    pub last_seen: Option<Micros>,
    /// The earliest event that has a body, else the earliest.
    pub event_id: String,
    /// Its structure, with types and lengths in place of values.
    pub shape: String,
    /// Worst first.
    pub fields: Vec<PayloadField>,
    /// What in code or configuration usually does it.
    pub cause: &'static str,
    /// What to change.
    pub remedy: &'static str,
}

impl PayloadLog {
    /// Of the resource's events, between 0 and 1.
    pub fn share_of_events(&self) -> f64 {
        self.events as f64 / self.of_events.max(1) as f64
    }

    /// Of the resource's bytes, between 0 and 1.
    pub fn share_of_bytes(&self) -> f64 {
        self.bytes as f64 / self.of_bytes.max(1) as f64
    }

    /// The worst of what the last scan found in its fields.
    pub fn severity(&self) -> Severity {
        self.fields.iter().filter_map(|field| field.severity).max().unwrap_or(Severity::Medium)
    }
}

/// One field of a payload: of one that the last scan found something in, what that was; else a large one.
#[derive(Clone, Debug, Serialize)]
pub struct PayloadField {
    /// As a finding's `context` has it: `json($.body) → json($.customer.email)`.
    pub path: String,
    /// Rules of the last scan's findings there, with the number of different secrets.
    pub found: Vec<(String, u64)>,
    pub severity: Option<Severity>,
    /// Bytes of its values in the events that were looked at for their structure.
    pub bytes: u64,
}
