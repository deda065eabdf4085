//! Rows of the lake, findings and detections as entries of a timeline.

use super::query::TimelineQuery;
use crate::frame::{Cells, Texts};
use crate::lake::schema;
use crate::model::{Common, Detail, Detection, Entry, EntryKind, Finding, Kind, Micros, Severity};

/// What a story is made of beside events.
#[derive(Clone, Copy)]
pub struct StorySources<'a> {
    pub findings: &'a [Finding],
    pub detections: &'a [Detection],
}

/// What of an event is wanted beside who, what and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing more: for counting and grouping.
    Bare,
    /// The record's text.
    Message,
    /// The record's text and every common column.
    Details,
}

const TOLD: [Common; 11] = [
    Common::EventTime,
    Common::UserArn,
    Common::UserName,
    Common::Resource,
    Common::SourceIp,
    Common::EventAction,
    Common::Target,
    Common::EventOutcome,
    Common::HttpStatus,
    Common::ErrorCode,
    Common::AccessKeyId,
];

impl Wanted {
    /// The columns that are read.
    pub fn columns(self) -> Vec<&'static str> {
        let commons: &[Common] = if self == Self::Details { Common::ALL } else { &TOLD };
        let mut columns: Vec<_> = commons.iter().map(|common| common.name()).collect();
        columns.extend([schema::EVENT_ID, schema::SOURCE_TABLE]);
        if self != Self::Bare {
            columns.push(schema::RAW);
        }
        columns
    }
}

/// Reads rows of events that have the columns of a [`Wanted`].
pub(super) struct EventRows<'c> {
    cells: &'c Cells,
    wanted: Wanted,
    table: Texts<'c>,
    id: Texts<'c>,
    raw: Texts<'c>,
    commons: Vec<Texts<'c>>,
}

impl<'c> EventRows<'c> {
    pub fn new(cells: &'c Cells, wanted: Wanted) -> Self {
        let commons = Common::ALL.iter().map(|common| cells.texts(common.name())).collect();
        let [table, id, raw] = [schema::SOURCE_TABLE, schema::EVENT_ID, schema::RAW].map(|name| cells.texts(name));
        Self { cells, wanted, table, id, raw, commons }
    }

    fn text(&self, common: Common, row: usize) -> Option<&'c str> {
        self.commons[common as usize].get(row)
    }

    /// `None` for a row without a time.
    pub fn entry(&self, row: usize) -> Option<Entry> {
        let text = |common: Common| self.text(common, row).map(str::to_owned);
        let outcome = self.text(Common::EventOutcome, row);
        let status = self.cells.int(Common::HttpStatus.name(), row).map(|status| status.to_string());
        let parts = [outcome, status.as_deref(), self.text(Common::ErrorCode, row)];
        let shown = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(Entry {
            time: self.cells.time(Common::EventTime.name(), row)?,
            kind: EntryKind::Event,
            source: self.table.get(row)?.to_owned(),
            severity: if outcome == Some("failure") { Severity::Low } else { Severity::Info },
            actor: text(Common::UserArn).or_else(|| text(Common::UserName)).or_else(|| text(Common::Resource)),
            source_ip: text(Common::SourceIp),
            action: text(Common::EventAction),
            target: text(Common::Target),
            outcome: (!shown.is_empty()).then_some(shown),
            message: self.raw.get(row).map(str::to_owned),
            reference: self.id.get(row)?.to_owned(),
            count: 1,
            last: None,
            link: None,
            network: None,
            details: if self.wanted == Wanted::Details { self.details(row) } else { Vec::new() },
        })
    }

    fn details(&self, row: usize) -> Vec<(Common, Detail)> {
        let value = |common: Common| match common.kind() {
            Kind::Str | Kind::Json => self.text(common, row).map(|text| Detail::Text(text.to_owned())),
            Kind::Int => self.cells.int(common.name(), row).map(Detail::Int),
            Kind::Time => self.cells.time(common.name(), row).map(Detail::Time),
            Kind::Float | Kind::Bool => None,
        };
        Common::ALL.iter().filter_map(|common| Some((*common, value(*common)?))).collect()
    }
}

