//! A credential that was written to a log, and what became of it.

use super::entry::Entry;
use super::severity::Severity;
use super::time::Micros;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What the logs say of a leaked credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No use after the leak in the logs there are.
    NoUseSeen,
    /// Nothing in the lake could show a use of such a credential.
    NotVisible,
    /// Used after the leak, from where it was used before, or from where we are.
    UsedAsBefore,
    /// Used after the leak from an address that had not used it before.
    UsedFromSomewhereNew,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoUseSeen => "no use seen",
            Self::NotVisible => "not visible",
            Self::UsedAsBefore => "used as before",
            Self::UsedFromSomewhereNew => "used from somewhere new",
        }
    }
}

/// Uses of a credential in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uses {
    pub events: u64,
    pub denied: u64,
    pub first: Option<Micros>,
    pub last: Option<Micros>,
    pub source_ips: BTreeMap<String, u64>,
    pub user_agents: BTreeMap<String, u64>,
    pub regions: BTreeMap<String, u64>,
    pub services: BTreeMap<String, u64>,
    /// When each address used it first.
    #[serde(skip)]
    pub first_by_ip: BTreeMap<String, Micros>,
}

/// What uses after the leak have that those before had not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewUse {
    pub first: Option<Micros>,
    pub source_ips: BTreeSet<String>,
    pub user_agents: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    pub services: BTreeSet<String>,
}

/// Where it was written, and who can read that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeakPlace {
    pub place: String,
    pub count: u64,
    /// What the posture table says: `never expires`, `30 days`, `no KMS key`; empty where there is none.
    pub readable: Vec<String>,
}

/// Who read a place after the credential was written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogReader {
    pub actor: String,
    pub source_ip: Option<String>,
    pub action: String,
    pub place: String,
    pub count: u64,
    pub first: Micros,
    pub last: Micros,
}

/// One leaked credential: an access key with its secret and session token, a token, a password.
#[derive(Clone, Debug, Serialize)]
pub struct Exposure {
    pub verdict: Verdict,
    pub severity: Severity,
    /// Access key id, else the mask of the value.
    pub credential: String,
    /// Rules of the findings that it is made of.
    pub rules: BTreeSet<String>,
    pub fingerprints: BTreeSet<String>,
    /// Whom a token names: uses are also requests by that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The leaked credential that made this one, where this one was not found in a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<String>,
    pub first_written: Micros,
    pub last_written: Micros,
    pub written: u64,
    pub places: Vec<LeakPlace>,
    pub readers: Vec<LogReader>,
    /// Whether it lives still: `expired 2026-03-06T15:00:00Z`, `Active (seen …)`, `not known`.
    pub life: String,
    pub before: Uses,
    pub after: Uses,
    pub new: NewUse,
    /// What is linked to it, in time order; only where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Entry>,
}

/// What the answer rests on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExposureCoverage {
    /// Tables that can show uses, with first and last time.
    pub tables: Vec<(String, Option<Micros>, Option<Micros>)>,
    /// Stretches in which uses would not be seen.
    pub gaps: Vec<String>,
}
