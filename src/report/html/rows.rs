//! Rows of the page's tables.

use super::cell::{Cell, When, distance};
use super::{Listing, MOST_ROWS};
use crate::model::summary::TableSummary;
use crate::model::{Confidence, Detection, Entry, EntryKind, Finding, Micros, Severity};
use crate::report::text::{date_and_time, number};
use std::collections::HashMap;

/// Places listed per finding.
const MOST_PLACES: usize = 50;
/// Ids or facts listed per finding.
const MOST_PAIRS: usize = 50;

/// Entries of one UTC day that follow each other.
pub struct Day {
    pub date: String,
    pub entries: Vec<EntryRow>,
}

/// One row of the story.
pub struct EntryRow {
    pub when: When,
    /// Distance to the row before; nothing in the first row.
    pub delta: String,
    pub severity: Severity,
    pub kind: EntryKind,
    pub source: Cell,
    pub actor: Cell,
    pub source_ip: Cell,
    pub action: Cell,
    pub target: Cell,
    pub outcome: Cell,
    pub message: Cell,
    pub reference: Cell,
    /// Number of the finding this row is about, when the page shows it.
    pub finding: Option<usize>,
}

impl EntryRow {
    fn new(entry: &Entry, before: Option<Micros>, finding: Option<usize>) -> Self {
        Self {
            when: When::new(entry.time),
            delta: before.map_or_else(String::new, |before| distance(before, entry.time)),
            severity: entry.severity,
            kind: entry.kind,
            source: Cell::new(&entry.source),
            actor: Cell::optional(entry.actor.as_deref()),
            source_ip: Cell::optional(entry.source_ip.as_deref()),
            action: Cell::optional(entry.action.as_deref()),
            target: Cell::optional(entry.target.as_deref()),
            outcome: Cell::optional(entry.outcome.as_deref()),
            message: Cell::optional(entry.message.as_deref()),
            reference: Cell::clipped(&entry.reference, 24),
            finding,
        }
    }
}

/// The story by day, in the order given.
pub fn story(entries: &[Entry], findings: &[Finding]) -> Listing<Day> {
    let numbers: HashMap<&str, usize> =
        findings.iter().take(MOST_ROWS).enumerate().map(|(i, f)| (f.fingerprint.as_str(), i + 1)).collect();
    let mut days: Vec<Day> = Vec::new();
    let mut before = None;
    for entry in entries.iter().take(MOST_ROWS) {
        let finding = match entry.kind {
            EntryKind::Finding => numbers.get(entry.reference.as_str()).copied(),
            EntryKind::Event | EntryKind::Detection => None,
        };
        let row = EntryRow::new(entry, before, finding);
        before = Some(entry.time);
        let date = date_and_time(entry.time).0;
        match days.last_mut() {
            Some(day) if day.date == date => day.entries.push(row),
            _ => days.push(Day { date, entries: vec![row] }),
        }
    }
    Listing { rows: days, left_out: entries.len().saturating_sub(MOST_ROWS) as u64 }
}

/// Detections, the most severe first, then by time.
pub fn by_severity(detections: &[Detection]) -> Vec<&Detection> {
    let mut sorted: Vec<&Detection> = detections.iter().collect();
    sorted.sort_by_key(|d| (std::cmp::Reverse(d.severity), d.first_seen));
    sorted
}

/// One detection.
pub struct DetectionRow {
    pub severity: Severity,
    pub title: Cell,
    pub detector: Cell,
    pub technique: Cell,
    pub first: When,
    pub last: When,
    pub events: String,
    pub source: Cell,
    pub actor: Cell,
    pub source_ip: Cell,
    pub target: Cell,
    pub outcome: Cell,
    pub event_id: Option<Cell>,
}

impl DetectionRow {
    pub fn new(d: &Detection) -> Self {
        Self {
            severity: d.severity,
            title: Cell::new(&d.title),
            detector: Cell::new(&d.detector),
            technique: Cell::new(&d.technique),
            first: When::new(d.first_seen),
            last: When::new(d.last_seen),
            events: number(d.events),
            source: Cell::new(&d.source_table),
            actor: Cell::optional(d.actor.as_deref()),
            source_ip: Cell::optional(d.source_ip.as_deref()),
            target: Cell::optional(d.target.as_deref()),
            outcome: Cell::optional(d.outcome.as_deref()),
            event_id: d.event_id.as_deref().map(|id| Cell::clipped(id, 48)),
        }
    }
}

/// One secret.
pub struct FindingRow {
    /// From 1; makes the row's id.
    pub number: usize,
    pub severity: Severity,
    pub confidence: Confidence,
    pub name: Cell,
    pub rule: Cell,
    /// `provider, category`.
    pub kind: Cell,
    pub mask: Cell,
    pub count: String,
    pub first: Option<When>,
    pub last: Option<When>,
    /// Place and number of occurrences, the most first.
    pub places: Listing<(Cell, String)>,
    /// Public ids, then facts: name and value.
    pub pairs: Listing<(Cell, Cell)>,
    pub remediation: Cell,
    pub fingerprint: Cell,
}

