//! Nothing is lost without being counted.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a record became a reject. The bytes are kept and scanned all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// No format claims the record.
    UnknownFormat,
    /// The object's format is known, this record does not follow it.
    Malformed,
    /// The record is longer than the framer's limit; it is kept in segments.
    TooLong,
    /// The object ended in the middle of this record.
    Truncated,
}

impl RejectReason {
    pub const ALL: [Self; 4] = [Self::UnknownFormat, Self::Malformed, Self::TooLong, Self::Truncated];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownFormat => "unknown_format",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Truncated => "truncated",
        }
    }

    /// What a person can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::UnknownFormat => "name the format with --format, see `logsift formats list`",
            Self::Malformed => "look at the lines with `logsift lake rejects`; they are scanned all the same",
            Self::TooLong => "kept in segments and scanned; no AWS log line is this long, look at where it comes from",
            Self::Truncated => "fetch the object again and import the whole of it",
        }
    }
}

/// A record that could not be parsed: a value beside the result, never an abort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub reason: RejectReason,
    /// What was wrong, without quoting the record (it may hold secrets).
    pub detail: String,
}

impl Reject {
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self { reason: RejectReason::Malformed, detail: detail.into() }
    }
}

/// Counts of one object or import: `records_in == events + rejects + ignored + duplicates`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub records_in: u64,
    /// By source table.
    pub events: BTreeMap<String, u64>,
    /// By [`RejectReason`].
    pub rejects: BTreeMap<String, u64>,
    /// By reason: headers, control messages, test objects.
    pub ignored: BTreeMap<String, u64>,
    /// Already in the lake, by source table.
    pub duplicates: BTreeMap<String, u64>,
}

impl Tally {
    pub fn total(map: &BTreeMap<String, u64>) -> u64 {
        map.values().sum()
    }

    pub fn is_balanced(&self) -> bool {
        let out = [&self.events, &self.rejects, &self.ignored, &self.duplicates].map(Self::total);
        self.records_in == out.iter().sum::<u64>()
    }

    pub fn count(map: &mut BTreeMap<String, u64>, key: &str) {
        match map.get_mut(key) {
            Some(n) => *n += 1,
            None => {
                map.insert(key.to_owned(), 1);
            }
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.records_in += other.records_in;
        let pairs = [
            (&mut self.events, &other.events),
            (&mut self.rejects, &other.rejects),
            (&mut self.ignored, &other.ignored),
            (&mut self.duplicates, &other.duplicates),
        ];
        for (into, from) in pairs {
            for (key, n) in from {
                *into.entry(key.clone()).or_default() += n;
            }
        }
    }
}
