//! Findings put together to credentials: a secret key and a session token belong to the key id beside them.

use super::readers::Posture;
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Confidence, Finding, Link, Micros, Severity, TimeRange};
use std::collections::{BTreeMap, BTreeSet};

/// A credential that was written to logs.
pub(super) struct Leak {
    pub name: String,
    pub rules: BTreeSet<String>,
    pub fingerprints: BTreeSet<String>,
    /// AWS access key id.
    pub key: Option<String>,
    pub issued_by: Option<String>,
    /// Event ids of the places where it stands: those are no uses.
    pub written_in: BTreeSet<String>,
    pub source_objects: BTreeSet<String>,
    pub first_written: Micros,
    pub last_written: Micros,
    pub written: u64,
    pub places: BTreeMap<String, u64>,
    pub severity: Severity,
    /// `exp` of a token.
    expires: Option<String>,
    /// `sub` of a token: API Gateway logs whom a token names, not the token.
    pub subject: Option<String>,
    /// Whether the lake has what could show a use.
    pub visible: bool,
    /// Whether the value stands in a request.
    pub requested: bool,
}

/// Tables of requests that carry tokens.
pub(super) const REQUESTS: [&str; 8] =
    ["alb", "clb", "apigateway", "cloudfront", "cloudfront_realtime", "waf", "s3access", "apigateway_execution"];

/// Where each fingerprint stands.
#[derive(Default)]
struct Places {
    events: BTreeMap<String, BTreeSet<String>>,
    objects: BTreeMap<String, BTreeSet<String>>,
    /// Fingerprints that stand in requests.
    requested: BTreeSet<String>,
}

impl Places {
    fn load(lake: &Lake, wanted: &BTreeSet<&str>) -> Result<Self, FrameError> {
        let mut places = Self::default();
        let Some(table) = frame::table(lake, "occurrences", TimeRange::default())? else {
            return Ok(places);
        };
        let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        let columns = ["fingerprint", "event_id", "source_object", "source_table"];
        let plan = table.filter(frame::is_in("fingerprint", wanted)).select(columns.map(polars::prelude::col));
        let cells = Cells::collect(plan)?;
        let [fingerprints, events, objects, tables] = columns.map(|column| cells.texts(column));
        for row in 0..cells.rows() {
            if let (Some(fingerprint), Some(event), Some(object)) =
                (fingerprints.get(row), events.get(row), objects.get(row))
            {
                places.events.entry(fingerprint.to_owned()).or_default().insert(event.to_owned());
                places.objects.entry(fingerprint.to_owned()).or_default().insert(object.to_owned());
                if tables.get(row).is_some_and(|table| REQUESTS.contains(&table)) {
                    places.requested.insert(fingerprint.to_owned());
                }
            }
        }
        Ok(places)
    }
}

/// Credentials of medium confidence and better. A key id alone is none, and what only CloudTrail has was logged by
/// AWS itself.
pub(super) fn of(lake: &Lake, findings: &[Finding]) -> Result<Vec<Leak>, FrameError> {
    let credential = |finding: &&Finding| {
        let secret = matches!(finding.category.as_str(), "credential" | "token" | "key");
        let leaked = finding.places.keys().any(|place| place != "cloudtrail" && !place.ends_with(".amazonaws.com"));
        secret && leaked && finding.confidence >= Confidence::Medium && finding.first_seen.is_some()
    };
    let chosen: Vec<&Finding> = findings.iter().filter(credential).collect();
    let places = Places::load(lake, &chosen.iter().map(|finding| finding.fingerprint.as_str()).collect())?;
    let keys = keys_beside(lake, &chosen, &places)?;
    let tables = lake.tables();
    let mut leaks: BTreeMap<String, Leak> = BTreeMap::new();
    for finding in chosen.iter().filter(|finding| key_id(finding).is_none()) {
        let events = places.events.get(&finding.fingerprint).cloned().unwrap_or_default();
        let objects = places.objects.get(&finding.fingerprint).cloned().unwrap_or_default();
        let key = finding.rule.starts_with("aws-").then(|| events.iter().find_map(|event| keys.get(event))).flatten();
        let name = key.cloned().unwrap_or_else(|| finding.mask.clone());
        let id = key.cloned().unwrap_or_else(|| finding.fingerprint.clone());
        let visible = key.is_some() && tables.contains(&"cloudtrail");
        let leak = leaks.entry(id).or_insert_with(|| Leak::new(name, key.cloned(), visible));
        leak.requested |= places.requested.contains(&finding.fingerprint);
        leak.visible |= leak.key.is_none() && leak.requested;
        leak.add(finding, events, objects);
    }
    Ok(leaks.into_values().collect())
}