impl FindingRow {
    fn new(number_: usize, f: &Finding) -> Self {
        let mut places: Vec<(&String, u64)> = f.places.iter().map(|(place, n)| (place, *n)).collect();
        places.sort_by_key(|(place, n)| (std::cmp::Reverse(*n), *place));
        let pairs: Vec<&(String, String)> = f.public_ids.iter().chain(&f.facts).collect();
        let kind: Vec<&str> =
            [&f.provider, &f.category].into_iter().filter(|s| !s.is_empty()).map(|s| s.as_str()).collect();
        Self {
            number: number_,
            severity: f.severity,
            confidence: f.confidence,
            name: Cell::new(&f.rule_name),
            rule: Cell::new(&f.rule),
            kind: Cell::new(&kind.join(", ")),
            mask: Cell::clipped(&f.mask, 60),
            count: number(f.count),
            first: f.first_seen.map(When::new),
            last: f.last_seen.map(When::new),
            places: Listing::new(&places, MOST_PLACES, |(place, n)| (Cell::new(place), number(*n))),
            pairs: Listing::new(&pairs, MOST_PAIRS, |(name, value)| (Cell::clipped(name, 40), Cell::new(value))),
            remediation: Cell::long(&f.remediation),
            fingerprint: Cell::clipped(&f.fingerprint, 72),
        }
    }
}

/// Findings, numbered from 1, in the order given.
pub fn findings(findings: &[Finding]) -> Listing<FindingRow> {
    let mut number = 0;
    Listing::new(findings, MOST_ROWS, |f| {
        number += 1;
        FindingRow::new(number, f)
    })
}

/// One source table of the lake.
pub struct TableRow {
    pub name: Cell,
    pub events: String,
    pub first: Option<When>,
    pub last: Option<When>,
    /// 0 to 100, of the largest table.
    pub bar: u64,
}

/// Tables, the largest first.
pub fn tables(tables: &[TableSummary]) -> Vec<TableRow> {
    let mut sorted: Vec<&TableSummary> = tables.iter().collect();
    sorted.sort_by_key(|t| (std::cmp::Reverse(t.events), &t.name));
    let most = sorted.first().map_or(0, |t| t.events).max(1);
    let row = |t: &&TableSummary| TableRow {
        name: Cell::new(&t.name),
        events: number(t.events),
        first: t.first.map(When::new),
        last: t.last.map(When::new),
        bar: (u128::from(t.events) * 100 / u128::from(most)) as u64,
    };
    sorted.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn days_part_the_story_and_distances_run_through() {
        let mut entries: Vec<Entry> = fixture::summary().story.into_iter().take(3).collect();
        let midnight = 20_520 * 86_400_000_000;
        for (entry, at) in entries.iter_mut().zip([midnight - 1_000_000, midnight, midnight + 90_000_000]) {
            entry.time = Micros(at);
        }
        let listing = story(&entries, &[]);
        let lengths: Vec<usize> = listing.rows.iter().map(|day| day.entries.len()).collect();
        assert_eq!(lengths, [1, 2]);
        let deltas: Vec<&str> = listing.rows.iter().flat_map(|d| &d.entries).map(|e| e.delta.as_str()).collect();
        assert_eq!(deltas, ["", "+1.0 s", "+1 m 30 s"]);
    }

    #[test]
    fn a_finding_in_the_story_knows_its_row() {
        let summary = fixture::summary();
        let listing = story(&summary.story, &summary.findings);
        let linked = listing.rows.iter().flat_map(|d| &d.entries).filter(|e| e.kind == EntryKind::Finding);
        assert!(linked.clone().count() > 0);
        assert!(linked.clone().all(|e| e.finding.is_some_and(|n| n >= 1 && n <= summary.findings.len())));
    }

    #[test]
    fn lists_are_cut_at_exactly_the_limit() {
        let one = fixture::finding(0, Severity::Low, &[("a", 1)]);
        assert_eq!(findings(&vec![one.clone(); MOST_ROWS]).left_out, 0);
        let cut = findings(&vec![one; MOST_ROWS + 1]);
        assert_eq!((cut.rows.len(), cut.left_out), (MOST_ROWS, 1));
        assert_eq!(cut.rows.last().map(|f| f.number), Some(MOST_ROWS));
    }

    #[test]
    fn detections_and_tables_are_ranked() {
        let summary = fixture::summary();
        assert!(by_severity(&summary.detections).is_sorted_by(|a, b| a.severity >= b.severity));
        let rows = tables(&summary.tables);
        assert_eq!(rows[0].bar, 100);
        assert!(rows.is_sorted_by(|a, b| a.bar >= b.bar));
    }
}