/// Findings and detections that the question is about, by time, then severity and reference.
pub(super) fn beside(query: &TimelineQuery, sources: &StorySources<'_>) -> Vec<Entry> {
    let least = query.min_severity.unwrap_or(Severity::Info);
    let wanted = |time: Micros, severity: Severity| query.range.contains(time) && severity >= least;
    let same = |asked: &str, id: &str| id == asked || (asked.len() >= 8 && id.starts_with(asked));
    let by_id =
        |ids: &[&str]| query.ids.is_empty() || query.ids.iter().any(|asked| ids.iter().any(|id| same(asked, id)));
    let mut entries = Vec::new();
    for finding in sources.findings {
        let ids: Vec<&str> =
            finding.public_ids.iter().map(|(_, id)| id.as_str()).chain([finding.fingerprint.as_str()]).collect();
        if let Some(time) = finding.first_seen
            && wanted(time, finding.severity)
            && !query.is_about_events()
            && by_id(&ids)
        {
            entries.push(finding_entry(finding, time));
        }
    }
    for detection in sources.detections {
        let ids: Vec<&str> =
            detection.follow_keys.iter().map(String::as_str).chain(detection.event_id.as_deref()).collect();
        if wanted(detection.first_seen, detection.severity) && is_about(query, detection) && by_id(&ids) {
            entries.push(detection_entry(detection));
        }
    }
    entries.sort_by_key(|entry| (entry.time, entry.kind));
    entries
}

/// Detections have an address, an actor and a table; of other filters they know nothing.
fn is_about(query: &TimelineQuery, detection: &Detection) -> bool {
    let inside = |ip: &String| ip.parse().is_ok_and(|ip| query.networks.iter().any(|net| net.contains(ip)));
    let address = query.networks.is_empty() || detection.source_ip.as_ref().is_some_and(inside);
    let actor = query.actors.is_empty()
        || query.actors.iter().any(|a| detection.actor.as_ref().is_some_and(|d| d.contains(a.as_str())));
    let table = query.tables.is_empty() || query.tables.contains(&detection.source_table);
    let rest = query.texts.is_empty() && query.resources.is_empty() && query.outcomes.is_empty() && query.sql.is_none();
    address && actor && table && rest
}

pub(super) fn finding_entry(finding: &Finding, time: Micros) -> Entry {
    let place = finding.places.iter().max_by_key(|(_, n)| **n).map(|(place, _)| place.clone());
    let times = if finding.count == 1 { "once".to_owned() } else { format!("{} times", finding.count) };
    let until = finding.last_seen.filter(|last| *last != time).map(|last| format!(", last {last}")).unwrap_or_default();
    let ids: Vec<String> = finding.public_ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
    Entry {
        time,
        kind: EntryKind::Finding,
        source: "findings".to_owned(),
        severity: finding.severity,
        actor: None,
        source_ip: None,
        action: Some(format!("secret logged: {}", finding.rule)),
        target: place,
        outcome: Some(finding.confidence.as_str().to_owned()),
        message: Some(
            format!("{} {}, {times}{until} {}", finding.rule_name, finding.mask, ids.join(" ")).trim().to_owned(),
        ),
        reference: finding.fingerprint.clone(),
        count: 1,
        last: None,
        link: None,
        network: None,
        details: Vec::new(),
    }
}

pub(super) fn detection_entry(detection: &Detection) -> Entry {
    Entry {
        time: detection.first_seen,
        kind: EntryKind::Detection,
        source: "detections".to_owned(),
        severity: detection.severity,
        actor: detection.actor.clone(),
        source_ip: detection.source_ip.clone(),
        action: Some(detection.detector.to_string()),
        target: detection.target.clone(),
        outcome: detection.outcome.clone(),
        message: Some(format!("{} [{}]", detection.title, detection.technique)),
        reference: detection.event_id.clone().unwrap_or_else(|| detection.detector.to_string()),
        count: 1,
        last: None,
        link: None,
        network: None,
        details: Vec::new(),
    }
}