fn key_id(finding: &Finding) -> Option<&String> {
    finding.public_ids.iter().find(|(name, _)| name == "access_key_id").map(|(_, id)| id)
}

/// The one key id in each event in which AWS credentials stand: of several none can be chosen.
fn keys_beside(lake: &Lake, chosen: &[&Finding], places: &Places) -> Result<BTreeMap<String, String>, FrameError> {
    let aws = chosen.iter().filter(|finding| finding.rule.starts_with("aws-"));
    let events: Vec<String> = aws.filter_map(|f| places.events.get(&f.fingerprint)).flatten().cloned().collect();
    let mut keys = BTreeMap::new();
    if events.is_empty() {
        return Ok(keys);
    }
    let first = chosen.iter().filter_map(|finding| finding.first_seen).min();
    let last = chosen.iter().filter_map(|finding| finding.last_seen).max();
    let range = TimeRange { from: first, to: last.map(|last| Micros(last.0.saturating_add(1))) };
    if let Some(plan) = frame::events(lake, &lake.tables(), range)? {
        let columns = [schema::EVENT_ID, Link::Key.column()].map(polars::prelude::col);
        let cells = Cells::collect(plan.filter(frame::is_in(schema::EVENT_ID, events)).select(columns))?;
        for row in 0..cells.rows() {
            let mut ids = cells.list(Link::Key.column(), row);
            ids.dedup();
            if let (Some(event), [key]) = (cells.text(schema::EVENT_ID, row), ids.as_slice()) {
                keys.insert(event, key.clone());
            }
        }
    }
    Ok(keys)
}

impl Leak {
    fn new(name: String, key: Option<String>, visible: bool) -> Self {
        Self {
            name,
            rules: BTreeSet::new(),
            fingerprints: BTreeSet::new(),
            key,
            issued_by: None,
            written_in: BTreeSet::new(),
            source_objects: BTreeSet::new(),
            first_written: Micros(i64::MAX),
            last_written: Micros(i64::MIN),
            written: 0,
            places: BTreeMap::new(),
            severity: Severity::Info,
            expires: None,
            subject: None,
            visible,
            requested: false,
        }
    }

    /// A key that a leaked one made: nobody wrote it to a log, who made it has it.
    pub fn issued(key: String, by: &str, time: Micros) -> Self {
        let mut leak = Self::new(key.clone(), Some(key), true);
        leak.issued_by = Some(by.to_owned());
        (leak.first_written, leak.last_written) = (time, time);
        leak.severity = Severity::Critical;
        leak
    }

    fn add(&mut self, finding: &Finding, events: BTreeSet<String>, objects: BTreeSet<String>) {
        self.rules.insert(finding.rule.clone());
        self.fingerprints.insert(finding.fingerprint.clone());
        self.written_in.extend(events);
        self.source_objects.extend(objects);
        self.written = self.written_in.len() as u64;
        self.severity = self.severity.max(finding.severity);
        self.first_written = self.first_written.min(finding.first_seen.unwrap_or(self.first_written));
        self.last_written = self.last_written.max(finding.last_seen.unwrap_or(self.last_written));
        for (place, count) in &finding.places {
            *self.places.entry(place.clone()).or_default() += count;
        }
        let exp = finding.facts.iter().find(|(name, _)| name == "exp").map(|(_, value)| value.clone());
        self.expires = self.expires.take().or(exp);
        let subject = finding.public_ids.iter().find(|(name, _)| name == "sub").map(|(_, value)| value.clone());
        self.subject = self.subject.take().or(subject);
    }

    /// When the token ends; `None` where it does not say.
    pub fn end(&self) -> Option<Micros> {
        self.expires.as_deref().and_then(Micros::parse_rfc3339)
    }

    /// Whether it can be used still, as far as the lake knows.
    pub fn life(&self, posture: &Posture) -> String {
        if let Some(state) = self.key.as_ref().and_then(|key| posture.key(key)) {
            return state;
        }
        if let Some(exp) = &self.expires {
            return format!("expires {exp}");
        }
        match &self.key {
            Some(key) if key.starts_with("ASIA") => "temporary: at most 36 hours, of a role 12".to_owned(),
            _ => "not known".to_owned(),
        }
    }
}
